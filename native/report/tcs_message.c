#include "tcs_message.h"

#include "../base/clock.h"

#include <string.h>

#define HEAD_ROOM 4096 /* envelope, metadata and timestamp */

static void add_ids(ea_buf *b, const struct ea_tcs_ids *ids, const char *id_name)
{
    ea_buf_adds(b, "\"metadata\":{\"cluster\":");
    ea_buf_add_json_str(b, ea_str_of(ids->cluster));
    ea_buf_adds(b, ",\"containerInstance\":");
    ea_buf_add_json_str(b, ea_str_of(ids->instance_arn));
    ea_buf_addf(b, ",\"%s\":", id_name);
    ea_buf_add_json_str(b, ea_str_of(ids->message_id));
}

struct kind {
    const char *type, *member;
    const char *extra; /* in the metadata */
};
static const struct kind metrics_kind = { "PublishMetricsRequest", "taskMetrics",
                                          ",\"idle\":false" };
static const struct kind health_kind = { "PublishHealthRequest", "tasks", "" };

static void add_message(const struct kind *k, const struct ea_tcs_ids *ids, const char *tasks,
                        bool fin, ea_strlist *out)
{
    EA_BUF_AUTO b = EA_BUF(EA_TCS_BODY_MAX + 2 * HEAD_ROOM);

    ea_buf_addf(&b, "{\"type\":\"%s\",\"message\":{", k->type);
    add_ids(&b, ids, "messageId");
    ea_buf_addf(&b, "%s,\"fin\":%s},\"%s\":[", k->extra, fin ? "true" : "false", k->member);
    ea_buf_adds(&b, tasks);
    ea_buf_adds(&b, "],\"timestamp\":");
    ea_strlist_add(out, ea_buf_z(&b));
}

/* Cuts the list into messages; all share the id, the last one says fin. */
static size_t cut(const struct kind *k, const struct ea_tcs_ids *ids, const ea_strlist *tasks,
                  ea_strlist *out)
{
    EA_BUF_AUTO part = EA_BUF(EA_TCS_BODY_MAX);
    size_t count = 0, left_out = 0;

    for (size_t i = 0; i < tasks->n; i++) {
        size_t n = strlen(tasks->v[i]);

        if (n > EA_TCS_BODY_MAX - HEAD_ROOM) {
            left_out++;
            continue;
        }
        if (count == EA_TCS_TASKS_MAX || (count && part.n + n + 1 > EA_TCS_BODY_MAX - HEAD_ROOM)) {
            add_message(k, ids, ea_buf_z(&part), false, out);
            ea_buf_clear(&part);
            count = 0;
        }
        ea_buf_adds(&part, count ? "," : "");
        ea_buf_adds(&part, tasks->v[i]);
        count++;
    }
    if (count)
        add_message(k, ids, ea_buf_z(&part), true, out);
    return left_out;
}

size_t ea_tcs_metrics_messages(const struct ea_tcs_ids *ids, const ea_strlist *tasks, bool idle,
                               ea_strlist *out)
{
    EA_BUF_AUTO b = EA_BUF(2 * HEAD_ROOM);

    if (!idle)
        return cut(&metrics_kind, ids, tasks, out);
    ea_buf_adds(&b, "{\"type\":\"PublishMetricsRequest\",\"message\":{");
    add_ids(&b, ids, "messageId");
    ea_buf_adds(&b, ",\"idle\":true,\"fin\":true},\"timestamp\":");
    ea_strlist_add(out, ea_buf_z(&b));
    return 0;
}

size_t ea_tcs_health_messages(const struct ea_tcs_ids *ids, const ea_strlist *tasks,
                              ea_strlist *out)
{
    return cut(&health_kind, ids, tasks, out);
}

void ea_tcs_stamp(const char *message, int64_t wall_ms, ea_buf *out)
{
    ea_buf_adds(out, message);
    ea_buf_add_epoch(out, wall_ms);
    ea_buf_adds(out, "}}");
}

static const char *status_name(ea_runtime_status s)
{
    switch (s) {
    case EA_RUNTIME_INITIALIZING:
        return "INITIALIZING";
    case EA_RUNTIME_OK:
        return "OK";
    case EA_RUNTIME_IMPAIRED:
        return "IMPAIRED";
    }
    return "INSUFFICIENT_DATA";
}

void ea_tcs_status_message(const struct ea_tcs_ids *ids, ea_runtime_status status,
                           int64_t updated_ms, int64_t changed_ms, int64_t wall_ms, ea_buf *out)
{
    ea_buf_adds(out, "{\"type\":\"PublishInstanceStatusRequest\",\"message\":{");
    add_ids(out, ids, "requestId");
    ea_buf_addf(out,
                "},\"statuses\":[{\"type\":\"ContainerRuntime\",\"status\":\"%s\",\"lastUpdated\":",
                status_name(status));
    ea_buf_add_epoch(out, updated_ms);
    ea_buf_adds(out, ",\"lastStatusChange\":");
    ea_buf_add_epoch(out, changed_ms);
    ea_buf_adds(out, "}],\"timestamp\":");
    ea_buf_add_epoch(out, wall_ms);
    ea_buf_adds(out, "}}");
}
