#include "engine.h"

#include "../base/str.h"
#include "depends.h"
#include "hostres.h"
#include "room.h"
#include "resources.h"
#include "state.h"
#include "steps.h"
#include "volumes.h"

#include <stdio.h>

/* clang-format off */
static const char *const doing[EA_C_COUNT] = {
    [EA_C_MANIFEST_PULLED] = "looks up the digest of",
    [EA_C_PULLED]          = "pulls",
    [EA_C_CREATED]         = "creates the container from",
    [EA_C_RUNNING]         = "starts the container from",
};
/* clang-format on */

static void in_flight(const struct ea_container *c, char out[256])
{
    const char *image = c->image ? c->image : "";

    if (c->applied == EA_C_STOPPED)
        (void)snprintf(out, 256, "%s: stops (attempt %u)", c->name, c->attempts);
    else if (doing[c->applied])
        (void)snprintf(out, 256, "%s: %s %.120s (attempt %u)", c->name, doing[c->applied], image,
                       c->attempts);
    else if (c->remake)
        (void)snprintf(out, 256, "%s: is made again, its host port was taken", c->name);
    else
        (void)snprintf(out, 256, "%s: asks Docker for its state", c->name);
}

static bool waiting(const struct ea_model *m, const struct ea_task *t, const struct ea_container *c,
                    const ea_time *now, char out[256])
{
    char why[256];
    int64_t until = 0;
    const char *blocker = NULL;

    if (c->retry_at_ms > now->mono_ms) {
        (void)snprintf(out, 256, "%s: tries again in %lld ms (attempt %u)", c->name,
                       (long long)(c->retry_at_ms - now->mono_ms), c->attempts + 1);
        return true;
    }
    if (!m->docker_up) {
        (void)snprintf(out, 256, "%s: waits for Docker", c->name);
        return true;
    }
    if (c->desired == EA_C_STOPPED) {
        if (!ea_depends_hold_stop(t, c, &blocker))
            return false;
        (void)snprintf(out, 256, "%s: stops after container %s", c->name, blocker);
        return true;
    }
    ea_cstate target = c->remake ? EA_C_CREATED : ea_state_after(c);
    if (ea_depends_start(m, t, c, target, now->wall_ms, why, &until) == EA_DEP_WAIT) {
        (void)snprintf(out, 256, "%s: %.200s", c->name, why);
        return true;
    }
    if (target >= EA_C_PULLED && !ea_volumes_ready(t, c)) {
        (void)snprintf(out, 256, "%s: waits for its volumes", c->name);
        return true;
    }
    if (ea_room_waits(m, c)) {
        (void)snprintf(out, 256, "%s: waits for images to be removed from the full disk", c->name);
        return true;
    }
    if (ea_step_lacks_creds(m, t, c, target) ||
        (!ea_resources_ready(t, c, target) && ea_resources_lack_creds(m, t))) {
        (void)snprintf(out, 256, "%s: waits for the credentials of the execution role", c->name);
        return true;
    }
    if (!ea_resources_ready(t, c, target)) {
        (void)snprintf(out, 256, "%s: waits for secrets and files of its task", c->name);
        return true;
    }
    return false;
}

static bool explain_container(const struct ea_model *m, const struct ea_task *t,
                              const struct ea_container *c, const ea_time *now, char out[256])
{
    if (c->known >= c->desired)
        return false;
    if (c->op) {
        in_flight(c, out);
        return true;
    }
    return waiting(m, t, c, now, out);
}

void ea_engine_explain(const struct ea_model *m, const struct ea_task *t, const ea_time *now,
                       char out[256])
{
    out[0] = '\0';
    if (ea_hostres_explain(m, t, out))
        return;
    /* Who only stops after somebody else comes last: that one is the reason. */
    for (int held = 0; held < 2; held++)
        for (size_t i = 0; i < t->containers.n; i++) {
            const struct ea_container *c = &t->containers.v[i];
            bool waits_to_stop = c->desired == EA_C_STOPPED && ea_depends_hold_stop(t, c, NULL);

            if (waits_to_stop == (held == 1) && explain_container(m, t, c, now, out))
                return;
        }
    if (t->known == EA_T_STOPPED && t->sent < EA_T_STOPPED)
        (void)snprintf(out, 256, "stopped; the control plane has not been told yet%s%.150s",
                       t->reason ? ": " : "", t->reason ? t->reason : "");
    else if (t->known == EA_T_STOPPED)
        (void)snprintf(out, 256, "stopped%s%.200s", t->reason ? ": " : "",
                       t->reason ? t->reason : "");
    else if (t->known == EA_T_RUNNING)
        (void)snprintf(out, 256, "runs");
    else
        (void)snprintf(out, 256, "%s, wanted %s", ea_tstate_name(t->known),
                       ea_tstate_name(t->desired));
}
