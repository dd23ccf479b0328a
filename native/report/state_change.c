#include "state_change.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/log.h"

#include <string.h>

#define BODY_MAX (1024u * 1024)
/* Limits of the service, bytes (control-plane.md section 5.5). */
#define REASON_MAX     1024
#define RUNTIME_ID_MAX 255
#define DIGEST_MAX     255

/* Adds `"name":"text"`, cut to `max` bytes; the comma goes in front of all but the first member. */
static void member(ea_buf *b, const char *name, const char *text, size_t max)
{
    ea_str s = ea_str_of(text);

    if (b->n > 0 && b->p[b->n - 1] != '{')
        ea_buf_addc(b, ',');
    if (s.n > max)
        s.n = ea_utf8_cut(s.p, s.n, max);
    ea_buf_addf(b, "\"%s\":", name);
    ea_buf_add_json_str(b, s);
}

static void time_member(ea_buf *b, const char *name, int64_t wall_ms)
{
    if (wall_ms == 0)
        return;
    ea_buf_addf(b, ",\"%s\":", name);
    ea_buf_add_epoch(b, wall_ms);
}

/* --- network bindings --- */

struct range {
    int64_t first, last;
};

static bool parse_range(const char *text, struct range *out)
{
    ea_str head = { NULL, 0 }, rest = ea_str_cut(ea_str_of(text), '-', &head);
    ea_err ignored;

    return !ea_str_to_i64(head, 1, 65535, &out->first, &ignored) &&
           !ea_str_to_i64(rest, out->first, 65535, &out->last, &ignored);
}

static const char *protocol_of(const char *p)
{
    return ea_zstr_empty(p) ? "tcp" : p;
}

static const char *address_of(const struct ea_binding *b)
{
    return ea_zstr_empty(b->bind_ip) ? "0.0.0.0" : b->bind_ip;
}

/* The mapped range that a binding belongs to; NULL when it stands for itself. */
static const struct ea_port_mapping *range_of(const struct ea_container *c,
                                              const struct ea_binding *b)
{
    for (size_t i = 0; i < c->ports.n; i++) {
        const struct ea_port_mapping *m = &c->ports.v[i];
        struct range r;

        if (!ea_zstr_empty(m->container_port_range) && parse_range(m->container_port_range, &r) &&
            b->container_port >= r.first && b->container_port <= r.last &&
            strcmp(protocol_of(m->protocol), protocol_of(b->protocol)) == 0)
            return m;
    }
    return NULL;
}

/* Was a binding of the same range and address told before this one? */
static bool range_told(const struct ea_container *c, size_t at, const struct ea_port_mapping *m)
{
    for (size_t i = 0; i < at; i++) {
        if (range_of(c, &c->bindings.v[i]) == m &&
            strcmp(address_of(&c->bindings.v[i]), address_of(&c->bindings.v[at])) == 0)
            return true;
    }
    return false;
}

/* Host ports as assigned, or as Docker shows them. */
static void add_host_range(ea_buf *b, const struct ea_container *c, size_t at,
                           const struct ea_port_mapping *m)
{
    int64_t low = c->bindings.v[at].host_port, high = low;

    if (!ea_zstr_empty(m->assigned_range)) {
        member(b, "hostPortRange", m->assigned_range, 64);
        return;
    }
    for (size_t i = at + 1; i < c->bindings.n; i++) {
        const struct ea_binding *x = &c->bindings.v[i];

        if (range_of(c, x) != m || strcmp(address_of(x), address_of(&c->bindings.v[at])) != 0)
            continue;
        low = x->host_port < low ? x->host_port : low;
        high = x->host_port > high ? x->host_port : high;
    }
    ea_buf_addf(b, ",\"hostPortRange\":\"%lld-%lld\"", (long long)low, (long long)high);
}

static void add_binding(ea_buf *b, const struct ea_container *c, size_t at,
                        const struct ea_port_mapping *m)
{
    const struct ea_binding *x = &c->bindings.v[at];

    ea_buf_addc(b, '{');
    member(b, "bindIP", address_of(x), 64);
    if (m) {
        member(b, "containerPortRange", m->container_port_range, 64);
        add_host_range(b, c, at, m);
    } else {
        ea_buf_addf(b, ",\"containerPort\":%lld,\"hostPort\":%lld", (long long)x->container_port,
                    (long long)x->host_port);
    }
    member(b, "protocol", protocol_of(x->protocol), 16);
    ea_buf_addc(b, '}');
}

static void add_bindings(ea_buf *b, const ea_state_change_options *opt,
                         const struct ea_container *c)
{
    size_t told = 0;

    for (size_t i = 0; i < c->bindings.n; i++) {
        const struct ea_port_mapping *m = range_of(c, &c->bindings.v[i]);

        if (opt->exclude_ipv6_bindings && strcmp(address_of(&c->bindings.v[i]), "::") == 0)
            continue;
        if (m && range_told(c, i, m))
            continue;
        if (told == EA_BINDINGS_MAX) {
            ea_warn("more network bindings than the service takes", EA_S("container", c->name),
                    EA_I("bindings", c->bindings.n));
            break;
        }
        ea_buf_adds(b, told ? "," : ",\"networkBindings\":[");
        add_binding(b, c, i, m);
        told++;
    }
    if (told)
        ea_buf_addc(b, ']');
}

/* --- containers --- */

static void add_reason(ea_buf *b, const struct ea_container *c)
{
    EA_FREE_AUTO char *text = NULL;

    if (ea_zstr_empty(c->error_name))
        return;
    text = ea_sprintf_dup("%s: %s", c->error_name, c->error_text ? c->error_text : "");
    member(b, "reason", text, REASON_MAX);
}

static void add_container(ea_buf *b, const ea_state_change_options *opt,
                          const struct ea_container *c)
{
    ea_buf_addc(b, '{');
    member(b, "containerName", c->name, SIZE_MAX);
    if (!ea_zstr_empty(c->docker_id))
        member(b, "runtimeId", c->docker_id, RUNTIME_ID_MAX);
    if (!ea_zstr_empty(c->image_digest))
        member(b, "imageDigest", c->image_digest, DIGEST_MAX);
    member(b, "status", ea_cstate_wire(c->reporting), 32);
    /* Windows codes such as 0xC000013A do not fit the service's type: they wrap (observed.md). */
    if (c->reporting == EA_C_STOPPED && c->exit_code.has)
        ea_buf_addf(b, ",\"exitCode\":%ld", (long)(int32_t)(uint32_t)(uint64_t)c->exit_code.v);
    add_reason(b, c);
    add_bindings(b, opt, c);
    ea_buf_addc(b, '}');
}

static void add_containers(ea_buf *b, const ea_state_change_options *opt, const struct ea_task *t)
{
    bool any = false;

    for (size_t i = 0; i < t->containers.n; i++) {
        const struct ea_container *c = &t->containers.v[i];

        if (c->is_internal || c->reporting == EA_C_NONE || !ea_cstate_wire(c->reporting))
            continue;
        ea_buf_adds(b, any ? "," : ",\"containers\":[");
        add_container(b, opt, c);
        any = true;
    }
    if (any)
        ea_buf_addc(b, ']');
}

ea_code ea_state_change_body(const ea_state_change_options *opt, const struct ea_task *task,
                             ea_tstate level, char **out, ea_err *err)
{
    EA_BUF_AUTO b = EA_BUF(BODY_MAX);

    ea_buf_addc(&b, '{');
    member(&b, "cluster", opt->cluster, SIZE_MAX);
    member(&b, "task", task->arn, SIZE_MAX);
    member(&b, "status", ea_tstate_wire(level), 32);
    member(&b, "reason", level == EA_T_STOPPED ? task->reason : "", REASON_MAX);
    add_containers(&b, opt, task);
    time_member(&b, "pullStartedAt", task->pull_started_ms);
    time_member(&b, "pullStoppedAt", task->pull_stopped_ms);
    time_member(&b, "executionStoppedAt", task->execution_stopped_ms);
    ea_buf_addc(&b, '}');
    if (ea_buf_take(&b, out, err))
        return ea_wrap(err, "state change of %s", task->arn);
    return EA_OK;
}

char *ea_state_change_rejected(const char *cluster, const char *task_arn, const char *reason)
{
    EA_BUF_AUTO b = EA_BUF(BODY_MAX);
    char *out = NULL;
    ea_err err;

    ea_buf_addc(&b, '{');
    member(&b, "cluster", cluster, SIZE_MAX);
    member(&b, "task", task_arn, SIZE_MAX);
    member(&b, "status", "STOPPED", 32);
    member(&b, "reason", reason, REASON_MAX);
    ea_buf_addc(&b, '}');
    return ea_buf_take(&b, &out, &err) ? NULL : out;
}

ea_report_outcome ea_report_classify(ea_code code, int status, const char *aws_code)
{
    (void)
        status; /* control-plane.md section 5.6: the code alone decides, AccessDenied is retried */
    if (code == EA_OK)
        return EA_REPORT_SENT;
    if (aws_code && ea_str_eq_nocase(ea_str_of(aws_code), EA_STR("InvalidParameterException")))
        return EA_REPORT_DROP;
    return EA_REPORT_RETRY;
}
