/* status.h - what the agent waits for, since when, the last error, the next try: every wait has a
 * reason that can be read (control channel, /v1/status, Get-ECSAgent).
 * Thread: loop. Knows: names of waits. Does not know: who waits. */
#ifndef EA_AGENT_STATUS_H
#define EA_AGENT_STATUS_H

#include "../base/buf.h"
#include "../base/clock.h"
#include "../base/err.h"

#include <stdbool.h>

/* clang-format off */
#define EA_WAITS(X) \
    X(DOCKER,        "docker",        "Docker Engine to answer") \
    X(STORE,         "store",         "the state to be written to disk") \
    X(METADATA,      "metadata",      "region and identity from instance metadata") \
    X(CREDENTIALS,   "credentials",   "AWS credentials of this instance") \
    X(REGISTER,      "register",      "the registration with Amazon ECS") \
    X(TASK_ENDPOINT, "task-iam-role", "the task endpoint 169.254.170.2 to answer") \
    X(HOST_PORTS,    "port-reservation", "ports 51678 and 51679 to be kept from the system's NAT") \
    X(FIREWALL,      "firewall",      "a firewall rule that lets containers reach the task endpoint") \
    X(INSIDE,        "container-route", "each container to have a route to the task endpoint") \
    X(INTROSPECTION, "introspection", "the introspection port 51678 to be free") \
    X(CREDS_PORT,    "credentials-port", "the credentials port 51679 to be free") \
    X(ACS,           "acs",           "the control plane connection (ACS)") \
    X(TCS,           "tcs",           "the telemetry connection (TCS)")
/* clang-format on */

typedef enum ea_wait_id {
#define X(id, name, what) EA_WAIT_##id,
    EA_WAITS(X)
#undef X
    EA_WAIT_COUNT
} ea_wait_id;

struct ea_wait {
    bool active;
    unsigned attempts;
    int64_t since_ms;    /* wall */
    int64_t next_try_ms; /* wall; 0: woken by an event */
    char error[512];     /* "" before the first answer */
};

typedef struct ea_status {
    struct ea_wait waits[EA_WAIT_COUNT];
} ea_status;

/* Begins or goes on waiting. `err` NULL: nothing was tried yet. The first failure and each new text
 * are logged as a warning, repetitions at debug level. */
void ea_status_wait(ea_status *s, ea_wait_id id, const ea_err *err, int64_t next_in_ms);
void ea_status_clear(ea_status *s, ea_wait_id id); /* logs when a wait with an error ended */
/* "waits":[{"name","what","lastError","since","nextTry","attempts"}]; times wall ms, 0 none */
void ea_status_add_json(const ea_status *s, ea_buf *out);

#endif
