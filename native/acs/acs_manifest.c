#include "acs_manifest.h"

#include "../base/alloc.h"
#include "acs_head.h"

#include <cJSON.h>
#include <string.h>

struct listed {
    char *arn, *desired;
};
struct list {
    char *message_id;
    struct {
        struct listed *v;
        size_t n;
    } tasks;
};
/* clang-format off */
static const ea_jfield listed_fields[] = {
    EA_JSTR(struct listed, arn,     "taskArn",       0),
    EA_JSTR(struct listed, desired, "desiredStatus", 0),
};
static const ea_jshape listed_shape = EA_JSHAPE(struct listed, listed_fields);
static const ea_jfield manifest_fields[] = {
    EA_JLIST(struct list, tasks, "tasks", 0, &listed_shape),
};
static const ea_jshape manifest_shape = EA_JSHAPE(struct list, manifest_fields);
static const ea_jfield stop_fields[] = {
    EA_JSTR (struct list, message_id, "messageId", 0),
    EA_JLIST(struct list, tasks,      "stopTasks", 0, &listed_shape),
};
static const ea_jshape stop_shape = EA_JSHAPE(struct list, stop_fields);
/* clang-format on */

static bool read_list(const ea_jshape *shape, const struct cJSON *message, const char *type,
                      struct list *out, ea_acs_result *r)
{
    ea_err err = { 0 };

    if (!ea_json_decode_value(shape, message, "", out, &err))
        return true;
    r->activity = false;
    ea_acs_drop_message(r, type, err.text);
    return false;
}

void ea_acs_on_manifest(const struct cJSON *message, ea_acs_result *r)
{
    static const char type[] = "TaskManifestMessage";
    struct ea_event *ev = &r->event;
    struct ea_acs_head head;
    struct list list;

    if (!ea_acs_read_head(message, type, &head, r))
        return;
    if (!read_list(&manifest_shape, message, type, &list, r)) {
        ea_json_free(&ea_acs_head_shape, &head);
        return;
    }
    ev->kind = EA_EV_MANIFEST;
    ev->message_id = head.message_id;
    ev->cluster_arn = head.cluster_arn;
    ev->instance_arn = head.instance_arn;
    ev->timeline = head.timeline;
    ev->manifest.arn = ea_alloc_array(list.tasks.n, sizeof(ev->manifest.arn[0]));
    ev->manifest.running = ea_alloc_array(list.tasks.n, sizeof(ev->manifest.running[0]));
    for (size_t i = 0; i < list.tasks.n; i++) {
        struct listed *t = &list.tasks.v[i];

        if (ea_zstr_empty(t->arn))
            continue;
        ev->manifest.arn[ev->manifest.n] = t->arn;
        ev->manifest.running[ev->manifest.n++] =
            t->desired && strcmp(t->desired, "RUNNING") == 0; /* exactly (3.9) */
        t->arn = NULL;
    }
    ea_json_free(&manifest_shape, &list);
    r->has_event = true;
}

void ea_acs_on_stop_ack(const struct cJSON *message, ea_acs_result *r)
{
    static const char type[] = "TaskStopVerificationAck";
    struct ea_event *ev = &r->event;
    struct list list;

    if (!read_list(&stop_shape, message, type, &list, r))
        return;
    if (ea_zstr_empty(list.message_id)) {
        ea_acs_drop_message(r, type, "messageId is missing");
        ea_json_free(&stop_shape, &list);
        return;
    }
    ev->kind = EA_EV_STOP_VERIFIED;
    ev->message_id = list.message_id;
    list.message_id = NULL;
    for (size_t i = 0; i < list.tasks.n; i++) {
        if (!ea_zstr_empty(list.tasks.v[i].arn))
            ea_strlist_add(&ev->arns, list.tasks.v[i].arn);
    }
    ea_json_free(&stop_shape, &list);
    r->has_event = true;
}
