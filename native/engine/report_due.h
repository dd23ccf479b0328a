/* report_due.h - what the control plane has to be told now: which level of which task. Pure.
 * Source: task-engine.md section 1.8, control-plane.md sections 5.2-5.4, 5.6. */
#ifndef EA_ENGINE_REPORT_DUE_H
#define EA_ENGINE_REPORT_DUE_H

#include "turn.h"

enum {
    EA_REPORTS_MAX = 10
}; /* submissions in flight, all tasks together */

/* Hands out the submissions that are due: one in flight per task. */
void ea_report_due(struct ea_turn *turn);
/* The answer to one. */
void ea_report_answered(struct ea_turn *turn, const struct ea_event *ev);

#endif
