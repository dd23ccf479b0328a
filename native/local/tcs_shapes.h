/* tcs_shapes.h - tables of the telemetry messages. Thread: any; constant data. */
#ifndef EA_LOCAL_TCS_SHAPES_H
#define EA_LOCAL_TCS_SHAPES_H

#include "shape.h"

extern const ea_lc_shape ea_lc_publish_metrics_shape, ea_lc_publish_health_shape,
    ea_lc_publish_status_shape;

#endif
