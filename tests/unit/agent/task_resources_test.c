/* task_resources_test.c - what a task needs is fetched, told as one answer, and gone with the task:
 * against a peer on loopback, and with a Windows of a test's own for credential specs. */
#include "agent/gmsa.h"
#include "agent/task_resources.h"
#include "agent/turn.h"
#include "base/alloc.h"
#include "fakes/scripted_peer.h"
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

#define ARN         "arn:aws:ecs:us-west-2:123456789012:task/c/0123"
#define SPEC_KEY    "System\\CurrentControlSet\\Services\\AmazonECSCCGPlugin\\" ARN
#define PATIENCE_MS 15000
#define DOMAINLESS                                                                                 \
    "{\"ActiveDirectoryConfig\":{\"HostAccountConfig\":{\"PluginInput\":\"{\\\"credentialArn\\\":" \
    "\\\"arn:x\\\"}\"}}}"

static char folder[512];

struct fixture {
    ea_agent ag;
    struct peer *peer;
    struct ea_task *t;
    struct ea_gmsa_os os;
    const char *dir; /* told as Docker's folder */
    bool registry_fails;
    int key_writes, key_deletes;
    char key[256], texts[512];
};

/* ---- a Windows of our own --------------------------------------------------------------------- */

static char *spec_dir(void *ctx)
{
    struct fixture *f = ctx;

    return ea_strdup(f->dir);
}

static ea_code set_texts(void *ctx, const char *key, const ea_kv *values, size_t n, ea_err *err)
{
    struct fixture *f = ctx;

    if (f->registry_fails)
        return ea_fail(err, EA_DENIED, "write %s: access denied", key);
    f->key_writes++;
    (void)snprintf(f->key, sizeof(f->key), "%s", key);
    f->texts[0] = '\0';
    for (size_t i = 0; i < n; i++)
        (void)snprintf(f->texts + strlen(f->texts), sizeof(f->texts) - strlen(f->texts), "%s=%s;",
                       values[i].k, values[i].v);
    return EA_OK;
}

static ea_code delete_key(void *ctx, const char *key, ea_err *err)
{
    struct fixture *f = ctx;

    (void)err;
    f->key_deletes++;
    assert_string_equal(key, SPEC_KEY);
    return EA_OK;
}

static bool no(void *ctx)
{
    (void)ctx;
    return false;
}

static bool no_key(void *ctx, const char *key)
{
    (void)ctx;
    (void)key;
    return false;
}

/* ---- the rest of the world -------------------------------------------------------------------- */

static int set_up(void **state)
{
    struct fixture *f = ea_alloc(sizeof(*f));
    EA_FREE_AUTO char *path = NULL;
    ea_net_config net = { .proxy_http = "", .proxy_https = "" };
    char temp[256];
    size_t n = sizeof(temp);
    uint64_t salt = 0;
    ea_err err = { 0 };

    ea_plat_random(&salt, sizeof(salt));
    if (uv_os_tmpdir(temp, &n) != 0)
        return -1;
    (void)snprintf(folder, sizeof(folder), "%s/ecs-res-%016llx", temp, (unsigned long long)salt);
    path = ea_sprintf_dup("%s/agent.db", folder);
    if (ea_plat_make_dir(folder, &err) || ea_loop_new(&f->ag.loop, &err) ||
        ea_store_open(path, &f->ag.store, &err) || ea_net_new(f->ag.loop, &net, &f->ag.net, &err))
        return -1;
    f->ag.cluster = ea_strdup("c");
    f->ag.region = ea_strdup("us-west-2");
    f->dir = folder;
    f->os = (struct ea_gmsa_os){ f, spec_dir, set_texts, delete_key, no_key, no };
    f->ag.gmsa = &f->os;
    ea_rng_seed(&f->ag.rng, 1);
    ea_model_init(&f->ag.model, 1);
    f->ag.model.settings.windows = true;
    f->ag.turns = ea_turns_new(&f->ag);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ea_err err = { 0 };

    ea_taskres_free(f->ag.resources);
    if (f->peer)
        peer_stop(f->peer);
    f->ag.stopping = true; /* turns that are due find that there is nothing to do any more */
    ea_net_free(f->ag.net);
    ea_loop_stop(f->ag.loop);
    ea_loop_run(f->ag.loop, 100);
    ea_turns_free(f->ag.turns);
    ea_loop_free(f->ag.loop);
    ea_store_close(f->ag.store);
    ea_model_done(&f->ag.model);
    ea_config_free(f->ag.config);
    ea_free(f->ag.cluster);
    ea_free(f->ag.region);
    ea_free(f);
    return ea_plat_remove_tree(folder, &err) == EA_OK ? 0 : -1;
}

static void put_role(struct fixture *f, const char *secret)
{
    struct ea_creds c = { .id = ea_strdup("x1"),
                          .access_key_id = ea_strdup("AK"),
                          .secret_access_key = ea_strdup(secret),
                          .session_token = ea_strdup("TOK"),
                          .task_arn = ea_strdup(ARN),
                          .role_type = EA_ROLE_EXECUTION };

    ea_model_put_creds(&f->ag.model, &c);
}

static void load(struct fixture *f, const char *container, const struct peer_script *scripts,
                 size_t n)
{
    EA_FREE_AUTO char *text = ea_sprintf_dup(
        "{\"arn\":\"" ARN "\",\"family\":\"f\",\"version\":\"1\",\"desiredStatus\":\"RUNNING\","
        "\"containers\":[{\"name\":\"main\",\"image\":\"i\",\"essential\":true,%s}]}",
        container);
    EA_FREE_AUTO char *secrets = NULL;
    EA_FREE_AUTO char *ssm = NULL;
    EA_FREE_AUTO char *s3 = NULL;
    EA_FREE_AUTO char *arn = NULL;
    cJSON *json = cJSON_Parse(text);
    struct ea_creds role = { 0 }, exec = { 0 };
    ea_err err = { 0 };
    unsigned port = peer_unused_port();

    if (n) {
        f->peer = peer_start_each(f->ag.loop, scripts, n);
        port = peer_port(f->peer);
    }
    secrets = ea_sprintf_dup("AWS_ENDPOINT_URL_SECRETS_MANAGER=http://127.0.0.1:%u", port);
    ssm = ea_sprintf_dup("AWS_ENDPOINT_URL_SSM=http://127.0.0.1:%u", port);
    s3 = ea_sprintf_dup("AWS_ENDPOINT_URL_S3=http://127.0.0.1:%u", port);
    const char *const env[] = { "ECS_CLUSTER=c", secrets, ssm, s3, NULL };
    if (ea_config_load(env, &f->ag.config, &err) ||
        ea_task_from_wire(json, &f->t, &role, &exec, &arn, &err))
        fail_msg("%s", err.text);
    cJSON_Delete(json);
    f->t->containers.v[0].desired = EA_C_RUNNING;
    f->t->prepared = f->t->holds_resources = true;
    f->t->prep = EA_PREP_ASKED;
    f->t->prep_op = 7;
    ea_model_add_task(&f->ag.model, f->t);
}

static void too_late(void *late)
{
    *(bool *)late = true;
}

/* The fetch, up to its one answer; what the task's reason is then, NULL when all went well. */
static const char *fetch(struct fixture *f)
{
    const struct ea_effect fx = {
        .kind = EA_FX_PREPARE, .op = 7, .task = f->t, .limit_ms = PATIENCE_MS
    };
    bool late = false;
    ea_timer *t = ea_timer_new(f->ag.loop, too_late, &late);

    ea_taskres_prepare(&f->ag, &fx);
    assert_int_equal(f->t->prep, EA_PREP_ASKED);
    ea_timer_arm(t, 2 * PATIENCE_MS);
    while (f->t->prep_op && !late)
        (void)uv_run(ea_loop_uv(f->ag.loop), UV_RUN_ONCE);
    ea_timer_free(t);
    assert_false(late);
    assert_int_equal(f->t->prep_op, 0);
    return f->t->reason;
}

static const char *mapping(struct fixture *f, char out[256])
{
    struct ea_fetched got;

    ea_err err = { 0 };

    if (ea_taskres_of(&f->ag, f->t, &f->t->containers.v[0], &got, &err))
        assert_int_equal(err.code, EA_REFUSED);
    (void)snprintf(out, 256, "%s", got.credential_spec ? got.credential_spec : "none");
    ea_fetched_done(&got);
    return out;
}

static char *content_of(const char *file)
{
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/%s", folder, file);
    ea_buf b = EA_BUF(65536);
    char *text = NULL;
    ea_err err = { 0 };

    if (ea_plat_read_file(path, 65536, &b, &err) == EA_OK && ea_buf_take(&b, &text, &err) == EA_OK)
        return text;
    ea_buf_done(&b);
    return NULL;
}

static void put_file(const char *file, const char *content)
{
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/%s", folder, file);
    ea_err err = { 0 };

    assert_int_equal(ea_plat_write_file(path, ea_str_of(content), 0644, &err), EA_OK);
}

#define SPEC(text) "\"credentialSpecs\":[\"" text "\"]"
#define REASON(words)                                                                              \
    "ResourceInitializationError: resource cannot be initialized for task " ARN ": " words
#define HTTP(status, body)                                                                         \
    {                                                                                              \
        (const struct peer_step[]){ { .wait = "\r\n\r\n",                                          \
                                      .send =                                                      \
                                          "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body, \
                                      .then = PEER_SHUT } },                                       \
            1                                                                                      \
    }

/* ---- credential specs ------------------------------------------------------------------------- */

static void a_file_that_is_there_needs_nobody(void **state)
{
    struct fixture *f = *state;
    char text[256];

    load(f, SPEC("credentialspec:file://web.json"), NULL, 0);
    assert_null(fetch(f));
    assert_string_equal(mapping(f, text), "credentialspec=file://web.json");
    ea_taskres_forget(&f->ag, f->t);
    assert_string_equal(mapping(f, text), "none");
    assert_int_equal(f->key_deletes, 0);
}

static void a_spec_from_elsewhere_needs_a_role_and_says_so_at_once(void **state)
{
    struct fixture *f = *state;

    load(f, SPEC("credentialspec:arn:aws:s3:::bucket/web.json"), NULL, 0);
    assert_string_equal(fetch(f),
                        REASON("container main needs the credential spec "
                               "credentialspec:arn:aws:s3:::bucket/web.json, and the task has no "
                               "execution role"));
    assert_int_equal(f->t->known, EA_T_STOPPED);
}

static void an_object_becomes_a_file_of_dockers_folder_and_goes_with_the_task(void **state)
{
    struct fixture *f = *state;
    const struct peer_script scripts[] = { HTTP("200 OK", "{\"spec\":1}") };
    char text[256];

    load(f, SPEC("credentialspec:arn:aws:s3:::bucket/dir/web.json"), scripts, 1);
    put_role(f, "SECRET");
    ea_set_str(&f->t->execution_credentials_id, "x1");
    assert_null(fetch(f));
    assert_string_equal(mapping(f, text), "credentialspec=file://s3_0123_web.json");
    EA_FREE_AUTO char *there = content_of("s3_0123_web.json");
    assert_string_equal(there, "{\"spec\":1}");
    assert_int_equal(f->key_writes, 0);
    ea_taskres_forget(&f->ag, f->t);
    EA_FREE_AUTO char *gone = content_of("s3_0123_web.json");
    assert_null(gone);
}

static void a_parameter_is_asked_for_as_it_is_and_becomes_a_file(void **state)
{
    struct fixture *f = *state;
    const struct peer_script scripts[] = { HTTP(
        "200 OK", "{\"Parameters\":[{\"Name\":\"/web\",\"ARN\":\"arn:aws:ssm:us-west-2:1:parameter/"
                  "web\",\"Value\":\"{}\"}],\"InvalidParameters\":[]}") };
    char text[256];

    load(f, SPEC("credentialspec:arn:aws:ssm:us-west-2:1:parameter/web"), scripts, 1);
    put_role(f, "SECRET");
    ea_set_str(&f->t->execution_credentials_id, "x1");
    assert_null(fetch(f));
    EA_FREE_AUTO char *sent = ea_str_dup(peer_received(f->peer));
    assert_non_null(strstr(sent, "\"WithDecryption\":false"));
    (void)mapping(f, text);
    assert_true(ea_str_starts(ea_str_of(text), "credentialspec=file://"));
    assert_int_equal(strlen(text), strlen("credentialspec=file://") + 64);
    EA_FREE_AUTO char *there = content_of(text + strlen("credentialspec=file://"));
    assert_string_equal(there, "{}");
}

static void a_domainless_spec_gets_a_copy_and_a_key_that_follow_the_credentials(void **state)
{
    struct fixture *f = *state;
    char text[256];

    put_file("web.json", DOMAINLESS);
    load(f, SPEC("credentialspecdomainless:file://web.json"), NULL, 0);
    put_role(f, "SECRET");
    ea_set_str(&f->t->execution_credentials_id, "x1");
    assert_null(fetch(f));
    assert_string_equal(mapping(f, text), "credentialspec=file://0123_main_web.json");
    EA_FREE_AUTO char *copy = content_of("0123_main_web.json");
    assert_non_null(strstr(copy, "AmazonECSCCGPlugin"));
    EA_FREE_AUTO char *original = content_of("web.json");
    assert_string_equal(original, DOMAINLESS);
    assert_string_equal(f->key, SPEC_KEY);
    assert_string_equal(f->texts, "AKID=AK;SKID=SECRET;SESSIONTOKEN=TOK;");

    put_role(f, "NEWER");
    assert_true(ea_gmsa_refresh(&f->ag, "x1"));
    assert_string_equal(f->texts, "AKID=AK;SKID=NEWER;SESSIONTOKEN=TOK;");
    f->registry_fails = true;
    assert_false(ea_gmsa_refresh(&f->ag, "x1"));
    assert_true(ea_gmsa_refresh(&f->ag, "another"));
    f->registry_fails = false;
    assert_int_equal(f->key_writes, 2);

    ea_taskres_forget(&f->ag, f->t);
    EA_FREE_AUTO char *gone = content_of("0123_main_web.json");
    assert_null(gone);
    EA_FREE_AUTO char *stays = content_of("web.json");
    assert_non_null(stays);
    assert_int_equal(f->key_deletes, 1);
}

static void what_an_earlier_process_made_goes_all_the_same(void **state)
{
    struct fixture *f = *state;

    put_file("0123_main_web.json", "{}");
    load(f, SPEC("credentialspecdomainless:file://web.json"), NULL, 0);
    ea_taskres_forget(&f->ag, f->t);
    EA_FREE_AUTO char *gone = content_of("0123_main_web.json");
    assert_null(gone);
    assert_int_equal(f->key_deletes, 1);
}

static void what_cannot_be_placed_stops_the_task_with_its_reason(void **state)
{
    static const struct {
        const char *why, *spec, *file, *words;
        bool no_folder, registry_fails, linux_host;
    } cases[] = {
        { "no such file", SPEC("credentialspecdomainless:file://none.json"), NULL, "none.json",
          false, false, false },
        { "no plug-in in it", SPEC("credentialspecdomainless:file://web.json"), "{}", "PluginInput",
          false, false, false },
        { "the registry", SPEC("credentialspecdomainless:file://web.json"), DOMAINLESS,
          "access denied", false, true, false },
        { "no folder", SPEC("credentialspecdomainless:file://web.json"), DOMAINLESS,
          "ProgramData is not set", true, false, false },
        { "another form", SPEC("credentialspec:https://x"), NULL, "neither a file nor the ARN",
          false, false, false },
        { "Linux", SPEC("credentialspec:file://web.json"), NULL, "for Windows", false, false,
          true },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        void *own = NULL;
        struct fixture *f = NULL;

        assert_int_equal(set_up(&own), 0);
        f = own;
        if (cases[i].file)
            put_file("web.json", cases[i].file);
        load(f, cases[i].spec, NULL, 0);
        put_role(f, "SECRET");
        ea_set_str(&f->t->execution_credentials_id, "x1");
        f->registry_fails = cases[i].registry_fails;
        f->dir = cases[i].no_folder ? NULL : folder;
        f->ag.model.settings.windows = !cases[i].linux_host;
        const char *reason = fetch(f);
        if (!reason || !strstr(reason, cases[i].words) || strstr(reason, "SECRET"))
            fail_msg("%s: %s", cases[i].why, reason);
        assert_int_equal(tear_down(&own), 0);
    }
}

/* ---- secrets ---------------------------------------------------------------------------------- */

static void one_secret_is_asked_for_once_and_reaches_each_of_its_names(void **state)
{
    struct fixture *f = *state;
    const struct peer_script scripts[] = { HTTP("200 OK", "{\"SecretString\":\"VALUE\"}") };
    struct ea_fetched got;

    load(f,
         "\"secrets\":[{\"name\":\"A\",\"valueFrom\":\"arn:aws:secretsmanager:us-west-2:1:secret:"
         "s\","
         "\"provider\":\"asm\",\"region\":\"us-west-2\"},{\"name\":\"B\",\"valueFrom\":"
         "\"arn:aws:secretsmanager:us-west-2:1:secret:s\",\"provider\":\"asm\",\"target\":"
         "\"LOG_DRIVER\"}]",
         scripts, 1);
    put_role(f, "SECRET");
    ea_set_str(&f->t->execution_credentials_id, "x1");
    assert_null(fetch(f));
    assert_int_equal(peer_connections(f->peer), 1);
    ea_err err = { 0 };
    assert_int_equal(ea_taskres_of(&f->ag, f->t, &f->t->containers.v[0], &got, &err), EA_OK);
    assert_string_equal(ea_strmap_get(&got.secret_env, "A"), "VALUE");
    assert_string_equal(ea_strmap_get(&got.secret_log, "B"), "VALUE");
    ea_fetched_done(&got);
}

static void a_task_that_ends_meanwhile_gets_one_answer_and_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    const struct peer_step never[] = { { .wait = "never", .then = PEER_STAY } };
    const struct peer_script scripts[] = { { never, 1 } };
    const struct ea_effect fx = { .kind = EA_FX_PREPARE, .op = 7, .limit_ms = PATIENCE_MS };
    struct ea_effect mine = fx;
    struct ea_fetched got;

    load(f,
         "\"secrets\":[{\"name\":\"A\",\"valueFrom\":\"p\",\"provider\":\"ssm\"}],"
         "\"environmentFiles\":[{\"type\":\"s3\",\"value\":\"arn:aws:s3:::bucket/k\"}]",
         scripts, 1);
    put_role(f, "SECRET");
    ea_set_str(&f->t->execution_credentials_id, "x1");
    mine.task = f->t;
    ea_taskres_prepare(&f->ag, &mine);
    for (int i = 0; i < 5; i++)
        (void)uv_run(ea_loop_uv(f->ag.loop), UV_RUN_NOWAIT);
    ea_taskres_forget(&f->ag, f->t);
    while (f->t->prep == EA_PREP_ASKED)
        (void)uv_run(ea_loop_uv(f->ag.loop), UV_RUN_ONCE);
    assert_int_equal(f->t->prep, EA_PREP_NONE); /* cancelled */
    assert_int_equal(ea_net_active(f->ag.net), 0);
    ea_err err = { 0 };
    assert_int_equal(ea_taskres_of(&f->ag, f->t, &f->t->containers.v[0], &got, &err), EA_REFUSED);
    assert_string_equal(err.text, "environment file arn:aws:s3:::bucket/k was not fetched");
    assert_null(ea_strmap_get(&got.secret_env, "A"));
    ea_fetched_done(&got);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_is_there_needs_nobody),
        TEST(a_spec_from_elsewhere_needs_a_role_and_says_so_at_once),
        TEST(an_object_becomes_a_file_of_dockers_folder_and_goes_with_the_task),
        TEST(a_parameter_is_asked_for_as_it_is_and_becomes_a_file),
        TEST(a_domainless_spec_gets_a_copy_and_a_key_that_follow_the_credentials),
        TEST(what_an_earlier_process_made_goes_all_the_same),
        cmocka_unit_test(what_cannot_be_placed_stops_the_task_with_its_reason),
        TEST(one_secret_is_asked_for_once_and_reaches_each_of_its_names),
        TEST(a_task_that_ends_meanwhile_gets_one_answer_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
