/* event_log.h - which lines of the log are events for the system's own log (Windows: application log, with
 * stable ids). Pure but for the write itself. Thread: any; called under the log's lock. */
#ifndef EA_AGENT_EVENT_LOG_H
#define EA_AGENT_EVENT_LOG_H

#include "../base/log.h"
#include "../plat/plat.h"

/* EA_EVENT_NONE: the line is for the log file alone. `msg`: the line's message, without its values. */
ea_event_id ea_event_of(ea_level level, ea_str msg);
/* The first field of that name in a finished line of either format (base/log.h), as text; empty when it has
 * none. Exact for `msg` and for names of waits, which hold no quotes. */
ea_str ea_event_field(ea_str line, const char *name);

/* From now on the log's lines go there too, as ea_log_file_configure() sets up. For a service. */
void ea_event_log_enable(void);
ea_log_sink *ea_event_log_sink(void); /* NULL unless enabled */

#endif
