/* local_api.h - the ECS API: one request in, one answer out.
 * Thread: loop. A call is checked against its table (api_shapes), then its function reads it, changes
 * the state and writes the answer; all changes are committed before the answer leaves.
 * A function that refuses must not have changed anything. */
#ifndef EA_LOCAL_LOCAL_API_H
#define EA_LOCAL_LOCAL_API_H

#include "local.h"

struct cJSON;

typedef struct ea_lc_call {
    ea_local *lc;
    const ea_http_request *req; /* NULL in tests */
    const struct cJSON *in;     /* checked */
    ea_buf out;                 /* JSON of the answer */
    const ea_lc_identity *who;
    int64_t now_ms;
    int status; /* of a refusal: 400, 500 */
    char error[64], message[512];
} ea_lc_call;

/* 0: answered in `out`; else refused by ea_lc_refuse. */
typedef int ea_lc_fn(ea_lc_call *c);

/* POST / of the server. */
void ea_lc_api_serve(ea_local *lc, ea_http_request *req);
/* The call by its name; also for tests. EA_NOT_FOUND: no such call. */
ea_lc_fn *ea_lc_api_find(const char *operation);

/* Notes the refusal (error name, sentence) and returns -1, for `return ea_lc_refuse(...)`. */
int ea_lc_refuse(ea_lc_call *c, const char *error, const char *fmt, ...) EA_PRINTF(3, 4);
/* The cluster that the request names; NULL after a refusal. */
struct ea_lc_cluster *ea_lc_call_cluster(ea_lc_call *c);
const char *ea_lc_call_str(const ea_lc_call *c, const char *name); /* NULL when absent */
int64_t ea_lc_call_int(const ea_lc_call *c, const char *name, int64_t otherwise);
bool ea_lc_call_includes(const ea_lc_call *c, const char *word); /* in the member `include` */
/* Reads the member `tags`; checks keys. -1 after a refusal. */
int ea_lc_call_tags(ea_lc_call *c, ea_lc_tags *out);
void ea_lc_tags_free(ea_lc_tags *t);
void ea_lc_add_tags(ea_buf *out, const ea_lc_tags *t); /* JSON list */
void ea_lc_add_failure(ea_buf *out, const char *arn, const char *reason, const char *detail);

typedef struct ea_lc_page { /* a list cut by maxResults and nextToken */
    ea_buf *out;
    int64_t skip, left, seen, next;
    bool more, any;
} ea_lc_page;
int ea_lc_page_begin(ea_lc_call *c, const char *member, ea_lc_page *p); /* -1 after a refusal */
bool ea_lc_page_takes(ea_lc_page *p); /* the next item is to be written; a comma was, if needed */
void ea_lc_page_add(ea_lc_page *p, const char *text);
void ea_lc_page_end(ea_lc_page *p); /* also closes the answer's object */

/* api_cluster.c */
ea_lc_fn ea_lc_create_cluster, ea_lc_describe_clusters, ea_lc_list_clusters, ea_lc_delete_cluster;
struct ea_lc_cluster *ea_lc_make_cluster(ea_local *lc, const char *name);
bool ea_lc_name_is_sound(const char *name); /* letters, digits, - and _; at most 255 */
/* api_taskdef.c */
ea_lc_fn ea_lc_register_task_definition, ea_lc_describe_task_definition,
    ea_lc_list_task_definitions, ea_lc_list_task_definition_families,
    ea_lc_deregister_task_definition;
/* api_task.c */
ea_lc_fn ea_lc_stop_task, ea_lc_list_tasks, ea_lc_describe_tasks, ea_lc_get_task_protection,
    ea_lc_update_task_protection;
void ea_lc_add_task(ea_buf *out, const struct ea_lc_task *t, bool with_tags);
void ea_lc_want_stopped(ea_local *lc, struct ea_lc_task *t, const char *code, const char *reason);
void ea_lc_set_stopped(ea_local *lc, struct ea_lc_task *t, const char *code, const char *reason);
/* api_run.c */
ea_lc_fn ea_lc_run_task, ea_lc_start_task;
typedef struct ea_lc_started {
    size_t made;
    const char *unfit; /* why no more were placed; NULL: all were. Static text. */
} ea_lc_started;
/* Reads placementConstraints and placementStrategy; -1 after a refusal. */
int ea_lc_check_placement(ea_lc_call *c);
/* RunTask on behalf of a service: members of c->in as there; `group` "service:<name>"; any count. -1
 * after a refusal. */
int ea_lc_run_for_service(ea_lc_call *c, const char *group, int64_t count, ea_lc_started *got);
/* api_service.c */
ea_lc_fn ea_lc_create_service, ea_lc_update_service, ea_lc_delete_service, ea_lc_describe_services,
    ea_lc_list_services;
/* api_instance.c */
ea_lc_fn ea_lc_list_container_instances, ea_lc_describe_container_instances,
    ea_lc_deregister_container_instance, ea_lc_update_container_instances_state;
void ea_lc_add_instance(ea_local *lc, ea_buf *out, const struct ea_lc_instance *i, bool tags,
                        bool health);
void ea_lc_drop_instance(ea_local *lc, struct ea_lc_instance *i, const char *reason);
/* api_attribute.c */
ea_lc_fn ea_lc_put_attributes, ea_lc_delete_attributes, ea_lc_list_attributes;
/* api_tags.c */
ea_lc_fn ea_lc_tag_resource, ea_lc_untag_resource, ea_lc_list_tags_for_resource;
/* api_agent.c */
ea_lc_fn ea_lc_discover_poll_endpoint, ea_lc_register_container_instance;
/* api_submit.c */
ea_lc_fn ea_lc_submit_task_state_change, ea_lc_submit_container_state_change,
    ea_lc_submit_attachment_state_changes;

#endif
