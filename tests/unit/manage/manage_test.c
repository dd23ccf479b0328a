#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "manage/answer.h"
#include "manage/leftovers.h"
#include "manage/place.h"
#include "manage/settings_file.h"
#include "plat/plat.h"

#include <string.h>

static void only_what_a_service_may_know_is_copied(void **state)
{
    static const char *const env[] = {
        "ECS_CLUSTER=c",
        "AWS_ACCESS_KEY_ID=AKID",
        "AWS_SECRET_ACCESS_KEY=secret",
        "AWS_SESSION_TOKEN=token",
        "AWS_DEFAULT_REGION=eu-1",
        "HTTPS_PROXY=http://p:1",
        "PATH=/bin",
        "ECSTOOLS_CONFIG=/x/config",
        "DOCKER_HOST=unix:///d.sock",
        "ECS_LOGLEVEL=",
        "ECS_INSTANCE_ATTRIBUTES=a\nB=c",
    };
    ea_envs e = { 0 };
    ea_strmap s = { 0 };

    (void)state;
    ea_envs_copy(&e, env, EA_COUNT(env));
    assert_true(ea_settings_from_env(&s, &e));
    assert_int_equal(s.n, 4);
    assert_string_equal(ea_strmap_get(&s, "ECS_CLUSTER"), "c");
    assert_string_equal(ea_strmap_get(&s, "AWS_DEFAULT_REGION"), "eu-1");
    assert_string_equal(ea_strmap_get(&s, "HTTPS_PROXY"), "http://p:1");
    assert_string_equal(ea_strmap_get(&s, "DOCKER_HOST"), "unix:///d.sock");
    assert_false(ea_settings_from_env(&s, &e)); /* the second time nothing changes */
    ea_envs_free(&e);
    ea_strmap_free(&s);
}

static void a_settings_file_comes_back_as_it_was_written(void **state)
{
    EA_FREE_AUTO char *dir = ea_plat_exe_dir();
    EA_FREE_AUTO char *folder = ea_sprintf_dup("%s/settings_test.%d", dir, (int)ea_plat_pid());
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/deep/ecs.config", folder);
    ea_strmap a = { 0 }, b = { 0 };
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_settings_read(path, &b, &err), EA_OK);
    assert_int_equal(b.n, 0);
    assert_true(ea_settings_set(&a, "ECS_CLUSTER", "prod"));
    assert_true(ea_settings_set(&a, "OTHERS", "a=b c"));
    assert_true(ea_settings_set(&a, "GONE", "x"));
    assert_true(ea_settings_set(&a, "GONE", NULL));
    assert_false(ea_settings_set(&a, "GONE", NULL));
    if (ea_settings_write(path, &a, &err))
        fail_msg("%s", err.text);
    assert_int_equal(ea_settings_read(path, &b, &err), EA_OK);
    assert_int_equal(b.n, 2);
    assert_string_equal(ea_strmap_get(&b, "ECS_CLUSTER"), "prod");
    assert_string_equal(ea_strmap_get(&b, "OTHERS"), "a=b c");
    assert_int_equal(ea_plat_remove_tree(folder, &err), EA_OK);
    ea_strmap_free(&a);
    ea_strmap_free(&b);
}

static void put(const char *folder, const char *name)
{
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/%s", folder, name);
    ea_err err = { 0 };

    assert_int_equal(ea_plat_write_file(path, EA_STR("x"), 0600, &err), EA_OK);
}

static void what_is_not_ours_by_name_stays_in_the_folders(void **state)
{
    EA_FREE_AUTO char *dir = ea_plat_exe_dir();
    EA_FREE_AUTO char *folder = ea_sprintf_dup("%s/leftovers.%d", dir, (int)ea_plat_pid());
    EA_FREE_AUTO char *theirs = ea_sprintf_dup("%s/family.jpg", folder);
    EA_FREE_AUTO char *rolled = ea_sprintf_dup("%s/audit.log.2", folder);
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_make_dir(folder, &err), EA_OK);
    put(folder, "ecsagent.db");
    put(folder, "lock");
    put(folder, "ecs-agent.log");
    put(folder, "audit.log");
    put(folder, "audit.log.1");
    put(folder, "audit.log.2");
    put(folder, "family.jpg");
    assert_int_equal(ea_leftovers_state(folder, &err), EA_OK);
    assert_int_equal(ea_leftovers_logs(folder, &err), EA_OK);
    assert_int_equal(ea_leftovers_program(folder, &err), EA_OK);
    assert_int_equal(ea_leftovers_local(folder, &err), EA_OK);
    assert_false(ea_plat_exists(rolled));
    assert_true(ea_plat_exists(theirs));
    assert_int_equal(ea_plat_remove_file(theirs, &err), EA_OK);
    assert_int_equal(ea_leftovers_state(folder, &err), EA_OK);
    assert_false(ea_plat_exists(folder));
    assert_int_equal(ea_leftovers_state(folder, &err), EA_OK); /* absent: fine */
}

/* ---- answers are read inside an operation, which owns the memory ---- */

static const char *answer_text;

static void read_status(ecsagent_op *op, void *arg)
{
    ecsagent_status *s = ea_op_alloc(op, sizeof(*s));
    ea_err err = { 0 };

    (void)arg;
    if (ea_answer_status(op, ea_str_of(answer_text), s, &err))
        ea_op_fail(op, &err, 1, "look");
    else
        ea_op_result(op, ECSAGENT_TYPE_STATUS, s, 1, sizeof(*s));
}

static void no_argument(void *arg)
{
    (void)arg;
}

static ecsagent_event next_event(ecsagent_op *op)
{
    ecsagent_event e = { .size = sizeof(e) };

    assert_int_equal(ecsagent_op_next(op, 10000, &e), ECSAGENT_NEXT_EVENT);
    return e;
}

static void a_status_becomes_one_record_then_done_for_ever(void **state)
{
    ecsagent_op *op = NULL;
    ecsagent_event e;
    const ecsagent_status *s;
    const ecsagent_wait *w;

    (void)state;
    answer_text =
        "{\"state\":\"WAITING\",\"pid\":42,\"cluster\":\"c\",\"tasks\":{\"running\":3},"
        "\"waits\":[{\"name\":\"docker\",\"what\":\"w\",\"lastError\":\"refused\",\"attempts\":7,"
        "\"since\":1000}],\"metricsReason\":\"off\",\"capabilities\":[{\"name\":\"x\",\"offered\":"
        "true},5],\"uptime\":1e300}";
    assert_int_equal(ea_op_start(read_status, NULL, no_argument, 10, &op), ECSAGENT_STARTED);
    e = next_event(op);
    assert_int_equal(e.kind, ECSAGENT_EVENT_RESULT);
    assert_int_equal(e.result->count, 1);
    s = e.result->items;
    assert_int_equal(s->state, ECSAGENT_STATE_WAITING);
    assert_int_equal(s->pid, 42);
    assert_int_equal(s->tasks_running, 3);
    assert_string_equal(s->metrics_reason, "off");
    assert_int_equal(s->uptime_s, 0);
    w = s->waits.items;
    assert_string_equal(w->last_error, "refused");
    assert_int_equal(w->attempts, 7);
    assert_int_equal(s->capabilities.count, 2);
    assert_int_equal(next_event(op).kind, ECSAGENT_EVENT_DONE);
    assert_int_equal(next_event(op).kind, ECSAGENT_EVENT_DONE);
    ecsagent_op_free(op);
}

static void garbage_is_an_error_with_its_category(void **state)
{
    ecsagent_op *op = NULL;
    ecsagent_event e;

    (void)state;
    answer_text = "{\"state\":";
    assert_int_equal(ea_op_start(read_status, NULL, no_argument, 10, &op), ECSAGENT_STARTED);
    e = next_event(op);
    assert_int_equal(e.kind, ECSAGENT_EVENT_ERROR);
    assert_string_equal(e.error->name, "INVALID");
    assert_string_equal(e.error->category, "InvalidArgument");
    assert_string_equal(e.error->advice, "look");
    ecsagent_op_free(op);
}

static void wait_for_cancel(ecsagent_op *op, void *arg)
{
    ea_err err = { 0 };

    (void)arg;
    while (ea_op_sleep(op, 60000))
        continue;
    err.code = ea_op_cancelled(op) ? EA_CANCELLED : EA_TIMEOUT;
    ea_op_fail(op, &err, 1, NULL);
}

static void a_cancelled_operation_ends_at_once(void **state)
{
    ecsagent_op *op = NULL;
    ecsagent_event e = { .size = sizeof(e) };

    (void)state;
    assert_int_equal(ea_op_start(wait_for_cancel, NULL, no_argument, 600, &op), ECSAGENT_STARTED);
    assert_int_equal(ecsagent_op_next(op, 0, &e), ECSAGENT_NEXT_NONE);
    ecsagent_op_cancel(op);
    assert_string_equal(next_event(op).error->name, "CANCELLED");
    ecsagent_op_free(op);
    assert_int_equal(ecsagent_op_next(NULL, 0, &e), ECSAGENT_MISUSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_a_service_may_know_is_copied),
        cmocka_unit_test(a_settings_file_comes_back_as_it_was_written),
        cmocka_unit_test(what_is_not_ours_by_name_stays_in_the_folders),
        cmocka_unit_test(a_status_becomes_one_record_then_done_for_ever),
        cmocka_unit_test(garbage_is_an_error_with_its_category),
        cmocka_unit_test(a_cancelled_operation_ends_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
