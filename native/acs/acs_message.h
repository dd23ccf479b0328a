/* acs_message.h - what the agent sends over the communication service, as text of one frame. Pure.
 * Source: control-plane.md sections 3.2, 3.6-3.11. */
#ifndef EA_ACS_ACS_MESSAGE_H
#define EA_ACS_ACS_MESSAGE_H

#include "../base/json.h"

/* Outbound; the caller frees. */
char *ea_acs_ack_text(const char *cluster, const char *instance, const char *message_id);
char *ea_acs_nack_text(const char *cluster, const char *instance, const char *message_id,
                       const char *reason);
char *ea_acs_heartbeat_ack_text(const char *message_id);
char *ea_acs_creds_ack_text(const char *message_id, const char *credentials_id,
                            const char *expiration);
char *ea_acs_stop_candidates_text(const char *message_id, const char *cluster,
                                  const ea_strlist *task_arns);

#endif
