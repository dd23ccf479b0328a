#include "base/json.h"
#include "docker/docker_stats_decode.h"

#include <cJSON.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXACT 9007199254740992.0 /* a double holds every whole number below it */

/* The tree parser reads the same. Texts with escapes are left alone: the reader does not undo them. */
static void compare(ea_str line, const struct ea_docker_sample *s)
{
    struct cJSON *tree = NULL;
    const struct cJSON *total;
    double want = 0;
    ea_err err = { 0 };

    if (memchr(line.p, '\\', line.n) || ea_json_parse(line, &tree, &err))
        return;
    total = ea_json_get(ea_json_get(ea_json_get(tree, "cpu_stats"), "cpu_usage"), "total_usage");
    if (cJSON_IsNumber(total) && total->valuedouble > 0)
        want = total->valuedouble;
    if (want < EXACT && s->cpu_total != (uint64_t)want)
        abort();
    cJSON_Delete(tree);
}

/* A line of the engine's statistics; the first byte chooses the flavour. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ea_str line = { (const char *)data + 1, size - 1 };
    struct ea_docker_sample s;
    ea_err err = { 0 };

    if (size == 0)
        return 0;
    if (ea_docker_stats_decode(line, data[0] & 1, &s, &err) == EA_OK)
        compare(line, &s);
    return 0;
}
