/* reconcile.h - one task: known state towards desired state. Pure. Source: task-engine.md section
 * 1.3, without its loop: each turn takes every step that is possible and asks to be woken for the
 * rest. */
#ifndef EA_ENGINE_RECONCILE_H
#define EA_ENGINE_RECONCILE_H

#include "turn.h"

void ea_reconcile_task(struct ea_turn *turn, struct ea_task *t);

#endif
