/* acs_creds.h - IAMRoleCredentialsMessage -> EA_EV_CREDS. Pure. Source: control-plane.md
 * section 3.8. */
#ifndef EA_ACS_ACS_CREDS_H
#define EA_ACS_ACS_CREDS_H

#include "acs_dispatch.h"

/* `message` is borrowed, may be NULL or of any JSON type; fills *r as acs_dispatch.h says. */
void ea_acs_on_creds(const struct cJSON *message, ea_acs_result *r);

#endif
