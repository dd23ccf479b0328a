/* acs_update.h - StageUpdateMessage and PerformUpdateMessage: answered with a nack. Pure.
 * Source: control-plane.md section 3.11. */
#ifndef EA_ACS_ACS_UPDATE_H
#define EA_ACS_ACS_UPDATE_H

#include "acs_dispatch.h"

/* `message` is borrowed, may be NULL or of any JSON type; fills *r as acs_dispatch.h says. */
void ea_acs_on_update(const struct cJSON *message, ea_acs_result *r);

#endif
