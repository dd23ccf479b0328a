#include "task_endpoint.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "docker_link.h"
#include "host_loop.h"

#include <stdio.h>
#include <string.h>

enum {
    PROOF_MS = 2000,
    SETTLE_MS = 100 /* notifications of one change come in a bunch */
};

struct job { /* on the pool: one act, then a look */
    struct ea_endpoint *e;
    const struct ea_host_ops *ops;
    ea_host_act act; /* EA_HOST_REST: only the look */
    uint64_t number;
    struct ea_host_facts facts;
    ea_err err;
};

struct ea_endpoint {
    ea_agent *ag;
    const struct ea_host_ops *ops;
    ea_timer *timer;
    struct ea_hostloop host;
    struct ea_host_facts facts; /* of the last look */
    struct job *job;            /* under way */
    ea_httpc *proof;            /* the GET under way */
    bool again;                 /* something changed meanwhile */
    bool soon;                  /* a look is due in a moment */
    struct {
        char text[512];
        unsigned tries;
    } told[EA_HOST_COND_COUNT]; /* published last */
};

static void advance(struct ea_endpoint *e);

/* ---- looks and acts, on the pool ---- */

static void work(void *arg)
{
    struct job *j = arg;

    if (j->act != EA_HOST_REST && j->ops->act(j->ops->ctx, j->act, j->number, &j->err) == EA_OK)
        j->err.code = EA_OK;
    j->ops->observe(j->ops->ctx, &j->facts);
}

static void worked(void *arg)
{
    struct job *j = arg;
    struct ea_endpoint *e = j->e;

    if (!e) { /* the agent stopped meanwhile */
        ea_free(j);
        return;
    }
    e->job = NULL;
    e->facts = j->facts;
    if (j->act != EA_HOST_REST)
        ea_host_result(&e->host, j->act, j->err.code ? &j->err : NULL, ea_now().mono_ms);
    ea_free(j);
    advance(e);
}

static void start_job(struct ea_endpoint *e, ea_host_act act, uint64_t number)
{
    e->job = ea_alloc(sizeof(*e->job));
    *e->job = (struct job){ .e = e, .ops = e->ops, .act = act, .number = number };
    ea_loop_work(e->ag->loop, work, worked, e->job);
}

static void look(void *arg)
{
    struct ea_endpoint *e = arg;

    e->soon = false;
    if (e->ag->stopping)
        return;
    if (e->job || e->proof)
        e->again = true;
    else
        start_job(e, EA_HOST_REST, 0);
}

/* ---- the proof ---- */

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
    } else if (r->status != 400 || !strstr(r->body.p, expected)) {
        (void)ea_fail(&why, EA_PROTOCOL, /* the text is what is wanted */
                      "%s port 80 is answered by another server (status %d): stop it or move it",
                      EA_TASK_ADDRESS, r->status);
    }
    ea_host_result(&e->host, EA_HOST_PROVE, why.code ? &why : NULL, ea_now().mono_ms);
    advance(e);
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
        ea_host_result(&e->host, EA_HOST_PROVE, &err, ea_now().mono_ms);
}

/* ---- what is told ---- */

static void tell(struct ea_endpoint *e, ea_wait_id id, ea_host_cond c, int64_t next_in_ms)
{
    const struct ea_host_wait *w = &e->host.waits[c];
    ea_err err = { 0 };

    if (!w->error[0]) { /* not tried yet: what it depends on has just come */
        ea_status_wait(&e->ag->status, id, NULL, next_in_ms);
        return;
    }
    (void)ea_fail(&err, EA_BUSY, "%s: %s", ea_host_cond_name(c), w->error); /* the text is wanted */
    if (c == EA_HOST_COND_ADAPTER && !ea_docker_link_is_up(e->ag->link))
        (void)snprintf(err.text + strlen(err.text), sizeof(err.text) - strlen(err.text),
                       "; Docker Engine does not answer either"); /* may be cut */
    if (strcmp(err.text, e->told[c].text) == 0 && w->tries == e->told[c].tries) {
        ea_status_wait(&e->ag->status, id, NULL, next_in_ms);
        return;
    }
    (void)snprintf(e->told[c].text, sizeof(e->told[c].text), "%s", err.text); /* both 512 */
    e->told[c].tries = w->tries;
    ea_status_wait(&e->ag->status, id, &err, next_in_ms);
}

static void tell_or_clear(struct ea_endpoint *e, ea_wait_id id, ea_host_cond c, int64_t next_in_ms)
{
    if (c < EA_HOST_COND_COUNT && !e->host.waits[c].met) {
        tell(e, id, c, next_in_ms);
        return;
    }
    ea_status_clear(&e->ag->status, id);
    if (c < EA_HOST_COND_COUNT)
        e->told[c].text[0] = '\0';
    else
        memset(e->told, 0, sizeof(e->told));
}

static void publish(struct ea_endpoint *e, int64_t next_in_ms, bool was_proven, bool was_settled)
{
    ea_agent *ag = e->ag;

    tell_or_clear(e, EA_WAIT_TASK_ENDPOINT, ea_host_blocked(&e->host), next_in_ms);
    tell_or_clear(e, EA_WAIT_HOST_PORTS, EA_HOST_COND_PORTS, next_in_ms);
    tell_or_clear(e, EA_WAIT_FIREWALL, EA_HOST_COND_FIREWALL, next_in_ms);
    tell_or_clear(e, EA_WAIT_INSIDE, EA_HOST_COND_INSIDE, next_in_ms);
    ag->task_role_proven = e->host.proven;
    if (e->host.proven == was_proven && was_settled)
        return;
    if (e->host.proven)
        ea_info("task endpoint answers", EA_S("address", EA_TASK_ADDRESS),
                EA_S("by", e->host.by_proxy ? "proxy of the system" : "listener"));
    ea_agent_caps_changed(ag);
}

/* ---- one step after the other ---- */

static void listen_step(struct ea_endpoint *e)
{
    ea_err err = { 0 };
    bool bad = ea_serve_task_endpoint(e->ag->serve, &err) != EA_OK;

    if (bad)
        ea_wrap(&err, "listen on %s port 80", EA_TASK_ADDRESS);
    ea_host_result(&e->host, EA_HOST_LISTEN, bad ? &err : NULL, ea_now().mono_ms);
}

static void rest(struct ea_endpoint *e, int64_t wake_ms, bool was_proven, bool was_settled)
{
    int64_t in_ms = wake_ms - ea_now().mono_ms;

    publish(e, in_ms, was_proven, was_settled);
    e->soon = e->again;
    ea_timer_arm(e->timer, e->again ? SETTLE_MS : in_ms);
    e->again = false;
}

static void advance(struct ea_endpoint *e)
{
    while (!e->ag->stopping && !e->job && !e->proof) {
        bool was_proven = e->host.proven, was_settled = e->host.settled;
        struct ea_host_step step = ea_host_next(&e->host, &e->facts, ea_now().mono_ms);

        switch (step.act) {
        case EA_HOST_REST:
            rest(e, step.wake_ms, was_proven, was_settled);
            return;
        case EA_HOST_LISTEN:
            listen_step(e);
            break;
        case EA_HOST_UNLISTEN:
            ea_serve_drop_task_endpoint(e->ag->serve);
            ea_host_result(&e->host, EA_HOST_UNLISTEN, NULL, ea_now().mono_ms);
            break;
        case EA_HOST_PROVE:
            start_proof(e);
            break;
        case EA_HOST_ADDRESS_ADD:
        case EA_HOST_ADDRESS_REMOVE:
        case EA_HOST_PORT_RESERVE:
        case EA_HOST_PROXY_ADD:
        case EA_HOST_PROXY_REMOVE:
        case EA_HOST_FIREWALL_ADD:
        case EA_HOST_ROUTE_ADD:
        case EA_HOST_INSIDE_ADD:
        case EA_HOST_GHOSTS_REMOVE:
        case EA_HOST_ACT_COUNT:
            start_job(e, step.act, step.number);
            break;
        }
    }
}

/* ---- notifications ---- */

static void noticed(void *arg)
{
    const ea_agent *ag = arg;

    ea_endpoint_check(ag->endpoint); /* freed meanwhile: NULL */
}

static void noticed_elsewhere(void *arg)
{
    ea_agent *ag = arg;
    ea_err err = { 0 };

    if (ea_loop_post(ag->loop, noticed, ag, &err))
        return; /* the loop has ended: nobody to tell */
}

/* ---- life ---- */

struct ea_endpoint *ea_endpoint_start(ea_agent *ag)
{
    struct ea_endpoint *e = ea_alloc(sizeof(*e));

    e->ag = ag;
    e->ops = ea_plat_host_ops();
    ea_host_init(&e->host, e->ops->needs, ea_now().mono_ms);
    e->timer = ea_timer_new(ag->loop, look, e);
    ea_status_wait(&ag->status, EA_WAIT_TASK_ENDPOINT, NULL, 0);
    ea_plat_host_watch(noticed_elsewhere, ag);
    start_job(e, EA_HOST_REST, 0);
    return e;
}

void ea_endpoint_free(struct ea_endpoint *e)
{
    if (!e)
        return;
    ea_plat_host_unwatch();
    ea_httpc_drop(e->proof);
    ea_timer_free(e->timer);
    if (e->job)
        e->job->e = NULL;
    ea_free(e);
}

void ea_endpoint_check(struct ea_endpoint *e)
{
    if (!e || e->soon)
        return;
    if (e->job || e->proof) {
        e->again = true;
    } else {
        e->soon = true;
        ea_timer_arm(e->timer, SETTLE_MS);
    }
}

void ea_endpoint_container_started(struct ea_endpoint *e)
{
    if (e && (e->ops->needs & EA_HOST_INSIDE))
        ea_endpoint_check(e);
}

void ea_endpoint_repair(struct ea_endpoint *e)
{
    if (!e)
        return;
    ea_host_repair(&e->host);
    ea_endpoint_check(e);
}

bool ea_endpoint_settled(const struct ea_endpoint *e)
{
    return !e || e->host.settled;
}

bool ea_endpoint_source_allowed(void *agent, const char *peer)
{
    (void)agent;
    return ea_plat_is_local_source(peer);
}
