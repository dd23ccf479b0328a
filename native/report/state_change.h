/* state_change.h - what the control plane is told of a task: the body of SubmitTaskStateChange, and
 * what an error of that call means. Pure. Source: control-plane.md sections 1.5, 5; observed.md. */
#ifndef EA_REPORT_STATE_CHANGE_H
#define EA_REPORT_STATE_CHANGE_H

#include "../engine/engine.h"

typedef struct ea_state_change_options {
    const char *cluster;        /* configured name, as is */
    bool exclude_ipv6_bindings; /* ECS_EXCLUDE_IPV6_PORTBINDING, default true: "::" is left out */
} ea_state_change_options;

/* The body that tells the control plane that `task` is at `level`: the containers whose `reporting`
 * is set, at that status; `reason` always there. Texts are cut to the service's limits on UTF-8
 * boundaries; exit codes wrap to int32; the bindings of a port range are collapsed into one per
 * protocol and address; beyond EA_BINDINGS_MAX bindings of a container are left out, so that the state
 * is told all the same. Caller frees *out. */
#define EA_BINDINGS_MAX 100
ea_code ea_state_change_body(const ea_state_change_options *opt, const struct ea_task *task,
                             ea_tstate level, char **out, ea_err *err) EA_CHECK;

/* A task that could not be loaded: STOPPED with a reason, no containers. Caller frees. */
char *ea_state_change_rejected(const char *cluster, const char *task_arn, const char *reason);

/* `aws_code` "" and status 0 when no answer came; `code` EA_OK for success. */
ea_report_outcome ea_report_classify(ea_code code, int status, const char *aws_code);

#endif
