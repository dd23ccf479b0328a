#include "docker/docker_pull.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "docker/docker_image.h"
#include "docker/pull_lines.h"
#include "docker_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#define SHA  "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OPEN "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* ---- lines, pure ------------------------------------------------------------------------------ */

static void feed(struct ea_pull_state *s, const char *line)
{
    ea_err err = { 0 };

    if (ea_pull_line(s, ea_str_of(line), &err))
        fail_msg("%s: %s", line, err.text);
}

static void silence_means_trouble_only_while_something_is_downloaded(void **state)
{
    static const struct {
        const char *line;
        bool downloads;
        const char *status;
        int64_t current, total;
        unsigned done;
    } steps[] = {
        { "{\"status\":\"Pulling from library/nginx\",\"id\":\"1.25\"}", true, "Pulling", 0, 0, 0 },
        { "{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"aa\"}", false, "Complete",
          0, 0, 1 },
        { "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"bb\"}", true,
          "Downloading", 0, 0, 1 },
        { "{\"status\":\"Waiting\",\"progressDetail\":{},\"id\":\"cc\"}", true, "Downloading", 0, 0,
          1 },
        { "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10,\"total\":100},"
          "\"progress\":"
          "\"[>  ]\",\"id\":\"bb\"}",
          true, "Downloading", 10, 100, 1 },
        { "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":50},\"id\":"
          "\"cc\"}",
          true, "Downloading", 15, 150, 1 },
        { "{\"status\":\"Verifying Checksum\",\"progressDetail\":{},\"id\":\"bb\"}", true,
          "Downloading", 5, 50, 1 },
        { "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"cc\"}", false,
          "Extracting", 0, 0, 1 },
        { "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":30,\"total\":100},\"id\":"
          "\"bb\"}",
          false, "Extracting", 30, 100, 1 },
        { "{\"status\":\"Retrying in 5 seconds\",\"progressDetail\":{},\"id\":\"cc\"}", true,
          "Downloading", 0, 0, 1 },
        { "{\"status\":\"Download complete\",\"id\":\"cc\"}", false, "Extracting", 30, 100, 1 },
        { "{\"status\":\"Pull complete\",\"id\":\"bb\"}", false, "Extracting", 0, 0, 2 },
        { "{\"status\":\"Pull complete\",\"id\":\"cc\"}", false, "Complete", 0, 0, 3 },
        { "{\"status\":\"Digest: " SHA "\"}", false, "Complete", 0, 0, 3 },
        { "{\"status\":\"Status: Downloaded newer image for nginx:1.25\"}", false, "Complete", 0, 0,
          3 },
    };
    struct ea_pull_state s = { 0 };

    (void)state;
    assert_true(ea_pull_downloads(&s));
    for (size_t i = 0; i < EA_COUNT(steps); i++) {
        struct ea_pull_progress p;

        feed(&s, steps[i].line);
        ea_pull_summary(&s, &p);
        if (ea_pull_downloads(&s) != steps[i].downloads || strcmp(p.status, steps[i].status) != 0 ||
            p.current != steps[i].current || p.total != steps[i].total ||
            p.layers_done != steps[i].done)
            fail_msg("after %s: %s %lld/%lld, %u done", steps[i].line, p.status,
                     (long long)p.current, (long long)p.total, p.layers_done);
    }
    assert_null(s.error);
    ea_pull_state_done(&s);
}

struct layers {
    char text[512];
    unsigned n;
};

static void note_layer(void *ctx, const char *id, const char *what, int64_t bytes)
{
    struct layers *l = ctx;
    size_t used = strlen(l->text);

    l->n++;
    (void)snprintf(l->text + used, sizeof(l->text) - used, "%s %s %lld; ", id, what,
                   (long long)bytes);
}

static void progress_is_told_in_layers_and_bytes(void **state)
{
    static const struct {
        const char *line, *text;
    } steps[] = {
        { "{\"status\":\"Pulling from a/b\",\"id\":\"1\"}", "asks the registry" },
        { "{\"status\":\"Already exists\",\"id\":\"aa\"}", "1 of 1 layers, 0 of 0 KiB" },
        { "{\"status\":\"Pulling fs layer\",\"id\":\"bb\"}", "1 of 2 layers, 0 KiB so far" },
        { "{\"status\":\"Waiting\",\"id\":\"cc\"}", "1 of 3 layers, 0 KiB so far" },
        { "{\"status\":\"Downloading\",\"id\":\"bb\",\"progressDetail\":{\"current\":2097152,"
          "\"total\":104857600}}",
          "1 of 3 layers, 2 MiB so far" },
        { "{\"status\":\"Downloading\",\"id\":\"cc\",\"progressDetail\":{\"current\":-7,"
          "\"total\":20971520}}",
          "1 of 3 layers, 2 of 120 MiB" },
        { "{\"status\":\"Download complete\",\"id\":\"cc\"}", "1 of 3 layers, 22 of 120 MiB" },
        { "{\"status\":\"Downloading\",\"id\":\"bb\",\"progressDetail\":{\"current\":104857600,"
          "\"total\":104857600}}",
          "1 of 3 layers, 120 of 120 MiB" },
        { "{\"status\":\"Verifying Checksum\",\"id\":\"bb\"}", "unpacks, 1 of 3 layers" },
        { "{\"status\":\"Download complete\",\"id\":\"bb\"}", "unpacks, 1 of 3 layers" },
        { "{\"status\":\"Pull complete\",\"id\":\"bb\"}", "unpacks, 2 of 3 layers" },
        { "{\"status\":\"Pull complete\",\"id\":\"bb\"}", "unpacks, 2 of 3 layers" },
        { "{\"status\":\"Pull complete\",\"id\":\"cc\"}", "3 of 3 layers, 120 of 120 MiB" },
    };
    struct layers told = { 0 };
    struct ea_pull_state s = { .told = note_layer, .ctx = &told };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(steps); i++) {
        struct ea_pull_progress p;
        char text[EA_PULL_TEXT_MAX];

        feed(&s, steps[i].line);
        ea_pull_summary(&s, &p);
        ea_pull_progress_text(&p, text);
        if (strcmp(text, steps[i].text) != 0)
            fail_msg("after %s: %s", steps[i].line, text);
    }
    assert_string_equal(told.text, "aa already there 0; cc downloaded 20971520; "
                                   "bb downloaded 104857600; bb complete 104857600; "
                                   "cc complete 20971520; ");
    ea_pull_state_done(&s);
}

static void a_layer_that_flaps_is_told_once(void **state)
{
    struct layers told = { 0 };
    struct ea_pull_state s = { .told = note_layer, .ctx = &told };

    (void)state;
    for (int i = 0; i < 100; i++) {
        feed(&s, "{\"status\":\"Retrying in 1 second\",\"id\":\"aa\"}");
        feed(&s, "{\"status\":\"Download complete\",\"id\":\"aa\"}");
        feed(&s, "{\"status\":\"Pull complete\",\"id\":\"aa\"}");
    }
    assert_int_equal(told.n, 2);
    ea_pull_state_done(&s);
}

static void the_first_error_is_the_cause(void **state)
{
    struct ea_pull_state s = { 0 };
    ea_err err = { 0 };

    (void)state;
    feed(&s, "{\"errorDetail\":{\"message\":\"disk full\"},\"error\":\"disk full\"}");
    feed(&s, "{\"error\":\"later\"}");
    assert_string_equal(s.error, "disk full");
    assert_int_equal(ea_pull_line(&s, EA_STR("{\"status\":7}"), &err), EA_PROTOCOL);
    assert_int_equal(ea_pull_line(&s, EA_STR("no JSON"), &err), EA_PROTOCOL);
    ea_pull_state_done(&s);
    feed(&s, "{\"errorDetail\":{\"message\":\"only here\"}}");
    assert_string_equal(s.error, "only here");
    ea_pull_state_done(&s);
}

static void an_engine_that_invents_layers_is_bounded(void **state)
{
    struct ea_pull_state s = { 0 };
    struct ea_pull_progress p;

    (void)state;
    for (int i = 0; i < EA_PULL_LAYERS_MAX + 500; i++) {
        EA_FREE_AUTO char *line = ea_sprintf_dup("{\"status\":\"Downloading\",\"progressDetail\":{"
                                                 "\"current\":9000000000000000,\"total\":"
                                                 "9000000000000000},\"id\":\"%d\"}",
                                                 i);

        feed(&s, line);
    }
    ea_pull_summary(&s, &p);
    assert_int_equal(p.layers, EA_PULL_LAYERS_MAX);
    assert_true(p.total == EA_PULL_LAYERS_MAX * 9000000000000000);
    ea_pull_state_done(&s);
}

static void errors_are_explained_and_redacted(void **state)
{
    static const struct {
        const char *why, *text, *want;
    } cases[] = {
        { "others pass", "manifest unknown", "manifest unknown" },
        { "other addresses pass", "Get \"https://host.example/v2/\": refused",
          "Get \"https://host.example/v2/\": refused" },
        { "a presigned layer",
          "Get \"https://prod-starport-layer-bucket.s3.example/x?X-Amz-Security-Token=SECRET\": "
          "EOF",
          "Get \"REDACTED ECR URL related to repo/app:1\": EOF" },
        { "two of them, bare",
          "https://a.starport-layer-bucket/1 https://b https://c-starport-layer-bucket?x=SECRET",
          "REDACTED ECR URL related to repo/app:1 https://b REDACTED ECR URL related to "
          "repo/app:1" },
        { "the role",
          "denied: User: arn:aws:sts::1:x is not authorized to perform: "
          "ecr:BatchGetImage on resource: r",
          "The role that pulls this image lacks the permission ecr:BatchGetImage. denied: User: "
          "arn:aws:sts::1:x is not authorized to perform: ecr:BatchGetImage on resource: r" },
        { "no such image", "denied: requested access to the resource is denied",
          "The image may not exist, or the registry wants credentials for it. denied: requested "
          "access to the resource is denied" },
        { "no network", "net/http: request canceled while waiting for connection",
          "The registry was not reached: check routes, security groups and DNS. net/http: request "
          "canceled while waiting for connection" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO out = EA_BUF(10000);

        ea_docker_pull_error_text("repo/app:1", cases[i].text, &out);
        if (strcmp(ea_buf_z(&out), cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].why, ea_buf_z(&out));
    }
}

/* ---- streams ---------------------------------------------------------------------------------- */

struct pull_result {
    bool done;
    unsigned times, told;
    ea_err err;
    char statuses[256];
    ea_docker_op *cancel_when_told;
};

static void pull_done(void *ctx, const ea_err *err)
{
    struct pull_result *r = ctx;

    r->done = true;
    r->times++;
    r->err = *err;
}

static void told(void *ctx, const struct ea_pull_progress *p)
{
    struct pull_result *r = ctx;

    r->told++;
    if (strlen(r->statuses) + strlen(p->status) + 2 < sizeof(r->statuses)) {
        strncat(r->statuses, p->status, sizeof(r->statuses) - strlen(r->statuses) - 1);
        strncat(r->statuses, " ", sizeof(r->statuses) - strlen(r->statuses) - 1);
    }
    if (r->cancel_when_told)
        ea_docker_cancel(r->cancel_when_told);
}

/* One chunk of a body, as the engine frames it. */
static char *chunk(const char *text)
{
    return ea_sprintf_dup("%zx\r\n%s\r\n", strlen(text), text);
}

static void pull(struct docker_world *w, const struct ea_pull_params *p, struct pull_result *r)
{
    *r = (struct pull_result){ 0 };
    (void)ea_docker_pull(w->dk, p, pull_done, r);
    assert_false(r->done);
    fake_wait(w->loop, &r->done, "the pull");
    assert_int_equal(r->times, 1);
}

static void a_pull_asks_for_the_image_and_tells_how_it_goes(void **state)
{
    struct docker_world *w = *state;
    EA_FREE_AUTO char *a =
        chunk("{\"status\":\"Pulling fs layer\",\"id\":\"aa\"}\r\n{\"status\":\"Downl");
    EA_FREE_AUTO char *b =
        chunk("oading\",\"progressDetail\":{\"current\":1,\"total\":2},\"id\":\"aa\"}\r\n");
    EA_FREE_AUTO char *c = chunk("{\"status\":\"Download complete\",\"id\":\"aa\"}\r\n");
    EA_FREE_AUTO char *d = chunk("{\"status\":\"Pull complete\",\"id\":\"aa\"}\r\n");
    struct ea_pull_params p = { .image = "127.0.0.1:5000/tiny:1",
                                .auth = "YXV0aA==",
                                .limit_ms = 8000,
                                .idle_ms = 5000,
                                .progress = told };
    struct pull_result r;

    fake_engine_on(w->fe, "POST /v1.24/images/create?fromImage=127.0.0.1%3A5000%2Ftiny&tag=1 ",
                   true,
                   (const fake_step[]){ { .send = OPEN },
                                        { .send = a, .pause_ms = 5 },
                                        { .send = b, .pause_ms = 5 },
                                        { .send = c, .pause_ms = 5 },
                                        { .send = d, .pause_ms = 5 },
                                        { .send = "0\r\n\r\n" },
                                        { 0 } });
    pull(w, &p, &r);
    assert_string_equal(r.err.text, "");
    assert_int_equal(r.err.code, EA_OK);
    assert_string_equal(r.statuses, "Downloading Extracting Complete ");
    assert_non_null(strstr(fake_engine_request(w->fe, 0), "\r\nX-Registry-Auth: YXV0aA==\r\n"));
}

static void pulls_fail_with_a_reason(void **state)
{
    static const struct {
        const char *why, *lines; /* of a 200; NULL: a 404 */
        bool cut;                /* the connection ends in the middle */
        ea_code want;
        const char *text;
    } cases[] = {
        { "refused at once", NULL, false, EA_NOT_FOUND,
          "Error response from daemon: manifest for x not found" },
        { "an error line",
          "{\"status\":\"Pulling fs layer\",\"id\":\"aa\"}\n{\"errorDetail\":{\"message\":\"no "
          "space\"},"
          "\"error\":\"no space\"}\n",
          false, EA_SERVER, "no space" },
        { "an error line without newline", "{\"error\":\"no space\"}", false, EA_SERVER,
          "no space" },
        { "a secret in it", "{\"error\":\"Get https://starport-layer-bucket/x?SECRET: EOF\"}\n",
          false, EA_SERVER, "Get REDACTED ECR URL related to img EOF" },
        { "no JSON", "hello\n", false, EA_PROTOCOL, "progress of a pull from Docker" },
        { "cut off", "{\"status\":\"Pulling fs layer\",\"id\":\"aa\"}\n", true, EA_UNREACHABLE,
          "EOF" },
    };
    struct docker_world *w = *state;
    struct pull_result r;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_pull_params p = { .image = "img", .limit_ms = 8000, .idle_ms = 5000 };
        EA_FREE_AUTO char *lines = cases[i].lines ? chunk(cases[i].lines) : NULL;
        const fake_step end = { .send = cases[i].cut ? NULL : "0\r\n\r\n", .close = cases[i].cut };

        if (lines)
            fake_engine_on(w->fe, "POST ", false,
                           (const fake_step[]){
                               { .send = OPEN }, { .send = lines, .pause_ms = 5 }, end, { 0 } });
        else
            fake_engine_json(w->fe, "POST ", false, "404 Not Found",
                             "{\"message\":\"manifest for x not found\"}");
        pull(w, &p, &r);
        if (r.err.code != cases[i].want || !strstr(r.err.text, cases[i].text))
            fail_msg("%s: %s %s", cases[i].why, ea_code_name(r.err.code), r.err.text);
        assert_null(strstr(r.err.text, "SECRET"));
    }
}

static void a_line_without_end_is_not_kept(void **state)
{
    struct docker_world *w = *state;
    struct ea_pull_params p = { .image = "img", .limit_ms = 8000 };
    struct pull_result r;

    fake_engine_on(
        w->fe, "POST ", false,
        (const fake_step[]){
            { .send = OPEN },
            { .send = "28\r\n0123456789012345678901234567890123456789\r\n", .repeat = 2000 },
            { .send = "1\r\n\n\r\n0\r\n\r\n" },
            { 0 } });
    pull(w, &p, &r);
    assert_int_equal(r.err.code, EA_LIMIT);
}

static void times_run_out_with_the_references_words(void **state)
{
    static const struct {
        const char *why, *line;
        int64_t limit_ms, begin_ms, idle_ms;
        ea_code want;
        const char *text;
    } cases[] = {
        { "nothing at all", NULL, 8000, 60, 8000, EA_TIMEOUT,
          "Could not transition to pullBegin; timed out after waiting 60ms" },
        { "too long in all", "{\"status\":\"Pulling fs layer\",\"id\":\"a\"}\n", 100, 8000, 8000,
          EA_TIMEOUT, "Could not transition to pulled; timed out after waiting 100ms" },
        { "too long in all, nothing yet", NULL, 100, 8000, 8000, EA_TIMEOUT,
          "Could not transition to pulled; timed out after waiting 100ms" },
        { "silence while downloading", "{\"status\":\"Downloading\",\"id\":\"a\"}\n", 8000, 8000,
          60, EA_SERVER, "inactivity time exceeded timeout while pulling image" },
        { "silence while unpacking is none", "{\"status\":\"Extracting\",\"id\":\"a\"}\n", 250,
          8000, 40, EA_TIMEOUT, "Could not transition to pulled; timed out after waiting 250ms" },
    };
    struct docker_world *w = *state;
    struct pull_result r;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_pull_params p = { .image = "img",
                                    .limit_ms = cases[i].limit_ms,
                                    .begin_ms = cases[i].begin_ms,
                                    .idle_ms = cases[i].idle_ms };
        EA_FREE_AUTO char *line = cases[i].line ? chunk(cases[i].line) : ea_strdup("");

        fake_engine_on(
            w->fe, "POST ", false,
            (const fake_step[]){ { .send = OPEN }, { .send = line, .pause_ms = 9000 }, { 0 } });
        pull(w, &p, &r);
        if (r.err.code != cases[i].want || strcmp(r.err.text, cases[i].text) != 0)
            fail_msg("%s: %s %s", cases[i].why, ea_code_name(r.err.code), r.err.text);
        fake_engine_drop_all(w->fe);
    }
}

static void a_pull_can_be_cancelled_and_refuses_what_is_no_image(void **state)
{
    struct docker_world *w = *state;
    EA_FREE_AUTO char *line = chunk("{\"status\":\"Downloading\",\"id\":\"a\"}\n");
    struct ea_pull_params p = { .image = "img", .limit_ms = 8000, .progress = told };
    struct pull_result r = { 0 };

    fake_engine_on(
        w->fe, "POST ", true,
        (const fake_step[]){ { .send = OPEN }, { .send = line, .pause_ms = 9000 }, { 0 } });
    r.cancel_when_told = ea_docker_pull(w->dk, &p, pull_done, &r);
    fake_wait(w->loop, &r.done, "the end");
    assert_int_equal(r.err.code, EA_CANCELLED);
    assert_int_equal(r.told, 1);

    p.image = "img&tag=other name";
    pull(w, &p, &r);
    assert_int_equal(r.err.code, EA_INVALID);
    assert_int_equal(fake_engine_requests(w->fe), 1);
}

/* ---- images ----------------------------------------------------------------------------------- */

struct image_result {
    bool done;
    ea_err err;
    size_t tags, digests, env, platforms;
    int64_t size, created_ms;
    char id[100];
};

static void image_done(void *ctx, const struct ea_image *image, const ea_err *err)
{
    struct image_result *r = ctx;

    r->done = true;
    r->err = *err;
    if (!image)
        return;
    strncpy(r->id, image->id, sizeof(r->id) - 1);
    r->tags = image->repo_tags.n;
    r->digests = image->repo_digests.n;
    r->env = image->env.n;
    r->size = image->size;
    r->created_ms = image->created_ms;
}

static void images_done(void *ctx, const struct ea_image *v, size_t n, const ea_err *err)
{
    struct image_result *r = ctx;

    r->done = true;
    r->err = *err;
    r->tags = n;
    if (n)
        r->created_ms = v[0].created_ms;
}

static void manifest_done(void *ctx, const struct ea_manifest *m, const ea_err *err)
{
    struct image_result *r = ctx;
    const char *digest = m ? m->digest : NULL;

    r->done = true;
    r->err = *err;
    r->digests = digest != NULL;
    r->platforms = m ? m->platforms.n : 0;
    if (digest)
        strncpy(r->id, digest, sizeof(r->id) - 1);
}

static void images_are_inspected_listed_tagged_and_removed(void **state)
{
    struct docker_world *w = *state;
    struct image_result i = { 0 };
    struct plain_result r = { 0 };

    fake_engine_json(w->fe, "GET /v1.24/images/127.0.0.1:5000/tiny:1/json ", true, "200 OK",
                     "{\"Id\":\"" SHA
                     "\",\"RepoTags\":[\"127.0.0.1:5000/tiny:1\"],\"RepoDigests\":[],"
                     "\"Created\":\"2026-01-02T03:04:00Z\",\"Size\":123456789012,"
                     "\"Config\":{\"Env\":[\"PATH=/bin\",\"A=b\"],\"Cmd\":null}}");
    fake_engine_json(w->fe, "GET /v1.24/images/none/json ", true, "404 Not Found",
                     "{\"message\":\"No such image: none\"}");
    fake_engine_json(w->fe, "GET /v1.24/images/json ", true, "200 OK",
                     "[{\"Id\":\"" SHA "\",\"RepoTags\":null,\"Created\":1767323040,\"Size\":1}]");
    fake_engine_json(w->fe, "POST /v1.24/images/tiny@" SHA "/tag?repo=host%3A1%2Ftiny&tag=2 ", true,
                     "201 Created", "");
    fake_engine_json(w->fe, "DELETE /v1.24/images/tiny:1?noprune=1 ", true, "409 Conflict",
                     "{\"message\":\"in use\"}");

    ea_docker_image_inspect(w->dk, "127.0.0.1:5000/tiny:1", 5000, image_done, &i);
    fake_wait(w->loop, &i.done, "inspect");
    assert_int_equal(i.err.code, EA_OK);
    assert_int_equal(i.tags, 1);
    assert_int_equal(i.env, 2);
    assert_true(i.size == 123456789012);
    assert_int_equal(i.created_ms, 1767323040000);
    i = (struct image_result){ 0 };
    ea_docker_image_inspect(w->dk, "none", 5000, image_done, &i);
    fake_wait(w->loop, &i.done, "inspect");
    assert_int_equal(i.err.code, EA_NOT_FOUND);
    i = (struct image_result){ 0 };
    ea_docker_image_list(w->dk, 5000, images_done, &i);
    fake_wait(w->loop, &i.done, "list");
    assert_int_equal(i.tags, 1);
    assert_int_equal(i.created_ms, 1767323040000);
    ea_docker_image_tag(w->dk, "tiny@" SHA, "host:1/tiny:2", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "tag");
    assert_int_equal(r.err.code, EA_OK);
    r = (struct plain_result){ 0 };
    ea_docker_image_tag(w->dk, "tiny", "a b", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "tag");
    assert_int_equal(r.err.code, EA_INVALID);
    r = (struct plain_result){ 0 };
    ea_docker_image_remove(w->dk, "tiny:1", 5000, plain_done, &r);
    fake_wait(w->loop, &r.done, "remove");
    assert_int_equal(r.err.code, EA_CONFLICT);
}

static void digests_come_from_the_registry(void **state)
{
    static const struct {
        const char *why, *body;
        ea_code want;
        bool has;
        unsigned platforms;
    } cases[] = {
        { "a list",
          "{\"Descriptor\":{\"mediaType\":\"application/"
          "vnd.docker.distribution.manifest.list.v2+json\","
          "\"digest\":\"" SHA
          "\",\"size\":2},\"Platforms\":[{\"architecture\":\"amd64\",\"os\":\"linux\"},"
          "{\"architecture\":\"amd64\",\"os\":\"windows\",\"os.version\":\"10.0.17763.1\",\"x\":[]}"
          "]}",
          EA_OK, true, 2 },
        { "platforms not told", "{\"Descriptor\":{\"digest\":\"" SHA "\"},\"Platforms\":null}",
          EA_OK, true, 0 },
        { "platforms of another shape",
          "{\"Descriptor\":{\"digest\":\"" SHA "\"},\"Platforms\":[7]}", EA_PROTOCOL, false, 0 },
        { "an old manifest",
          "{\"Descriptor\":{\"mediaType\":\"application/"
          "vnd.docker.distribution.manifest.v1+prettyjws\","
          "\"digest\":\"" SHA "\"}}",
          EA_OK, false, 0 },
        { "no digest", "{\"Descriptor\":{\"mediaType\":\"x\"}}", EA_PROTOCOL, false, 0 },
        { "something else", "{\"Descriptor\":{\"digest\":\"latest\"}}", EA_PROTOCOL, false, 0 },
    };
    struct docker_world *w = *state;
    struct image_result r;

    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        fake_engine_json(w->fe, "GET /v1.35/distribution/host:1/tiny:1/json ", false, "200 OK",
                         cases[i].body);
        r = (struct image_result){ 0 };
        ea_docker_manifest(w->dk, "host:1/tiny:1", "YXV0aA==", 5000, manifest_done, &r);
        fake_wait(w->loop, &r.done, "digest");
        if (r.err.code != cases[i].want || r.digests != (cases[i].has ? 1U : 0U) ||
            r.platforms != cases[i].platforms)
            fail_msg("%s: %s", cases[i].why, r.err.text);
    }
    assert_non_null(strstr(fake_engine_request(w->fe, 0), "X-Registry-Auth: YXV0aA=="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_means_trouble_only_while_something_is_downloaded),
        cmocka_unit_test(progress_is_told_in_layers_and_bytes),
        cmocka_unit_test(a_layer_that_flaps_is_told_once),
        cmocka_unit_test(the_first_error_is_the_cause),
        cmocka_unit_test(an_engine_that_invents_layers_is_bounded),
        cmocka_unit_test(errors_are_explained_and_redacted),
        IN_DOCKER_WORLD(a_pull_asks_for_the_image_and_tells_how_it_goes),
        IN_DOCKER_WORLD(pulls_fail_with_a_reason),
        IN_DOCKER_WORLD(a_line_without_end_is_not_kept),
        IN_DOCKER_WORLD(times_run_out_with_the_references_words),
        IN_DOCKER_WORLD(a_pull_can_be_cancelled_and_refuses_what_is_no_image),
        IN_DOCKER_WORLD(images_are_inspected_listed_tagged_and_removed),
        IN_DOCKER_WORLD(digests_come_from_the_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
