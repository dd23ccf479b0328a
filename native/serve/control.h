/* control.h - the control channel: HTTP/1.1 and JSON on a pipe or socket that only administrators
 * may open.
 *   GET  /v1/status    what ea_serve_source.status_json says
 *   GET  /v1/tasks     {"tasks":[...]}, see ea_view_tasks()
 *   GET  /v1/settings  text, one line a setting
 *   POST /v1/drain     {} -> {}
 *   POST /v1/stop-task {"taskArn":"..."} -> {}
 *   POST /v1/repair    {} -> {}
 * Errors: {"code":"NOT_FOUND","message":"..."} with a fitting HTTP status; code is an ea_code name.
 * Thread: loop. */
#ifndef EA_SERVE_CONTROL_H
#define EA_SERVE_CONTROL_H

#include "../net/http_server.h"
#include "serve.h"

void ea_control_handle(const struct ea_serve_source *source, ea_http_request *req);

/* {"tasks":[{"arn","family","revision","knownStatus","desiredStatus","networkMode","roleArn",
 *  "stoppedReason","createdAt","pullStartedAt","pullStoppedAt","startedAt","stoppedAt",
 *  "containers":[{"name","dockerId","dockerName","image","imageId","knownStatus","desiredStatus",
 *   "health","reason","activity","essential","exitCode","cpu","memory","cpuPercent","memoryUsedMib",
 *   "createdAt","startedAt","finishedAt",
 *   "ports":[{"containerPort","hostPort","protocol","bindIp"}]}]}]}
 * Absent members are left out; times are wall milliseconds; statuses are the API's words; cpuPercent is
 * of the whole machine; activity: how far the pull of its image is. */
void ea_view_tasks(const struct ea_serve_source *source, ea_buf *out);

#endif
