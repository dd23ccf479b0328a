#include "base/alloc.h"
#include "local/cloudwatch.h"
#include "local/cw_shapes.h"
#include "local/query.h"

#include <cJSON.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A form that a client of the local control plane sends: read, checked, answered, written as XML. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ea_lc_metrics *metrics;
    ea_str form = { (const char *)data, size };
    EA_FREE_AUTO char *action = ea_lc_query_get(form, "Action");
    const ea_lc_cw_op *op = action ? ea_lc_cw_op_find(action) : NULL;
    ea_lc_cw_call c = { .now_ms = 1700000000000 };
    EA_BUF_AUTO out = EA_BUF(1 << 20);
    cJSON *in = NULL;
    ea_err err = { 0 };

    if (!metrics)
        metrics = ea_lc_metrics_new(60, c.now_ms);
    if (!op || ea_lc_query_parse(form, op->input, &in, &err))
        return 0;
    c.in = in;
    c.metrics = metrics;
    if (ea_lc_shape_check(op->input, in, &err) == EA_OK && ea_lc_cw_find(op->name)(&c) == 0)
        ea_lc_xml_add(&out, op->output, c.out);
    cJSON_Delete(c.out);
    cJSON_Delete(in);
    return 0;
}
