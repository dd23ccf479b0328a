#include "task_fetch.h"

#include "../base/alloc.h"
#include "env_file.h"

enum {
    S3_MS = 30000
};

static void on_file(void *ctx, ea_str object, const ea_err *err)
{
    struct ea_fetch_call *c = ctx;
    ea_err mine = *err;

    if (!mine.code && ea_env_file_check(object, &mine))
        (void)ea_wrap(&mine, "%s", c->key); /* noted */
    if (mine.code) {
        (void)ea_wrap(&mine, "environment file"); /* noted */
        ea_fetch_note(c->f, &mine);
    } else {
        ea_fetch_keep(c->f, c->key, ea_strndup(object.p ? object.p : "", object.n));
    }
    ea_fetch_call_done(c);
}

void ea_fetch_env_file(struct ea_fetch *f, const struct ea_env_file *file)
{
    const ea_agent *ag = f->ag;
    EA_FREE_AUTO char *key = ea_fetch_key("file", "", file->value);
    const ea_s3_ask ask = {
        .arn = file->value,
        .region = ag->region ? ag->region : "",
        .endpoint = ea_cfg_str(ag->config, EA_CFG_ENDPOINT_S3),
        .creds = &f->creds,
        .max = EA_ENV_FILE_MAX,
        .each_ms = S3_MS,
    };
    struct ea_fetch_call *c = NULL;
    ea_err err = { 0 };

    if (ea_map_get(&f->got->values, key))
        return;
    ea_fetch_keep(f, key, ea_strdup(""));
    c = ea_fetch_call_new(f, ask.region);
    c->key = ea_strdup(key);
    if (!ea_zstr_eq(file->type, "s3"))
        (void)ea_fail(&err, EA_UNSUPPORTED, "type %.40s", file->type ? file->type : ""); /* noted */
    else
        c->s3 = ea_s3_start(ag->net, &ask, on_file, c, &err);
    if (c->s3)
        return;
    (void)ea_wrap(&err, "environment file %.200s", file->value ? file->value : ""); /* noted */
    ea_fetch_note(f, &err);
    ea_fetch_call_drop(c);
}
