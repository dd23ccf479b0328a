/* dll_tool.c - calls the exported functions of a real ecsagent.dll, as the cmdlets do, and prints what comes.
 *   dll_tool DLL initialize CLUSTER TIMEOUT_S [what-if] [force]
 *   dll_tool DLL start|stop|restart|status [what-if]
 *   dll_tool DLL uninstall [keep-data] [what-if]
 * Prints one line an event, and ends with the exit code that the operation asks for. */
#include <windows.h>

#include "ecsagent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static HMODULE dll;

/* A function of the DLL, into a pointer of its own type. */
static void get(const char *name, void *fn)
{
    FARPROC address = GetProcAddress(dll, name);

    if (!address) {
        (void)printf("no function %s\n", name);
        exit(90);
    }
    memcpy(fn, &address, sizeof(address));
}

static const char *safe(const char *text)
{
    return text ? text : "-";
}

static void print_status(const ecsagent_status *s)
{
    (void)printf("status state=%u pid=%d cluster=%s data=%s log=%s\n", s->state, s->pid,
                 safe(s->cluster), safe(s->data_dir), safe(s->log_file));
}

static void print_result(const ecsagent_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const void *record = (const char *)list->items + (size_t)i * list->stride;

        if (list->type == ECSAGENT_TYPE_STATUS) {
            print_status(record);
        } else if (list->type == ECSAGENT_TYPE_ACTION) {
            const ecsagent_action *a = record;

            (void)printf("action %s: %s\n", a->verb, a->target);
        }
    }
}

static int watch(ecsagent_op *op)
{
    int32_t (*next)(ecsagent_op *, int32_t, ecsagent_event *);
    void (*release)(ecsagent_op *);
    int code = 0;

    get("ecsagent_op_next", &next);
    get("ecsagent_op_free", &release);
    for (;;) {
        ecsagent_event event = { .size = sizeof(event) };

        if (next(op, -1, &event) != ECSAGENT_NEXT_EVENT || event.kind == ECSAGENT_EVENT_DONE)
            break;
        if (event.kind == ECSAGENT_EVENT_RESULT) {
            print_result(event.result);
        } else if (event.kind == ECSAGENT_EVENT_ERROR) {
            (void)printf("error %s: %s\nadvice %s\n", event.error->name, event.error->text,
                         safe(event.error->advice));
            code = event.error->exit_code;
        } else {
            (void)printf("%s\n", safe(event.text));
        }
    }
    release(op);
    return code;
}

static int has(int argc, char **argv, const char *word)
{
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], word) == 0)
            return 1;
    }
    return 0;
}

static int32_t begin(int argc, char **argv, ecsagent_op **op)
{
    const char *verb = argv[2];
    uint32_t what_if = has(argc, argv, "what-if") ? 1 : 0;

    if (strcmp(verb, "initialize") == 0 && argc > 4) {
        int32_t (*call)(const ecsagent_initialize_params *, ecsagent_op **);
        ecsagent_initialize_params p = { .size = sizeof(p),
                                         .cluster = argv[3],
                                         .what_if = what_if };

        p.timeout_s = (uint32_t)strtoul(argv[4], NULL, 10);
        p.force = has(argc, argv, "force") ? 1 : 0;
        get("ecsagent_initialize_start", &call);
        return call(&p, op);
    }
    if (strcmp(verb, "status") == 0) {
        int32_t (*call)(const ecsagent_status_params *, ecsagent_op **);
        ecsagent_status_params p = { .size = sizeof(p) };

        get("ecsagent_status_start", &call);
        return call(&p, op);
    }
    if (strcmp(verb, "uninstall") == 0) {
        int32_t (*call)(const ecsagent_uninstall_params *, ecsagent_op **);
        ecsagent_uninstall_params p = { .size = sizeof(p), .what_if = what_if };

        p.keep_data = has(argc, argv, "keep-data") ? 1 : 0;
        get("ecsagent_uninstall_start", &call);
        return call(&p, op);
    }
    {
        int32_t (*call)(const ecsagent_service_params *, ecsagent_op **);
        ecsagent_service_params p = { .size = sizeof(p), .what_if = what_if };

        p.action = strcmp(verb, "start") == 0  ? ECSAGENT_SERVICE_START
                   : strcmp(verb, "stop") == 0 ? ECSAGENT_SERVICE_STOP
                                               : ECSAGENT_SERVICE_RESTART;
        get("ecsagent_service_start", &call);
        return call(&p, op);
    }
}

int main(int argc, char **argv)
{
    ecsagent_op *op = NULL;

    (void)setvbuf(stdout, NULL, _IONBF, 0);
    if (argc < 3)
        return 91;
    dll = LoadLibraryA(argv[1]);
    if (!dll) {
        (void)printf("no library %s: error %lu\n", argv[1], GetLastError());
        return 92;
    }
    if (begin(argc, argv, &op) != ECSAGENT_STARTED)
        return 93;
    return watch(op);
}
