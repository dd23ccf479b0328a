/* log_file.h - the agent's log file: appended, rolled by size, old ones counted.
 * Thread: any (under the log's lock). */
#ifndef EA_AGENT_LOG_FILE_H
#define EA_AGENT_LOG_FILE_H

#include "config.h"

/* Points the log where ECS_LOGFILE, ECS_LOGLEVEL and ECS_LOG_OUTPUT_FORMAT say; standard error
 * without a file, and also when the file cannot be written (told once). The file may have a level of its own
 * (ECS_LOGLEVEL_ON_INSTANCE); events follow ECS_LOGLEVEL. */
void ea_log_file_configure(const ea_config *config);
int64_t ea_log_file_max(const ea_config *config); /* bytes at which log files roll; 0: never */
void ea_log_file_done(void);                      /* back to standard error */

#endif
