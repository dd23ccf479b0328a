/* depends.h - the order among the containers of a task: dependsOn, links, volumesFrom; cycles.
 * Pure. Source: task-engine.md section 1.5. */
#ifndef EA_ENGINE_DEPENDS_H
#define EA_ENGINE_DEPENDS_H

#include "turn.h"

typedef enum ea_dep_answer {
    EA_DEP_FREE,  /* nothing in the way */
    EA_DEP_WAIT,  /* not yet */
    EA_DEP_NEVER, /* can never be satisfied */
} ea_dep_answer;

/* Turns links and volumesFrom into dependsOn entries and refuses what can never be ordered. `err`
 * holds the task's reason. */
ea_code ea_depends_prepare(struct ea_task *t, ea_err *err) EA_CHECK;
/* May the container take the step into `target`? `why` says what it waits for or why never.
 * `until_ms` gets the wall time at which the answer may change by itself; 0 never. */
ea_dep_answer ea_depends_start(const struct ea_model *m, const struct ea_task *t,
                               const struct ea_container *c, ea_cstate target, int64_t wall_ms,
                               char why[256], int64_t *until_ms);
/* True while a container that needs this one is not stopped: stop order is the reverse of start
 * order. One that never ran holds up nobody who runs without it. `blocker` (may be NULL) gets its name, borrowed. */
bool ea_depends_hold_stop(const struct ea_task *t, const struct ea_container *c,
                          const char **blocker);

#endif
