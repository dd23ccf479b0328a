/* service.h - the agent as a process of its own that outlives its starter: the service of this name, which
 * the system (Windows, systemd) starts at boot and again after a failure; without such a manager a daemon.
 * Its pid is that of the process that holds the lock of its data directory. Thread: the operation's. */
#ifndef EA_MANAGE_SERVICE_H
#define EA_MANAGE_SERVICE_H

#include "op.h"
#include "place.h"

#define EA_SERVICE_NAME "AmazonECS"

int64_t ea_service_pid(const struct ea_place *p); /* 0: does not run */
bool ea_service_installed(const struct ea_place *p);
bool ea_service_registered(void); /* with the system's service manager; true where there is none */
/* Registers the installed program with the service manager, or repairs what is registered; nothing where
 * there is no manager. Depends on the services that ECSTOOLS_SERVICE_DEPENDS lists (commas; "none"), which
 * is Docker when unset and there. */
ea_code ea_service_register(const struct ea_place *p, const ea_envs *env, ea_err *err) EA_CHECK;
/* Starts it with the environment of the settings file, registered first. Not waited for. */
ea_code ea_service_launch(const struct ea_place *p, const ea_envs *env, ea_err *err) EA_CHECK;
/* Asks it to end and waits for that within the operation's time. Not running: fine. */
ea_code ea_service_end(ecsagent_op *op, const struct ea_place *p, ea_err *err) EA_CHECK;
/* Status of the agent: from itself when it answers, else what can be told without it. */
ea_code ea_service_status(ecsagent_op *op, const struct ea_place *p, int64_t limit_ms,
                          ecsagent_status *out, ea_err *err) EA_CHECK;
/* Looks at an agent that was launched, again and again until it is as the caller wants it. */
typedef struct ea_service_watch {
    int64_t gone_since_ms; /* monotonic; 0: it has a process */
    bool ended;            /* it came to an end, and this is the failure */
    int exit_code;         /* as it has noted it; 0: it left no note */
} ea_service_watch;        /* starts all zero */
/* EA_OK: it lives, or may still come. Ended: EA_SETTINGS or EA_IO with the words it has left behind; else as
 * ea_service_status(). */
ea_code ea_service_watch_look(ecsagent_op *op, const struct ea_place *p, int64_t limit_ms,
                              ea_service_watch *watch, ecsagent_status *out, ea_err *err) EA_CHECK;

#endif
