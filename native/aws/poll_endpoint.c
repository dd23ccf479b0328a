#include "poll_endpoint.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/list.h"
#include "../base/log.h"

#define KEEP_MS (12LL * 60 * 60 * 1000)

struct ea_poll_get {
    ea_node node;
    ea_poll_which which;
    ea_poll_done *done;
    void *ctx;
    bool telling; /* freed after it */
};

struct ea_poll_endpoint {
    ea_aws *aws;
    char *cluster, *instance_arn;
    char *url[2];     /* by ea_poll_which */
    int64_t until_ms; /* mono; 0: nothing held */
    ea_ecs_op *op;
    ea_timer *turn;
    ea_list gets;
};

static void on_turn(void *arg);

ea_poll_endpoint *ea_poll_endpoint_new(ea_aws *a, const char *cluster)
{
    ea_poll_endpoint *p = ea_alloc(sizeof(*p));

    p->aws = a;
    p->cluster = ea_strdup(cluster);
    p->turn = ea_timer_new(ea_net_loop(ea_aws_net(a)), on_turn, p);
    ea_list_init(&p->gets);
    return p;
}

static void forget(ea_poll_endpoint *p)
{
    ea_set_str(&p->url[EA_POLL_ACS], NULL);
    ea_set_str(&p->url[EA_POLL_TELEMETRY], NULL);
    p->until_ms = 0;
}

void ea_poll_endpoint_free(ea_poll_endpoint *p)
{
    if (!p)
        return;
    EA_LIST_EACH(&p->gets, node)
    ea_poll_drop(EA_OWNER(node, ea_poll_get, node));
    ea_ecs_drop(p->op);
    ea_timer_free(p->turn);
    forget(p);
    ea_free(p->cluster);
    ea_free(p->instance_arn);
    ea_free(p);
}

void ea_poll_endpoint_set_instance(ea_poll_endpoint *p, const char *instance_arn)
{
    if (ea_zstr_eq(p->instance_arn, instance_arn))
        return;
    ea_set_str(&p->instance_arn, instance_arn);
    forget(p);
    if (p->op) { /* its answer is for the old one */
        ea_ecs_drop(p->op);
        p->op = NULL;
        ea_timer_arm(p->turn, 0);
    }
}

static void tell(const ea_poll_endpoint *p, ea_poll_get *g, const ea_err *failed)
{
    const char *url = p->url[g->which];
    ea_err err = { 0 };

    ea_list_remove(&g->node);
    g->telling = true;
    if (!url && failed)
        err = *failed;
    else if (!url)
        (void)ea_fail(&err, EA_PROTOCOL, "DiscoverPollEndpoint: the answer lacks %s",
                      g->which == EA_POLL_ACS ? "endpoint" : "telemetryEndpoint"); /* told */
    g->done(g->ctx, url, &err);
    ea_free(g);
}

static void tell_all(ea_poll_endpoint *p, const ea_err *failed)
{
    ea_list batch;

    ea_list_init(&batch); /* a callback may ask again: that get waits for its own turn */
    ea_list_move_all(&p->gets, &batch);
    while (!ea_list_empty(&batch))
        tell(p, EA_OWNER(batch.head.next, ea_poll_get, node), failed);
}

static void on_answer(void *ctx, const struct ea_ecs_poll_endpoint *r, const ea_aws_fault *fault,
                      const ea_err *err)
{
    ea_poll_endpoint *p = ctx;

    (void)fault; /* its words stand in *err */
    p->op = NULL;
    if (r) {
        ea_set_str(&p->url[EA_POLL_ACS], r->endpoint);
        ea_set_str(&p->url[EA_POLL_TELEMETRY], r->telemetry_endpoint);
        p->until_ms = ea_now().mono_ms + KEEP_MS;
        tell_all(p, NULL);
        return;
    }
    if (p->until_ms)
        ea_warn("endpoints not looked up, the known ones go on", EA_S("err", err->text));
    tell_all(p, err);
}

/* An answer that lacked what is wanted now is no reason to wait 12 h for the next one. */
static bool serves_all(const ea_poll_endpoint *p)
{
    if (!p->until_ms || ea_now().mono_ms >= p->until_ms)
        return false;
    EA_LIST_EACH(&p->gets, node)
    {
        if (!p->url[EA_OWNER(node, ea_poll_get, node)->which])
            return false;
    }
    return true;
}

static void on_turn(void *arg)
{
    ea_poll_endpoint *p = arg;
    ea_err err = { 0 };

    if (p->op || ea_list_empty(&p->gets))
        return;
    if (serves_all(p)) {
        tell_all(p, NULL);
        return;
    }
    p->op = ea_ecs_discover_start(p->aws, p->cluster, p->instance_arn, on_answer, p, &err);
    if (!p->op)
        tell_all(p, &err);
}

ea_poll_get *ea_poll_start(ea_poll_endpoint *p, ea_poll_which which, ea_poll_done *done, void *ctx)
{
    ea_poll_get *g = ea_alloc(sizeof(*g));

    g->which = which;
    g->done = done;
    g->ctx = ctx;
    ea_list_append(&p->gets, &g->node);
    ea_timer_arm(p->turn, 0);
    return g;
}

void ea_poll_drop(ea_poll_get *g)
{
    if (!g || g->telling)
        return;
    ea_list_remove(&g->node);
    ea_free(g);
}
