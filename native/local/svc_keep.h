/* svc_keep.h - keeps services at their desired count: starts what is missing, stops what is too much,
 * replaces the tasks of an older deployment, and notes events.
 * Thread: loop. Knows: tasks, placement (api_run). Does not know: who changed what; it looks at all
 * services after every commit, on a timer of its own. */
#ifndef EA_LOCAL_SVC_KEEP_H
#define EA_LOCAL_SVC_KEEP_H

#include "local.h"

#define EA_LC_EVENTS_MAX 100 /* kept of a service; the oldest go */

struct ea_lc_services;

struct ea_lc_services *ea_lc_services_new(ea_local *lc);
void ea_lc_services_free(struct ea_lc_services *s);
void ea_lc_services_wake(struct ea_lc_services *s); /* something changed: look soon */
void ea_lc_services_stop(struct ea_lc_services *s); /* nothing is looked at any more */

/* The task belongs to the service, in any deployment. */
bool ea_lc_service_owns(const struct ea_lc_service *s, const struct ea_lc_task *t);

#endif
