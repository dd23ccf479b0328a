#include "acs/acs_dispatch.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One frame of the control plane: decoded, then freed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ea_acs_result r;

    ea_acs_dispatch((ea_str){ (const char *)data, size }, &r);
    ea_acs_result_done(&r);
    return 0;
}
