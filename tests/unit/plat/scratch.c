#include "scratch.h"

#include "base/clock.h"
#include "base/rng.h"
#include "plat/plat.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static char folder[600];

static void need(ea_code code, const ea_err *err)
{
    if (code == EA_OK)
        return;
    (void)fprintf(stderr, "scratch folder: %s\n", err->text);
    abort();
}

const char *scratch_new(void)
{
    char temp[512];
    size_t n = sizeof(temp);
    ea_err err = { 0 };
    ea_rng r;
    uint64_t seed;
    char salt[17];

    ea_plat_random(&seed, sizeof(seed));
    ea_rng_seed(&r, seed);
    ea_rng_hex(&r, 16, salt);
    if (uv_os_tmpdir(temp, &n) != 0)
        abort();
    (void)snprintf(folder, sizeof(folder), "%s/ecs-test-%s", temp, salt);
    need(ea_plat_make_dir(folder, &err), &err);
    return folder;
}

void scratch_done(void)
{
    ea_err err = { 0 };

    need(ea_plat_remove_tree(folder, &err), &err);
}

const char *scratch_path(const char *name)
{
    static char paths[8][700];
    static unsigned next;
    char *out = paths[next++ % 8];

    (void)snprintf(out, sizeof(paths[0]), "%s/%s", folder, name);
    return out;
}

bool wait_until(bool (*holds)(void *ctx), void *ctx)
{
    int64_t end = ea_now().mono_ms + 10000;

    while (!holds(ctx)) {
        if (ea_now().mono_ms > end)
            return false;
        uv_sleep(5);
    }
    return true;
}
