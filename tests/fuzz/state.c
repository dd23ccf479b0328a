#include "base/alloc.h"
#include "model/task.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A stored row: what is read can be written and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ea_task *t = NULL, *again = NULL;
    EA_FREE_AUTO char *row = NULL;
    ea_err err = { 0 };

    if (ea_task_from_row((ea_str){ (const char *)data, size }, &t, &err))
        return 0;
    if (ea_task_to_row(t, &row, &err) == EA_OK && ea_task_from_row(ea_str_of(row), &again, &err))
        abort();
    ea_task_free(again);
    ea_task_free(t);
    return 0;
}
