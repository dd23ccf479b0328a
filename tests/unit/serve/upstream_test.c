#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "serve/protect.h"
#include "serve/tags.h"
#include "serve/upstream.h"

#include <stdio.h>
#include <string.h>

#define ARN "arn:aws:ecs:us-west-2:1:task/prod/t1"

static struct ea_model *model(const char *credentials_id)
{
    static struct ea_model m;
    struct ea_task *t = ea_task_new();
    struct ea_creds role = { .id = ea_strdup("role"),
                             .task_arn = ea_strdup(ARN),
                             .access_key_id = ea_strdup("AK"),
                             .secret_access_key = ea_strdup("SK") };
    struct ea_creds later = { .id = ea_strdup("later"),
                              .task_arn = ea_strdup(ARN),
                              .known_only = true };

    ea_model_init(&m, 1);
    ea_set_str(&m.meta.cluster, "prod");
    ea_set_str(&m.meta.container_instance_arn, "arn:instance");
    t->arn = ea_strdup(ARN);
    t->known = t->desired = EA_T_RUNNING;
    ea_set_str(&t->credentials_id, credentials_id);
    t->containers.n = 1;
    t->containers.v = ea_alloc_array(1, sizeof(*t->containers.v));
    t->containers.v[0].name = ea_strdup("web");
    t->containers.v[0].endpoint_id = ea_strdup("one");
    t->containers.v[0].known = t->containers.v[0].desired = EA_C_RUNNING;
    ea_model_add_task(&m, t);
    ea_model_set_docker_id(&m, t, &t->containers.v[0], "d0c4e5");
    ea_model_put_creds(&m, &role);
    ea_model_put_creds(&m, &later);
    return &m;
}

static void only_the_route_of_task_protection_is_taken_for_it(void **state)
{
    static const struct {
        const char *path, *id;
    } cases[] = {
        { "/api/one/task-protection/v1/state", "one" },
        { "/api//task-protection/v1/state", NULL },
        { "/api/one/task-protection/v2/state", NULL },
        { "/api/one/task-protection/v1/state/x", NULL },
        { "/api/one", NULL },
        { "/v4/one/task", NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *id = ea_protect_id(cases[i].path);
        if (!ea_zstr_eq(id, cases[i].id))
            fail_msg("%s: %s", cases[i].path, id ? id : "none");
    }
}

static void a_request_is_refused_in_the_order_of_the_checks_or_becomes_a_call(void **state)
{
#define MINE "\"error\":{\"Arn\":\"" ARN "\",\"Code\":"
    static const struct {
        const char *why, *credentials, *method, *id, *body;
        int status;
        const char *text; /* of the answer, or of the call's body for status 0 */
    } cases[] = {
        { "read", "role", "GET", "one", "", 0, "{\"cluster\":\"prod\",\"tasks\":[\"" ARN "\"]}" },
        { "on for an hour", "role", "PUT", "one",
          "{\"ProtectionEnabled\":true,\"ExpiresInMinutes\":60}", 0,
          "{\"cluster\":\"prod\",\"tasks\":[\"" ARN
          "\"],\"protectionEnabled\":true,\"expiresInMinutes\":60}" },
        { "names without case", "role", "PUT", "one", "{\"protectionenabled\":false}", 0,
          "{\"cluster\":\"prod\",\"tasks\":[\"" ARN "\"],\"protectionEnabled\":false}" },
        { "another method", "role", "POST", "one", "{}", 405, "" },
        { "no JSON, before the id is looked at", "role", "PUT", "none", "yes", 400,
          "{\"error\":{\"Code\":\"InvalidParameterException\",\"Message\":\"UpdateTaskProtection: "
          "failed to decode request\"}}" },
        { "an unknown member", "role", "PUT", "one", "{\"ProtectionEnabled\":true,\"Until\":1}",
          400, "failed to decode request" },
        { "a wrong type", "role", "PUT", "one", "{\"ProtectionEnabled\":\"true\"}", 400,
          "failed to decode request" },
        { "half a minute", "role", "PUT", "one",
          "{\"ProtectionEnabled\":true,\"ExpiresInMinutes\":0.5}", 400,
          "failed to decode request" },
        { "an unknown id", "role", "PUT", "none", "{}", 404,
          "{\"error\":{\"Code\":\"ResourceNotFoundException\",\"Message\":\"Failed to find a task "
          "for the request\"}}" },
        { "nothing to do", NULL, "PUT", "one", "{\"ExpiresInMinutes\":5}", 400,
          "{" MINE "\"InvalidParameterException\",\"Message\":\"Invalid request: does not contain "
          "'ProtectionEnabled' field\"}}" },
        { "no role", NULL, "GET", "one", "", 403,
          "{" MINE "\"AccessDeniedException\",\"Message\":\"Invalid Request: no task IAM role "
          "credentials available for task\"}}" },
        { "secrets not here yet", "later", "GET", "one", "", 503, "have not come yet" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_model *m = model(cases[i].credentials);
        struct ea_protect_call call = { .body = EA_BUF(4096) };
        EA_BUF_AUTO answer = EA_BUF(4096);
        int status = ea_protect_ask(m, cases[i].id, cases[i].method, ea_str_of(cases[i].body),
                                    &call, &answer);
        const char *text = status ? ea_buf_z(&answer) : ea_buf_z(&call.body);

        if (status != cases[i].status || !strstr(text, cases[i].text))
            fail_msg("%s: %d %s", cases[i].why, status, text);
        if (!status)
            assert_string_equal(call.operation, cases[i].method[0] == 'G' ? "GetTaskProtection"
                                                                          : "UpdateTaskProtection");
        ea_buf_done(&call.body);
        ea_model_done(m);
    }
}

static void each_answer_of_the_api_has_its_form(void **state)
{
    static const struct {
        const char *why;
        ea_code code;
        int status;
        const char *fault, *body;
        int want;
        const char *text;
    } cases[] = {
        { "protected", EA_OK, 0, "",
          "{\"protectedTasks\":[{\"taskArn\":\"" ARN
          "\",\"protectionEnabled\":true,\"expirationDate\":1767323045.5}],\"failures\":[]}",
          200,
          "{\"protection\":{\"ExpirationDate\":\"2026-01-02T03:04:05.5Z\",\"ProtectionEnabled\":"
          "true,\"TaskArn\":\"" ARN "\"}}" },
        { "not protected", EA_OK, 0, "",
          "{\"protectedTasks\":[{\"taskArn\":\"" ARN "\",\"protectionEnabled\":false}]}", 200,
          "{\"protection\":{\"ExpirationDate\":null,\"ProtectionEnabled\":false,\"TaskArn\":\"" ARN
          "\"}}" },
        { "until a time that is none", EA_OK, 0, "",
          "{\"protectedTasks\":[{\"protectionEnabled\":true,\"expirationDate\":1e300}]}", 200,
          "{\"protection\":{\"ExpirationDate\":null,\"ProtectionEnabled\":true,\"TaskArn\":null}"
          "}" },
        { "a failure", EA_OK, 0, "",
          "{\"failures\":[{\"arn\":\"" ARN "\",\"reason\":\"TASK_NOT_VALID\"}]}", 200,
          "{\"failure\":{\"Arn\":\"" ARN "\",\"Detail\":null,\"Reason\":\"TASK_NOT_VALID\"}}" },
        { "neither, which ends the reference's handler", EA_OK, 0, "", "{}", 500,
          "{\"error\":{\"Arn\":\"" ARN
          "\",\"Code\":\"ServerException\",\"Message\":\"Unexpected error occurred\"}}" },
        { "two", EA_OK, 0, "", "{\"protectedTasks\":[{},{}]}", 500, "Unexpected error occurred" },
        { "no JSON", EA_OK, 0, "", "<html>", 500, "Unexpected error occurred" },
        { "refused", EA_DENIED, 400, "AccessDeniedException", "", 400,
          "{\"requestID\":\"r-1\",\"error\":{\"Arn\":\"" ARN
          "\",\"Code\":\"AccessDeniedException\",\"Message\":\"not \\u003cyou\\u003e\"}}" },
        { "too slow", EA_TIMEOUT, 0, "", "", 504,
          "{\"error\":{\"Arn\":\"" ARN "\",\"Code\":\"RequestCanceled\",\"Message\":\"Timed out "
          "calling ECS Task Protection API\"}}" },
        { "not reached", EA_UNREACHABLE, 0, "", "", 500, "\"Code\":\"ServerException\"" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        const ea_err err = { .code = cases[i].code, .text = "no route" };
        const struct ea_serve_reply r = { .err = &err,
                                          .status = cases[i].status,
                                          .code = cases[i].fault,
                                          .message = "not <you>",
                                          .request_id = "r-1",
                                          .body = ea_str_of(cases[i].body) };
        EA_BUF_AUTO got = EA_BUF(4096);
        int status = ea_protect_answer(ARN, &r, &got);

        if (status != cases[i].want || !strstr(ea_buf_z(&got), cases[i].text))
            fail_msg("%s: %d %s", cases[i].why, status, ea_buf_z(&got));
    }
}

static void tags_stand_in_the_task_and_errors_in_version_4_alone(void **state)
{
    const ea_err good = { 0 }, bad = { .code = EA_DENIED, .text = "denied" };
    const struct ea_serve_reply tagged = {
        .err = &good,
        .body = EA_STR(
            "{\"tags\":[{\"key\":\"b\",\"value\":\"2\"},{\"key\":\"a\",\"value\":\"<\"}]}")
    };
    const struct ea_serve_reply none = { .err = &good, .body = EA_STR("{\"tags\":[]}") };
    const struct ea_serve_reply refused = { .err = &bad,
                                            .status = 400,
                                            .code = "AccessDeniedException",
                                            .message = "no",
                                            .request_id = "r-1" };
    struct ea_tags t = { 0 };
    EA_BUF_AUTO v4 = EA_BUF(4096);
    EA_BUF_AUTO v3 = EA_BUF(4096);

    (void)state;
    ea_tags_reply(&t, EA_TAGS_INSTANCE, "arn:instance", &refused);
    ea_tags_reply(&t, EA_TAGS_TASK, ARN, &tagged);
    ea_buf_adds(&v4, "{\"Cluster\":\"prod\"}");
    ea_tags_add(&t, 4, &v4);
    assert_string_equal(
        ea_buf_z(&v4),
        "{\"Cluster\":\"prod\",\"TaskTags\":{\"a\":\"\\u003c\",\"b\":\"2\"},\"Errors\":[{"
        "\"ErrorField\":\"ContainerInstanceTags\",\"ErrorCode\":\"AccessDeniedException\","
        "\"ErrorMessage\":\"no\",\"StatusCode\":400,\"RequestId\":\"r-1\",\"ResourceARN\":"
        "\"arn:instance\"}]}");
    ea_buf_adds(&v3, "{\"Cluster\":\"prod\"}");
    ea_tags_add(&t, 3, &v3);
    assert_string_equal(ea_buf_z(&v3),
                        "{\"Cluster\":\"prod\",\"TaskTags\":{\"a\":\"\\u003c\",\"b\":\"2\"}}");
    ea_tags_done(&t);
    ea_tags_reply(&t, EA_TAGS_TASK, ARN, &none);
    ea_buf_clear(&v4);
    ea_buf_adds(&v4, "{\"Cluster\":\"prod\"}");
    ea_tags_add(&t, 4, &v4);
    assert_string_equal(ea_buf_z(&v4), "{\"Cluster\":\"prod\"}");
    ea_tags_done(&t);
}

/* ---- requests that wait ---- */

static struct {
    ea_serve_replied *done[4];
    void *ctx[4];
    char *operation[4];
    const struct ea_creds *creds[4];
    unsigned calls, drops;
    bool refuse;
    int status;
    char body[4096];
    unsigned answers;
} seen;

static void *call(void *ctx, const char *operation, ea_str body, const struct ea_creds *creds,
                  ea_serve_replied *done, void *done_ctx, ea_err *err)
{
    unsigned i = seen.calls;

    (void)ctx;
    (void)body;
    if (seen.refuse) {
        (void)ea_fail(err, EA_UNREACHABLE, "no endpoint");
        return NULL;
    }
    seen.done[i] = done;
    seen.ctx[i] = done_ctx;
    seen.operation[i] = ea_strdup(operation);
    seen.creds[i] = creds;
    seen.calls++;
    return &seen.done[i];
}

static void drop(void *ctx, void *handle)
{
    (void)ctx;
    assert_non_null(handle);
    seen.drops++;
}

static void answer(void *ctx, ea_http_request *req, int status, ea_str body)
{
    (void)ctx;
    (void)req;
    seen.answers++;
    seen.status = status;
    (void)snprintf(seen.body, sizeof(seen.body), "%.*s", EA_STR_FMT(body)); /* long enough */
}

static void reset(void)
{
    for (unsigned i = 0; i < seen.calls; i++)
        ea_free(seen.operation[i]);
    memset(&seen, 0, sizeof(seen));
}

static void a_request_waits_for_its_calls_and_a_stop_ends_the_wait(void **state)
{
    struct ea_model *m = model("role");
    const struct ea_serve_source source = { .model = m, .call = call, .drop = drop };
    ea_upstream *u = ea_upstream_new(NULL, &source, answer, NULL);
    ea_http_request tags = { .method = "GET", .path = "/v4/one/taskWithTags", .peer = "1.2.3.4" };
    ea_http_request guard = { .method = "GET", .path = "/api/one/task-protection/v1/state" };
    ea_http_request plain = { .method = "GET", .path = "/v4/one/task" };
    const ea_err good = { 0 };
    const struct ea_serve_reply reply = { .err = &good,
                                          .body = EA_STR("{\"tags\":[{\"key\":\"k\","
                                                         "\"value\":\"v\"}]}") };

    (void)state;
    reset();
    assert_false(ea_upstream_handle(u, &plain));
    assert_true(ea_upstream_handle(u, &tags));
    assert_int_equal(seen.calls, 2); /* side by side */
    assert_null(seen.creds[0]);      /* as the instance */
    seen.done[0](seen.ctx[0], &reply);
    assert_int_equal(seen.answers, 0);
    seen.done[1](seen.ctx[1], &reply);
    assert_int_equal(seen.status, 200);
    assert_non_null(
        strstr(seen.body, "\"TaskTags\":{\"k\":\"v\"},\"ContainerInstanceTags\":{\"k\":"));
    reset();
    assert_true(ea_upstream_handle(u, &guard));
    assert_string_equal(seen.creds[0]->id, "role");
    ea_upstream_free(u);
    assert_int_equal(seen.drops, 1);
    assert_int_equal(seen.status, 503);
    reset();
    ea_model_done(m);
}

static void a_call_that_cannot_be_made_is_answered_at_once(void **state)
{
    struct ea_model *m = model("role");
    const struct ea_serve_source source = { .model = m, .call = call, .drop = drop };
    ea_upstream *u = ea_upstream_new(NULL, &source, answer, NULL);
    ea_http_request tags = { .method = "GET", .path = "/v4/one/taskWithTags", .peer = "1.2.3.4" };
    ea_http_request guard = { .method = "GET", .path = "/api/one/task-protection/v1/state" };

    (void)state;
    reset();
    seen.refuse = true;
    assert_true(ea_upstream_handle(u, &tags));
    assert_int_equal(seen.status, 200);
    assert_non_null(strstr(seen.body, "\"ErrorMessage\":\"no endpoint\""));
    assert_true(ea_upstream_handle(u, &guard));
    assert_int_equal(seen.status, 500);
    assert_non_null(strstr(seen.body, "no endpoint"));
    ea_upstream_free(u);
    ea_model_done(m);
    reset();
}

static void without_one_who_calls_no_route_is_taken(void **state)
{
    struct ea_model *m = model("role");
    const struct ea_serve_source source = { .model = m };
    ea_upstream *u = ea_upstream_new(NULL, &source, answer, NULL);
    ea_http_request tags = { .method = "GET", .path = "/v4/one/taskWithTags", .peer = "1.2.3.4" };
    ea_http_request guard = { .method = "GET", .path = "/api/one/task-protection/v1/state" };

    (void)state;
    reset();
    assert_false(ea_upstream_handle(u, &tags));
    assert_false(ea_upstream_handle(u, &guard));
    assert_int_equal(seen.answers, 0);
    ea_upstream_free(u);
    ea_model_done(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_route_of_task_protection_is_taken_for_it),
        cmocka_unit_test(a_request_is_refused_in_the_order_of_the_checks_or_becomes_a_call),
        cmocka_unit_test(each_answer_of_the_api_has_its_form),
        cmocka_unit_test(tags_stand_in_the_task_and_errors_in_version_4_alone),
        cmocka_unit_test(a_request_waits_for_its_calls_and_a_stop_ends_the_wait),
        cmocka_unit_test(a_call_that_cannot_be_made_is_answered_at_once),
        cmocka_unit_test(without_one_who_calls_no_route_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
