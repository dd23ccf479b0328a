/* leftovers.h - what an installation leaves in its folders, removed file by file: a folder may be shared,
 * or a setting may point anywhere, so nothing is deleted that is not ours by name. Thread: any. */
#ifndef EA_MANAGE_LEFTOVERS_H
#define EA_MANAGE_LEFTOVERS_H

#include "../base/err.h"
#include "place.h"

ea_code ea_leftovers_state(const char *data_dir, ea_err *err) EA_CHECK; /* database and lock */
/* The two logs and what a failed start has written, with their rolled copies; a log that a setting has
 * moved elsewhere stays. */
ea_code ea_leftovers_logs(const char *log_dir, ea_err *err) EA_CHECK;
/* State, lock, pid and log of the local control plane. */
ea_code ea_leftovers_local(const char *local_dir, ea_err *err) EA_CHECK;
/* The whole folder in its default place, which is ours; elsewhere this version's files. */
ea_code ea_leftovers_program(const char *program_root, ea_err *err) EA_CHECK;
/* The folders of the default places, where they are empty by now. One that cannot go harms nobody. */
void ea_leftovers_folders(void);

#endif
