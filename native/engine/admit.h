/* admit.h - messages of the control plane: payloads, manifests, stop verification, credentials.
 * Pure. Source: control-plane.md sections 3.7-3.9. Acknowledgements are effects, so they leave only
 * after what they acknowledge is stored. */
#ifndef EA_ENGINE_ADMIT_H
#define EA_ENGINE_ADMIT_H

#include "turn.h"

void ea_admit_payload(struct ea_turn *turn, struct ea_event *ev);
void ea_admit_creds(struct ea_turn *turn, struct ea_event *ev);
void ea_admit_manifest(struct ea_turn *turn, const struct ea_event *ev);
void ea_admit_stop_verified(struct ea_turn *turn, const struct ea_event *ev);
void ea_admit_operator_stop(struct ea_turn *turn, const struct ea_event *ev);

#endif
