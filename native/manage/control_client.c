#include "control_client.h"

#include "../base/alloc.h"
#include "../base/loop.h"
#include "../docker/docker_http.h"
#include "../plat/plat.h"

#include <string.h>

struct call {
    ea_loop *loop;
    ea_buf *out;
    ea_err err;
};

static void answered(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    static const char daemon[] = "Error response from daemon: ";
    struct call *c = ctx;

    c->err = *err;
    if (err->code == EA_OK)
        ea_buf_add(c->out, a->body.p, a->body.n);
    else if (strncmp(err->text, daemon, sizeof(daemon) - 1) == 0) /* the words alone */
        memmove(c->err.text, err->text + sizeof(daemon) - 1,
                strlen(err->text) - sizeof(daemon) + 2);
    ea_loop_stop(c->loop);
}

/* The client speaks to any HTTP server on a socket or pipe. */
static char *address_of(const char *run_dir)
{
    EA_FREE_AUTO char *path = ea_plat_control_path(run_dir);

    if (!ea_plat_is_windows())
        return ea_sprintf_dup("unix://%s", path);
    for (char *p = path; *p; p++) {
        if (*p == '\\')
            *p = '/';
    }
    return ea_sprintf_dup("npipe://%s", path);
}

ea_code ea_control_call(const char *run_dir, const char *method, const char *path, const char *body,
                        int64_t limit_ms, ea_buf *out, ea_err *err)
{
    EA_FREE_AUTO char *address = address_of(run_dir);
    struct call c = { .out = out };
    const struct ea_dhttp_params params = {
        .method = method,
        .path = path,
        .body = body ? ea_str_of(body) : (ea_str){ NULL, 0 },
        .limit_ms = limit_ms,
        .max_body = EA_DHTTP_BODY_MAX,
    };
    ea_dhttp *http = NULL;

    if (ea_loop_new(&c.loop, err))
        return err->code;
    if (ea_dhttp_new(c.loop, address, &http, err)) {
        ea_loop_free(c.loop);
        return err->code;
    }
    (void)ea_dhttp_start(http, &params, answered, &c); /* every error comes through `answered` */
    ea_loop_run(c.loop, 0);
    ea_dhttp_free(http);
    ea_loop_free(c.loop);
    if (c.err.code) {
        *err = c.err;
        return ea_wrap(err, "control channel of the agent");
    }
    return ea_buf_check(out, err);
}
