/* effects.h - what the engine may ask for: plain structs, carried out by agent/run_effect.c after
 * the turn is committed, or by the simulator. The result of each numbered effect (op != 0) comes
 * back as exactly one EA_EV_RESULT (EA_EV_REPORTED for a report), also when it is cancelled.
 * Pure data. Task and container pointers are borrowed from the model and stay valid until the next
 * turn; whoever carries an effect out longer copies what he needs. Strings are owned by the list. */
#ifndef EA_ENGINE_EFFECTS_H
#define EA_ENGINE_EFFECTS_H

#include "../model/model.h"

typedef enum ea_fx_kind {
    /* Docker; each has a time limit in limit_ms and answers EA_EV_RESULT */
    EA_FX_RESOLVE, /* digest of c->image: registry manifest, or local inspect when `local` is set;
                      that one answers PULL as well when the image is there (`cached`).
                      EA_AUTH as for a pull; EA_UNSUPPORTED: the registry's image is for another
                      platform (not retried, not pulled) */
    EA_FX_PULL,    /* c->image (by digest when known, then tagged); idle_ms between progress lines.
                      `local`: prefer-cached, or once and pulled before: a local image is enough,
                      pull only if absent.
                      EA_TIMEOUT is limit_ms alone; a silent stream is EA_IO with its text (retried);
                      EA_AUTH: registry login impossible, EA_UNSUPPORTED: another platform (neither is
                      retried) */
    EA_FX_CREATE, /* under c->docker_name; a name conflict with our own labels = found, not error */
    EA_FX_START,  /* then inspect; the answer carries both */
    EA_FX_STOP,   /* `stop_s` seconds of grace; then how it ended; 404 = stopped */
    EA_FX_REMOVE, /* container, by docker_id, else by docker_name; EA_NOT_FOUND: was not there */
    EA_FX_INSPECT,
    EA_FX_FIND,          /* look for the container by label (task ARN, container name) */
    EA_FX_VOLUME_CREATE, /* `volume` */
    EA_FX_VOLUME_INSPECT,
    EA_FX_VOLUME_REMOVE,
    EA_FX_PING,             /* is the Docker Engine alive */
    EA_FX_IMAGE_REMOVE,     /* `text`: image name */
    EA_FX_SURVEY,           /* all containers and images of Docker, whose ever they are */
    EA_FX_UNTRACKED_REMOVE, /* `text`: id of a container that is no task's; no answer */
    EA_FX_DISK,             /* how full is the disk where Docker keeps images */
    EA_FX_PREPARE,          /* fetch what `task` needs before its containers are made (secrets,
                           environment files, registry logins, credential specs) and keep it until
                           EA_FX_TASK_ENDED; error_name and text become the task's reason */
    /* control plane */
    EA_FX_REPORT,    /* SubmitTaskStateChange for `task` at `level`; answers EA_EV_REPORTED. Carries
                         the containers whose `reporting` is not EA_C_NONE, with that status; the
                         body is made when the effect is handed out, before the next turn */
    EA_FX_ACK,       /* AckRequest{message_id, cluster_arn, instance_arn} */
    EA_FX_CREDS_ACK, /* IAMRoleCredentialsAckRequest{message_id, expiration, credentials_id} */
    EA_FX_STOP_CANDIDATES, /* TaskStopVerificationMessage{message_id, arns, cluster_arn} */
    /* inside the agent; no answer */
    EA_FX_WAKE,    /* an EA_EV_TIMER is wanted at at_ms (monotonic); the earliest of all wins */
    EA_FX_WATCH,   /* container runs: start sampling its statistics (told again after an outage) */
    EA_FX_UNWATCH, /* container ended: stop sampling */
    EA_FX_TASK_ENDED, /* task reached STOPPED: forget its role credentials and what was fetched */
} ea_fx_kind;

struct ea_effect {
    ea_fx_kind kind;
    uint64_t op; /* 0: no answer wanted */
    const struct ea_task *task;
    const struct ea_container *container;
    const struct ea_volume *volume;
    ea_tstate level;
    bool local;
    int64_t limit_ms, idle_ms, stop_s, at_ms;
    char *message_id, *cluster_arn, *instance_arn, *credentials_id, *expiration, *text; /* owned */
    ea_strlist arns;
};

struct ea_effects {
    struct ea_effect *v;
    size_t n, cap;
};

/* Appends a zeroed effect and returns it (valid until the next append). */
struct ea_effect *ea_effects_add(struct ea_effects *fx, ea_fx_kind kind);
void ea_effects_done(struct ea_effects *fx); /* frees, leaves an empty list */
const char *ea_fx_name(ea_fx_kind kind);     /* "PULL" */

/* The turns behind these effects have let nothing out of the agent: their commit may wait this long
 * for the next one (agent/turn.h says why). Wake-ups and looks at Docker need no commit. */
enum {
    EA_COMMIT_WAIT_MS = 50
};
bool ea_effects_may_wait(const struct ea_effects *fx);

#endif
