#include "image.h"

#include "../base/alloc.h"
#include "../base/str.h"

enum {
    TEXT_MAX = 4 * 1024 * 1024
};

/* clang-format off */
static const ea_jfield image_fields[] = {
    EA_JSTR (struct ea_image_state, name,           "name",          EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR (struct ea_image_state, image_id,       "imageId",       0),
    EA_JI64 (struct ea_image_state, pulled_ms,      "pulledMs",      0),
    EA_JI64 (struct ea_image_state, last_used_ms,   "lastUsedMs",    0),
    EA_JBOOL(struct ea_image_state, pull_succeeded, "pullSucceeded", 0),
};
static const ea_jshape image_shape = EA_JSHAPE(struct ea_image_state, image_fields);
static const ea_jfield images_fields[] = {
    EA_JLIST(struct ea_images, list, "images", 0, &image_shape),
};
static const ea_jshape images_shape = EA_JSHAPE(struct ea_images, images_fields);
/* clang-format on */

struct ea_image_state *ea_images_find(const struct ea_images *images, const char *name)
{
    for (size_t i = 0; name && i < images->list.n; i++)
        if (ea_zstr_eq(images->list.v[i].name, name))
            return &images->list.v[i];
    return NULL;
}

struct ea_image_state *ea_images_add(struct ea_images *images, const char *name)
{
    struct ea_image_state *found = ea_images_find(images, name);

    if (found)
        return found;
    images->list.v = ea_realloc_array(images->list.v, images->list.n + 1, sizeof(*images->list.v));
    found = &images->list.v[images->list.n++];
    *found = (struct ea_image_state){ .name = ea_strdup(name) };
    images->dirty = true;
    return found;
}

void ea_images_drop(struct ea_images *images, const char *name)
{
    struct ea_image_state *found = ea_images_find(images, name);

    if (!found)
        return;
    ea_json_free(&image_shape, found);
    *found = images->list.v[--images->list.n];
    images->dirty = true;
}

void ea_images_done(struct ea_images *images)
{
    ea_json_free(&images_shape, images);
    *images = (struct ea_images){ 0 };
}

ea_code ea_images_to_json(const struct ea_images *images, char **json, ea_err *err)
{
    EA_BUF_AUTO b = EA_BUF(TEXT_MAX);

    ea_json_encode(&images_shape, images, EA_J_STORE, &b);
    if (ea_buf_take(&b, json, err))
        return ea_wrap(err, "encode images");
    return EA_OK;
}

ea_code ea_images_from_json(struct ea_images *images, ea_str json, ea_err *err)
{
    struct ea_images read = { 0 };

    if (ea_json_decode(&images_shape, json, &read, err))
        return ea_wrap(err, "stored images");
    ea_images_done(images);
    *images = read;
    return EA_OK;
}
