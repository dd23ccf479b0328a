/* state.h - all entities in memory, found by name and ARN, and their way to the store.
 * Thread: loop. Knows: entities, the store. Does not know: calls, sessions.
 * A change: alter the entity, ea_lc_touch() it, then ea_lc_commit() once before anything is answered. */
#ifndef EA_LOCAL_STATE_H
#define EA_LOCAL_STATE_H

#include "../base/map.h"
#include "entity.h"
#include "local_store.h"

#define EA_LC_ID_BYTES 33 /* 32 hex digits and a NUL */

typedef enum ea_lc_what {
    EA_LC_CLUSTER,
    EA_LC_TASKDEF,
    EA_LC_INSTANCE,
    EA_LC_TASK,
    EA_LC_SERVICE,
    EA_LC_KINDS /* how many there are */
} ea_lc_what;

typedef struct ea_lc_state {
    ea_lc_store *store;
    char *partition, *region, *account;
    ea_list clusters, taskdefs, instances, tasks, services; /* order of arrival */
    ea_map by_arn[EA_LC_KINDS]; /* ea_lc_what -> ARN -> entity, borrowed */
    ea_map dirty[EA_LC_KINDS];  /* the same, to be written */
    ea_strlist gone;            /* "<kind>\n<arn>": to be deleted */
} ea_lc_state;

/* Opens the store and loads what is in it. `st` holds nothing on failure. Strings copied. */
ea_code ea_lc_state_open(ea_lc_state *st, const char *path, const char *region, const char *account,
                         ea_err *err) EA_CHECK;
void ea_lc_state_close(ea_lc_state *st);

/* A text that belongs to the whole; NULL when never set. Caller frees. */
ea_code ea_lc_state_get_meta(ea_lc_state *st, const char *name, char **out, ea_err *err) EA_CHECK;
ea_code ea_lc_state_put_meta(ea_lc_state *st, const char *name, const char *text,
                             ea_err *err) EA_CHECK;

void ea_lc_add(ea_lc_state *st, ea_lc_what what, void *entity); /* taken; touched */
void ea_lc_touch(ea_lc_state *st, ea_lc_what what, void *entity);
void ea_lc_remove(ea_lc_state *st, ea_lc_what what,
                  void *entity); /* freed; deleted by the commit */
/* One transaction for all that was touched. On failure it stays touched, for the next commit. */
ea_code ea_lc_commit(ea_lc_state *st, ea_err *err) EA_CHECK;

void *ea_lc_by_arn(const ea_lc_state *st, ea_lc_what what, const char *arn);
/* By name or ARN; NULL or "" means "default". NULL when there is none. */
struct ea_lc_cluster *ea_lc_find_cluster(const ea_lc_state *st, const char *cluster);
/* By ARN (also the short form without the cluster) or id, inside the cluster. */
struct ea_lc_instance *ea_lc_find_instance(const ea_lc_state *st, const struct ea_lc_cluster *c,
                                           const char *instance);
struct ea_lc_task *ea_lc_find_task(const ea_lc_state *st, const struct ea_lc_cluster *c,
                                   const char *task);
/* By ARN or name, inside the cluster; also one that has ended. */
struct ea_lc_service *ea_lc_find_service(const ea_lc_state *st, const struct ea_lc_cluster *c,
                                         const char *service);
/* By ARN, "family:revision" or "family" (its newest active revision). */
struct ea_lc_taskdef *ea_lc_find_taskdef(const ea_lc_state *st, const char *taskdef);

void ea_lc_new_id(char out[EA_LC_ID_BYTES]);
void ea_lc_new_uuid(char out[37]);
/* "arn:<partition>:ecs:<region>:<account>:<formatted>"; caller frees. */
char *ea_lc_arn(const ea_lc_state *st, const char *fmt, ...) EA_PRINTF(2, 3);
double ea_lc_seconds(int64_t wall_ms); /* as the API tells times */

#endif
