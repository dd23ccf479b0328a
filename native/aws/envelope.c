#include "envelope.h"

#include "../base/json.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

/* Names match with case first, then without (control-plane.md section 3.2). */
static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!found)
        found = cJSON_GetObjectItem(object, name);
    return found && !cJSON_IsNull(found) ? found : NULL;
}

void ea_envelope_done(ea_envelope *e)
{
    cJSON_Delete(e->root);
    memset(e, 0, sizeof(*e));
}

ea_code ea_envelope_parse(ea_str text, ea_envelope *out, ea_err *err)
{
    ea_envelope e = { 0 };
    const cJSON *type = NULL, *only = NULL;

    if (ea_json_parse(text, &e.root, err)) {
        err->code = EA_PROTOCOL;
        return ea_wrap(err, "message");
    }
    if (cJSON_IsObject(e.root))
        type = member(e.root, "type");
    if (cJSON_IsString(type) && type->valuestring[0]) {
        e.type = type->valuestring;
        e.message = member(e.root, "message");
        *out = e;
        return EA_OK;
    }
    only = cJSON_IsObject(e.root) ? e.root->child : NULL;
    if (only && !only->next && cJSON_IsString(only) && only->string[0]) {
        e.type = only->string;
        e.error_text = only->valuestring;
        *out = e;
        return EA_OK;
    }
    ea_envelope_done(&e);
    return ea_fail(err, EA_PROTOCOL, "message: neither an envelope nor the error form");
}

static const char *refusal_text(const ea_envelope *e)
{
    const cJSON *text = NULL;

    if (e->error_text)
        return e->error_text;
    text = cJSON_IsObject(e->message) ? member(e->message, "message") : NULL;
    return cJSON_IsString(text) ? text->valuestring : "";
}

/* What goes into a status line: no control characters. */
static void plain(char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < ' ' || (unsigned char)*s == 0x7f)
            *s = ' ';
    }
}

bool ea_envelope_refusal(ea_str body, char *out, size_t out_n)
{
    ea_envelope e = { 0 };
    ea_err ignored;

    if (!ea_envelope_parse(body, &e, &ignored)) {
        (void)snprintf(out, out_n, "%s: %s", e.type, refusal_text(&e)); /* may be cut */
        ea_envelope_done(&e);
    } else {
        size_t n = ea_utf8_cut(body.p ? body.p : "", body.n, out_n - 1 < 200 ? out_n - 1 : 200);

        (void)snprintf(out, out_n, "%.*s", (int)n, body.p ? body.p : ""); /* fits */
    }
    plain(out);
    return strstr(out, "InactiveInstanceException") != NULL;
}
