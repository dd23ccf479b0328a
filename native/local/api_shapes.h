/* api_shapes.h - tables of the calls that the local control plane serves. Written for these calls; a
 * test compares names, types and required flags with the model of the installed client.
 * Thread: any; constant data. */
#ifndef EA_LOCAL_API_SHAPES_H
#define EA_LOCAL_API_SHAPES_H

#include "shape.h"

typedef struct ea_lc_op_shape {
    const char *name; /* operation */
    const ea_lc_shape *input;
} ea_lc_op_shape;

extern const ea_lc_op_shape ea_lc_op_shapes[];            /* ends with { NULL, NULL } */
const ea_lc_shape *ea_lc_op_shape_find(const char *name); /* NULL: no such call */
/* All of them as one JSON object by operation name. */
void ea_lc_op_shapes_print(ea_buf *out);

#endif
