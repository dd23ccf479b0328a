/* task_fetch.h - one EA_FX_PREPARE under way: its calls, what came of them, what went wrong. Shared by
 * task_resources.c (its life) and by those who know one source each (fetch_*.c).
 * Private to these files. Thread: loop. Values are secrets: never logged, wiped when freed. */
#ifndef EA_AGENT_TASK_FETCH_H
#define EA_AGENT_TASK_FETCH_H

#include "../aws/s3.h"
#include "../aws/secrets.h"
#include "task_resources.h"

struct ea_fetch_client { /* one service in one region */
    ea_node node;
    char *name; /* "ssm us-west-2" */
    ea_aws *aws;
};

struct ea_fetch_held { /* of one task: "<what> <region> <valueFrom>" -> value */
    ea_map values;
};

struct ea_taskres {
    ea_list clients, fetches;
    ea_map held; /* task ARN -> struct ea_fetch_held * */
};

struct ea_fetch {
    ea_node node;
    ea_agent *ag;
    uint64_t op;
    char *arn;
    ea_aws_creds creds; /* of the execution role */
    bool has_role, cancelled;
    struct ea_fetch_held *got;
    ea_list calls;
    ea_timer *timer; /* the limit; due at once when nothing is to be waited for */
    ea_err err;      /* texts joined by ";" */
};

struct ea_fetch_call { /* one request under way */
    ea_node node;
    struct ea_fetch *f;
    char *region, *key; /* key: of a single value */
    ea_asm_ref secret;
    bool is_login;
    ea_strlist names;       /* SSM: one batch */
    bool sent;              /* it takes no more names */
    char *spec, *container; /* of a credential spec */
    ea_aws_call *aws;
    ea_s3_get *s3;
};

/* task_resources.c */
struct ea_fetch_call *ea_fetch_call_new(struct ea_fetch *f, const char *region);
void ea_fetch_call_drop(struct ea_fetch_call *c); /* was not started */
void ea_fetch_call_done(struct ea_fetch_call *c); /* has answered; frees it */
void ea_fetch_note(struct ea_fetch *f, const ea_err *err);
void ea_fetch_keep(struct ea_fetch *f, const char *key, char *value);       /* taken; replaces */
char *ea_fetch_key(const char *what, const char *region, const char *from); /* caller frees */
bool ea_fetch_has_role(struct ea_fetch *f, const char *container, const char *what); /* or notes */
/* fetch_secrets.c: starts the call (ea_fetch_call.aws), or notes why not and drops it. */
void ea_fetch_send(struct ea_fetch_call *c, const char *service, const char *operation,
                   ea_buf *body, ea_aws_done *done);

/* Each starts what is needed, once for each key, or notes why it cannot. */
void ea_fetch_secret(struct ea_fetch *f, const char *region, const char *value_from);
void ea_fetch_login(struct ea_fetch *f, const char *region, const char *parameter);
void ea_fetch_parameter(struct ea_fetch *f, const char *region, const char *name);
void ea_fetch_send_parameters(struct ea_fetch *f); /* once all are known */
void ea_fetch_cred_spec(struct ea_fetch *f, const struct ea_container *c);
void ea_fetch_env_file(struct ea_fetch *f, const struct ea_env_file *file);

#endif
