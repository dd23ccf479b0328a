#include "cred_chain.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "../base/list.h"
#include "../base/log.h"
#include "../base/rng.h"
#include "../net/url.h"
#include "../plat/plat.h"

#include <string.h>

#define FILE_MAX_BYTES  (256u * 1024)
#define STATIC_AGAIN_MS 60000            /* files and environment are looked at again */
#define EARLY_MS        (5 * 60 * 1000)  /* fetched again before they expire */
#define ROLE_MAX_MS     (60 * 60 * 1000) /* role credentials count as good for no longer */
#define STALE_MIN_MS    (5 * 60 * 1000)  /* old ones go on when a refresh failed */
#define STALE_JITTER_MS (10 * 60 * 1000)
#define RELATIVE_HOST   "http://169.254.170.2"
#define ROLE_PATH       "/latest/meta-data/iam/security-credentials/"

typedef enum provider {
    FROM_ENV,
    FROM_ROTATING,
    FROM_SHARED,
    FROM_CONTAINER,
    FROM_ROLE,
} provider;

/* Order of control-plane.md section 6.3. */
static const provider on_ec2[] = { FROM_ENV, FROM_SHARED, FROM_CONTAINER, FROM_ROLE,
                                   FROM_ROTATING };
static const provider off_ec2[] = { FROM_ENV, FROM_ROTATING, FROM_SHARED, FROM_CONTAINER,
                                    FROM_ROLE };
#define ORDER_N EA_COUNT(on_ec2)

struct ea_cred_get {
    ea_node node;
    ea_cred_done *done;
    void *ctx;
    bool telling; /* freed after it */
};

struct ea_cred_chain {
    ea_net *net;
    ea_imds *imds;
    const char *(*env)(void *ctx, const char *name);
    void *env_ctx;
    char *shared_file, *rotating_file, *profile;
    bool external;
    ea_rng rng;
    ea_aws_creds held;
    int64_t refresh_at_ms; /* wall */
    bool have;
    /* a fetch under way */
    bool fetching;
    size_t step;    /* in the order */
    ea_buf tried;   /* why each one so far had nothing */
    ea_timer *turn; /* starts a fetch and answers from what is held, later */
    ea_httpc *http;
    ea_imds_get *imds_get;
    ea_list gets;
};

/* --- parsers --- */

static bool section_is(ea_str line, const char *profile)
{
    ea_str name = ea_str_trim((ea_str){ line.p + 1, line.n - 2 });

    if (ea_str_starts(name, "profile "))
        name = ea_str_trim((ea_str){ name.p + 8, name.n - 8 });
    return ea_str_eqz(name, profile);
}

static void set_secret(char **slot, ea_str value)
{
    ea_secret_free(*slot);
    *slot = ea_str_dup(value);
}

ea_code ea_cred_parse_ini(ea_str text, const char *profile, ea_aws_creds *out, ea_err *err)
{
    ea_aws_creds c = { 0 };
    ea_str rest = text, raw = { NULL, 0 };
    bool inside = false, found = false;

    while (rest.n > 0) {
        ea_str line, key = { NULL, 0 }, value = { NULL, 0 };

        rest = ea_str_cut(rest, '\n', &raw);
        line = ea_str_trim(raw);
        if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
            continue;
        if (line.p[0] == '[') {
            inside = line.n > 2 && line.p[line.n - 1] == ']' && section_is(line, profile);
            found = found || inside;
            continue;
        }
        value = ea_str_trim(ea_str_cut(line, '=', &key));
        key = ea_str_trim(key);
        if (!inside || value.n == 0)
            continue;
        if (ea_str_eq_nocase(key, EA_STR("aws_access_key_id")))
            set_secret(&c.access_key_id, value);
        else if (ea_str_eq_nocase(key, EA_STR("aws_secret_access_key")))
            set_secret(&c.secret_access_key, value);
        else if (ea_str_eq_nocase(key, EA_STR("aws_session_token")))
            set_secret(&c.session_token, value);
    }
    if (!c.access_key_id || !c.secret_access_key) {
        ea_aws_creds_done(&c);
        return ea_fail(err, EA_NOT_FOUND, found ? "profile %s has no key pair" : "no profile %s",
                       profile);
    }
    *out = c;
    return EA_OK;
}

struct role_json {
    char *code, *key, *secret, *token, *expiration;
};
static const ea_jfield role_fields[] = {
    EA_JSTR(struct role_json, code, "Code", 0),
    EA_JSTR(struct role_json, key, "AccessKeyId", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR(struct role_json, secret, "SecretAccessKey",
            EA_J_REQUIRED | EA_J_NONEMPTY | EA_J_SECRET),
    EA_JSTR(struct role_json, token, "Token", EA_J_SECRET),
    EA_JSTR(struct role_json, expiration, "Expiration", 0),
};
static const ea_jshape role_shape = EA_JSHAPE(struct role_json, role_fields);

/* The role's answer when it has nothing to give: {"Code":"...","Message":"..."}. */
struct role_refusal {
    char *code, *message;
};
static const ea_jfield refusal_fields[] = {
    EA_JSTR(struct role_refusal, code, "Code", 0),
    EA_JSTR(struct role_refusal, message, "Message", 0),
};
static const ea_jshape refusal_shape = EA_JSHAPE(struct role_refusal, refusal_fields);

static ea_code check_refusal(ea_str text, ea_err *err)
{
    struct role_refusal r = { 0 };
    ea_code rc = EA_OK;

    if (ea_json_decode(&refusal_shape, text, &r, err))
        return err->code;
    if (r.code && !ea_str_eq_nocase(ea_str_of(r.code), EA_STR("Success")))
        rc = ea_fail(err, EA_AUTH, "%.80s: %.200s", r.code, r.message ? r.message : "");
    ea_json_free(&refusal_shape, &r);
    return rc;
}

ea_code ea_cred_parse_json(ea_str text, ea_aws_creds *out, ea_err *err)
{
    struct role_json r = { 0 };
    int64_t expires = 0;

    if (check_refusal(text, err) || ea_json_decode(&role_shape, text, &r, err))
        return err->code;
    if (!ea_zstr_empty(r.expiration) && ea_parse_rfc3339(ea_str_of(r.expiration), &expires, err)) {
        ea_json_free(&role_shape, &r);
        return ea_wrap(err, "Expiration");
    }
    *out = (ea_aws_creds){ .access_key_id = r.key,
                           .secret_access_key = r.secret,
                           .session_token = r.token,
                           .expires_ms = expires };
    r.key = r.secret = r.token = NULL;
    ea_json_free(&role_shape, &r);
    return EA_OK;
}

/* --- telling --- */

static void tell(ea_cred_get *g, const ea_aws_creds *creds, const ea_err *err)
{
    ea_list_remove(&g->node);
    g->telling = true;
    g->done(g->ctx, creds, err);
    ea_free(g);
}

static void tell_all(ea_cred_chain *c, const ea_err *err)
{
    ea_list batch;

    ea_list_init(&batch); /* a callback may ask again: that get waits for its own turn */
    ea_list_move_all(&c->gets, &batch);
    while (!ea_list_empty(&batch))
        tell(EA_OWNER(batch.head.next, ea_cred_get, node), err->code == EA_OK ? &c->held : NULL,
             err);
}

static void fetched(ea_cred_chain *c, ea_aws_creds *fresh, const char *source)
{
    int64_t now = ea_now().wall_ms;
    ea_err ok = { 0 };
    bool first = !c->have || !ea_zstr_eq(c->held.source, source);

    fresh->source = source;
    if (fresh->expires_ms > 0 && fresh->expires_ms > now + ROLE_MAX_MS)
        c->refresh_at_ms = now + ROLE_MAX_MS - EARLY_MS;
    else if (fresh->expires_ms > 0)
        c->refresh_at_ms = fresh->expires_ms - EARLY_MS;
    else
        c->refresh_at_ms = now + STATIC_AGAIN_MS;
    if (c->refresh_at_ms < now + 1000)
        c->refresh_at_ms = now + 1000; /* short-lived ones are still used once */
    ea_aws_creds_done(&c->held);
    c->held = *fresh;
    c->have = true;
    c->fetching = false;
    if (first)
        ea_info("credentials found", EA_S("source", source));
    tell_all(c, &ok);
}

static void nothing_found(ea_cred_chain *c)
{
    ea_err err = { 0 };

    c->fetching = false;
    if (c->have) { /* control-plane.md section 6.3: the old ones go on for a while */
        int64_t more = STALE_MIN_MS + (int64_t)ea_rng_below(&c->rng, STALE_JITTER_MS);

        c->refresh_at_ms = ea_now().wall_ms + more;
        ea_warn("credentials not refreshed, the old ones go on", EA_S("err", ea_buf_z(&c->tried)));
        tell_all(c, &err);
        return;
    }
    (void)ea_fail(&err, EA_AUTH, "no AWS credentials; tried %s", ea_buf_z(&c->tried)); /* told */
    tell_all(c, &err);
}

/* --- providers --- */

static void try_next(ea_cred_chain *c);

static void had_nothing(ea_cred_chain *c, const char *what, const char *why)
{
    ea_buf_addf(&c->tried, "%s%s: %.160s", c->tried.n ? "; " : "", what, why);
    c->step++;
    try_next(c);
}

static const char *env(const ea_cred_chain *c, const char *name)
{
    const char *v = c->env ? c->env(c->env_ctx, name) : NULL;

    return ea_zstr_empty(v) ? NULL : v;
}

static void from_env(ea_cred_chain *c)
{
    const char *key = env(c, "AWS_ACCESS_KEY_ID"), *secret = env(c, "AWS_SECRET_ACCESS_KEY");
    ea_aws_creds fresh = { 0 };

    if (!key || !secret) {
        had_nothing(c, "environment",
                    key ? "AWS_SECRET_ACCESS_KEY is not set" : "AWS_ACCESS_KEY_ID is not set");
        return;
    }
    fresh.access_key_id = ea_strdup(key);
    fresh.secret_access_key = ea_strdup(secret);
    fresh.session_token = ea_strdup(env(c, "AWS_SESSION_TOKEN"));
    fetched(c, &fresh, "environment");
}

static void from_file(ea_cred_chain *c, const char *path, const char *what)
{
    EA_SECRET_BUF_AUTO text = EA_BUF(FILE_MAX_BYTES);
    const char *profile = c->profile ? c->profile : env(c, "AWS_PROFILE");
    ea_aws_creds fresh = { 0 };
    ea_err err = { 0 };

    if (ea_zstr_empty(path)) {
        had_nothing(c, what, "no file");
        return;
    }
    if (ea_plat_read_file(path, FILE_MAX_BYTES, &text, &err) ||
        ea_cred_parse_ini(ea_buf_str(&text), profile ? profile : "default", &fresh, &err)) {
        if (err.code == EA_NOT_FOUND && !strstr(err.text, path))
            (void)ea_wrap(&err, "%s", path); /* told in the list */
        had_nothing(c, what, err.text);
        return;
    }
    fetched(c, &fresh, what);
}

static void on_container(void *ctx, const ea_httpc_response *r, const ea_err *err)
{
    ea_cred_chain *c = ctx;
    ea_aws_creds fresh = { 0 };
    ea_err e = *err;

    c->http = NULL;
    if (r && r->status != 200)
        (void)ea_fail(&e, EA_AUTH, "HTTP status %d", r->status); /* told in the list */
    if (e.code == EA_OK && !ea_cred_parse_json(r->body, &fresh, &e)) {
        fetched(c, &fresh, "container credentials");
        return;
    }
    had_nothing(c, "container credentials", e.text);
}

/* Secrets go over https, or stay on the machine. */
static bool is_near(const ea_url *u)
{
    return u->tls || ea_str_eqz(u->host, "localhost") || ea_str_starts(u->host, "127.") ||
           ea_str_eqz(u->host, "::1") || ea_str_eqz(u->host, "169.254.170.2") ||
           ea_str_eqz(u->host, "169.254.170.23") || ea_str_eqz(u->host, "fd00:ec2::23");
}

static void from_container(ea_cred_chain *c)
{
    const char *relative = env(c, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = env(c, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    EA_FREE_AUTO char *url =
        relative ? ea_sprintf_dup("%s%s", RELATIVE_HOST, relative) : ea_strdup(full);
    ea_httpc_header h = { "Authorization", env(c, "AWS_CONTAINER_AUTHORIZATION_TOKEN") };
    ea_httpc_request rq = { .headers = &h,
                            .header_count = h.value ? 1 : 0,
                            .connect_ms = 1000,
                            .total_ms = 5000,
                            .body_max = FILE_MAX_BYTES,
                            .no_proxy = true };
    ea_err err = { 0 };
    ea_url u;

    if (!url) {
        c->step++; /* not worth a word: agents do not run in tasks */
        try_next(c);
        return;
    }
    rq.url = url;
    if (ea_url_parse(ea_str_of(url), &u, &err) || !is_near(&u)) {
        had_nothing(c, "container credentials", "their address is neither https nor of this host");
        return;
    }
    c->http = ea_httpc_start(c->net, &rq, on_container, c, &err);
    if (!c->http)
        had_nothing(c, "container credentials", err.text);
}

static void on_role(void *ctx, ea_str value, const ea_err *err)
{
    ea_cred_chain *c = ctx;
    ea_aws_creds fresh = { 0 };
    ea_err e = *err;

    c->imds_get = NULL;
    if (e.code == EA_OK && !ea_cred_parse_json(value, &fresh, &e)) {
        fetched(c, &fresh, "instance role");
        return;
    }
    had_nothing(c, "instance role", e.text);
}

static void on_role_name(void *ctx, ea_str value, const ea_err *err)
{
    ea_cred_chain *c = ctx;
    ea_str name = { NULL, 0 };
    EA_BUF_AUTO path = EA_BUF(1024);
    EA_FREE_AUTO char *z = NULL;
    ea_err e = { 0 };

    c->imds_get = NULL;
    (void)ea_str_cut(value, '\n', &name);
    name = ea_str_trim(name);
    if (err->code != EA_OK || name.n == 0) {
        had_nothing(c, "instance role",
                    err->code == EA_OK || err->code == EA_NOT_FOUND
                        ? "the instance has no role: attach an instance profile"
                        : err->text);
        return;
    }
    z = ea_str_dup(name);
    ea_buf_adds(&path, ROLE_PATH);
    ea_buf_add_urlenc(&path, z);
    c->imds_get = ea_imds_start(c->imds, ea_buf_z(&path), true, on_role, c, &e);
    if (!c->imds_get)
        had_nothing(c, "instance role", e.text);
}

static void from_role(ea_cred_chain *c)
{
    ea_err err = { 0 };

    if (!c->imds || !ea_imds_enabled(c->imds)) {
        had_nothing(c, "instance role", "instance metadata is switched off");
        return;
    }
    c->imds_get = ea_imds_start(c->imds, ROLE_PATH, true, on_role_name, c, &err);
    if (!c->imds_get)
        had_nothing(c, "instance role", err.text);
}

static void try_next(ea_cred_chain *c)
{
    const char *shared = NULL;

    if (c->step >= ORDER_N) {
        nothing_found(c);
        return;
    }
    switch (c->external ? off_ec2[c->step] : on_ec2[c->step]) {
    case FROM_ENV:
        from_env(c);
        break;
    case FROM_ROTATING:
        if (c->rotating_file) {
            from_file(c, c->rotating_file, "rotating credentials file");
        } else {
            c->step++;
            try_next(c);
        }
        break;
    case FROM_SHARED:
        shared = env(c, "AWS_SHARED_CREDENTIALS_FILE");
        from_file(c, shared ? shared : c->shared_file, "shared credentials file");
        break;
    case FROM_CONTAINER:
        from_container(c);
        break;
    case FROM_ROLE:
        from_role(c);
        break;
    }
}

/* --- what the owner asks for --- */

static void on_turn(void *arg)
{
    ea_cred_chain *c = arg;
    ea_err ok = { 0 };

    if (c->fetching || ea_list_empty(&c->gets))
        return;
    if (ea_cred_held(c)) {
        tell_all(c, &ok);
        return;
    }
    c->fetching = true;
    c->step = 0;
    ea_buf_clear(&c->tried);
    try_next(c);
}

ea_code ea_cred_chain_new(ea_net *net, ea_imds *imds, const ea_cred_config *config,
                          ea_cred_chain **out, ea_err *err)
{
    ea_cred_chain *c = ea_alloc(sizeof(*c));

    (void)err; /* nothing that can fail yet; kept for providers that need set-up */
    c->net = net;
    c->imds = imds;
    c->env = config->env;
    c->env_ctx = config->env_ctx;
    c->shared_file = ea_strdup(config->shared_file);
    c->rotating_file = ea_strdup(config->rotating_file);
    c->profile = ea_strdup(config->profile);
    c->external = config->external;
    c->tried = EA_BUF(8192);
    ea_rng_seed(&c->rng, (uint64_t)ea_now().mono_ms);
    ea_list_init(&c->gets);
    c->turn = ea_timer_new(ea_net_loop(net), on_turn, c);
    *out = c;
    return EA_OK;
}

void ea_cred_chain_free(ea_cred_chain *c)
{
    if (!c)
        return;
    EA_LIST_EACH(&c->gets, node)
    ea_cred_drop(EA_OWNER(node, ea_cred_get, node));
    ea_httpc_drop(c->http);
    ea_imds_drop(c->imds_get);
    ea_timer_free(c->turn);
    ea_aws_creds_done(&c->held);
    ea_buf_done(&c->tried);
    ea_free(c->shared_file);
    ea_free(c->rotating_file);
    ea_free(c->profile);
    ea_free(c);
}

ea_cred_get *ea_cred_start(ea_cred_chain *c, ea_cred_done *done, void *ctx)
{
    ea_cred_get *g = ea_alloc(sizeof(*g));

    g->done = done;
    g->ctx = ctx;
    ea_list_append(&c->gets, &g->node);
    ea_timer_arm(c->turn, 0);
    return g;
}

void ea_cred_drop(ea_cred_get *g)
{
    if (!g || g->telling)
        return;
    ea_list_remove(&g->node);
    ea_free(g);
}

const ea_aws_creds *ea_cred_held(const ea_cred_chain *c)
{
    return c->have && ea_now().wall_ms < c->refresh_at_ms ? &c->held : NULL;
}

void ea_cred_forget(ea_cred_chain *c)
{
    c->refresh_at_ms = 0;
    c->have = false;
}
