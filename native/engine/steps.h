/* steps.h - what takes a container into each state: the effect, its time limit, its repetitions and
 * the name of its error. Pure. Source: task-engine.md sections 1.4, 1.7, 4.1, 4.3. */
#ifndef EA_ENGINE_STEPS_H
#define EA_ENGINE_STEPS_H

#include "turn.h"

struct ea_step {
    ea_fx_kind kind;
    unsigned attempts; /* in all */
    int64_t first_delay_ms, last_delay_ms;
    double multiple;
    const char *error_name;   /* when the step fails with the text of Docker or a registry */
    const char *timeout_word; /* "Could not transition to <word>; timed out after waiting 4m0s" */
};

/* The row of a state; NULL for states that no step leads into. */
const struct ea_step *ea_step_into(ea_cstate state);
ea_cstate ea_state_after(const struct ea_container *c); /* next state above `known` */
/* Time limit of the whole step, all attempts together except for a stop (each has its own). */
int64_t ea_step_limit_ms(const struct ea_model *m, const struct ea_container *c, ea_cstate state);
int64_t ea_stop_grace_s(const struct ea_model *m, const struct ea_container *c);
/* Takes the container's next step, if it may. True when the model changed without an effect whose
 * answer is still to come (so that the task must be looked at again). */
bool ea_step_container(struct ea_turn *turn, struct ea_task *t, struct ea_container *c);
/* True while the container needs role credentials that have not come (yet). */
bool ea_step_lacks_creds(const struct ea_model *m, const struct ea_task *t,
                         const struct ea_container *c, ea_cstate target);

enum {
    EA_LOOKUP_LIMIT_MS = 30000,
    EA_REMOVE_LIMIT_MS = 300000,
    EA_PING_LIMIT_MS = 5000
};

#endif
