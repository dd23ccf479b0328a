/* docker_json.h - building a JSON tree for the Docker Engine: members replaced by name, lack of memory
 * remembered instead of lost, numbers printed the way a 64-bit reader wants them. Private to docker/.
 * Thread: any; a tree belongs to one owner. */
#ifndef EA_DOCKER_DOCKER_JSON_H
#define EA_DOCKER_DOCKER_JSON_H

#include "../base/buf.h"

#include <stdint.h>

struct cJSON;

/* Every setter replaces a member of that exact name, and sets *oom when there was no memory (nothing
 * else can fail). `item` is taken; NULL counts as no memory. */
void ea_jt_set(struct cJSON *object, const char *name, struct cJSON *item, bool *oom);
void ea_jt_set_str(struct cJSON *object, const char *name, const char *value, bool *oom);
void ea_jt_set_int(struct cJSON *object, const char *name, int64_t value, bool *oom);
void ea_jt_push(struct cJSON *array, struct cJSON *item, bool *oom);
void ea_jt_push_str(struct cJSON *array, const char *value, bool *oom);
/* The member as an object or array, made if it is absent or of another type; NULL without memory. */
struct cJSON *ea_jt_object(struct cJSON *object, const char *name, bool *oom);
struct cJSON *ea_jt_array(struct cJSON *object, const char *name, bool *oom);
/* Whole number of a member, 0 when it is absent or no number. */
int64_t ea_jt_int(const struct cJSON *object, const char *name);

/* Compact text. Whole numbers never get an exponent and are clamped to int64. */
void ea_jt_print(const struct cJSON *value, ea_buf *out);
/* Overwrites every text in the tree, then frees it. NULL is fine. */
void ea_jt_wipe(struct cJSON *value);

#endif
