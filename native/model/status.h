/* status.h - the states of containers, tasks and resources, their names, and what the backend is
 * told. Pure. Source: task-engine.md section 1.1, control-plane.md section 5.1. */
#ifndef EA_MODEL_STATUS_H
#define EA_MODEL_STATUS_H

#include "../base/err.h"
#include "../base/json.h"

typedef enum ea_cstate { /* container; ordered */
    EA_C_NONE,
    EA_C_MANIFEST_PULLED, /* digest known, or its look-up skipped */
    EA_C_PULLED,
    EA_C_CREATED,
    EA_C_RUNNING,
    EA_C_PROVISIONED, /* pause container only: its network is set up */
    EA_C_STOPPED,
    EA_C_COUNT
} ea_cstate;

typedef enum ea_tstate { /* task; ordered */
    EA_T_NONE,
    EA_T_MANIFEST_PULLED,
    EA_T_PULLED,
    EA_T_CREATED,
    EA_T_RUNNING,
    EA_T_STOPPED,
    EA_T_COUNT
} ea_tstate;

typedef enum ea_rstate {
    EA_R_NONE,
    EA_R_CREATED,
    EA_R_REMOVED
} ea_rstate; /* task resource */

typedef enum ea_health {
    EA_HEALTH_UNKNOWN,
    EA_HEALTH_HEALTHY,
    EA_HEALTH_UNHEALTHY
} ea_health;

typedef enum ea_condition { /* dependsOn */
    EA_DEP_START,
    EA_DEP_COMPLETE,
    EA_DEP_SUCCESS,
    EA_DEP_HEALTHY,
    EA_DEP_CREATE, /* internal: from volumesFrom */
} ea_condition;

extern const ea_jname ea_cstate_names[]; /* also DEAD -> STOPPED, UNKNOWN -> NONE when reading */
extern const ea_jname ea_tstate_names[]; /* the same */
extern const ea_jname ea_rstate_names[];
extern const ea_jname ea_health_names[];
extern const ea_jname ea_condition_names[];

const char *ea_cstate_name(ea_cstate s); /* "MANIFEST_PULLED" */
const char *ea_tstate_name(ea_tstate s);
const char *ea_health_name(ea_health h);
/* What the backend is told: "PENDING", "RUNNING" or "STOPPED"; NULL when the state is not told. */
const char *ea_cstate_wire(ea_cstate s);
const char *ea_tstate_wire(ea_tstate s); /* everything below RUNNING is PENDING */

#endif
