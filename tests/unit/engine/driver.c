#include "driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static void drop_line(void *ctx, ea_level level, const char *line, size_t n)
{
    (void)ctx;
    (void)level;
    (void)line;
    (void)n;
}

static void defaults(struct ea_model *m)
{
    m->settings = (struct ea_engine_settings){
        .pull_behavior = EA_PULL_DEFAULT,
        .task_iam_role = true,
        .manifest_pull_ms = 60000,
        .image_pull_ms = 7200000,
        .image_pull_inactivity_ms = 60000,
        .create_ms = 240000,
        .start_ms = 180000,
        .stop_s = 30,
        .task_cleanup_ms = 10800000,
        .port_first = 49153,
        .port_last = 65535,
    };
    m->host.cpu_units = 2048;
    m->host.memory_mib = 4096;
}

void driver_init(struct driver *d)
{
    static const ea_log_config quiet = { .level = EA_CRIT, .sink = drop_line };

    ea_log_configure(&quiet);
    memset(d, 0, sizeof(*d));
    ea_model_init(&d->m, 42);
    defaults(&d->m);
    d->now = (ea_time){ 1000000, 1700000000000 };
    struct ea_event start = { .kind = EA_EV_START };
    driver_turn(d, &start);
    struct ea_event up = { .kind = EA_EV_DOCKER_UP };
    driver_turn(d, &up);
}

void driver_done(struct driver *d)
{
    ea_effects_done(&d->fx);
    ea_model_done(&d->m);
}

void driver_turn(struct driver *d, struct ea_event *ev)
{
    ea_effects_done(&d->fx);
    ea_engine_turn(&d->m, ev, &d->now, &d->fx);
    ea_event_done(ev);
    for (size_t i = 0; i < d->fx.n; i++)
        if (d->fx.v[i].op) {
            assert_true(d->fx.v[i].op < DRIVER_OPS);
            d->kind_of[d->fx.v[i].op] = d->fx.v[i].kind;
        }
}

void driver_timer(struct driver *d, int64_t later_ms)
{
    struct ea_event ev = { .kind = EA_EV_TIMER };

    d->now.mono_ms += later_ms;
    d->now.wall_ms += later_ms;
    driver_turn(d, &ev);
}

void driver_payload(struct driver *d, const char *tasks)
{
    struct ea_event ev = { .kind = EA_EV_PAYLOAD, .seq_num = ++d->seq };
    cJSON *list = cJSON_Parse(tasks);

    assert_non_null(list);
    ev.message_id = ea_sprintf_dup("m%lld", (long long)d->seq);
    ev.cluster_arn = ea_strdup("arn:cluster");
    ev.instance_arn = ea_strdup("arn:instance");
    ev.payload.n = (size_t)cJSON_GetArraySize(list);
    ev.payload.v = ea_alloc_array(ev.payload.n, sizeof(*ev.payload.v));
    for (size_t i = 0; i < ev.payload.n; i++) {
        struct ea_payload_task *p = &ev.payload.v[i];
        ea_err err = { 0 };

        if (ea_task_from_wire(cJSON_GetArrayItem(list, (int)i), &p->task, &p->role, &p->exec,
                              &p->arn, &err))
            p->error = ea_sprintf_dup("UnrecogniedTaskError: Error loading task - %s", err.text);
    }
    cJSON_Delete(list);
    driver_turn(d, &ev);
}

const struct ea_effect *driver_effect(const struct driver *d, ea_fx_kind kind,
                                      const char *container)
{
    for (size_t i = 0; i < d->fx.n; i++) {
        const struct ea_effect *e = &d->fx.v[i];

        if (e->kind == kind &&
            (!container || (e->container && strcmp(e->container->name, container) == 0)))
            return e;
    }
    return NULL;
}

size_t driver_count(const struct driver *d, ea_fx_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < d->fx.n; i++)
        n += d->fx.v[i].kind == kind;
    return n;
}

struct ea_task *driver_task(const struct driver *d, const char *arn)
{
    return ea_model_task(&d->m, arn);
}

struct ea_container *driver_container(const struct driver *d, const char *arn, const char *name)
{
    struct ea_task *t = driver_task(d, arn);

    assert_non_null(t);
    struct ea_container *c = ea_task_container(t, name);
    assert_non_null(c);
    return c;
}

struct ea_docker_facts driver_facts(const struct driver *d, const struct ea_task *t,
                                    const struct ea_container *c, ea_cstate state,
                                    int64_t exit_code)
{
    struct ea_docker_facts f = { .found = true, .state = state };

    f.id = c->docker_id ? ea_strdup(c->docker_id) : ea_sprintf_dup("id-%s-%s", t->arn, c->name);
    f.task_arn = ea_strdup(t->arn);
    f.container_name = ea_strdup(c->name);
    f.created_ms = d->now.wall_ms;
    if (state >= EA_C_RUNNING)
        f.started_ms = c->started_ms ? c->started_ms : d->now.wall_ms;
    if (state == EA_C_STOPPED) {
        f.exit_code = (ea_opt_i64){ true, exit_code };
        f.finished_ms = d->now.wall_ms;
    }
    return f;
}

static void answer(struct driver *d, const struct ea_container *c, struct ea_event *ev)
{
    assert_true(c->op != 0);
    ev->kind = EA_EV_RESULT;
    ev->op = c->op;
    ev->of = d->kind_of[c->op];
    driver_turn(d, ev);
}

void driver_ok_facts(struct driver *d, const char *arn, const char *container,
                     struct ea_docker_facts *facts)
{
    struct ea_event ev = { .facts = *facts };

    *facts = (struct ea_docker_facts){ 0 };
    answer(d, driver_container(d, arn, container), &ev);
}

void driver_ok(struct driver *d, const char *arn, const char *container)
{
    const struct ea_task *t = driver_task(d, arn);
    const struct ea_container *c = driver_container(d, arn, container);
    struct ea_event ev = { 0 };

    switch (d->kind_of[c->op]) {
    case EA_FX_RESOLVE:
        ev.digest = ea_strdup("sha256:1111");
        break;
    case EA_FX_PULL:
        ev.image_id = ea_strdup("sha256:2222");
        break;
    case EA_FX_CREATE:
        ev.facts = driver_facts(d, t, c, EA_C_CREATED, 0);
        break;
    case EA_FX_START:
        ev.facts = driver_facts(d, t, c, EA_C_RUNNING, 0);
        break;
    case EA_FX_STOP:
        ev.facts = driver_facts(d, t, c, EA_C_STOPPED, 137);
        break;
    default:
        break;
    }
    answer(d, c, &ev);
}

void driver_fail(struct driver *d, const char *arn, const char *container, ea_code code,
                 const char *text)
{
    struct ea_event ev = { 0 };

    (void)ea_fail(&ev.err, code, "%s", text);
    answer(d, driver_container(d, arn, container), &ev);
}

void driver_reported(struct driver *d, const char *arn, ea_report_outcome outcome)
{
    const struct ea_task *t = driver_task(d, arn);
    struct ea_event ev = { .kind = EA_EV_REPORTED, .op = t->report_op, .outcome = outcome };

    assert_true(t->report_op != 0);
    ev.arn = ea_strdup(arn);
    ev.level = t->report_level;
    driver_turn(d, &ev);
}

void driver_expect(const struct driver *d, const char *arn, const char *container, ea_fx_kind kind)
{
    const struct ea_container *c = driver_container(d, arn, container);

    if (c->op == 0)
        fail_msg("%s: nothing in flight, want %s", container, ea_fx_name(kind));
    if (d->kind_of[c->op] != kind)
        fail_msg("%s: %s in flight, want %s", container, ea_fx_name(d->kind_of[c->op]),
                 ea_fx_name(kind));
}

void driver_run(struct driver *d, const char *arn, const char *container)
{
    static const ea_fx_kind steps[] = { EA_FX_RESOLVE, EA_FX_PULL, EA_FX_CREATE, EA_FX_START };

    for (size_t i = 0; i < EA_COUNT(steps); i++) {
        driver_expect(d, arn, container, steps[i]);
        driver_ok(d, arn, container);
    }
}

void driver_event(struct driver *d, const char *arn, const char *container, ea_docker_action action)
{
    const struct ea_task *t = driver_task(d, arn);
    const struct ea_container *c = driver_container(d, arn, container);
    struct ea_event ev = { .kind = EA_EV_DOCKER, .action = action };

    ev.facts = driver_facts(d, t, c, EA_C_NONE, 0);
    ev.facts.brief = true;
    ev.event_ms = d->now.wall_ms;
    driver_turn(d, &ev);
}

void driver_exit(struct driver *d, const char *arn, const char *container, int64_t exit_code)
{
    driver_event(d, arn, container, EA_DA_DIE);
    driver_expect(d, arn, container, EA_FX_INSPECT);
    struct ea_docker_facts f = driver_facts(
        d, driver_task(d, arn), driver_container(d, arn, container), EA_C_STOPPED, exit_code);
    driver_ok_facts(d, arn, container, &f);
}

void driver_stop(struct driver *d, const char *arn)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "[{\"arn\":\"%s\",\"desiredStatus\":\"STOPPED\"}]", arn);
    driver_payload(d, text);
}

void driver_crash(struct driver *d)
{
    struct ea_model next;
    ea_err err = { 0 };

    ea_model_init(&next, 43);
    defaults(&next);
    next.settings = d->m.settings;
    next.next_op = d->m.next_op;
    EA_LIST_EACH(&d->m.tasks, node)
    {
        EA_FREE_AUTO char *row = NULL;
        struct ea_task *t = NULL;

        assert_int_equal(ea_task_to_row(EA_OWNER(node, struct ea_task, node), &row, &err), EA_OK);
        if (ea_task_from_row(ea_str_of(row), &t, &err))
            fail_msg("row: %s", err.text);
        ea_model_add_task(&next, t);
    }
    ea_effects_done(&d->fx);
    ea_model_done(&d->m);
    d->m = next;
    /* The list head moved with the struct. */
    ea_list_init(&d->m.tasks);
    for (ea_node *n = next.tasks.head.next; n != &next.tasks.head;) {
        ea_node *after = n->next;
        ea_list_append(&d->m.tasks, n);
        n = after;
    }
    struct ea_event start = { .kind = EA_EV_START };
    driver_turn(d, &start);
}
