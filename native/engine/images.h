/* images.h - which pulled images go, and when. Pure. Source: task-engine.md sections 4.2, 4.5.
 * An image is in use while a task that names it is known here, stopped ones that wait for their own
 * clean-up included. Only images that the agent pulled itself are ever removed, and what they leave behind
 * when their name goes over to a newer one. */
#ifndef EA_ENGINE_IMAGES_H
#define EA_ENGINE_IMAGES_H

#include "turn.h"

/* A container's image is there. `pulled`: it came over the network just now. */
void ea_images_used(struct ea_turn *turn, const struct ea_container *c, bool pulled);
/* The task is forgotten: its images count as used until now. */
void ea_images_released(struct ea_turn *turn, const struct ea_task *t);
/* True while this image is being removed: a pull waits for that. */
bool ea_images_leaving(const struct ea_model *m, const char *image);
/* True when the agent has pulled this very name before (pull behaviour `once`). */
bool ea_images_pulled_before(const struct ea_model *m, const char *image);
/* True while any image is being removed. */
bool ea_images_any_leaving(const struct ea_model *m);
/* Those that Docker refused to remove may be tried again. */
void ea_images_new_round(struct ea_model *m);
/* Removes an image that the agent did not pull, by name or id. It is remembered while it leaves, so that a
 * pull waits for its end. */
void ea_images_remove_untracked(struct ea_turn *turn, const char *name);
/* May this name of this image be removed as far as tasks and the operator's list go? */
bool ea_images_may_go(const struct ea_model *m, const char *name, const char *image_id);
/* Removes the image that was used least lately, whatever its age; false when none may go. */
bool ea_images_remove_oldest(struct ea_turn *turn);
/* Starts a clean-up when it is due. */
void ea_images_clean(struct ea_turn *turn);
/* The answer to a removal; false when the op is none of ours. */
bool ea_images_result(struct ea_turn *turn, const struct ea_event *ev);

#endif
