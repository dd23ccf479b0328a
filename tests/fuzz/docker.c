#include "base/alloc.h"
#include "docker/docker_container.h"
#include "docker/docker_event.h"
#include "docker/docker_image.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void list(ea_str text)
{
    struct ea_docker_facts *v = NULL;
    size_t n = 0;
    ea_err err = { 0 };

    if (ea_docker_list_decode(text, &v, &n, &err))
        return;
    for (size_t i = 0; i < n; i++)
        ea_docker_facts_done(&v[i]);
    ea_free(v);
}

/* What the engine answers; the first byte chooses the decoder. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ea_str text = { (const char *)data + 1, size - 1 };
    struct ea_docker_facts facts = { 0 };
    struct ea_docker_event event = { 0 };
    struct ea_image image = { 0 };
    bool wanted = false;
    ea_err err = { 0 };

    if (size == 0)
        return 0;
    switch (data[0] % 4) {
    case 0:
        if (ea_docker_inspect_decode(text, &facts, &err) == EA_OK)
            ea_docker_facts_done(&facts);
        break;
    case 1:
        if (ea_docker_event_decode(text, &event, &wanted, &err) == EA_OK)
            ea_docker_facts_done(&event.facts);
        break;
    case 2:
        if (ea_docker_image_decode(text, &image, &err) == EA_OK)
            ea_image_done(&image);
        break;
    default:
        list(text);
        break;
    }
    return 0;
}
