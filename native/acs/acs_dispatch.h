/* acs_dispatch.h - message type -> what is done with it, one row each. Decodes by the rules of
 * control-plane.md section 3.2: unknown types and bodies that do not decode are dropped without ack
 * and do not count as activity. Pure: results are appended to `out`. */
#ifndef EA_ACS_ACS_DISPATCH_H
#define EA_ACS_ACS_DISPATCH_H

#include "../engine/engine.h"

struct cJSON;

typedef struct ea_acs_result {
    bool activity;  /* re-arms the inactivity timer */
    bool heartbeat; /* run the health check */
    bool has_event; /* `event` is for the engine; owner takes its members */
    struct ea_event event;
    char *reply;      /* to be sent at once; NULL none; owned */
    const char *type; /* static name of the type; NULL unknown */
    bool dropped;     /* decoded wrongly or by rule: `note` tells why */
    ea_err note;      /* what is worth a log line; code EA_OK none */
} ea_acs_result;
void ea_acs_result_done(ea_acs_result *r);

/* `text` is one whole frame. `r` is filled in any case. */
void ea_acs_dispatch(ea_str text, ea_acs_result *r);

#endif
