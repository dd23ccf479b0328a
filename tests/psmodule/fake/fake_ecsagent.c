/* fake_ecsagent.c - a fake of native/ecsagent.h with scripted answers, for tests of the managed side
 * alone. It is no agent: it opens nothing, starts nothing and changes nothing.
 *
 * The variable FAKE_ECSAGENT in params->env chooses the script: absent for success, "timeout",
 * "conflict", "hang", "noagent", "waiting", "stopped", "nothing", "small". Every operation first tells
 * its arguments as a VERBOSE event, so that a test sees what has crossed the border.
 * FAKE_ABI (compile time) is the ABI version it claims. */
#include "ecsagent.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef FAKE_ABI
#define FAKE_ABI ECSAGENT_ABI_VERSION
#endif

enum {
    MAX_EVENTS = 12,
    TEXT_SIZE = 4096
};

struct ecsagent_op {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int cancelled;
    int hangs; /* after its events the operation waits for a cancel */
    size_t count, next;
    ecsagent_event events[MAX_EVENTS];
    char text[TEXT_SIZE];
    ecsagent_error error;
    ecsagent_list result;
};

#define SIZED(type) .size = (uint32_t)sizeof(type)
#define LIST(kind, array)                                                                          \
    {                                                                                              \
        .size = (uint32_t)sizeof(ecsagent_list), .type = (kind),                                   \
        .count = (uint32_t)(sizeof(array) / sizeof((array)[0])),                                   \
        .stride = (uint32_t)sizeof((array)[0]), .items = (array)                                   \
    }

/* 2026-01-02T03:04:05.678Z */
#define NOON 1767323045678ll

static const ecsagent_capability capabilities[] = {
    { SIZED(ecsagent_capability), 1, "com.amazonaws.ecs.capability.task-iam-role", NULL },
    { SIZED(ecsagent_capability), 0, "ecs.capability.task-eni", "not supported on this host" },
};

static const ecsagent_wait waits[] = {
    { SIZED(ecsagent_wait), 3, "docker", "Docker Engine answers", "connect: no such file", NOON,
      NOON + 5000 },
    { SIZED(ecsagent_wait), 0, "register", "the instance is registered", NULL, NOON, 0 },
};

static const ecsagent_status connected = {
    SIZED(ecsagent_status),
    .state = ECSAGENT_STATE_CONNECTED,
    .pid = 4242,
    .task_role_ready = 1,
    .tasks_pending = 1,
    .tasks_running = 2,
    .tasks_stopped = 3,
    .cluster = "MyCluster",
    .container_instance_arn = "arn:aws:ecs:us-west-2:123456789012:container-instance/MyCluster/"
                              "0123456789abcdef0123456789abcdef",
    .version = "9.8.7",
    .wire_version = "1.105.1",
    .docker_version = "20.10.24",
    .docker_api_version = "1.41",
    .ec2_instance_id = "i-0123456789abcdef0",
    .region = "us-west-2",
    .endpoint = "https://ecs.us-west-2.amazonaws.com",
    .data_dir = "/var/lib/ecs/data",
    .log_file = "/var/log/ecs/ecs-agent.log",
    .started_ms = NOON,
    .uptime_s = 93784,
    .acs_connected_ms = NOON + 1000,
    .last_metrics_ms = NOON + 2000,
    .waits = { SIZED(ecsagent_list), ECSAGENT_TYPE_WAIT, 0, (uint32_t)sizeof(ecsagent_wait), NULL },
    .capabilities = LIST(ECSAGENT_TYPE_CAPABILITY, capabilities),
};

static const ecsagent_status waiting = {
    SIZED(ecsagent_status),
    .state = ECSAGENT_STATE_WAITING,
    .pid = 4242,
    .cluster = "MyCluster",
    .version = "9.8.7",
    .started_ms = NOON,
    .uptime_s = 61,
    .metrics_reason = "the instance is not registered yet",
    .waits = LIST(ECSAGENT_TYPE_WAIT, waits),
    .capabilities = LIST(ECSAGENT_TYPE_CAPABILITY, capabilities),
};

static const ecsagent_status stopped = {
    SIZED(ecsagent_status),
    .state = ECSAGENT_STATE_STOPPED,
    .version = "9.8.7",
};

/* From a library that is older than the caller: it knows the first eight members only. */
static const struct {
    uint32_t size, state;
    int32_t pid;
    uint32_t rest[5];
} small_status = { 32, ECSAGENT_STATE_CONNECTED, 7, { 0 } };

static const ecsagent_port ports[] = {
    { SIZED(ecsagent_port), 80, 8080, 0, "tcp", "0.0.0.0" },
    { SIZED(ecsagent_port), 443, 8443, 0, "tcp", NULL },
    { SIZED(ecsagent_port), 80, 8080, 0, "tcp", "::" },
};

static const ecsagent_container web_containers[] = {
    { SIZED(ecsagent_container), .essential = 1, .name = "web", .docker_id = "c0ffee",
      .docker_name = "ecs-simple-web-1-web-c0ffee", .image = "busybox:latest",
      .image_id = "sha256:aa", .known_status = "RUNNING", .desired_status = "RUNNING",
      .health = "HEALTHY", .cpu = 100, .memory_mib = 500, .has_cpu_percent = 1,
      .cpu_percent = 12.25, .has_memory_used = 1, .memory_used_mib = 321, .created_ms = NOON,
      .started_ms = NOON + 10, .ports = LIST(ECSAGENT_TYPE_PORT, ports) },
    { SIZED(ecsagent_container), .has_exit_code = 1, .exit_code = 0, .name = "init",
      .image = "busybox:latest", .known_status = "STOPPED", .desired_status = "STOPPED",
      .reason = "gr\xc3\xbc\xc3\x9f Gott \xe2\x82\xac", .cpu = 10 },
    { SIZED(ecsagent_container), .name = "log", .image = "log:1", .known_status = "PENDING",
      .desired_status = "RUNNING", .activity = "pulling log:1: 3 of 7 layers, 41 of 120 MiB" },
};

static const ecsagent_container batch_containers[] = {
    { SIZED(ecsagent_container), .essential = 1, .has_exit_code = 1, .exit_code = 137,
      .name = "job", .image = "job:1", .known_status = "STOPPED", .desired_status = "STOPPED",
      .reason = "OutOfMemoryError: container killed", .cpu = 10, .memory_mib = 8 },
};

#define TASK_ARN "arn:aws:ecs:us-west-2:123456789012:task/MyCluster/"
static const ecsagent_task tasks[] = {
    { SIZED(ecsagent_task), .arn = TASK_ARN "11111111111111111111111111111111",
      .id = "11111111111111111111111111111111", .family = "simple-web", .revision = "1",
      .known_status = "RUNNING", .desired_status = "RUNNING", .network_mode = "bridge",
      .role_arn = "arn:aws:iam::123456789012:role/web", .created_ms = NOON,
      .pull_started_ms = NOON + 1, .pull_stopped_ms = NOON + 2, .started_ms = NOON + 3,
      .containers = LIST(ECSAGENT_TYPE_CONTAINER, web_containers) },
    { SIZED(ecsagent_task), .arn = TASK_ARN "22222222222222222222222222222222",
      .id = "22222222222222222222222222222222", .family = "batch", .revision = "7",
      .known_status = "STOPPED", .desired_status = "STOPPED",
      .stopped_reason = "Essential container in task exited", .created_ms = NOON,
      .stopped_ms = NOON + 60000, .containers = LIST(ECSAGENT_TYPE_CONTAINER, batch_containers) },
};

static const ecsagent_action actions[] = {
    { SIZED(ecsagent_action), 0, "Install service", "AmazonECS" },
    { SIZED(ecsagent_action), 0, "Write setting", "ECS_CLUSTER" },
    { SIZED(ecsagent_action), 0, "Start service", "AmazonECS" },
};

static const ecsagent_variable variables[] = {
    { SIZED(ecsagent_variable), 0, "ECS_BACKEND_HOST", "http://127.0.0.1:6000" },
    { SIZED(ecsagent_variable), 0, "AWS_DEFAULT_REGION", "us-west-2" },
};

static const ecsagent_line lines[] = {
    { SIZED(ecsagent_line), 0, "export AWS_DEFAULT_REGION=us-west-2" },
};

static const ecsagent_local local = {
    SIZED(ecsagent_local),
    .pid = 77,
    .port = 6000,
    .endpoint = "http://127.0.0.1:6000",
    .imds_endpoint = "http://127.0.0.1:6000/imds",
    .region = "us-west-2",
    .data_dir = "/var/lib/ecs/local",
    .log_file = "/var/log/ecs/ecslocal.log",
    .variables = LIST(ECSAGENT_TYPE_VARIABLE, variables),
    .lines = LIST(ECSAGENT_TYPE_LINE, lines),
};

static const char *env_get(const char *const *env, uint32_t count, const char *name)
{
    size_t length = strlen(name);

    for (uint32_t i = 0; i < count; i++)
        if (!strncmp(env[i], name, length) && env[i][length] == '=')
            return env[i] + length + 1;
    return "";
}

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

static void add(ecsagent_op *op, ecsagent_event event)
{
    if (op->count < MAX_EVENTS)
        op->events[op->count++] = event;
}

static void add_text(ecsagent_op *op, uint32_t kind, const char *text)
{
    add(op, (ecsagent_event){ .kind = kind, .percent = -1, .seconds_left = -1, .text = text });
}

static void add_progress(ecsagent_op *op, const char *step, int32_t percent)
{
    add(op, (ecsagent_event){ .kind = ECSAGENT_EVENT_PROGRESS,
                              .percent = percent,
                              .seconds_left = 90,
                              .activity = "Fake activity",
                              .text = step });
}

static void add_result(ecsagent_op *op, uint32_t type, const void *items, size_t count,
                       size_t stride)
{
    op->result = (ecsagent_list){ SIZED(ecsagent_list), type, (uint32_t)count, (uint32_t)stride,
                                  count ? items : NULL };
    add(op, (ecsagent_event){ .kind = ECSAGENT_EVENT_RESULT, .result = &op->result });
}

static void add_error(ecsagent_op *op, const char *name, const char *category, uint32_t retryable,
                      int32_t exit_code, const char *text, const char *advice)
{
    op->error = (ecsagent_error){
        SIZED(ecsagent_error),  .code = 1,    .sys = 110,           .retryable = retryable,
        .exit_code = exit_code, .name = name, .category = category, .text = text,
        .advice = advice
    };
    add(op, (ecsagent_event){ .kind = ECSAGENT_EVENT_ERROR, .error = &op->error });
}

__attribute__((format(printf, 2, 3))) static ecsagent_op *new_op(ecsagent_op **out,
                                                                 const char *format, ...)
{
    ecsagent_op *op = calloc(1, sizeof(*op));
    va_list args;

    if (!op)
        return NULL;
    pthread_mutex_init(&op->lock, NULL);
    pthread_cond_init(&op->changed, NULL);
    va_start(args, format);
    (void)vsnprintf(op->text, sizeof(op->text), format, args);
    va_end(args);
    add_text(op, ECSAGENT_EVENT_VERBOSE, op->text);
    *out = op;
    return op;
}

/* The scripts that end in the same way for every operation. */
static int add_failure(ecsagent_op *op, const char *script)
{
    if (!strcmp(script, "timeout")) {
        add_error(op, "TIMEOUT", "OperationTimeout", 1, 1,
                  "waited 600 s for Docker Engine: connect: no such file; next try in 5 s",
                  "Start Docker Engine; the service keeps trying.");
        return 1;
    }
    if (!strcmp(script, "conflict")) {
        add_error(op, "CONFLICT", "ResourceExists", 0, 5,
                  "this instance belongs to cluster Old, not to New", "Use -Force to move it.");
        return 1;
    }
    if (!strcmp(script, "noagent")) {
        add_error(op, "UNREACHABLE", "ConnectionError", 1, 1, "the agent does not run", NULL);
        return 1;
    }
    if (!strcmp(script, "hang")) {
        add_progress(op, "Hanging", -1);
        op->hangs = 1;
        return 1;
    }
    return 0;
}

uint32_t ecsagent_abi_version(void)
{
    return FAKE_ABI;
}

const char *ecsagent_version(void)
{
    return "9.8.7";
}

const char *ecsagent_commit(void)
{
    return "fake";
}

int32_t ecsagent_op_next(ecsagent_op *op, int32_t timeout_ms, ecsagent_event *event)
{
    struct timespec until;
    uint32_t size = event->size;

    if (size < sizeof(*event))
        return ECSAGENT_MISUSE;
    pthread_mutex_lock(&op->lock);
    if (op->next == op->count && op->hangs && !op->cancelled && timeout_ms) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&op->changed, &op->lock, &until);
    }
    if (op->next == op->count && op->hangs) {
        if (!op->cancelled) {
            pthread_mutex_unlock(&op->lock);
            return ECSAGENT_NEXT_NONE;
        }
        op->hangs = 0;
        add_error(op, "CANCELLED", "OperationStopped", 0, 1, "cancelled", NULL);
    }
    if (op->next < op->count)
        *event = op->events[op->next++];
    else
        *event = (ecsagent_event){ .kind = ECSAGENT_EVENT_DONE };
    event->size = size;
    pthread_mutex_unlock(&op->lock);
    return ECSAGENT_NEXT_EVENT;
}

void ecsagent_op_cancel(ecsagent_op *op)
{
    if (!op)
        return;
    pthread_mutex_lock(&op->lock);
    op->cancelled = 1;
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
}

void ecsagent_op_free(ecsagent_op *op)
{
    if (!op)
        return;
    pthread_cond_destroy(&op->changed);
    pthread_mutex_destroy(&op->lock);
    free(op);
}

static void add_actions(ecsagent_op *op, const char *script)
{
    size_t count = strcmp(script, "nothing") ? sizeof(actions) / sizeof(actions[0]) : 0;

    add_result(op, ECSAGENT_TYPE_ACTION, actions, count, sizeof(actions[0]));
}

int32_t ecsagent_initialize_start(const ecsagent_initialize_params *p, ecsagent_op **out)
{
    const char *script = env_get(p->env, p->env_count, "FAKE_ECSAGENT");
    ecsagent_op *op;

    if (p->size < sizeof(*p))
        return ECSAGENT_MISUSE;
    op = new_op(out,
                "initialize cluster=%s drivers=%s role=%u timeout=%u what_if=%u force=%u "
                "program=%s backend=%s",
                or_dash(p->cluster), or_dash(p->logging_drivers), p->enable_task_iam_role,
                p->timeout_s, p->what_if, p->force, or_dash(p->program_dir),
                env_get(p->env, p->env_count, "ECS_BACKEND_HOST"));
    if (!op)
        return ECSAGENT_NO_MEMORY;
    if (p->what_if) {
        add_actions(op, script);
        return ECSAGENT_STARTED;
    }
    add_progress(op, "Checking Docker Engine", 10);
    add_text(op, ECSAGENT_EVENT_WARNING, "the clock is 2 s late");
    add_progress(op, "Registering", 60);
    if (!add_failure(op, script))
        add_result(op, ECSAGENT_TYPE_STATUS, &connected, 1, sizeof(connected));
    return ECSAGENT_STARTED;
}

int32_t ecsagent_service_start(const ecsagent_service_params *p, ecsagent_op **out)
{
    const char *script = env_get(p->env, p->env_count, "FAKE_ECSAGENT");
    ecsagent_op *op =
        new_op(out, "service action=%u timeout=%u what_if=%u", p->action, p->timeout_s, p->what_if);

    if (!op)
        return ECSAGENT_NO_MEMORY;
    if (p->what_if)
        add_actions(op, script);
    else if (!add_failure(op, script))
        add_result(op, ECSAGENT_TYPE_STATUS,
                   p->action == ECSAGENT_SERVICE_STOP ? &stopped : &waiting, 1, sizeof(stopped));
    return ECSAGENT_STARTED;
}

int32_t ecsagent_uninstall_start(const ecsagent_uninstall_params *p, ecsagent_op **out)
{
    const char *script = env_get(p->env, p->env_count, "FAKE_ECSAGENT");
    ecsagent_op *op = new_op(out, "uninstall keep_data=%u timeout=%u what_if=%u", p->keep_data,
                             p->timeout_s, p->what_if);

    if (!op)
        return ECSAGENT_NO_MEMORY;
    if (p->what_if)
        add_actions(op, script);
    else if (!add_failure(op, script))
        add_result(op, ECSAGENT_TYPE_NONE, NULL, 0, 0);
    return ECSAGENT_STARTED;
}

int32_t ecsagent_status_start(const ecsagent_status_params *p, ecsagent_op **out)
{
    const char *script = env_get(p->env, p->env_count, "FAKE_ECSAGENT");
    ecsagent_op *op = new_op(out, "status timeout=%u", p->timeout_s);

    if (!op)
        return ECSAGENT_NO_MEMORY;
    if (!strcmp(script, "waiting"))
        add_result(op, ECSAGENT_TYPE_STATUS, &waiting, 1, sizeof(waiting));
    else if (!strcmp(script, "stopped"))
        add_result(op, ECSAGENT_TYPE_STATUS, &stopped, 1, sizeof(stopped));
    else if (!strcmp(script, "small"))
        add_result(op, ECSAGENT_TYPE_STATUS, &small_status, 1, sizeof(small_status));
    else if (!add_failure(op, script))
        add_result(op, ECSAGENT_TYPE_STATUS, &connected, 1, sizeof(connected));
    return ECSAGENT_STARTED;
}

int32_t ecsagent_tasks_start(const ecsagent_tasks_params *p, ecsagent_op **out)
{
    const char *script = env_get(p->env, p->env_count, "FAKE_ECSAGENT");
    ecsagent_op *op = new_op(out, "tasks timeout=%u", p->timeout_s);

    if (!op)
        return ECSAGENT_NO_MEMORY;
    if (!add_failure(op, script))
        add_result(op, ECSAGENT_TYPE_TASK, tasks, sizeof(tasks) / sizeof(tasks[0]),
                   sizeof(tasks[0]));
    return ECSAGENT_STARTED;
}

/* "nope" is no task; the others are the first of the list, stopping. */
int32_t ecsagent_stop_task_start(const ecsagent_stop_task_params *p, ecsagent_op **out)
{
    static ecsagent_task stopping;
    const char *script = env_get(p->env, p->env_count, "FAKE_ECSAGENT");
    ecsagent_op *op = new_op(out, "stop task=%s timeout=%u what_if=%u", or_dash(p->task),
                             p->timeout_s, p->what_if);
    static const ecsagent_action action = { SIZED(ecsagent_action), 0, "Stop task",
                                            TASK_ARN "11111111111111111111111111111111" };

    if (!op)
        return ECSAGENT_NO_MEMORY;
    stopping = tasks[0];
    stopping.desired_status = "STOPPED";
    if (!strcmp(p->task, "nope"))
        add_error(op, "NOT_FOUND", "ObjectNotFound", 0, 5, "the agent holds no task nope", NULL);
    else if (add_failure(op, script))
        return ECSAGENT_STARTED;
    else if (p->what_if)
        add_result(op, ECSAGENT_TYPE_ACTION, &action, strcmp(script, "nothing") ? 1 : 0,
                   sizeof(action));
    else
        add_result(op, ECSAGENT_TYPE_TASK, &stopping, 1, sizeof(stopping));
    return ECSAGENT_STARTED;
}

int32_t ecsagent_local_up_start(const ecsagent_local_up_params *p, ecsagent_op **out)
{
    const char *script = env_get(p->env, p->env_count, "FAKE_ECSAGENT");
    ecsagent_op *op =
        new_op(out, "local up data=%s port=%u timeout=%u what_if=%u registry=%s",
               or_dash(p->data_dir), p->port, p->timeout_s, p->what_if, or_dash(p->registry));

    if (!op)
        return ECSAGENT_NO_MEMORY;
    if (p->what_if)
        add_actions(op, script);
    else if (!strcmp(script, "timeout") || !strcmp(script, "hang"))
        (void)add_failure(op, script);
    else
        add_result(op, ECSAGENT_TYPE_LOCAL, &local, 1, sizeof(local));
    return ECSAGENT_STARTED;
}

int32_t ecsagent_local_down_start(const ecsagent_local_down_params *p, ecsagent_op **out)
{
    const char *script = env_get(p->env, p->env_count, "FAKE_ECSAGENT");
    ecsagent_op *op = new_op(out, "local down data=%s remove=%u timeout=%u what_if=%u",
                             or_dash(p->data_dir), p->remove_data, p->timeout_s, p->what_if);

    if (!op)
        return ECSAGENT_NO_MEMORY;
    if (p->what_if)
        add_actions(op, script);
    else if (!add_failure(op, script))
        add_result(op, ECSAGENT_TYPE_LOCAL, &local, 1, sizeof(local));
    return ECSAGENT_STARTED;
}
