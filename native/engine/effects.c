#include "effects.h"

#include "../base/alloc.h"

struct ea_effect *ea_effects_add(struct ea_effects *fx, ea_fx_kind kind)
{
    if (fx->n == fx->cap) {
        fx->cap = fx->cap ? 2 * fx->cap : 8;
        fx->v = ea_realloc_array(fx->v, fx->cap, sizeof(*fx->v));
    }
    fx->v[fx->n] = (struct ea_effect){ .kind = kind };
    return &fx->v[fx->n++];
}

void ea_effects_done(struct ea_effects *fx)
{
    for (size_t i = 0; i < fx->n; i++) {
        struct ea_effect *e = &fx->v[i];

        ea_free(e->message_id);
        ea_free(e->cluster_arn);
        ea_free(e->instance_arn);
        ea_free(e->credentials_id);
        ea_free(e->expiration);
        ea_free(e->text);
        ea_strlist_free(&e->arns);
    }
    ea_free(fx->v);
    *fx = (struct ea_effects){ 0 };
}

const char *ea_fx_name(ea_fx_kind kind)
{
    /* clang-format off */
    static const char *const names[] = {
        [EA_FX_RESOLVE]         = "RESOLVE",
        [EA_FX_PULL]            = "PULL",
        [EA_FX_CREATE]          = "CREATE",
        [EA_FX_START]           = "START",
        [EA_FX_STOP]            = "STOP",
        [EA_FX_REMOVE]          = "REMOVE",
        [EA_FX_INSPECT]         = "INSPECT",
        [EA_FX_FIND]            = "FIND",
        [EA_FX_VOLUME_CREATE]   = "VOLUME_CREATE",
        [EA_FX_VOLUME_INSPECT]  = "VOLUME_INSPECT",
        [EA_FX_VOLUME_REMOVE]   = "VOLUME_REMOVE",
        [EA_FX_PING]            = "PING",
        [EA_FX_IMAGE_REMOVE]    = "IMAGE_REMOVE",
        [EA_FX_SURVEY]          = "SURVEY",
        [EA_FX_UNTRACKED_REMOVE] = "UNTRACKED_REMOVE",
        [EA_FX_DISK]            = "DISK",
        [EA_FX_PREPARE]         = "PREPARE",
        [EA_FX_REPORT]          = "REPORT",
        [EA_FX_ACK]             = "ACK",
        [EA_FX_CREDS_ACK]       = "CREDS_ACK",
        [EA_FX_STOP_CANDIDATES] = "STOP_CANDIDATES",
        [EA_FX_WAKE]            = "WAKE",
        [EA_FX_WATCH]           = "WATCH",
        [EA_FX_UNWATCH]         = "UNWATCH",
        [EA_FX_TASK_ENDED]      = "TASK_ENDED",
    };
    /* clang-format on */
    return (size_t)kind < EA_COUNT(names) && names[kind] ? names[kind] : "?";
}

static bool lets_something_out(ea_fx_kind kind)
{
    return kind != EA_FX_WAKE && kind != EA_FX_INSPECT && kind != EA_FX_FIND && kind != EA_FX_PING;
}

bool ea_effects_may_wait(const struct ea_effects *fx)
{
    for (size_t i = 0; i < fx->n; i++)
        if (lets_something_out(fx->v[i].kind))
            return false;
    return true;
}
