#include "curl_loop.h"

#include "../base/alloc.h"
#include "../base/log.h"
#include "../plat/plat.h"
#include "curl_private.h"
#include "tls_roots.h"
#include "url.h"

#include <mbedtls/ssl.h>
#include <string.h>
#include <uv.h>

#define CA_FILE_MAX       (8u * 1024 * 1024)
#define MACHINE_ROOTS_MAX (16u * 1024 * 1024)
#define CONNECTIONS_KEPT  16L
#define SEND_BUFFER       16384L /* libcurl clears it for each request; the least it takes */

struct ea_net {
    ea_loop *loop;
    CURLM *multi;
    ea_timer *timer;
    size_t active;
    ea_roots *roots;    /* NULL: nothing is trusted */
    bool machine_roots; /* not read yet */
    bool insecure;
    char *proxy_http, *proxy_https, *no_proxy, *user_agent;
};

struct poll { /* of one socket that libcurl watches */
    uv_poll_t uv;
    ea_net *net;
    curl_socket_t fd;
};

/* --- settings --- */

static char *env_copy(const char *name)
{
    char *v = ea_alloc(8192);
    size_t n = 8192;

    if (uv_os_getenv(name, v, &n) == 0 && n > 0)
        return v;
    ea_free(v);
    return NULL;
}

/* The lower-case name goes first, as with curl and Go. */
static char *env_either(const char *lower, const char *upper)
{
    char *v = env_copy(lower);

    return v ? v : env_copy(upper);
}

static char *proxy_of(const char *given, const char *lower, const char *upper)
{
    return given ? ea_strdup(given) : env_either(lower, upper);
}

static char *no_proxy_of(const ea_net_config *c)
{
    char *v = NULL;

    if (!ea_zstr_empty(c->no_proxy))
        return ea_strdup(c->no_proxy);
    v = env_either("no_proxy", "NO_PROXY");
    if (v)
        return v;
    if (!ea_zstr_empty(c->docker_host))
        return ea_sprintf_dup("%s,%s", EA_NO_PROXY_DEFAULT, c->docker_host);
    return ea_strdup(EA_NO_PROXY_DEFAULT);
}

static ea_code take_roots(ea_net *net, const ea_net_config *c, ea_err *err)
{
    if (!ea_zstr_empty(c->ca_file)) {
        EA_BUF_AUTO pem = EA_BUF(CA_FILE_MAX);

        if (ea_plat_read_file(c->ca_file, CA_FILE_MAX, &pem, err)) {
            err->code = EA_SETTINGS; /* whatever keeps it from being read */
            return ea_wrap(err, "AWS_CA_BUNDLE");
        }
        return ea_roots_new(ea_buf_str(&pem), c->ca_file, &net->roots, err);
    }
    if (c->ca_blob.n == 0) {
        net->machine_roots = c->machine_roots;
        return EA_OK;
    }
    return ea_roots_new(c->ca_blob, "the system's list of trusted roots", &net->roots, err);
}

/* --- libcurl driven by the loop --- */

static void collect_done(ea_net *net)
{
    CURLMsg *m = NULL;
    int left = 0;

    while ((m = curl_multi_info_read(net->multi, &left)) != NULL) {
        CURL *easy = m->easy_handle;
        CURLcode result = m->data.result;
        ea_net_job *job = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&job); /* set by job_init */
        job->done(job, result);
    }
}

static void act(ea_net *net, curl_socket_t fd, int flags)
{
    int running = 0;

    (void)curl_multi_socket_action(net->multi, fd, flags, &running); /* failures end jobs */
    collect_done(net);
}

static void on_timeout(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int want_timer(CURLM *multi, long timeout_ms, void *arg)
{
    ea_net *net = arg;

    (void)multi;
    if (timeout_ms < 0)
        ea_timer_stop(net->timer);
    else
        ea_timer_arm(net->timer, timeout_ms);
    return 0;
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    struct poll *p = h->data;
    int flags = 0;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(p->net, p->fd, flags);
}

static void free_poll(uv_handle_t *h)
{
    ea_free(h->data);
}

static struct poll *new_poll(ea_net *net, curl_socket_t fd)
{
    struct poll *p = ea_alloc(sizeof(*p));

    p->net = net;
    p->fd = fd;
    if (uv_poll_init_socket(ea_loop_uv(net->loop), &p->uv, fd) != 0) {
        ea_free(p);
        return NULL;
    }
    p->uv.data = p;
    return p;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    ea_net *net = arg;
    struct poll *p = socket_arg;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (p) {
            (void)uv_poll_stop(&p->uv); /* about to be closed */
            uv_close((uv_handle_t *)&p->uv, free_poll);
            (void)curl_multi_assign(net->multi, fd, NULL); /* the socket is known to it */
        }
        return 0;
    }
    if (!p) {
        p = new_poll(net, fd);
        if (!p)
            return -1;
        (void)curl_multi_assign(net->multi, fd, p); /* the socket is known to it */
    }
    if (what != CURL_POLL_OUT)
        events |= UV_READABLE;
    if (what != CURL_POLL_IN)
        events |= UV_WRITABLE;
    return uv_poll_start(&p->uv, events, on_poll) == 0 ? 0 : -1;
}

static ea_code make_multi(ea_net *net, ea_err *err)
{
    /* Counted by libcurl; it stays initialised while any client of the process uses it. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ea_fail(err, EA_NO_MEMORY, "libcurl cannot be initialised");
    net->multi = curl_multi_init();
    if (!net->multi) {
        curl_global_cleanup();
        return ea_fail(err, EA_NO_MEMORY, "libcurl: no memory");
    }
    (void)curl_multi_setopt(net->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    (void)curl_multi_setopt(net->multi, CURLMOPT_SOCKETDATA, net);
    (void)curl_multi_setopt(net->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    (void)curl_multi_setopt(net->multi, CURLMOPT_TIMERDATA, net);
    (void)curl_multi_setopt(net->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    return EA_OK;
}

static void free_parts(ea_net *net)
{
    ea_roots_free(net->roots);
    ea_free(net->proxy_http);
    ea_free(net->proxy_https);
    ea_free(net->no_proxy);
    ea_free(net->user_agent);
    ea_free(net);
}

ea_code ea_net_new(ea_loop *loop, const ea_net_config *config, ea_net **out, ea_err *err)
{
    ea_net *net = ea_alloc(sizeof(*net));

    net->loop = loop;
    net->insecure = config->insecure;
    if (take_roots(net, config, err) || make_multi(net, err)) {
        free_parts(net);
        return err->code;
    }
    net->timer = ea_timer_new(loop, on_timeout, net);
    net->proxy_http = proxy_of(config->proxy_http, "http_proxy", "HTTP_PROXY");
    net->proxy_https = proxy_of(config->proxy_https, "https_proxy", "HTTPS_PROXY");
    net->no_proxy = no_proxy_of(config);
    net->user_agent = ea_strdup(config->user_agent);
    if (net->insecure)
        ea_warn("TLS certificates are not verified: for tests only");
    *out = net;
    return EA_OK;
}

void ea_net_free(ea_net *net)
{
    if (!net)
        return;
    (void)curl_multi_cleanup(net->multi); /* closes kept connections: want_socket lets go of them */
    curl_global_cleanup();
    ea_timer_free(net->timer);
    free_parts(net);
}

ea_loop *ea_net_loop(ea_net *net)
{
    return net->loop;
}

size_t ea_net_active(const ea_net *net)
{
    return net->active;
}

/* --- jobs --- */

static void read_machine_roots(ea_net *net)
{
    EA_BUF_AUTO pem = EA_BUF(MACHINE_ROOTS_MAX);
    ea_err err = { 0 };

    if (ea_plat_ca_roots(&pem, &err) ||
        ea_roots_new(ea_buf_str(&pem), "the system's list of trusted roots", &net->roots, &err))
        ea_warn("no trusted roots: https endpoints cannot be reached; set AWS_CA_BUNDLE",
                EA_S("err", err.text));
    else
        net->machine_roots = false;
}

/* Once libcurl has set a connection up: no roots of its own, ours for all. */
static CURLcode use_roots(CURL *easy, void *config, void *arg)
{
    ea_net *net = arg;

    (void)easy;
    if (net->machine_roots)
        read_machine_roots(net);
    if (net->roots)
        mbedtls_ssl_conf_ca_chain(config, ea_roots_chain(net->roots), NULL);
    return CURLE_OK;
}

static ea_code set_tls(ea_net *net, CURL *easy, ea_err *err)
{
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (net->insecure) {
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        return EA_OK;
    }
    if (!net->roots && !net->machine_roots)
        return EA_OK;
    if (curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, use_roots) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, net) != CURLE_OK)
        return ea_fail(err, EA_NO_MEMORY, "libcurl: trusted roots not taken");
    return EA_OK;
}

static bool has_line_break(const char *s)
{
    return strpbrk(s, "\r\n") != NULL;
}

static ea_code add_header(ea_net_job *job, const char *name, const char *value, ea_err *err)
{
    EA_SECRET_AUTO char *line = NULL;
    struct curl_slist *grown = NULL;

    if (ea_zstr_empty(name) || has_line_break(name) || strchr(name, ':') || !value ||
        has_line_break(value))
        return ea_fail(err, EA_INVALID, "header '%s' is malformed", name ? name : "");
    /* libcurl's own notation for a header without value ends in a semicolon. */
    line = value[0] ? ea_sprintf_dup("%s: %s", name, value) : ea_sprintf_dup("%s;", name);
    grown = curl_slist_append(job->headers, line);
    if (!grown)
        return ea_fail(err, EA_NO_MEMORY, "libcurl: no memory for headers");
    job->headers = grown;
    return EA_OK;
}

/* Takes a header out that libcurl would add by itself. */
static ea_code suppress(ea_net_job *job, const char *line, ea_err *err)
{
    struct curl_slist *grown = curl_slist_append(job->headers, line);

    if (!grown)
        return ea_fail(err, EA_NO_MEMORY, "libcurl: no memory for headers");
    job->headers = grown;
    return EA_OK;
}

static bool given(const ea_httpc_header *h, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (h[i].name && ea_str_eq_nocase(ea_str_of(h[i].name), ea_str_of(name)))
            return true;
    }
    return false;
}

static ea_code set_headers(ea_net_job *job, const ea_httpc_header *h, size_t n, ea_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (add_header(job, h[i].name, h[i].value, err))
            return err->code;
    }
    if (suppress(job, "Expect:", err))
        return err->code;
    if (!given(h, n, "Content-Type") && suppress(job, "Content-Type:", err))
        return err->code;
    return EA_OK;
}

ea_code ea_net_job_init(ea_net_job *job, ea_net *net, const char *url, const char *protocols,
                        const ea_httpc_header *headers, size_t header_count, bool no_proxy,
                        ea_err *err)
{
    ea_url parts;
    const char *proxy = NULL;

    job->net = net;
    if (ea_url_parse(ea_str_of(url), &parts, err))
        return ea_wrap(err, "%.200s", url ? url : "no URL");
    if (!ea_str_starts(parts.scheme, protocols[0] == 'w' ? "ws" : "http"))
        return ea_fail(err, EA_INVALID, "%.200s: the scheme must be one of %s", url, protocols);
    job->easy = curl_easy_init();
    if (!job->easy)
        return ea_fail(err, EA_NO_MEMORY, "libcurl: no memory");
    job->url = ea_strdup(url);
    if (set_headers(job, headers, header_count, err) || set_tls(net, job->easy, err))
        return ea_wrap(err, "%.200s", url);
    proxy = parts.tls ? net->proxy_https : net->proxy_http;
    (void)curl_easy_setopt(job->easy, CURLOPT_URL, job->url);  /* these copy a few words each */
    (void)curl_easy_setopt(job->easy, CURLOPT_PATH_AS_IS, 1L); /* as it was signed */
    (void)curl_easy_setopt(job->easy, CURLOPT_PROTOCOLS_STR, protocols);
    (void)curl_easy_setopt(job->easy, CURLOPT_PRIVATE, job);
    (void)curl_easy_setopt(job->easy, CURLOPT_ERRORBUFFER, job->detail);
    (void)curl_easy_setopt(job->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(job->easy, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
    (void)curl_easy_setopt(job->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(job->easy, CURLOPT_TCP_KEEPIDLE, 30L);
    (void)curl_easy_setopt(job->easy, CURLOPT_TCP_KEEPINTVL, 30L);
    (void)curl_easy_setopt(job->easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(job->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(job->easy, CURLOPT_PROXY, no_proxy || !proxy ? "" : proxy);
    (void)curl_easy_setopt(job->easy, CURLOPT_NOPROXY, net->no_proxy);
    (void)curl_easy_setopt(job->easy, CURLOPT_HTTPHEADER, job->headers);
    if (net->user_agent && !given(headers, header_count, "User-Agent"))
        (void)curl_easy_setopt(job->easy, CURLOPT_USERAGENT, net->user_agent);
    return EA_OK;
}

ea_code ea_net_job_add(ea_net_job *job, ea_err *err)
{
    CURLMcode rc = curl_multi_add_handle(job->net->multi, job->easy);

    if (rc != CURLM_OK)
        return ea_fail_sys(err, EA_NO_MEMORY, (int)rc, "libcurl: %s", curl_multi_strerror(rc));
    job->added = true;
    job->net->active++;
    return EA_OK;
}

void ea_net_job_done(ea_net_job *job)
{
    if (job->added) {
        (void)curl_multi_remove_handle(job->net->multi, job->easy); /* it is in there */
        job->net->active--;
        job->added = false;
    }
    if (job->easy)
        curl_easy_cleanup(job->easy);
    job->easy = NULL;
    for (struct curl_slist *h = job->headers; h; h = h->next)
        ea_secret_wipe(h->data, strlen(h->data)); /* session tokens stand there */
    curl_slist_free_all(job->headers);
    job->headers = NULL;
    ea_free(job->url);
    job->url = NULL;
}

ea_code ea_net_job_explain(const ea_net_job *job, CURLcode result, ea_err *err)
{
    long os = 0;

    (void)curl_easy_getinfo(job->easy, CURLINFO_OS_ERRNO, &os); /* stays 0 when there is none */
    return ea_net_explain((int)result, job->url, job->detail, os, err);
}
