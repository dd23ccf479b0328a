#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "model/model.h"

static struct ea_task *task(const char *arn, const char *endpoint)
{
    struct ea_task *t = ea_task_new();

    t->arn = ea_strdup(arn);
    t->containers.v = ea_alloc_array(1, sizeof(*t->containers.v));
    t->containers.n = 1;
    t->containers.v[0].name = ea_strdup("c");
    t->containers.v[0].endpoint_id = ea_strdup(endpoint);
    return t;
}

static void tasks_are_found_by_arn_docker_id_and_endpoint(void **state)
{
    struct ea_model m;
    struct ea_task *t = NULL;
    struct ea_container *c = NULL;

    (void)state;
    ea_model_init(&m, 1);
    struct ea_task *a = task("a", "e1");
    struct ea_task *b = task("b", "e2");
    ea_model_add_task(&m, a);
    ea_model_add_task(&m, b);
    assert_ptr_equal(ea_model_task(&m, "b"), b);
    assert_null(ea_model_task(&m, NULL));
    ea_model_set_docker_id(&m, b, &b->containers.v[0], "id1");
    assert_true(b->dirty);
    assert_ptr_equal(ea_map_get(&m.by_docker, "id1"), b);
    b->containers.v[0].vanished = true;
    ea_model_set_docker_id(&m, b, &b->containers.v[0], "id2");
    assert_null(ea_map_get(&m.by_docker, "id1"));
    assert_false(b->containers.v[0].vanished);
    assert_true(ea_model_by_endpoint(&m, "e2", &t, &c));
    assert_ptr_equal(t, b);
    assert_false(ea_model_by_endpoint(&m, "", &t, &c));
    assert_false(ea_model_by_endpoint(&m, "e3", &t, &c));
    ea_model_remove_task(&m, b);
    assert_null(ea_map_get(&m.by_docker, "id2"));
    assert_null(ea_model_task(&m, "b"));
    assert_string_equal(m.gone.v[0], "b");
    ea_model_add_task(&m, task("b", "e9")); /* back in the same turn: its row stays */
    assert_int_equal(m.gone.n, 0);
    ea_model_done(&m);
}

static void newer_credentials_replace_older_ones(void **state)
{
    struct ea_model m;

    (void)state;
    ea_model_init(&m, 1);
    for (int i = 0; i < 2; i++) {
        struct ea_creds c = { .id = ea_strdup("x"),
                              .expiration = ea_strdup(i ? "2" : "1"),
                              .secret_access_key = ea_strdup("s") };
        ea_model_put_creds(&m, &c);
        assert_null(c.id);
    }
    assert_string_equal(ea_model_creds(&m, "x")->expiration, "2");
    assert_int_equal(ea_map_count(&m.creds), 1);
    assert_null(ea_model_creds(&m, NULL));
    ea_model_done(&m);
}

static void the_backend_is_told_three_words(void **state)
{
    static const struct {
        ea_cstate state;
        const char *word;
    } containers[] = {
        { EA_C_NONE, NULL },         { EA_C_MANIFEST_PULLED, "PENDING" },
        { EA_C_PULLED, NULL },       { EA_C_CREATED, NULL },
        { EA_C_RUNNING, "RUNNING" }, { EA_C_PROVISIONED, "RUNNING" },
        { EA_C_STOPPED, "STOPPED" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(containers); i++)
        if (!ea_zstr_eq(ea_cstate_wire(containers[i].state), containers[i].word))
            fail_msg("%s", ea_cstate_name(containers[i].state));
    for (int s = EA_T_NONE; s < EA_T_RUNNING; s++)
        assert_string_equal(ea_tstate_wire((ea_tstate)s), "PENDING");
    assert_string_equal(ea_tstate_wire(EA_T_RUNNING), "RUNNING");
    assert_string_equal(ea_tstate_wire(EA_T_STOPPED), "STOPPED");
    assert_string_equal(ea_cstate_name(EA_C_PROVISIONED), "RESOURCES_PROVISIONED");
    assert_string_equal(ea_tstate_name(EA_T_PULLED), "PULLED");
    assert_string_equal(ea_health_name(EA_HEALTH_UNHEALTHY), "UNHEALTHY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_found_by_arn_docker_id_and_endpoint),
        cmocka_unit_test(newer_credentials_replace_older_ones),
        cmocka_unit_test(the_backend_is_told_three_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
