/* tcs_message.h - bodies of what the telemetry session publishes, cut into messages of at most 10
 * tasks and 1 MiB. Pure. Source: control-plane.md sections 4.4, 4.6, 4.7. */
#ifndef EA_REPORT_TCS_MESSAGE_H
#define EA_REPORT_TCS_MESSAGE_H

#include "../base/json.h"

#define EA_TCS_TASKS_MAX 10
#define EA_TCS_BODY_MAX  1048576

struct ea_tcs_ids { /* borrowed */
    const char *cluster, *instance_arn, *message_id;
};
/* Appends messages {"type":..,"message":..} to `out`, each ending where its timestamp is to be, see
 * ea_tcs_stamp(). `tasks`: JSON objects as text, one a task; empty and idle: the idle
 * message; empty and not idle: nothing. A task bigger than EA_TCS_BODY_MAX is left out and counted
 * in the return value. */
size_t ea_tcs_metrics_messages(const struct ea_tcs_ids *ids, const ea_strlist *tasks, bool idle,
                               ea_strlist *out);
size_t ea_tcs_health_messages(const struct ea_tcs_ids *ids, const ea_strlist *tasks,
                              ea_strlist *out);
/* The message with its time of sending. */
void ea_tcs_stamp(const char *message, int64_t wall_ms, ea_buf *out);

typedef enum ea_runtime_status {
    EA_RUNTIME_INITIALIZING,
    EA_RUNTIME_OK,
    EA_RUNTIME_IMPAIRED,
} ea_runtime_status;
/* One PublishInstanceStatusRequest, ready to send; ids->message_id is its requestId. */
void ea_tcs_status_message(const struct ea_tcs_ids *ids, ea_runtime_status status,
                           int64_t updated_ms, int64_t changed_ms, int64_t wall_ms, ea_buf *out);

#endif
