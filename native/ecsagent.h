/* ecsagent.h - the exported C interface of ecsagent.dll and libecsagent.so; all that the PowerShell
 * module and the host executable see of the agent.
 *
 * Threads. Nothing calls back: no thread of the library ever enters the caller's code. Every
 * operation is started, then asked for events by one thread of the caller. Different operations are
 * independent and may run at the same time on different threads.
 *
 * An operation (`ecsagent_op`) yields, in this order:
 *   any number of PROGRESS, VERBOSE and WARNING events, mixed;
 *   then either one RESULT (a list, possibly empty) or one ERROR;
 *   then DONE, for ever: each later ecsagent_op_next() yields DONE again at once.
 *
 * Data. Strings are UTF-8, end in NUL and may be NULL where that is said; an absent optional string
 * is NULL and never "". Input strings and arrays are copied before a start function returns. Output
 * is borrowed: an event's strings until the next ecsagent_op_next() or ecsagent_op_free() of the
 * same operation, a RESULT's list and all it points to until ecsagent_op_free().
 *
 * Layout. Every struct begins with its size in bytes as its writer knows it; members have fixed
 * width and lie on their natural boundaries, padding is spelled out as `reserved` and is zero.
 * Members are only ever added at the end. A caller zeroes a params struct and sets `size`; a member
 * beyond `size` has its zero meaning. A list is walked by `stride`, never by the size of a record,
 * and a member beyond a record's `size` is not there.
 *
 * Times are milliseconds since 1970-01-01 UTC; 0 says "not yet" or "never".
 * Booleans are uint32_t, 0 or 1.
 */
#ifndef ECSAGENT_H
#define ECSAGENT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ELF hides every symbol but these; the DLL's export table is made from ecsagent.sym. */
#if defined(__ELF__)
#define ECSAGENT_API __attribute__((visibility("default")))
#else
#define ECSAGENT_API
#endif

/* Changes only when an old caller would misread something; additions leave it alone. */
#define ECSAGENT_ABI_VERSION 1u

/* The ABI version the library was built with: ask first, and go no further if it differs. */
ECSAGENT_API uint32_t ecsagent_abi_version(void);

/* Product version ("1.0.0") and its commit; static strings, never NULL. */
ECSAGENT_API const char *ecsagent_version(void);
ECSAGENT_API const char *ecsagent_commit(void);

/* ---- operations ------------------------------------------------------------------------------ */

typedef struct ecsagent_op ecsagent_op;

/* What a start function returns. Anything that goes wrong later, or with the world instead of with
 * the call, arrives as an ERROR event. */
enum {
    ECSAGENT_STARTED = 0, /* *op is set and must be freed */
    ECSAGENT_MISUSE = -1, /* a NULL pointer, or a `size` too small to hold its required members */
    ECSAGENT_NO_MEMORY = -2
};

/* What ecsagent_op_next() returns besides ECSAGENT_MISUSE. */
enum {
    ECSAGENT_NEXT_NONE = 0, /* the time is up, no event; *event is untouched but for `size` */
    ECSAGENT_NEXT_EVENT = 1 /* *event is filled */
};

typedef enum ecsagent_event_kind {
    ECSAGENT_EVENT_PROGRESS = 1, /* activity, text, percent, seconds_left */
    ECSAGENT_EVENT_VERBOSE = 2,  /* text */
    ECSAGENT_EVENT_WARNING = 3,  /* text */
    ECSAGENT_EVENT_RESULT = 4,   /* result */
    ECSAGENT_EVENT_ERROR = 5,    /* error */
    ECSAGENT_EVENT_DONE = 6
} ecsagent_event_kind;

/* What the records of a list are. */
typedef enum ecsagent_type {
    ECSAGENT_TYPE_NONE = 0, /* count is 0 */
    ECSAGENT_TYPE_ACTION = 1,
    ECSAGENT_TYPE_STATUS = 2,
    ECSAGENT_TYPE_WAIT = 3,
    ECSAGENT_TYPE_CAPABILITY = 4,
    ECSAGENT_TYPE_TASK = 5,
    ECSAGENT_TYPE_CONTAINER = 6,
    ECSAGENT_TYPE_PORT = 7,
    ECSAGENT_TYPE_LOCAL = 8,
    ECSAGENT_TYPE_VARIABLE = 9,
    ECSAGENT_TYPE_LINE = 10
} ecsagent_type;

typedef struct ecsagent_list {
    uint32_t size;
    uint32_t type;     /* ecsagent_type */
    uint32_t count;    /* records */
    uint32_t stride;   /* bytes from one record to the next */
    const void *items; /* NULL when count is 0 */
} ecsagent_list;

/* Why an operation failed. Mirrors `ea_err` (base/err.h). */
typedef struct ecsagent_error {
    uint32_t size;
    int32_t code;       /* ea_code; never 0 */
    int32_t sys;        /* errno, GetLastError(), CURLcode or SQLite code; 0 if none */
    uint32_t retryable; /* the same call may work later */
    int32_t exit_code;  /* what a script should end with: 1 try again, 5 an operator must act */
    uint32_t reserved;
    const char *name;     /* of the code, as in base/err.h: "TIMEOUT", "UNREACHABLE" */
    const char *category; /* name of a PowerShell ErrorCategory: "OperationTimeout" */
    const char *text;     /* one sentence: what was tried, what answered; never a secret */
    const char *advice;   /* one sentence: the next step for the operator; may be NULL */
} ecsagent_error;

typedef struct ecsagent_event {
    uint32_t size;        /* in: sizeof the caller's struct; left alone */
    uint32_t kind;        /* ecsagent_event_kind */
    int32_t percent;      /* 0..100; -1 unknown */
    int32_t seconds_left; /* until the operation's own timeout; -1 none */
    const char *activity; /* PROGRESS: the whole, "Initializing the Amazon ECS agent" */
    const char *text;     /* PROGRESS: the step now, "Waiting for Docker Engine"; else the text */
    const ecsagent_list *result;
    const ecsagent_error *error;
} ecsagent_event;

/* Waits for the next event. One thread at a time for each operation.
 * timeout_ms  0 looks without waiting, negative waits for ever
 * event       `size` set by the caller; members that the kind does not name are zero */
ECSAGENT_API int32_t ecsagent_op_next(ecsagent_op *op, int32_t timeout_ms, ecsagent_event *event);

/* Asks an operation to end early; any thread, any number of times, returns at once, NULL allowed.
 * It then ends with the ERROR "CANCELLED" unless its RESULT is already on its way. What the
 * operation has set up so far stays (a started service goes on); a what_if operation changed
 * nothing anyhow. Must not race ecsagent_op_free(). */
ECSAGENT_API void ecsagent_op_cancel(ecsagent_op *op);

/* Cancels what still runs, waits for it to end, frees all. NULL allowed. */
ECSAGENT_API void ecsagent_op_free(ecsagent_op *op);

/* ---- what every params struct has ------------------------------------------------------------ */

/* env        The caller's environment, "NAME=value" each, in place of the process's own; NULL: the
 *            process's own. .NET on Unix keeps its own copy of the environment, so what a script
 *            has set with $env: is not visible to getenv(). Settings that redirect paths, and the
 *            variables that Initialize copies into the service's settings, are looked up here.
 *            Keys and tokens in it are never stored.
 * env_count  entries in env
 * timeout_s  0: the default named at the operation */

/* ---- initialize ------------------------------------------------------------------------------ */

/* Tri-state of a switch that may be left out. */
enum {
    ECSAGENT_KEEP = 0,
    ECSAGENT_ON = 1,
    ECSAGENT_OFF = 2
};

typedef struct ecsagent_initialize_params {
    uint32_t size;
    uint32_t env_count;
    const char *const *env;
    const char *program_dir;       /* holds ecsagent, ecslocal and the library; NULL: where the
                                      library itself was loaded from */
    const char *cluster;           /* name or ARN; NULL: ECS_CLUSTER as found, else "default" */
    const char *logging_drivers;   /* JSON array, stored as it is; NULL: leave as is */
    uint32_t enable_task_iam_role; /* ECSAGENT_KEEP, ON or OFF */
    uint32_t timeout_s;            /* default 600, for the whole operation */
    uint32_t what_if;              /* 1: change nothing, RESULT lists the actions it would take */
    uint32_t force;                /* 1: another cluster than the stored one is accepted: the old
                                      registration is dropped after all tasks have stopped */
} ecsagent_initialize_params;

/* Prepares the host, installs and starts the service, and waits until the instance is registered,
 * connected and every capability asked for is proven. Safe to repeat: what is in order is left
 * alone. To join a local cluster, the caller runs ecsagent_local_up_start() first and passes an
 * `env` that holds its `variables`. RESULT: one ecsagent_status; with what_if a list of
 * ecsagent_action, empty if nothing is to do. ERROR:  after the timeout names the wait, its last
 * error and the next try; the service stays and keeps trying. */
ECSAGENT_API int32_t ecsagent_initialize_start(const ecsagent_initialize_params *params,
                                               ecsagent_op **op);

/* ---- the service ----------------------------------------------------------------------------- */

enum {
    ECSAGENT_SERVICE_START = 1,
    ECSAGENT_SERVICE_STOP = 2, /* containers keep running */
    ECSAGENT_SERVICE_RESTART = 3
};

typedef struct ecsagent_service_params {
    uint32_t size;
    uint32_t env_count;
    const char *const *env;
    uint32_t action;    /* ECSAGENT_SERVICE_... */
    uint32_t timeout_s; /* default 60 */
    uint32_t what_if;   /* 1: change nothing, RESULT is a list of ecsagent_action */
    uint32_t reserved;
} ecsagent_service_params;

/* Starts, stops or restarts the installed service and waits until it answers (or is gone). Does not
 * wait for the registration. Starting what runs and stopping what is stopped succeed.
 * RESULT: one ecsagent_status; with what_if a list of ecsagent_action. */
ECSAGENT_API int32_t ecsagent_service_start(const ecsagent_service_params *params,
                                            ecsagent_op **op);

typedef struct ecsagent_uninstall_params {
    uint32_t size;
    uint32_t env_count;
    const char *const *env;
    uint32_t keep_data; /* 1: state, settings and logs stay */
    uint32_t timeout_s; /* default 60 */
    uint32_t what_if;   /* 1: change nothing, RESULT is a list of ecsagent_action */
    uint32_t reserved;
} ecsagent_uninstall_params;

/* Stops and removes the service, the installed program, the task endpoint's address and, unless
 * kept, the data. Containers keep running. Succeeds when nothing is installed.
 * RESULT: an empty list; with what_if a list of ecsagent_action. */
ECSAGENT_API int32_t ecsagent_uninstall_start(const ecsagent_uninstall_params *params,
                                              ecsagent_op **op);

/* One thing an operation would do: "Performing the operation <verb> on target <target>". */
typedef struct ecsagent_action {
    uint32_t size;
    uint32_t reserved;
    const char *verb;   /* "Install service" */
    const char *target; /* "AmazonECS" */
} ecsagent_action;

/* ---- status ---------------------------------------------------------------------------------- */

typedef enum ecsagent_state {
    ECSAGENT_STATE_UNKNOWN = 0,
    ECSAGENT_STATE_NOT_INSTALLED = 1,
    ECSAGENT_STATE_STOPPED = 2,
    ECSAGENT_STATE_STARTING = 3,   /* the process runs, its control channel does not answer yet */
    ECSAGENT_STATE_WAITING = 4,    /* not registered: waits says for what */
    ECSAGENT_STATE_REGISTERED = 5, /* registered, not connected */
    ECSAGENT_STATE_CONNECTED = 6,  /* registered and connected */
    ECSAGENT_STATE_DRAINING = 7,
    ECSAGENT_STATE_STOPPING = 8
} ecsagent_state;

/* Something the agent waits for. */
typedef struct ecsagent_wait {
    uint32_t size;
    uint32_t attempts;      /* tries so far */
    const char *name;       /* stable: "docker", "register", "acs", "task-iam-role" */
    const char *what;       /* a sentence */
    const char *last_error; /* NULL before the first answer */
    int64_t since_ms;
    int64_t next_try_ms; /* 0: woken by an event, not by a clock */
} ecsagent_wait;

/* A capability attribute, sent to ECS or held back. */
typedef struct ecsagent_capability {
    uint32_t size;
    uint32_t offered;   /* 1: sent with the registration */
    const char *name;   /* "com.amazonaws.ecs.capability.task-iam-role" */
    const char *reason; /* why it is held back; NULL when offered */
} ecsagent_capability;

typedef struct ecsagent_status {
    uint32_t size;
    uint32_t state;           /* ecsagent_state */
    int32_t pid;              /* 0: no process */
    uint32_t task_role_ready; /* the path of task credentials has been proven */
    uint32_t tasks_pending;   /* accepted, not yet RUNNING */
    uint32_t tasks_running;
    uint32_t tasks_stopped; /* stopped, not yet forgotten */
    uint32_t reserved;
    const char *cluster; /* NULL where not known; the same for all strings below */
    const char *container_instance_arn;
    const char *version;      /* of the running agent; of this library when none runs */
    const char *wire_version; /* agentVersion as sent to ECS */
    const char *docker_version;
    const char *docker_api_version;
    const char *ec2_instance_id;
    const char *region;
    const char *endpoint; /* base address of the ECS API in use */
    const char *data_dir;
    const char *log_file;
    int64_t started_ms;
    int64_t uptime_s;
    int64_t acs_connected_ms;   /* since when; 0: not connected now */
    int64_t last_metrics_ms;    /* last metrics message that was acknowledged */
    ecsagent_list waits;        /* ecsagent_wait */
    ecsagent_list capabilities; /* ecsagent_capability */
    const char *metrics_reason; /* why no metrics are accepted; NULL when they are */
} ecsagent_status;

typedef struct ecsagent_status_params {
    uint32_t size;
    uint32_t env_count;
    const char *const *env;
    uint32_t timeout_s; /* default 10 */
    uint32_t reserved;
} ecsagent_status_params;

/* RESULT: exactly one ecsagent_status, also when nothing is installed or running. ERROR when an
 * agent runs and its control channel refuses, hangs or answers garbage. */
ECSAGENT_API int32_t ecsagent_status_start(const ecsagent_status_params *params, ecsagent_op **op);

/* ---- tasks ----------------------------------------------------------------------------------- */

typedef struct ecsagent_port {
    uint32_t size;
    uint32_t container_port;
    uint32_t host_port;
    uint32_t reserved;
    const char *protocol; /* "tcp" or "udp" */
    const char *bind_ip;  /* NULL before the container runs */
} ecsagent_port;

typedef struct ecsagent_container {
    uint32_t size;
    uint32_t essential;
    uint32_t has_exit_code;
    int32_t exit_code; /* 0 unless has_exit_code */
    const char *name;
    const char *docker_id;   /* NULL until created */
    const char *docker_name; /* NULL until created */
    const char *image;
    const char *image_id;     /* NULL until pulled */
    const char *known_status; /* "PENDING", "RUNNING", "STOPPED" ... as ECS names them */
    const char *desired_status;
    const char *health; /* "HEALTHY", "UNHEALTHY", "UNKNOWN"; NULL without a health check */
    const char *reason; /* why it stopped or could not start; NULL */
    int64_t cpu;        /* shares asked for */
    int64_t memory_mib; /* hard limit asked for; 0 none */
    int64_t created_ms;
    int64_t started_ms;
    int64_t finished_ms;
    ecsagent_list ports; /* ecsagent_port */
    const char
        *activity; /* "pulling nginx:1: 3 of 7 layers, 41 of 120 MiB"; NULL: nothing to tell */
    uint32_t has_cpu_percent;
    uint32_t has_memory_used;
    double cpu_percent;      /* newest sample; 100 is the whole host */
    int64_t memory_used_mib; /* newest sample */
} ecsagent_container;

typedef struct ecsagent_task {
    uint32_t size;
    uint32_t reserved;
    const char *arn;
    const char *id; /* the ARN's last part */
    const char *family;
    const char *revision;
    const char *known_status; /* as ECS names them */
    const char *desired_status;
    const char *network_mode;   /* NULL: the engine's default */
    const char *role_arn;       /* role of the task; NULL without one */
    const char *stopped_reason; /* NULL unless stopped or stopping */
    int64_t created_ms;         /* accepted by the agent */
    int64_t pull_started_ms;
    int64_t pull_stopped_ms;
    int64_t started_ms; /* RUNNING */
    int64_t stopped_ms;
    ecsagent_list containers; /* ecsagent_container, in the order of the task definition */
} ecsagent_task;

typedef struct ecsagent_tasks_params {
    uint32_t size;
    uint32_t env_count;
    const char *const *env;
    uint32_t timeout_s; /* default 10 */
    uint32_t reserved;
} ecsagent_tasks_params;

/* RESULT: ecsagent_task, all the agent knows, oldest first. ERROR UNREACHABLE when no agent runs. */
ECSAGENT_API int32_t ecsagent_tasks_start(const ecsagent_tasks_params *params, ecsagent_op **op);

typedef struct ecsagent_stop_task_params {
    uint32_t size;
    uint32_t env_count;
    const char *const *env;
    const char *task;   /* ARN, or the ARN's last part; required */
    uint32_t timeout_s; /* default 10: until the agent has taken it in, not until the end */
    uint32_t what_if;   /* 1: change nothing, RESULT is a list of ecsagent_action */
} ecsagent_stop_task_params;

/* Asks the running agent to stop a task; its containers get their stop timeout, and Amazon ECS is told.
 * RESULT: the one ecsagent_task as it is then (desired status STOPPED), also when it was stopped before;
 * with what_if a list of ecsagent_action, empty if it is stopped or stopping. ERROR NOT_FOUND when the
 * agent holds no such task, UNREACHABLE when no agent runs. */
ECSAGENT_API int32_t ecsagent_stop_task_start(const ecsagent_stop_task_params *params,
                                              ecsagent_op **op);

/* ---- local control plane --------------------------------------------------------------------- */

typedef struct ecsagent_variable {
    uint32_t size;
    uint32_t reserved;
    const char *name;
    const char *value;
} ecsagent_variable;

typedef struct ecsagent_line {
    uint32_t size;
    uint32_t reserved;
    const char *text;
} ecsagent_line;

typedef struct ecsagent_local {
    uint32_t size;
    int32_t pid;
    uint32_t port;
    uint32_t already_running;  /* 1: it ran before this call */
    const char *endpoint;      /* "http://127.0.0.1:<port>", for --endpoint-url */
    const char *imds_endpoint; /* for AWS_EC2_METADATA_SERVICE_ENDPOINT */
    const char *region;
    const char *data_dir;
    const char *log_file;
    ecsagent_list variables; /* ecsagent_variable: the caller sets them in its own process */
    ecsagent_list lines;     /* ecsagent_line: to print; what a shell needs to run `aws` */
} ecsagent_local;

typedef struct ecsagent_local_up_params {
    uint32_t size;
    uint32_t env_count;
    const char *const *env;
    const char *program_dir; /* as for initialize */
    const char *data_dir;    /* NULL: the default place */
    uint32_t port;           /* 0: the default port */
    uint32_t timeout_s;      /* default 30 */
    uint32_t what_if;        /* 1: change nothing, RESULT is a list of ecsagent_action */
    uint32_t reserved;
    const char *registry; /* URL of the one that plays Amazon ECR; NULL: none is named */
} ecsagent_local_up_params;

/* Starts the local control plane as a process of its own, with `env` as its environment, and waits until
 * it answers. Starting what runs with the same data directory succeeds; it keeps its registry.
 * ECSLOCAL_REGISTRY_PASSWORD of `env` is what the registry takes from user AWS.
 * RESULT: one ecsagent_local; with what_if a list of ecsagent_action. */
ECSAGENT_API int32_t ecsagent_local_up_start(const ecsagent_local_up_params *params,
                                             ecsagent_op **op);

typedef struct ecsagent_local_down_params {
    uint32_t size;
    uint32_t env_count;
    const char *const *env;
    const char *data_dir; /* NULL: the default place */
    uint32_t remove_data; /* 1: forget all clusters and tasks too */
    uint32_t timeout_s;   /* default 30 */
    uint32_t what_if;     /* 1: change nothing, RESULT is a list of ecsagent_action */
    uint32_t reserved;
} ecsagent_local_down_params;

/* Stops it and waits until it is gone. Succeeds when it does not run.
 * RESULT: one ecsagent_local as it was (pid 0: nothing ran), whose `variables` the caller unsets if
 * they still have these values; with what_if a list of ecsagent_action. */
ECSAGENT_API int32_t ecsagent_local_down_start(const ecsagent_local_down_params *params,
                                               ecsagent_op **op);

/* ---- host executable ------------------------------------------------------------------------- */

/* The whole of ecsagent(.exe): main() hands over its arguments and returns the result.
 * Console agent unless an argument says otherwise:
 *   -version  product, wire level, commit     -settings     each setting, its value and where from
 *   -healthcheck  0 if the running agent is well, else 1    -windows-service  under the SCM
 * argv   as main() received it; on Windows the wide command line is read instead
 * Returns the process's exit code: 0 fine, 1 try again, 5 an operator must act. */
ECSAGENT_API int32_t ecsagent_main(int32_t argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
