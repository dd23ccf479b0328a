/* turn_test.c - turns on a real loop and a real store: when they are committed, and what happens to
 * events, effects and timers at the stop. What a turn decides is tested with the engine. */
#include "agent/turn.h"
#include "base/alloc.h"
#include "plat/plat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>
#include <uv.h>

#define ARN "arn:aws:ecs:us-west-2:123456789012:task/c/1"

static char folder[512];

struct fixture {
    ea_agent ag;
    ea_timer *stop;
};

static int set_up(void **state)
{
    struct fixture *f = ea_alloc(sizeof(*f));
    EA_FREE_AUTO char *path = NULL;
    char temp[256];
    size_t n = sizeof(temp);
    uint64_t salt = 0;
    ea_err err = { 0 };

    ea_plat_random(&salt, sizeof(salt));
    if (uv_os_tmpdir(temp, &n) != 0)
        return -1;
    (void)snprintf(folder, sizeof(folder), "%s/ecs-turn-%016llx", temp, (unsigned long long)salt);
    path = ea_sprintf_dup("%s/agent.db", folder);
    if (ea_plat_make_dir(folder, &err) || ea_loop_new(&f->ag.loop, &err) ||
        ea_store_open(path, &f->ag.store, &err))
        return -1;
    ea_rng_seed(&f->ag.rng, 1);
    ea_model_init(&f->ag.model, 1);
    f->ag.turns = ea_turns_new(&f->ag);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ea_err err = { 0 };

    ea_turns_free(f->ag.turns);
    ea_loop_free(f->ag.loop);
    ea_store_close(f->ag.store);
    ea_model_done(&f->ag.model);
    ea_free(f);
    return ea_plat_remove_tree(folder, &err) == EA_OK ? 0 : -1;
}

static struct ea_task *task(void)
{
    cJSON *json = cJSON_Parse("{\"arn\":\"" ARN "\",\"family\":\"f\",\"version\":\"1\","
                              "\"desiredStatus\":\"RUNNING\",\"containers\":[{\"name\":\"main\","
                              "\"image\":\"busybox\",\"essential\":true}]}");
    struct ea_task *t = NULL;
    struct ea_creds role = { 0 }, exec = { 0 };
    char *arn = NULL;
    ea_err err = { 0 };

    if (ea_task_from_wire(json, &t, &role, &exec, &arn, &err))
        fail_msg("%s", err.text);
    cJSON_Delete(json);
    ea_free(arn);
    return t;
}

/* As agent.c stops. */
static void stop_now(void *arg)
{
    struct fixture *f = arg;

    ea_turns_flush(&f->ag);
    f->ag.stopping = true;
    ea_timer_free(f->stop);
    f->stop = NULL;
    ea_loop_stop(f->ag.loop);
}

static void post_timer(struct fixture *f)
{
    struct ea_event ev = { .kind = EA_EV_TIMER };

    ea_turn_post(&f->ag, &ev);
}

/* There is no Docker client any more at that time: an effect would go through NULL. */
static void what_is_queued_at_the_stop_is_not_carried_out(void **state)
{
    struct fixture *f = *state;

    f->ag.model.docker_up = true;
    ea_model_add_task(&f->ag.model, task());
    post_timer(f);
    stop_now(f);
    ea_loop_run(f->ag.loop, 10);
    assert_int_equal(ea_model_task(&f->ag.model, ARN)->containers.v[0].op, 0);
}

static void a_wake_up_that_is_due_later_does_not_hold_up_the_end(void **state)
{
    struct fixture *f = *state;
    struct ea_task *t = task();
    uint64_t before = uv_hrtime();

    t->containers.v[0].docker_id = ea_strdup("0123");
    t->containers.v[0].known = t->containers.v[0].desired = t->containers.v[0].sent = EA_C_RUNNING;
    t->known = t->desired = t->sent = EA_T_RUNNING;
    ea_model_add_task(&f->ag.model, t);
    post_timer(f);
    f->stop = ea_timer_new(f->ag.loop, stop_now, f);
    ea_timer_arm(f->stop, 1);
    ea_loop_run(f->ag.loop, 60000);
    assert_true(t->poll_at_ms > 0); /* a look at the running container was planned */
    assert_true(uv_hrtime() - before < 30000000000u);
}

static bool stored(struct fixture *f)
{
    EA_FREE_AUTO char *json = NULL;
    ea_err err = { 0 };

    return ea_store_get_task(f->ag.store, ARN, &json, &err) == EA_OK;
}

/* A report of this task was answered: something to remember, and nothing to do. */
static struct ea_task *answered_report(struct fixture *f)
{
    struct ea_task *t = task();
    struct ea_event ev = { .kind = EA_EV_REPORTED, .of = EA_FX_REPORT, .op = 9 };

    t->containers.v[0].docker_id = ea_strdup("0123");
    t->containers.v[0].known = t->containers.v[0].desired = EA_C_RUNNING;
    t->containers.v[0].reporting = EA_C_RUNNING;
    t->known = t->desired = t->report_level = EA_T_RUNNING;
    t->was_running = true;
    t->report_op = 9;
    ea_model_add_task(&f->ag.model, t);
    ev.arn = ea_strdup(ARN);
    ev.outcome = EA_REPORT_SENT;
    ea_turn_post(&f->ag, &ev);
    while (t->report_op)
        (void)uv_run(ea_loop_uv(f->ag.loop), UV_RUN_NOWAIT);
    return t;
}

static void end(struct fixture *f)
{
    stop_now(f);
    ea_loop_run(f->ag.loop, 10);
}

static void what_is_only_remembered_waits_a_little_for_the_next_commit(void **state)
{
    struct fixture *f = *state;
    struct ea_task *t = answered_report(f);

    assert_int_equal(t->sent, EA_T_RUNNING);
    assert_true(t->dirty);
    assert_false(stored(f));
    while (!stored(f)) /* with nothing else to come it is made all the same */
        (void)uv_run(ea_loop_uv(f->ag.loop), UV_RUN_ONCE);
    assert_false(t->dirty);
    end(f);
}

static void an_effect_takes_along_what_waits_before_it_leaves(void **state)
{
    struct fixture *f = *state;
    struct ea_event ack = { .kind = EA_EV_PAYLOAD, .seq_num = 5 };

    (void)answered_report(f);
    ack.message_id = ea_strdup("m");
    ea_turn_post(&f->ag, &ack); /* an empty payload is acked; nobody is connected here */
    (void)uv_run(ea_loop_uv(f->ag.loop), UV_RUN_NOWAIT); /* the turn, not the end of the wait */
    assert_true(stored(f));
    end(f);
}

static void the_stop_commits_what_waits(void **state)
{
    struct fixture *f = *state;

    (void)answered_report(f);
    assert_false(stored(f));
    end(f);
    assert_true(stored(f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_only_remembered_waits_a_little_for_the_next_commit,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_effect_takes_along_what_waits_before_it_leaves, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_stop_commits_what_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_queued_at_the_stop_is_not_carried_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_wake_up_that_is_due_later_does_not_hold_up_the_end,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
