/* envelope.h - the frame of ACS and TCS: {"type":"..","message":{..}}, or the error form
 * {"<TypeName>":"<text>"}. Pure. Source: control-plane.md section 3.2. */
#ifndef EA_AWS_ENVELOPE_H
#define EA_AWS_ENVELOPE_H

#include "../base/buf.h"
#include "../base/err.h"
#include "../base/str.h"

struct cJSON;

typedef struct ea_envelope {
    struct cJSON *root;          /* owned */
    const char *type;            /* borrowed from root */
    const struct cJSON *message; /* borrowed from root; NULL in the error form or when absent */
    const char *error_text;      /* error form alone */
} ea_envelope;

/* EA_PROTOCOL: neither form. */
ea_code ea_envelope_parse(ea_str text, ea_envelope *out, ea_err *err) EA_CHECK;
void ea_envelope_done(ea_envelope *e);

/* "<TypeName>: <text>" from the body that refused a handshake; the body's start otherwise. `out`
 * always ends in NUL. True when it names InactiveInstanceException (control-plane.md 3.3). */
bool ea_envelope_refusal(ea_str body, char *out, size_t out_n);

#endif
