/* taskdef.h - task definitions: the rules of RegisterTaskDefinition, the defaults that it fills in, and
 * what a container instance must be able to do to run one.
 * Thread: loop. Pure. Works on JSON trees whose types have been checked (api_shapes). */
#ifndef EA_LOCAL_TASKDEF_H
#define EA_LOCAL_TASKDEF_H

#include "../base/err.h"
#include "../base/json.h"

struct cJSON;

/* The stored body for a request: checked, defaults filled in, requiresAttributes and compatibilities
 * added. `registry` as below; *body: caller frees by cJSON_Delete. EA_INVALID: the sentence for a
 * ClientException. */
ea_code ea_lc_taskdef_make(const struct cJSON *request, const char *registry, struct cJSON **body,
                           ea_err *err) EA_CHECK;

/* "256", "0.25 vCPU" -> 256 units; "512", "1 GB" -> MiB. NULL or "" gives 0. */
ea_code ea_lc_parse_cpu(const char *text, int64_t *units, ea_err *err) EA_CHECK;
ea_code ea_lc_parse_memory(const char *text, int64_t *mib, ea_err *err) EA_CHECK;

/* taskdef_requires.c: names of the attributes that the body asks for, sorted, each once.
 * registry  address with scheme of the one that plays Amazon ECR: its images need what those of ECR
 *           need. NULL: none does. Borrowed */
void ea_lc_taskdef_requires(const struct cJSON *body, const char *registry, ea_strlist *out);
/* Minor number of the Docker API ("1.<n>") that a container definition needs; at least 18. */
int ea_lc_container_api_minor(const struct cJSON *container);
/* Account and region of an ECR image ("<12 digits>.dkr.ecr.<region>.amazonaws.com/..."), or false. */
bool ea_lc_image_is_ecr(const char *image, ea_str *account, ea_str *region);
/* Is it an image of that registry? Host and port must be the same. NULL: of none. */
bool ea_lc_image_is_of(const char *image, const char *registry);

/* Members of trees, absent ones as the given value. */
int64_t ea_lc_int(const struct cJSON *object, const char *name, int64_t otherwise);
bool ea_lc_bool(const struct cJSON *object, const char *name, bool otherwise);

#endif
