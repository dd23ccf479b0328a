/* acs_message.h - frames of the agent communication service: inbound text -> type and body or event
 * for the engine; outbound messages -> text. Pure. Source: control-plane.md sections 3.2, 3.6-3.11. */
#ifndef EA_ACS_ACS_MESSAGE_H
#define EA_ACS_ACS_MESSAGE_H

#include "../engine/engine.h"

struct cJSON;

/* The envelope {"type":..,"message":{..}} or the error form {"<TypeName>":"<text>"}. */
typedef struct ea_envelope {
    struct cJSON *root;          /* owned */
    const char *type;            /* borrowed from root */
    const struct cJSON *message; /* borrowed from root; NULL in the error form or when absent */
    const char *error_text;      /* error form alone */
} ea_envelope;
ea_code ea_envelope_parse(ea_str text, ea_envelope *out, ea_err *err) EA_CHECK;
void ea_envelope_done(ea_envelope *e);

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
