/* untracked.h - containers and images that are no task's, removed when the operator wants that
 * (ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP). Pure. Source: task-engine.md section 4.5.
 * Containers: those that ended, or were created and never started, longer ago than the clean-up wait of
 * tasks; never one of a task that is known here, nor one that bears another cluster's label, since that
 * has an agent of its own. Images: those without a container, old enough, the smallest first. */
#ifndef EA_ENGINE_UNTRACKED_H
#define EA_ENGINE_UNTRACKED_H

#include "turn.h"

/* Asks what there is; `images` may then be removed, names counted. False when the operator does not want
 * that, or when it is being asked already. */
bool ea_untracked_look(struct ea_turn *turn, int64_t images);
/* The answer; false when the op is none of ours. */
bool ea_untracked_result(struct ea_turn *turn, const struct ea_event *ev);

#endif
