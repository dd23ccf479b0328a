#include "docker_volume.h"

#include "../base/alloc.h"
#include "../base/buf.h"

static void add_map(ea_buf *b, const char *name, const ea_strmap *map)
{
    if (!map || !map->n)
        return;
    ea_buf_addf(b, ",\"%s\":{", name);
    for (size_t i = 0; i < map->n; i++) {
        if (i)
            ea_buf_addc(b, ',');
        ea_buf_add_json_str(b, ea_str_of(map->v[i].k));
        ea_buf_addc(b, ':');
        ea_buf_add_json_str(b, ea_str_of(map->v[i].v));
    }
    ea_buf_addc(b, '}');
}

ea_docker_op *ea_docker_volume_create(ea_docker *dk, const char *name, const char *driver,
                                      const ea_strmap *options, const ea_strmap *labels,
                                      int64_t limit_ms, ea_docker_done *done, void *ctx)
{
    EA_BUF_AUTO body = EA_BUF(1024 * 1024);
    struct ea_docker_request rq = {
        .http = { .method = "POST", .path = "/volumes/create", .limit_ms = limit_ms },
    };

    ea_buf_adds(&body, "{\"Name\":");
    ea_buf_add_json_str(&body, ea_str_of(name));
    ea_buf_adds(&body, ",\"Driver\":");
    ea_buf_add_json_str(&body, ea_str_of(ea_zstr_empty(driver) ? "local" : driver));
    add_map(&body, "DriverOpts", options);
    add_map(&body, "Labels", labels);
    ea_buf_addc(&body, '}');
    if (body.failed) /* its failure is told like that of a path */
        return ea_docker_plain(dk, &rq, &body, done, ctx);
    rq.http.body = ea_buf_str(&body);
    return ea_docker_plain(dk, &rq, NULL, done, ctx);
}

static void volume_path(ea_buf *b, const char *name)
{
    ea_buf_adds(b, "/volumes/");
    ea_buf_add_urlenc(b, name);
}

ea_docker_op *ea_docker_volume_remove(ea_docker *dk, const char *name, int64_t limit_ms,
                                      ea_docker_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(2048);
    struct ea_docker_request rq = { .http = { .method = "DELETE", .limit_ms = limit_ms } };

    volume_path(&path, name);
    return ea_docker_plain(dk, &rq, &path, done, ctx);
}

static const ea_jfield volume_fields[] = {
    EA_JSTR(struct ea_docker_volume, name, "Name", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR(struct ea_docker_volume, driver, "Driver", 0),
    EA_JSTR(struct ea_docker_volume, mountpoint, "Mountpoint", 0),
    EA_JSTRMAP(struct ea_docker_volume, labels, "Labels", 0),
    EA_JSTRMAP(struct ea_docker_volume, options, "Options", 0),
};
static const ea_jshape volume_shape = EA_JSHAPE(struct ea_docker_volume, volume_fields);

struct volume_call {
    ea_docker_volume_done *done;
    void *ctx;
};

static void on_volume(void *ctx, const ea_dhttp_answer *a, const ea_err *err)
{
    struct volume_call *call = ctx;
    struct ea_docker_volume v = { 0 };
    ea_err mine = *err;

    if (!err->code && ea_json_decode(&volume_shape, a->body, &v, &mine))
        ea_docker_garbled(&mine, "volume");
    call->done(call->ctx, mine.code ? NULL : &v, &mine);
    ea_json_free(&volume_shape, &v);
    ea_free(call);
}

ea_docker_op *ea_docker_volume_inspect(ea_docker *dk, const char *name, int64_t limit_ms,
                                       ea_docker_volume_done *done, void *ctx)
{
    EA_BUF_AUTO path = EA_BUF(2048);
    struct volume_call *call = ea_alloc(sizeof(*call));
    struct ea_docker_request rq = { .http = { .method = "GET", .limit_ms = limit_ms } };
    ea_err err = { 0 };

    call->done = done;
    call->ctx = ctx;
    volume_path(&path, name);
    if (ea_buf_check(&path, &err))
        return ea_docker_fail(dk, &err, on_volume, call);
    rq.http.path = ea_buf_z(&path);
    return ea_docker_request(dk, &rq, on_volume, call);
}

/* The first entry in which they differ; empty and absent are the same. */
static ea_code compare_maps(const char *what, const ea_strmap *have, const ea_strmap *want,
                            ea_err *err)
{
    size_t n = want ? want->n : 0;

    for (size_t i = 0; i < n; i++) {
        const char *there = ea_strmap_get(have, want->v[i].k);

        if (!there)
            return ea_fail(err, EA_CONFLICT, "it has no %s %.100s", what, want->v[i].k);
        if (!ea_zstr_eq(there, want->v[i].v))
            return ea_fail(err, EA_CONFLICT, "its %s %.100s is %.100s, not %.100s", what,
                           want->v[i].k, there, want->v[i].v);
    }
    for (size_t i = 0; i < have->n; i++)
        if (!want || !ea_strmap_get(want, have->v[i].k))
            return ea_fail(err, EA_CONFLICT, "it has the %s %.100s besides", what, have->v[i].k);
    return EA_OK;
}

ea_code ea_docker_volume_compare(const struct ea_docker_volume *volume, const char *driver,
                                 const ea_strmap *options, const ea_strmap *labels, ea_err *err)
{
    const char *want = ea_zstr_empty(driver) ? "local" : driver;

    if (volume->driver && !ea_zstr_eq(volume->driver, want))
        return ea_fail(err, EA_CONFLICT, "its driver is %.100s, not %.100s", volume->driver, want);
    if (compare_maps("option", &volume->options, options, err) ||
        compare_maps("label", &volume->labels, labels, err))
        return err->code;
    return EA_OK;
}
