#include "store.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "version.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/* Checkpoint keys of control-plane.md section 3.9. */
static const struct {
    const char *key;
    size_t off;
} text_keys[] = {
    { "cluster-name", offsetof(struct ea_meta, cluster) },
    { "container-instance-arn", offsetof(struct ea_meta, container_instance_arn) },
    { "ec2-instance-id", offsetof(struct ea_meta, ec2_instance_id) },
    { "availability-zone", offsetof(struct ea_meta, availability_zone) },
};
static const char manifest_key[] = "task-manifest-seq-num";
static const char version_key[] = "agent-version";
static const char images_key[] = "images"; /* one JSON text: ea_images */

static char **text_of(struct ea_meta *meta, size_t i)
{
    return (char **)(void *)((char *)meta + text_keys[i].off);
}

/* --- saving ------------------------------------------------------------------------------------ */

bool ea_store_differs(const struct ea_model *m)
{
    if (m->meta.dirty || m->images.dirty || m->gone.n != 0)
        return true;
    EA_LIST_EACH(&m->tasks, node)
    {
        if (EA_OWNER(node, struct ea_task, node)->dirty)
            return true;
    }
    return false;
}

static ea_code save_task(ea_store *s, const struct ea_task *t, ea_err *err)
{
    EA_FREE_AUTO char *row = NULL;
    char *json = NULL;
    ea_code code;

    if (ea_task_to_row(t, &json, err))
        return err->code;
    code = ea_store_seal(s, t->arn, ea_str_of(json), &row, err);
    ea_secret_free(json); /* environment variables */
    if (code == EA_OK)
        code = ea_store_put_task(s, t->arn, row, err);
    return code ? ea_wrap(err, "task %s", t->arn) : EA_OK;
}

static ea_code save_meta(ea_store *s, struct ea_meta *meta, ea_err *err)
{
    char seq[24];

    for (size_t i = 0; i < EA_COUNT(text_keys); i++) {
        if (ea_store_put_meta(s, text_keys[i].key, *text_of(meta, i), err))
            return err->code;
    }
    (void)snprintf(seq, sizeof(seq), "%" PRId64, meta->manifest_seq); /* always fits */
    if (ea_store_put_meta(s, manifest_key, meta->manifest_seq < 0 ? NULL : seq, err))
        return err->code;
    return ea_store_put_meta(s, version_key, EA_VERSION, err);
}

static ea_code save_images(ea_store *s, const struct ea_images *images, ea_err *err)
{
    EA_FREE_AUTO char *json = NULL;

    if (ea_images_to_json(images, &json, err))
        return err->code;
    return ea_store_put_meta(s, images_key, json, err);
}

static ea_code save_all(ea_store *s, struct ea_model *m, ea_err *err)
{
    for (size_t i = 0; i < m->gone.n; i++) {
        if (ea_store_delete_task(s, m->gone.v[i], err))
            return err->code;
    }
    EA_LIST_EACH(&m->tasks, node)
    {
        const struct ea_task *t = EA_OWNER(node, struct ea_task, node);

        if (t->dirty && save_task(s, t, err))
            return err->code;
    }
    if (m->meta.dirty && save_meta(s, &m->meta, err))
        return err->code;
    if (m->images.dirty && save_images(s, &m->images, err))
        return err->code;
    return ea_store_commit(s, err);
}

ea_code ea_store_save(ea_store *s, struct ea_model *m, ea_err *err)
{
    if (!ea_store_differs(m))
        return EA_OK;
    if (ea_store_begin(s, err))
        return err->code;
    if (save_all(s, m, err)) {
        ea_store_rollback(s);
        return err->code;
    }
    EA_LIST_EACH(&m->tasks, node)
    EA_OWNER(node, struct ea_task, node)->dirty = false;
    m->meta.dirty = false;
    m->images.dirty = false;
    ea_strlist_free(&m->gone);
    return EA_OK;
}

/* --- loading ----------------------------------------------------------------------------------- */

struct damaged {
    char *arn, *reason;
};

struct loading {
    ea_store *s;
    struct ea_model *m;
    struct damaged *damaged;
    size_t n;
};

static ea_code read_row(struct loading *l, const char *arn, ea_str row, ea_err *err)
{
    EA_SECRET_AUTO char *json = NULL;
    struct ea_task *t = NULL;

    if (ea_store_unseal(l->s, arn, row, &json, err) || ea_task_from_row(ea_str_of(json), &t, err))
        return err->code;
    if (!ea_zstr_eq(t->arn, arn)) {
        (void)ea_fail(err, EA_INVALID, "the row holds task %s", t->arn ? t->arn : "without an ARN");
        ea_task_free(t);
        return err->code;
    }
    ea_model_add_task(l->m, t);
    t->dirty = false;
    return EA_OK;
}

static ea_code load_row(void *ctx, const char *arn, ea_str json, ea_err *err)
{
    struct loading *l = ctx;
    ea_err why = { 0 };

    (void)err; /* one bad row does not end the loading */
    if (read_row(l, arn, json, &why) == EA_OK)
        return EA_OK;
    l->damaged = ea_realloc_array(l->damaged, l->n + 1, sizeof(*l->damaged));
    l->damaged[l->n++] = (struct damaged){ ea_strdup(arn), ea_strdup(why.text) };
    return EA_OK;
}

static ea_code load_meta(ea_store *s, struct ea_meta *meta, ea_err *err)
{
    EA_FREE_AUTO char *seq = NULL;
    ea_err why = { 0 };
    ea_code code;

    for (size_t i = 0; i < EA_COUNT(text_keys); i++) {
        char *value = NULL;

        code = ea_store_get_meta(s, text_keys[i].key, &value, err);
        if (code && code != EA_NOT_FOUND)
            return code;
        ea_set_str(text_of(meta, i), value);
        ea_free(value);
    }
    meta->manifest_seq = -1;
    code = ea_store_get_meta(s, manifest_key, &seq, err);
    if (code && code != EA_NOT_FOUND)
        return code;
    if (seq && ea_str_to_i64(ea_str_of(seq), 0, INT64_MAX, &meta->manifest_seq, &why))
        ea_error("stored number of the last task manifest cannot be read, as if none was seen",
                 EA_S("err", why.text));
    meta->dirty = false;
    return EA_OK;
}

/* What cannot be read is forgotten: then those images simply stay on the host. */
static ea_code load_images(ea_store *s, struct ea_images *images, ea_err *err)
{
    EA_FREE_AUTO char *json = NULL;
    ea_err why = { 0 };
    ea_code code = ea_store_get_meta(s, images_key, &json, err);

    if (code && code != EA_NOT_FOUND)
        return code;
    if (json && ea_images_from_json(images, ea_str_of(json), &why))
        ea_error("stored list of images cannot be read", EA_S("err", why.text));
    images->dirty = false;
    return EA_OK;
}

ea_code ea_store_load(ea_store *s, struct ea_model *m, ea_err *err)
{
    struct loading l = { .s = s, .m = m };
    ea_err mine = { 0 }; /* "not found" is no failure: *err stays untouched on success */
    ea_code code = load_meta(s, &m->meta, &mine);

    if (code == EA_OK)
        code = load_images(s, &m->images, &mine);
    if (code == EA_OK)
        code = ea_store_each_task(s, load_row, &l, &mine);
    for (size_t i = 0; i < l.n; i++) {
        const struct damaged *d = &l.damaged[i];
        ea_err why = { 0 };

        ea_error("stored task cannot be read, set aside", EA_S("task", d->arn),
                 EA_S("err", d->reason));
        if (code == EA_OK && ea_store_set_aside_task(s, d->arn, d->reason, &why))
            ea_error("damaged row stays where it is", EA_S("task", d->arn), EA_S("err", why.text));
        ea_free(d->arn);
        ea_free(d->reason);
    }
    ea_free(l.damaged);
    if (code)
        *err = mine;
    return code;
}
