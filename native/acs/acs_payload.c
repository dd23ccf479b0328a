#include "acs_payload.h"

#include "../base/alloc.h"
#include "acs_head.h"

#include <cJSON.h>

static const char type[] = "PayloadMessage";

/* One element of `tasks`. A task that cannot be used stays in the event, so that it is told STOPPED
 * (control-plane.md 3.7); the spelling of the reason is the reference's. */
static void read_task(const cJSON *value, struct ea_payload_task *p)
{
    ea_err err = { 0 };

    if (ea_task_from_wire(value, &p->task, &p->role, &p->exec, &p->arn, &err) == EA_OK)
        return;
    p->task = NULL;
    p->error = ea_sprintf_dup("UnrecogniedTaskError: Error loading task - %s", err.text);
}

void ea_acs_on_payload(const struct cJSON *message, ea_acs_result *r)
{
    struct ea_acs_head head;
    const cJSON *tasks = ea_acs_member(message, "tasks"), *one = NULL;
    struct ea_event *ev = &r->event;
    int n = 0;

    if (!ea_acs_read_head(message, type, &head, r))
        return;
    if (tasks && !cJSON_IsArray(tasks)) {
        r->activity = false;
        ea_acs_drop_message(r, type, "tasks: array expected");
        ea_json_free(&ea_acs_head_shape, &head);
        return;
    }
    n = cJSON_GetArraySize(tasks);
    ev->kind = EA_EV_PAYLOAD;
    ev->message_id = head.message_id;
    ev->cluster_arn = head.cluster_arn;
    ev->instance_arn = head.instance_arn;
    ev->seq_num = head.seq_num;
    ev->timeline = head.timeline;
    if (n > 0)
        ev->payload.v = ea_alloc_array((size_t)n, sizeof(ev->payload.v[0]));
    cJSON_ArrayForEach(one, tasks) read_task(one, &ev->payload.v[ev->payload.n++]);
    r->has_event = true;
}
