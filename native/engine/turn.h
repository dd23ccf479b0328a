/* turn.h - what the files of the engine share within one turn: model, time, effects, and the
 * earliest moment at which something is due. Pure. */
#ifndef EA_ENGINE_TURN_H
#define EA_ENGINE_TURN_H

#include "engine.h"

struct ea_turn {
    struct ea_model *m;
    const ea_time *now;
    struct ea_effects *fx;
    int64_t wake_ms; /* monotonic; 0 none */
};

/* Appends an effect for a container and marks it as in flight towards `applied` (EA_C_NONE for one
 * that does not lead into a state). */
struct ea_effect *ea_turn_do(struct ea_turn *turn, struct ea_task *t, struct ea_container *c,
                             ea_fx_kind kind, ea_cstate applied, int64_t limit_ms);
/* Appends an effect without an answer that names a task and maybe a container. */
void ea_turn_tell(struct ea_turn *turn, const struct ea_task *t, const struct ea_container *c,
                  ea_fx_kind kind);
/* Asks for a timer at a monotonic moment; moments that have passed ask for nothing. */
void ea_turn_wake(struct ea_turn *turn, int64_t at_ms);
void ea_turn_wake_wall(struct ea_turn *turn, int64_t wall_ms);
/* True, and a timer asked for, while `at_ms` (monotonic, 0 none) lies ahead. */
bool ea_turn_waits(struct ea_turn *turn, int64_t at_ms);

/* Delay before attempt number `attempt` + 1 (task-engine.md section 1.4, common backoff). */
int64_t ea_turn_delay(struct ea_turn *turn, unsigned attempt, int64_t min_ms, int64_t max_ms,
                      double multiple, double jitter);

#endif
