/* image.h - an image that the agent pulled: what the clean-up of images has to know. Plain data.
 * Source: task-engine.md sections 4.2, 4.5. Kept by name: removing the last name of an image removes
 * the image, so ids need not be grouped here. An image that lost its name to a newer one is kept by its id. */
#ifndef EA_MODEL_IMAGE_H
#define EA_MODEL_IMAGE_H

#include "../base/json.h"

struct ea_image_state {
    char *name; /* as containers write it, or the image's id */
    char *image_id;
    int64_t pulled_ms, last_used_ms; /* wall */
    bool pull_succeeded; /* by the agent itself; an image that was there before never goes */
    /* memory only */
    uint64_t op; /* its removal is under way */
    bool stays;  /* Docker refused to remove it in this round */
};

struct ea_images {
    struct {
        struct ea_image_state *v;
        size_t n;
    } list;
    bool dirty; /* differs from the store */
};

struct ea_image_state *ea_images_find(const struct ea_images *images, const char *name);
/* The state of this name, made if need be. The pointer is good until the next add or drop. */
struct ea_image_state *ea_images_add(struct ea_images *images, const char *name);
void ea_images_drop(struct ea_images *images, const char *name);
void ea_images_done(struct ea_images *images);
/* One text for the store; the caller frees *json. */
ea_code ea_images_to_json(const struct ea_images *images, char **json, ea_err *err) EA_CHECK;
ea_code ea_images_from_json(struct ea_images *images, ea_str json, ea_err *err) EA_CHECK;

#endif
