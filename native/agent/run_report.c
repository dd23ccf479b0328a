#include "run_effect.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../report/state_change.h"
#include "turn.h"

#include <string.h>

enum {
    SUBMIT_LIMIT_MS = 60000
};

struct submission {
    ea_agent *ag;
    uint64_t op;
    ea_tstate level;
    char *task_arn;
};

static void post_reported(struct submission *s, ea_report_outcome outcome, const ea_err *err)
{
    struct ea_event ev = { .kind = EA_EV_REPORTED, .op = s->op, .of = EA_FX_REPORT };

    ev.arn = s->task_arn;
    ev.level = s->level;
    ev.outcome = outcome;
    ev.err = *err;
    ea_turn_post(s->ag, &ev);
    ea_free(s);
}

static void submitted(void *ctx, const char *text, const ea_aws_fault *fault, const ea_err *err)
{
    struct submission *s = ctx;
    ea_report_outcome outcome = ea_report_classify(err->code, fault->status, fault->code);

    (void)text; /* SubmitTaskStateChange has no answer worth reading */
    switch (outcome) {
    case EA_REPORT_SENT:
        ea_info("state reported", EA_S("task", s->task_arn),
                EA_S("status", ea_tstate_wire(s->level)));
        break;
    case EA_REPORT_DROP:
        ea_error("ECS refused a state change for good", EA_S("task", s->task_arn),
                 EA_S("status", ea_tstate_wire(s->level)), EA_S("err", err->text));
        break;
    case EA_REPORT_RETRY:
        ea_warn("state not reported yet", EA_S("task", s->task_arn),
                EA_S("status", ea_tstate_wire(s->level)), EA_S("err", err->text));
        break;
    }
    post_reported(s, outcome, err);
}

void ea_run_report(ea_agent *ag, const struct ea_effect *fx)
{
    const ea_state_change_options opt = {
        .cluster = ag->cluster,
        .exclude_ipv6_bindings = ea_cfg_bool(ag->config, EA_CFG_EXCLUDE_IPV6_BINDING),
    };
    EA_FREE_AUTO char *body = NULL;
    struct submission *s = ea_alloc(sizeof(*s));
    ea_err err = { 0 };

    s->ag = ag;
    s->op = fx->op;
    s->level = fx->level;
    s->task_arn = ea_strdup(fx->task->arn);
    if (!ag->ecs) {
        (void)ea_fail(&err, EA_UNREACHABLE, "the ECS endpoint is not known yet"); /* code is set */
        post_reported(s, EA_REPORT_RETRY, &err);
        return;
    }
    if (ea_state_change_body(&opt, fx->task, fx->level, &body, &err)) {
        ea_error("state change cannot be told", EA_S("task", s->task_arn), EA_S("err", err.text));
        post_reported(s, EA_REPORT_DROP, &err);
        return;
    }
    if (!ea_ecs_submit_task_start(ag->ecs, ea_str_of(body), SUBMIT_LIMIT_MS, submitted, s, &err))
        post_reported(s, EA_REPORT_DROP, &err);
}
