#include "fake_engine.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define RULES    64
#define REQUESTS 256

struct rule {
    char *request;
    bool always, used;
    size_t n;
    struct {
        char *send;
        size_t repeat;
        unsigned pause_ms;
        bool close;
    } steps[FAKE_STEPS];
};

struct peer {
    uv_pipe_t pipe;
    ea_node node;
    fake_engine *fe;
    ea_buf in;
    const struct rule *rule; /* being played */
    size_t step;
    ea_timer *timer;
    bool closing;
};

struct fake_engine {
    ea_loop *loop;
    uv_pipe_t listener;
    char *path, *address;
    struct rule rules[RULES];
    size_t n_rules;
    char *requests[REQUESTS];
    size_t n_requests, connections, open;
    ea_list peers;
    bool listener_closed;
};

/* ---- closing ---------------------------------------------------------------------------------- */

static void peer_closed(uv_handle_t *h)
{
    struct peer *p = h->data;

    ea_buf_done(&p->in);
    ea_free(p);
}

static void close_peer(struct peer *p)
{
    if (p->closing)
        return;
    p->closing = true;
    p->fe->open--;
    ea_timer_free(p->timer);
    ea_list_remove(&p->node);
    uv_close((uv_handle_t *)&p->pipe, peer_closed);
}

static void listener_closed(uv_handle_t *h)
{
    fake_engine *fe = h->data;

    fe->listener_closed = true;
}

void fake_engine_drop_all(fake_engine *fe)
{
    EA_LIST_EACH(&fe->peers, n)
    close_peer(EA_OWNER(n, struct peer, node));
}

void fake_engine_free(fake_engine *fe)
{
    uv_loop_t *uv = ea_loop_uv(fe->loop);

    fake_engine_drop_all(fe);
    uv_close((uv_handle_t *)&fe->listener, listener_closed);
    while (!fe->listener_closed)
        uv_run(uv, UV_RUN_ONCE);
    for (size_t i = 0; i < fe->n_rules; i++) {
        for (size_t j = 0; j < fe->rules[i].n; j++)
            ea_free(fe->rules[i].steps[j].send);
        ea_free(fe->rules[i].request);
    }
    for (size_t i = 0; i < fe->n_requests; i++)
        ea_free(fe->requests[i]);
    ea_free(fe->path);
    ea_free(fe->address);
    ea_free(fe);
}

/* ---- playing a script ------------------------------------------------------------------------- */

struct out {
    uv_write_t w;
    char *p;
};

static void written(uv_write_t *w, int status)
{
    struct out *o = w->data;

    (void)status; /* the client may have gone: that is a part of many tests */
    ea_free(o->p);
    ea_free(o);
}

static void send_text(struct peer *p, const char *text)
{
    struct out *o = ea_alloc(sizeof(*o));
    uv_buf_t buf;

    o->w.data = o;
    o->p = ea_strdup(text);
    buf = uv_buf_init(o->p, (unsigned)strlen(text));
    if (uv_write(&o->w, (uv_stream_t *)&p->pipe, &buf, 1, written))
        written(&o->w, 0);
}

static void take_request(struct peer *p);

static void play(void *arg)
{
    struct peer *p = arg;

    while (p->step < p->rule->n) {
        size_t i = p->step++;
        size_t times = p->rule->steps[i].repeat ? p->rule->steps[i].repeat : 1;

        for (size_t k = 0; p->rule->steps[i].send && k < times; k++)
            send_text(p, p->rule->steps[i].send);
        if (p->rule->steps[i].close) {
            close_peer(p);
            return;
        }
        if (p->rule->steps[i].pause_ms) {
            ea_timer_arm(p->timer, p->rule->steps[i].pause_ms);
            return;
        }
    }
    p->rule = NULL;
    take_request(p); /* one more may have come meanwhile */
}

/* ---- requests --------------------------------------------------------------------------------- */

static size_t request_length(const ea_buf *in)
{
    const char *end = in->n ? strstr(in->p, "\r\n\r\n") : NULL;
    const char *length = in->n ? strstr(in->p, "Content-Length: ") : NULL;
    size_t body = 0;

    if (!end)
        return 0;
    if (length && length < end) {
        for (const char *d = length + strlen("Content-Length: "); *d >= '0' && *d <= '9'; d++)
            body = body * 10 + (size_t)(*d - '0');
    }
    body += (size_t)(end - in->p) + 4;
    return in->n >= body ? body : 0;
}

static void take_request(struct peer *p)
{
    fake_engine *fe = p->fe;
    size_t n = request_length(&p->in);

    if (!n || p->rule || p->closing)
        return;
    assert_true(fe->n_requests < REQUESTS);
    fe->requests[fe->n_requests++] = ea_strndup(p->in.p, n);
    ea_buf_drop_front(&p->in, n);
    for (size_t i = 0; i < fe->n_rules; i++) {
        struct rule *r = &fe->rules[i];
        const char *got = fe->requests[fe->n_requests - 1];

        if ((r->used && !r->always) || strncmp(got, r->request, strlen(r->request)) != 0)
            continue;
        r->used = true;
        p->rule = r;
        p->step = 0;
        ea_timer_arm(p->timer, 0);
        return;
    }
    print_error("no answer for: %.60s\n", fe->requests[fe->n_requests - 1]);
}

static void alloc_bytes(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)h;
    *buf = uv_buf_init(ea_alloc(suggested), (unsigned)suggested);
}

static void on_bytes(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct peer *p = s->data;

    if (n > 0) {
        ea_buf_add(&p->in, buf->base, (size_t)n);
        take_request(p);
    }
    ea_free(buf->base);
    if (n < 0)
        close_peer(p);
}

static void on_connection(uv_stream_t *s, int status)
{
    fake_engine *fe = s->data;
    struct peer *p = ea_alloc(sizeof(*p));

    assert_int_equal(status, 0);
    p->fe = fe;
    p->in = EA_BUF(16 * 1024 * 1024);
    p->timer = ea_timer_new(fe->loop, play, p);
    assert_int_equal(uv_pipe_init(ea_loop_uv(fe->loop), &p->pipe, 0), 0);
    p->pipe.data = p;
    ea_list_append(&fe->peers, &p->node);
    fe->connections++;
    fe->open++;
    assert_int_equal(uv_accept(s, (uv_stream_t *)&p->pipe), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&p->pipe, alloc_bytes, on_bytes), 0);
}

/* ---- set-up ----------------------------------------------------------------------------------- */

fake_engine *fake_engine_new(ea_loop *l)
{
    static unsigned count;
    fake_engine *fe = ea_alloc(sizeof(*fe));
    uv_utsname_t os;
    int rc;

    assert_int_equal(uv_os_uname(&os), 0);
    fe->loop = l;
    ea_list_init(&fe->peers);
    if (strstr(os.sysname, "_NT")) {
        fe->path = ea_sprintf_dup("\\\\.\\pipe\\ea-fake-%d-%u", (int)uv_os_getpid(), ++count);
        fe->address = ea_sprintf_dup("npipe:////./pipe/ea-fake-%d-%u", (int)uv_os_getpid(), count);
    } else {
        fe->path = ea_sprintf_dup("/tmp/ea-fake-%d-%u.sock", (int)uv_os_getpid(), ++count);
        fe->address = ea_sprintf_dup("unix://%s", fe->path);
    }
    assert_int_equal(uv_pipe_init(ea_loop_uv(l), &fe->listener, 0), 0);
    fe->listener.data = fe;
    uv_pipe_pending_instances(&fe->listener, 32);
    rc = uv_pipe_bind(&fe->listener, fe->path);
    if (!rc)
        rc = uv_listen((uv_stream_t *)&fe->listener, 128, on_connection);
    if (rc)
        fail_msg("%s: %s", fe->path, uv_strerror(rc));
    return fe;
}

const char *fake_engine_address(const fake_engine *fe)
{
    return fe->address;
}

void fake_engine_on(fake_engine *fe, const char *request, bool always, const fake_step *steps)
{
    struct rule *r = &fe->rules[fe->n_rules++];

    assert_true(fe->n_rules <= RULES);
    r->request = ea_strdup(request);
    r->always = always;
    for (; steps[r->n].send || steps[r->n].pause_ms || steps[r->n].close; r->n++) {
        assert_true(r->n < FAKE_STEPS);
        r->steps[r->n].send = ea_strdup(steps[r->n].send);
        r->steps[r->n].repeat = steps[r->n].repeat;
        r->steps[r->n].pause_ms = steps[r->n].pause_ms;
        r->steps[r->n].close = steps[r->n].close;
    }
}

void fake_engine_json(fake_engine *fe, const char *request, bool always, const char *status,
                      const char *body)
{
    EA_FREE_AUTO char *text =
        ea_sprintf_dup("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                       "\r\n%s",
                       status, strlen(body), body);
    const fake_step steps[] = { { .send = text }, { 0 } };

    fake_engine_on(fe, request, always, steps);
}

size_t fake_engine_requests(const fake_engine *fe)
{
    return fe->n_requests;
}

const char *fake_engine_request(const fake_engine *fe, size_t i)
{
    assert_true(i < fe->n_requests);
    return fe->requests[i];
}

size_t fake_engine_connections(const fake_engine *fe)
{
    return fe->connections;
}

size_t fake_engine_open(const fake_engine *fe)
{
    return fe->open;
}

/* ---- waiting ---------------------------------------------------------------------------------- */

static void too_late(void *arg)
{
    *(bool *)arg = true;
}

void fake_wait_for(ea_loop *l, bool (*cond)(void *arg), void *arg, const char *what)
{
    bool late = false;
    ea_timer *guard = ea_timer_new(l, too_late, &late);

    ea_timer_arm(guard, 10000);
    while (!cond(arg) && !late)
        uv_run(ea_loop_uv(l), UV_RUN_ONCE);
    ea_timer_free(guard);
    if (late)
        fail_msg("waited ten seconds for: %s", what);
}

static bool is_set(void *arg)
{
    return **(const bool **)arg;
}

void fake_wait(ea_loop *l, const bool *flag, const char *what)
{
    const bool *f = flag;

    fake_wait_for(l, is_set, &f, what);
}
