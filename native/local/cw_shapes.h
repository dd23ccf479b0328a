/* cw_shapes.h - tables of the Amazon CloudWatch calls that the local control plane serves. Written for
 * these calls; a test compares names, types and required flags with the model of the installed client.
 * Thread: any; constant data. */
#ifndef EA_LOCAL_CW_SHAPES_H
#define EA_LOCAL_CW_SHAPES_H

#include "shape.h"

typedef struct ea_lc_cw_op {
    const char *name; /* operation */
    const ea_lc_shape *input, *output;
} ea_lc_cw_op;

const ea_lc_cw_op *ea_lc_cw_op_find(const char *name); /* NULL: no such call */
/* {"GetMetricData":{"input":{...},"output":{...}}} */
void ea_lc_cw_ops_print(ea_buf *out);

#endif
