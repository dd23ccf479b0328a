/* acs_payload.h - PayloadMessage -> EA_EV_PAYLOAD: tasks decoded one by one, a bad one kept as
 * rejected. Pure. Source: control-plane.md section 3.7. */
#ifndef EA_ACS_ACS_PAYLOAD_H
#define EA_ACS_ACS_PAYLOAD_H

#include "acs_dispatch.h"

/* `message` is borrowed, may be NULL or of any JSON type; fills *r as acs_dispatch.h says. */
void ea_acs_on_payload(const struct cJSON *message, ea_acs_result *r);

#endif
