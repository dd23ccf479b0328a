/* run_effect.h - carries out one effect within its time limit; the result comes back as an event.
 * Thread: loop. Knows: which module does what. Does not know: why. */
#ifndef EA_AGENT_RUN_EFFECT_H
#define EA_AGENT_RUN_EFFECT_H

#include "agent.h"

/* The effect is borrowed; what outlives the call is copied. */
void ea_run_effect(ea_agent *ag, const struct ea_effect *fx);
void ea_run_image(ea_agent *ag, const struct ea_effect *fx);  /* run_image.c */
void ea_run_docker(ea_agent *ag, const struct ea_effect *fx); /* run_docker.c */
void ea_run_survey(ea_agent *ag, const struct ea_effect *fx); /* run_survey.c */
void ea_run_report(ea_agent *ag, const struct ea_effect *fx); /* run_report.c */
/* Image as written -> its Config.Env of the last inspect; NULL unknown. */
const ea_strlist *ea_image_env(const ea_agent *ag, const char *image);
struct ea_image;
void ea_image_remember_env(ea_agent *ag, const char *image, const struct ea_image *found);

#endif
