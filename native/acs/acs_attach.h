/* acs_attach.h - attach and confirm messages: checked and acked at once. Their features are not
 * announced by this build, so nothing else follows; the note says so. Pure. Source:
 * control-plane.md section 3.10. */
#ifndef EA_ACS_ACS_ATTACH_H
#define EA_ACS_ACS_ATTACH_H

#include "acs_dispatch.h"

/* `message` is borrowed, may be NULL or of any JSON type; fills *r as acs_dispatch.h says. */
void ea_acs_on_attach_task(const struct cJSON *message, ea_acs_result *r);
void ea_acs_on_attach_instance(const struct cJSON *message, ea_acs_result *r);
void ea_acs_on_confirm(const struct cJSON *message, ea_acs_result *r);

#endif
