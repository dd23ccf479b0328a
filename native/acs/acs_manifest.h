/* acs_manifest.h - TaskManifestMessage -> EA_EV_MANIFEST, TaskStopVerificationAck ->
 * EA_EV_STOP_VERIFIED. Pure. Source: control-plane.md section 3.9. */
#ifndef EA_ACS_ACS_MANIFEST_H
#define EA_ACS_ACS_MANIFEST_H

#include "acs_dispatch.h"

/* `message` is borrowed, may be NULL or of any JSON type; fills *r as acs_dispatch.h says. */
void ea_acs_on_manifest(const struct cJSON *message, ea_acs_result *r);
void ea_acs_on_stop_ack(const struct cJSON *message, ea_acs_result *r);

#endif
