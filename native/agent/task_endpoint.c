#include "task_endpoint.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "register.h"

#include <string.h>

enum {
    ROUND_MS = 30000,
    RETRY_MS = 2000,
    PROOF_MS = 2000
};

struct ea_endpoint {
    ea_agent *ag;
    ea_timer *timer;
    ea_httpc *proof; /* the GET under way */
    bool settled;
};

static void settle(struct ea_endpoint *e, const ea_err *err)
{
    ea_agent *ag = e->ag;
    bool proven = err == NULL;
    bool changed = proven != ag->task_role_proven || !e->settled;

    e->settled = true;
    if (err)
        ea_status_wait(&ag->status, EA_WAIT_TASK_ENDPOINT, err, RETRY_MS);
    else
        ea_status_clear(&ag->status, EA_WAIT_TASK_ENDPOINT);
    ea_timer_arm(e->timer, proven ? ROUND_MS : RETRY_MS);
    if (!changed)
        return;
    ag->task_role_proven = proven;
    if (proven)
        ea_info("task endpoint answers", EA_S("address", EA_TASK_ADDRESS));
    ea_agent_caps_changed(ag);
}

/* Any answer of our own server is the proof: an empty id is refused with its own code. */
static void proved(void *ctx, const ea_httpc_response *r, const ea_err *err)
{
    static const char expected[] = "NoIdInRequest";
    struct ea_endpoint *e = ctx;
    ea_err why = { 0 };

    e->proof = NULL;
    if (err->code) {
        why = *err;
        ea_wrap(&why, "GET through %s", EA_TASK_ADDRESS);
        ea_serve_drop_task_endpoint(
            e->ag->serve); /* listen anew: the address may have been renewed */
        settle(e, &why);
    } else if (r->status != 400 || !strstr(r->body.p, expected)) {
        (void)ea_fail(&why, EA_PROTOCOL, /* the text is what is wanted */
                      "%s port 80 is answered by another server (status %d): stop it or move it",
                      EA_TASK_ADDRESS, r->status);
        settle(e, &why);
    } else {
        settle(e, NULL);
    }
}

static void start_proof(struct ea_endpoint *e)
{
    const ea_httpc_request request = {
        .url = "http://" EA_TASK_ADDRESS "/v2/credentials/",
        .connect_ms = PROOF_MS,
        .total_ms = PROOF_MS,
        .no_proxy = true,
    };
    ea_err err = { 0 };

    e->proof = ea_httpc_start(e->ag->net, &request, proved, e, &err);
    if (!e->proof)
        settle(e, &err);
}

static void round_of_checks(void *arg)
{
    struct ea_endpoint *e = arg;
    ea_err err = { 0 };

    if (e->proof || e->ag->stopping)
        return;
    if (ea_plat_task_address_ensure(EA_TASK_ADDRESS, &err)) {
        ea_wrap(&err, "address %s", EA_TASK_ADDRESS);
        settle(e, &err);
        return;
    }
    if (!ea_serve_has_task_endpoint(e->ag->serve) && ea_serve_task_endpoint(e->ag->serve, &err)) {
        ea_wrap(&err, "listen on %s port 80", EA_TASK_ADDRESS);
        settle(e, &err);
        return;
    }
    start_proof(e);
}

struct ea_endpoint *ea_endpoint_start(ea_agent *ag)
{
    struct ea_endpoint *e = ea_alloc(sizeof(*e));

    e->ag = ag;
    e->timer = ea_timer_new(ag->loop, round_of_checks, e);
    ea_status_wait(&ag->status, EA_WAIT_TASK_ENDPOINT, NULL, 0);
    ea_timer_arm(e->timer, 0);
    return e;
}

void ea_endpoint_free(struct ea_endpoint *e)
{
    if (!e)
        return;
    ea_httpc_drop(e->proof);
    ea_timer_free(e->timer);
    ea_free(e);
}

void ea_endpoint_check(struct ea_endpoint *e)
{
    if (e)
        ea_timer_arm(e->timer, 0);
}

bool ea_endpoint_settled(const struct ea_endpoint *e)
{
    return !e || e->settled;
}

bool ea_endpoint_source_allowed(void *agent, const char *peer)
{
    (void)agent;
    return ea_plat_is_local_source(peer);
}
