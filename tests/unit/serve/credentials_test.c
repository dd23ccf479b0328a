#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "serve/audit.h"
#include "serve/limiter.h"
#include "serve/route_creds.h"

#include <stdio.h>
#include <string.h>

static struct ea_creds creds(const char *id, const char *task, bool known_only)
{
    return (struct ea_creds){ .id = ea_strdup(id),
                              .role_arn = ea_strdup("arn:aws:iam::1:role/r"),
                              .access_key_id = ea_strdup("AK"),
                              .secret_access_key = ea_strdup("s<e>&c"),
                              .session_token = ea_strdup("tok"),
                              .expiration = ea_strdup("2030-01-01T00:00:00Z"),
                              .task_arn = ea_strdup(task),
                              .known_only = known_only };
}

static struct ea_model *model_with_two_tasks(void)
{
    static struct ea_model m;
    struct ea_task *t = ea_task_new();
    struct ea_creds a = creds("id-a", "arn:task/a", false), b = creds("id-b", "arn:task/b", true);

    ea_model_init(&m, 1);
    t->arn = ea_strdup("arn:task/a");
    t->containers.v = ea_alloc_array(1, sizeof(*t->containers.v));
    t->containers.n = 1;
    t->containers.v[0].name = ea_strdup("web");
    t->containers.v[0].known = EA_C_RUNNING;
    t->containers.v[0].networks.v = ea_alloc_array(1, sizeof(*t->containers.v[0].networks.v));
    t->containers.v[0].networks.n = 1;
    t->containers.v[0].networks.v[0].ipv4 = ea_strdup("172.17.0.5");
    ea_model_add_task(&m, t);
    ea_model_put_creds(&m, &a);
    ea_model_put_creds(&m, &b);
    return &m;
}

static void each_case_has_its_status_and_body(void **state)
{
    static const struct {
        const char *why;
        int version;
        const char *id, *peer;
        int status;
        const char *body;
    } cases[] = {
        { "credentials, Go-style escapes", 2, "id-a", "127.0.0.1", 200,
          "{\"RoleArn\":\"arn:aws:iam::1:role/r\",\"AccessKeyId\":\"AK\",\"SecretAccessKey\":"
          "\"s\\u003ce\\u003e\\u0026c\",\"Token\":\"tok\",\"Expiration\":\"2030-01-01T00:00:"
          "00Z\"}" },
        { "no id, version 1", 1, NULL, "127.0.0.1", 400,
          "{\"code\":\"NoIdInRequest\",\"message\":\"CredentialsV1Request: No Credential ID in the "
          "request\",\"HTTPErrorCode\":400}" },
        { "unknown id", 2, "nope", "127.0.0.1", 400,
          "{\"code\":\"InvalidIdInRequest\",\"message\":\"CredentialsV2Request: Credentials not "
          "found\",\"HTTPErrorCode\":400}" },
        { "known from the state, secret not here yet", 2, "id-b", "127.0.0.1", 503,
          "{\"code\":\"CredentialsUninitialized\",\"message\":\"CredentialsV2Request: Credentials "
          "uninitialized for ID\",\"HTTPErrorCode\":503}" },
        { "another task's container asks", 2, "id-b", "172.17.0.5", 400,
          "{\"code\":\"InvalidIdInRequest\",\"message\":\"CredentialsV2Request: Credentials not "
          "found\",\"HTTPErrorCode\":400}" },
    };
    struct ea_model *m = model_with_two_tasks();

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_SECRET_BUF_AUTO body = EA_BUF(8192);
        struct ea_creds_answer a;
        ea_route_creds(m, cases[i].version, cases[i].id, cases[i].peer, &body, &a);
        if (a.status != cases[i].status || strcmp(ea_buf_z(&body), cases[i].body) != 0)
            fail_msg("%s: %d %s", cases[i].why, a.status, ea_buf_z(&body));
        assert_int_equal(a.creds != NULL, cases[i].status == 200);
    }
    ea_model_done(m);
}

static void the_audit_line_never_holds_the_id(void **state)
{
    struct ea_creds c = creds("secret-id", "arn:task/a", false);
    struct ea_audit_entry e = { .wall_ms = 1767323045123,
                                .status = 200,
                                .peer = "172.17.0.2",
                                .peer_port = 4242,
                                .path = "/v2/credentials/secret-id",
                                .user_agent = "curl \"x\"\n",
                                .creds = &c,
                                .cluster = "prod" };
    EA_BUF_AUTO line = EA_BUF(4096);

    (void)state;
    ea_audit_line(&e, &line);
    assert_string_equal(ea_buf_z(&line),
                        "2026-01-02T03:04:05Z 200 172.17.0.2:4242 \"/v2/credentials\" "
                        "\"curl _x__\" arn:task/a GetCredentials 2 prod -\n");
    ea_buf_clear(&line);
    e.creds = NULL;
    e.status = 400;
    e.path = "/v1/credentials";
    e.user_agent = NULL;
    ea_audit_line(&e, &line);
    assert_string_equal(ea_buf_z(&line),
                        "2026-01-02T03:04:05Z 400 172.17.0.2:4242 \"/v1/credentials\" \"-\" - \n");
    ea_creds_done(&c);
}

static void a_bucket_gives_its_burst_then_its_rate(void **state)
{
    ea_limiter *l = ea_limiter_new(40, 60, 100);
    unsigned allowed = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        allowed += ea_limiter_allow(l, "1.2.3.4", "/p", 1000) ? 1 : 0;
    assert_int_equal(allowed, 60);
    assert_true(ea_limiter_allow(l, "1.2.3.4", "/other", 1000));
    assert_true(ea_limiter_allow(l, "1.2.3.5", "/p", 1000));
    for (int i = 0; i < 100; i++)
        allowed += ea_limiter_allow(l, "1.2.3.4", "/p", 1500) ? 1 : 0;
    assert_int_equal(allowed, 80);
    ea_limiter_free(l);
}

static void the_table_of_buckets_is_bounded(void **state)
{
    ea_limiter *l = ea_limiter_new(1, 1, 10);
    char path[32];

    (void)state;
    assert_true(ea_limiter_allow(l, "p", "/first", 0));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(path, sizeof(path), "/%d", i);
        assert_true(ea_limiter_allow(l, "p", path, 0));
    }
    assert_true(ea_limiter_allow(l, "p", "/first", 0)); /* pushed out, so it starts anew */
    ea_limiter_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_has_its_status_and_body),
        cmocka_unit_test(the_audit_line_never_holds_the_id),
        cmocka_unit_test(a_bucket_gives_its_burst_then_its_rate),
        cmocka_unit_test(the_table_of_buckets_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
