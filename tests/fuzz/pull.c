#include "aws/ecr.h"
#include "base/alloc.h"
#include "docker/docker_image.h"
#include "docker/docker_lines.h"
#include "docker/image_platform.h"
#include "docker/pull_lines.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_line(void *ctx, ea_str line)
{
    struct ea_pull_state *s = ctx;
    struct ea_pull_progress p;
    char text[EA_PULL_TEXT_MAX];
    ea_err err = { 0 };

    if (ea_pull_line(s, line, &err)) /* a line that cannot be read ends nothing */
        err.code = EA_OK;
    ea_pull_summary(s, &p);
    ea_pull_progress_text(&p, text);
    if (p.layers_done > p.layers || p.got < 0 || p.size < 0 || strlen(text) >= sizeof(text) ||
        p.layers != s->pending + s->unpacking + s->done)
        __builtin_trap();
    return true;
}

static void on_layer(void *ctx, const char *id, const char *what, int64_t bytes)
{
    size_t *told = ctx;

    if (!id || !what || bytes < 0 || ++*told > 2 * (size_t)EA_PULL_LAYERS_MAX)
        __builtin_trap();
}

/* The stream of a pull, in two pieces. */
static void lines(ea_str text)
{
    size_t told = 0;
    struct ea_pull_state s = { .told = on_layer, .ctx = &told };
    ea_dlines l = EA_DLINES(4096);
    EA_BUF_AUTO out = EA_BUF(1024 * 1024);

    ea_dlines_feed(&l, (ea_str){ text.p, text.n / 2 }, on_line, &s);
    ea_dlines_feed(&l, (ea_str){ text.p + text.n / 2, text.n - text.n / 2 }, on_line, &s);
    ea_dlines_end(&l, on_line, &s);
    if (s.error)
        ea_docker_pull_error_text("repo/app:1", s.error, &out);
    ea_pull_state_done(&s);
    ea_dlines_done(&l);
}

static void manifest(ea_str text)
{
    static const struct ea_platform_host hosts[] = {
        { "linux", "amd64", "6.1.0", false },
        { "windows", "amd64", "10.0 20348 (20348.1.amd64fre)", false },
        { "windows", "amd64", "10.0 17763", true },
    };
    struct ea_manifest m = { 0 };
    struct ea_platform *v;
    char why[EA_PLATFORM_TEXT_MAX];
    ea_err err = { 0 };

    if (ea_docker_manifest_decode(text, &m, &err))
        return;
    v = ea_alloc_array(m.platforms.n + 1, sizeof(*v));
    for (size_t i = 0; i < m.platforms.n; i++)
        v[i] = (struct ea_platform){ m.platforms.v[i].os, m.platforms.v[i].arch,
                                     m.platforms.v[i].os_version, m.platforms.v[i].variant };
    for (size_t i = 0; i < EA_COUNT(hosts); i++)
        if (ea_platform_refused(&hosts[i], v, m.platforms.n, why) && strlen(why) >= sizeof(why))
            __builtin_trap();
    ea_free(v);
    ea_manifest_done(&m);
}

static void login(ea_str text)
{
    EA_FREE_AUTO char *user = NULL;
    EA_SECRET_AUTO char *password = NULL;
    EA_FREE_AUTO char *server = NULL;
    int64_t expires_ms = 0;
    ea_err err = { 0 };

    if (ea_ecr_decode(text, &user, &password, &server, &expires_ms, &err))
        return;
    if (!user || !password || !server || expires_ms < 0)
        __builtin_trap();
}

/* What a pull reads; the first byte chooses the parser. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ea_str text = { (const char *)data + 1, size - 1 };

    if (size == 0)
        return 0;
    switch (data[0] % 3) {
    case 0:
        lines(text);
        break;
    case 1:
        manifest(text);
        break;
    default:
        login(text);
        break;
    }
    return 0;
}
