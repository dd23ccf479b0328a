#include "ecr.h"

#include "../base/alloc.h"
#include "../base/list.h"
#include "../base/log.h"
#include "../base/map.h"
#include "endpoint.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#define ECR_TARGET_PREFIX "AmazonEC2ContainerRegistry_V20150921."
#define TOKEN_MAX         (64 * 1024)
#define KEEP_MS           (12 * 3600 * 1000)
#define MARGIN_MS         (30 * 60 * 1000) /* once, and up to once more by chance */
#define ROUND_TRIP_MS     5000
#define TOTAL_MS          20000

struct waiter {
    ea_node node;
    ea_ecr_done *done;
    void *ctx;
};

/* One role at one registry. Its client lives as long as the entry. */
struct entry {
    ea_ecr *e;
    char *key, *username, *password, *server;
    int64_t renew_ms; /* wall; from then on it is not handed out any more */
    uint64_t used;    /* order of use */
    ea_aws *aws;
    ea_aws_call *call;
    ea_list waiters;
    ea_timer *soon; /* tells later what is known at once */
    bool due;       /* `soon` is armed */
    bool telling;   /* waiters are being called: it must not be freed */
    ea_err err;     /* of the last fetch */
};

struct ea_ecr {
    ea_loop *loop;
    ea_net *net;
    ea_cred_chain *creds;
    char *user_agent;
    ea_rng rng;
    ea_map entries; /* key -> struct entry * */
    uint64_t uses;
};

/* ---- answer ----------------------------------------------------------------------------------- */

static ea_code take_token(const char *token, char **username, char **password, ea_err *err)
{
    EA_SECRET_BUF_AUTO plain = EA_BUF(TOKEN_MAX);
    ea_str user, rest;

    if (ea_base64_decode(ea_str_of(token), TOKEN_MAX, &plain, err))
        return ea_fail(err, EA_PROTOCOL, "the token is not base64");
    rest = ea_str_cut(ea_buf_str(&plain), ':', &user);
    if (!rest.p || !rest.n || !user.n)
        return ea_fail(err, EA_PROTOCOL, "the token is not user:password");
    *username = ea_str_dup(user);
    *password = ea_str_dup(rest);
    return EA_OK;
}

ea_code ea_ecr_decode(ea_str body, char **username, char **password, char **server,
                      int64_t *expires_ms, ea_err *err)
{
    cJSON *tree = NULL;
    const cJSON *list, *item, *expires;
    const char *token, *endpoint;
    ea_err why = { 0 };

    if (ea_json_parse(body, &tree, &why)) /* its text could quote the token */
        return ea_fail(err, EA_PROTOCOL, "GetAuthorizationToken: the answer is not JSON");
    list = ea_json_get(tree, "authorizationData");
    item = cJSON_GetArraySize(list) == 1 ? cJSON_GetArrayItem(list, 0) : NULL;
    token = ea_json_get_str(item, "authorizationToken");
    endpoint = ea_json_get_str(item, "proxyEndpoint");
    expires = ea_json_get(item, "expiresAt");
    if (!item)
        (void)ea_fail(&why, EA_PROTOCOL, "%d logins where one was asked for",
                      cJSON_GetArraySize(list));
    else if (ea_zstr_empty(token) || ea_zstr_empty(endpoint))
        (void)ea_fail(&why, EA_PROTOCOL, "token or registry is missing");
    else
        (void)take_token(token, username, password, &why); /* `why` tells */
    if (!why.code) {
        *server = ea_strdup(endpoint);
        *expires_ms =
            cJSON_IsNumber(expires) && expires->valuedouble > 0 && expires->valuedouble < 1e12
                ? (int64_t)(expires->valuedouble * 1000.0)
                : 0;
    }
    ea_json_delete(tree);
    return why.code ? ea_fail(err, EA_PROTOCOL, "GetAuthorizationToken: %s", why.text) : EA_OK;
}

/* ---- what is kept ----------------------------------------------------------------------------- */

static void drop_login(struct entry *x)
{
    ea_free(x->username);
    ea_secret_free(x->password);
    ea_free(x->server);
    x->username = x->password = x->server = NULL;
    x->renew_ms = 0;
}

static void free_entry(struct entry *x)
{
    ea_aws_free(x->aws); /* drops the call */
    ea_timer_free(x->soon);
    drop_login(x);
    ea_free(x->key);
    ea_free(x);
}

static bool holds(const struct entry *x)
{
    return x->password && ea_now().wall_ms < x->renew_ms;
}

static char *key_of(const ea_ecr_ask *ask)
{
    return ea_sprintf_dup("%s\n%s\n%s\n%s", ask->role ? ask->role : "",
                          ask->region ? ask->region : "", ask->registry_id ? ask->registry_id : "",
                          ask->endpoint ? ask->endpoint : "");
}

static bool is_idle(const struct entry *x)
{
    return !x->call && !x->due && !x->telling;
}

/* Makes room for one more. What is in use stays, whatever the count. */
static void evict(ea_ecr *e)
{
    struct entry *oldest = NULL;
    ea_map_entry *m;

    if (ea_map_count(&e->entries) < EA_ECR_KEPT_MAX)
        return;
    for (size_t i = 0; (m = ea_map_next(&e->entries, &i));) {
        struct entry *x = m->value;

        if (is_idle(x) && (!oldest || x->used < oldest->used))
            oldest = x;
    }
    if (oldest) {
        (void)ea_map_remove(&e->entries, oldest->key); /* it is `oldest` */
        free_entry(oldest);
    }
}

/* ---- telling ---------------------------------------------------------------------------------- */

static void tell(void *arg)
{
    struct entry *x = arg;
    const ea_ecr_login login = { x->username, x->password, x->server };
    const ea_err err = x->err;
    ea_list now; /* who comes meanwhile has a turn of his own */

    x->due = false;
    x->telling = true;
    ea_list_init(&now);
    ea_list_move_all(&x->waiters, &now);
    EA_LIST_EACH(&now, node)
    {
        struct waiter *w = EA_OWNER(node, struct waiter, node);

        ea_list_remove(node);
        w->done(w->ctx, err.code ? NULL : &login, &err);
        ea_free(w);
    }
    x->telling = false;
}

/* ---- fetching --------------------------------------------------------------------------------- */

static void keep(struct entry *x, int64_t expires_ms)
{
    int64_t now = ea_now().wall_ms;
    int64_t margin = MARGIN_MS + (int64_t)ea_rng_below(&x->e->rng, MARGIN_MS);

    x->renew_ms = now + KEEP_MS;
    if (expires_ms && expires_ms - margin < x->renew_ms)
        x->renew_ms = expires_ms - margin;
    ea_debug("registry login fetched", EA_S("server", x->server),
             EA_I("keep_s", (x->renew_ms - now) / 1000));
}

static void fetched(void *ctx, ea_str body, const ea_aws_fault *fault, const ea_err *err)
{
    struct entry *x = ctx;
    int64_t expires_ms = 0;

    (void)fault;
    x->call = NULL;
    x->err = *err;
    drop_login(x);
    if (!err->code &&
        !ea_ecr_decode(body, &x->username, &x->password, &x->server, &expires_ms, &x->err))
        keep(x, expires_ms);
    tell(x);
}

static ea_code new_client(struct entry *x, const ea_ecr_ask *ask, ea_err *err)
{
    const ea_endpoint_options options = { .override_url = ask->endpoint };
    EA_FREE_AUTO char *url = NULL;
    ea_aws_config config = { .region = ask->region,
                             .service = "ecr",
                             .target_prefix = ECR_TARGET_PREFIX,
                             .user_agent = x->e->user_agent,
                             .seed = ea_rng_u64(&x->e->rng) };

    if (ea_zstr_empty(ask->region))
        return ea_fail(err, EA_INVALID, "the registry's region is missing");
    if (ea_endpoint_resolve("api.ecr", ask->region, &options, &url, err))
        return err->code;
    config.endpoint = url;
    return ea_aws_new(x->e->net, x->e->creds, &config, &x->aws, err);
}

static ea_code fetch(struct entry *x, const ea_ecr_ask *ask, ea_err *err)
{
    const ea_aws_options options = { .retry = EA_RETRY_STANDARD,
                                     .round_trip_ms = ROUND_TRIP_MS,
                                     .total_ms = TOTAL_MS,
                                     .creds = ask->creds };
    EA_BUF_AUTO body = EA_BUF(4096);

    if (!x->aws && new_client(x, ask, err))
        return err->code;
    ea_buf_adds(&body, "{\"registryIds\":[");
    ea_buf_add_json_str(&body, ea_str_of(ask->registry_id));
    ea_buf_adds(&body, "]}");
    if (ea_buf_check(&body, err))
        return err->code;
    x->call =
        ea_aws_start(x->aws, "GetAuthorizationToken", ea_buf_str(&body), &options, fetched, x, err);
    return x->call ? EA_OK : err->code;
}

void ea_ecr_login_start(ea_ecr *e, const ea_ecr_ask *ask, ea_ecr_done *done, void *ctx)
{
    EA_FREE_AUTO char *key = key_of(ask);
    struct entry *x = ea_map_get(&e->entries, key);
    struct waiter *w = ea_alloc(sizeof(*w));

    if (!x) {
        evict(e);
        x = ea_alloc(sizeof(*x));
        x->e = e;
        x->key = ea_strdup(key);
        ea_list_init(&x->waiters);
        x->soon = ea_timer_new(e->loop, tell, x);
        (void)ea_map_put(&e->entries, key, x); /* the key is new */
    }
    x->used = ++e->uses;
    w->done = done;
    w->ctx = ctx;
    ea_list_append(&x->waiters, &w->node);
    if (x->call || x->due)
        return;
    x->err = (ea_err){ 0 };
    if (holds(x) || fetch(x, ask, &x->err)) {
        x->due = true;
        ea_timer_arm(x->soon, 0);
    }
}

void ea_ecr_forget(ea_ecr *e, const ea_ecr_ask *ask)
{
    EA_FREE_AUTO char *key = key_of(ask);
    struct entry *x = ea_map_get(&e->entries, key);

    if (x && is_idle(x))
        drop_login(x);
}

/* ---- life ------------------------------------------------------------------------------------- */

ea_ecr *ea_ecr_new(ea_loop *loop, const ea_ecr_config *config)
{
    ea_ecr *e = ea_alloc(sizeof(*e));

    e->loop = loop;
    e->net = config->net;
    e->creds = config->creds;
    e->user_agent = ea_strdup(config->user_agent);
    ea_rng_seed(&e->rng, config->seed);
    return e;
}

void ea_ecr_free(ea_ecr *e)
{
    ea_map_entry *m;

    if (!e)
        return;
    for (size_t i = 0; (m = ea_map_next(&e->entries, &i));) {
        struct entry *x = m->value;

        x->err = (ea_err){ 0 };
        (void)ea_fail(&x->err, EA_CANCELLED, "cancelled"); /* told to those who wait */
        tell(x);
        free_entry(x);
    }
    ea_map_done(&e->entries, NULL);
    ea_free(e->user_agent);
    ea_free(e);
}
