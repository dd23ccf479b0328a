/* tls_test.c - both clients against a TLS server on loopback: good, for another host, expired, of an
 * unknown CA, too old, and no TLS at all. Keys and certificates are made anew for each run. */
#include "base/alloc.h"
#include "fakes/scripted_peer.h"
#include "net/ws_client.h"
#include "net/ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#define PATIENCE_MS 15000
#define FRAMES      200
#define FRAME_BYTES 30000

enum mode {
    SERVE,    /* TLS, then an HTTP answer */
    SERVE_WS, /* TLS, then a websocket with many frames */
    OLD,      /* a ServerHello of TLS 1.1 */
    ALERT,    /* the alert of a server that knows no version of ours */
    PLAIN,    /* an HTTP answer without TLS */
};

struct cert {
    mbedtls_pk_context key;
    mbedtls_x509_crt crt;
    char pem[4096];
};

static struct {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context drbg;
    struct cert ca, other_ca, good, wrong_host, expired, unknown;
} pki;

struct server {
    uv_thread_t thread;
    mbedtls_net_context listener;
    unsigned port;
    enum mode mode;
    struct cert *cert;
    mbedtls_ssl_protocol_version max;
};

struct world {
    ea_loop *loop;
    ea_net *net;
    struct server server;
    bool done;
    ea_err err;
    int status;
    size_t frames, bytes;
    ea_wsc *ws;
    int close_code;
};

/* --- certificates --- */

static void make_key(struct cert *c)
{
    mbedtls_pk_init(&c->key);
    assert_int_equal(mbedtls_pk_setup(&c->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
    assert_int_equal(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(c->key),
                                         mbedtls_ctr_drbg_random, &pki.drbg),
                     0);
}

static void make_cert(struct cert *c, struct cert *issuer, const char *name,
                      const char *issuer_name, const char *until)
{
    mbedtls_x509write_cert w;
    unsigned char serial = 1;

    make_key(c);
    mbedtls_x509write_crt_init(&w);
    mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&w, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&w, &c->key);
    mbedtls_x509write_crt_set_issuer_key(&w, issuer ? &issuer->key : &c->key);
    assert_int_equal(mbedtls_x509write_crt_set_subject_name(&w, name), 0);
    assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&w, issuer_name), 0);
    assert_int_equal(mbedtls_x509write_crt_set_serial_raw(&w, &serial, 1), 0);
    assert_int_equal(mbedtls_x509write_crt_set_validity(&w, "20200101000000", until), 0);
    assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(&w, issuer == NULL, -1), 0);
    assert_int_equal(mbedtls_x509write_crt_pem(&w, (unsigned char *)c->pem, sizeof(c->pem),
                                               mbedtls_ctr_drbg_random, &pki.drbg),
                     0);
    mbedtls_x509write_crt_free(&w);
    mbedtls_x509_crt_init(&c->crt);
    assert_int_equal(
        mbedtls_x509_crt_parse(&c->crt, (const unsigned char *)c->pem, strlen(c->pem) + 1), 0);
}

static int make_pki(void **state)
{
    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS); /* TLS 1.3 stands on it */
    mbedtls_entropy_init(&pki.entropy);
    mbedtls_ctr_drbg_init(&pki.drbg);
    assert_int_equal(mbedtls_ctr_drbg_seed(&pki.drbg, mbedtls_entropy_func, &pki.entropy, NULL, 0),
                     0);
    make_cert(&pki.ca, NULL, "CN=Test CA", "CN=Test CA", "20991231235959");
    make_cert(&pki.other_ca, NULL, "CN=Other CA", "CN=Other CA", "20991231235959");
    make_cert(&pki.good, &pki.ca, "CN=localhost", "CN=Test CA", "20991231235959");
    make_cert(&pki.wrong_host, &pki.ca, "CN=ecs.example.com", "CN=Test CA", "20991231235959");
    make_cert(&pki.expired, &pki.ca, "CN=localhost", "CN=Test CA", "20200201000000");
    make_cert(&pki.unknown, &pki.other_ca, "CN=localhost", "CN=Other CA", "20991231235959");
    return 0;
}

static int free_pki(void **state)
{
    struct cert *all[] = { &pki.ca,         &pki.other_ca, &pki.good,
                           &pki.wrong_host, &pki.expired,  &pki.unknown };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(all); i++) {
        mbedtls_pk_free(&all[i]->key);
        mbedtls_x509_crt_free(&all[i]->crt);
    }
    mbedtls_ctr_drbg_free(&pki.drbg);
    mbedtls_entropy_free(&pki.entropy);
    return 0;
}

/* --- the server: one connection, on a thread of its own --- */

static void send_all(mbedtls_ssl_context *ssl, const char *p, size_t n)
{
    while (n > 0) {
        int rc = mbedtls_ssl_write(ssl, (const unsigned char *)p, n);

        if (rc <= 0)
            return; /* the client has gone: its side of the test tells */
        p += rc;
        n -= (size_t)rc;
    }
}

static void send_frames(mbedtls_ssl_context *ssl, const char *request)
{
    static const char head[] = { (char)0x81, 126, FRAME_BYTES >> 8, (char)(FRAME_BYTES & 0xff) };
    const char *at = strstr(request, "Sec-WebSocket-Key: ");
    char key[25], accept[29], answer[256];
    EA_FREE_AUTO char *payload = ea_alloc(FRAME_BYTES);

    if (!at)
        return;
    (void)snprintf(key, sizeof(key), "%.24s", at + 19);
    ea_ws_accept_key(key, accept);
    (void)snprintf(answer, sizeof(answer),
                   "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: %s\r\n\r\n",
                   accept);
    send_all(ssl, answer, strlen(answer));
    memset(payload, 'f', FRAME_BYTES);
    for (int i = 0; i < FRAMES; i++) {
        send_all(ssl, head, sizeof(head));
        send_all(ssl, payload, FRAME_BYTES);
    }
    send_all(ssl, "\x88\x02\x03\xe8", 4);
}

static void talk(struct server *s, mbedtls_ssl_context *ssl)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    char request[8192];
    size_t n = 0;

    while (n + 1 < sizeof(request)) {
        int rc = mbedtls_ssl_read(ssl, (unsigned char *)request + n, sizeof(request) - 1 - n);

        if (rc == MBEDTLS_ERR_SSL_WANT_READ)
            continue;
        if (rc <= 0)
            return;
        n += (size_t)rc;
        request[n] = '\0';
        if (strstr(request, "\r\n\r\n"))
            break;
    }
    if (s->mode == SERVE_WS)
        send_frames(ssl, request);
    else
        send_all(ssl, answer, sizeof(answer) - 1);
    while (mbedtls_ssl_read(ssl, (unsigned char *)request, sizeof(request)) > 0) {
    }
}

static void serve_tls(struct server *s, mbedtls_net_context *client)
{
    mbedtls_ssl_config conf;
    mbedtls_ssl_context ssl;

    mbedtls_ssl_config_init(&conf);
    mbedtls_ssl_init(&ssl);
    if (mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) == 0) {
        mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &pki.drbg);
        mbedtls_ssl_conf_max_tls_version(&conf, s->max);
        if (mbedtls_ssl_conf_own_cert(&conf, &s->cert->crt, &s->cert->key) == 0 &&
            mbedtls_ssl_setup(&ssl, &conf) == 0) {
            mbedtls_ssl_set_bio(&ssl, client, mbedtls_net_send, mbedtls_net_recv, NULL);
            if (mbedtls_ssl_handshake(&ssl) == 0)
                talk(s, &ssl);
        }
    }
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&conf);
}

static void serve(void *arg)
{
    /* ServerHello of TLS 1.1: record 3.2, handshake type 2, version 3.2, random, no session id,
     * ECDHE-RSA-AES128-CBC-SHA, no compression. */
    static const char old[47] = { 0x16, 3, 2, 0, 0x2a, 2, 0, 0, 0x26, 3, 2 };
    static const char alert[] = { 0x15, 3, 1, 0, 2, 2, 70 }; /* protocol_version */
    static const char plain[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    struct server *s = arg;
    mbedtls_net_context client;
    unsigned char hello[4096], answer[47];

    mbedtls_net_init(&client);
    if (mbedtls_net_accept(&s->listener, &client, NULL, 0, NULL) != 0)
        return;
    if (s->mode == SERVE || s->mode == SERVE_WS) {
        serve_tls(s, &client);
    } else {
        (void)mbedtls_net_recv(&client, hello, sizeof(hello));
        memcpy(answer, old, sizeof(answer));
        answer[44] = 0xc0;
        answer[45] = 0x13;
        if (s->mode == OLD)
            (void)mbedtls_net_send(&client, answer, sizeof(answer));
        else if (s->mode == ALERT)
            (void)mbedtls_net_send(&client, (const unsigned char *)alert, sizeof(alert));
        else
            (void)mbedtls_net_send(&client, (const unsigned char *)plain, sizeof(plain) - 1);
        (void)mbedtls_net_recv(&client, hello, sizeof(hello)); /* until the client goes */
    }
    mbedtls_net_free(&client);
}

static void start_server(struct world *w, enum mode mode, struct cert *cert,
                         mbedtls_ssl_protocol_version max)
{
    char port[8];

    w->server = (struct server){ .mode = mode, .cert = cert, .max = max };
    w->server.port = peer_unused_port();
    (void)snprintf(port, sizeof(port), "%u", w->server.port % 65536);
    mbedtls_net_init(&w->server.listener);
    assert_int_equal(
        mbedtls_net_bind(&w->server.listener, "127.0.0.1", port, MBEDTLS_NET_PROTO_TCP), 0);
    assert_int_equal(uv_thread_create(&w->server.thread, serve, &w->server), 0);
}

static void stop_server(struct world *w)
{
    assert_int_equal(uv_thread_join(&w->server.thread), 0);
    mbedtls_net_free(&w->server.listener);
}

/* --- the clients --- */

static int setup(void **state)
{
    struct world *w = ea_alloc(sizeof(*w));
    ea_err err;

    assert_int_equal(ea_loop_new(&w->loop, &err), EA_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    ea_loop_free(w->loop);
    ea_free(w);
    return 0;
}

static void new_net(struct world *w, bool insecure)
{
    ea_net_config config = {
        .proxy_http = "", .proxy_https = "", .insecure = insecure, .ca_blob = ea_str_of(pki.ca.pem)
    };
    ea_err err = { 0 };

    if (ea_net_new(w->loop, &config, &w->net, &err))
        fail_msg("%s", err.text);
}

static void on_done(void *ctx, const ea_httpc_response *r, const ea_err *err)
{
    struct world *w = ctx;

    w->done = true;
    w->err = *err;
    w->status = r ? r->status : 0;
}

static void ask(struct world *w)
{
    char url[64];
    ea_err err = { 0 };

    (void)snprintf(url, sizeof(url), "https://localhost:%u/", w->server.port);
    w->done = false;
    assert_non_null(ea_httpc_start(w->net, &(ea_httpc_request){ .url = url, .total_ms = 8000 },
                                   on_done, w, &err));
    run_until(w->loop, &w->done, PATIENCE_MS);
}

static void on_open(void *ctx)
{
    (void)ctx;
}

static void on_message(void *ctx, ea_str text)
{
    struct world *w = ctx;

    w->frames++;
    w->bytes += text.n;
}

static void on_closed(void *ctx, const ea_wsc_end *end)
{
    struct world *w = ctx;

    w->done = true;
    w->err = end->err;
    w->close_code = end->code;
}

static void open_ws(struct world *w)
{
    static const ea_wsc_hooks hooks = { on_open, on_message, on_closed };
    char url[64];
    ea_err err = { 0 };

    (void)snprintf(url, sizeof(url), "wss://localhost:%u/ws", w->server.port);
    w->done = false;
    w->ws = ea_wsc_start(w->net, &(ea_wsc_request){ .url = url }, &hooks, w, &err);
    assert_non_null(w->ws);
    run_until(w->loop, &w->done, PATIENCE_MS);
}

static void each_fault_of_tls_has_its_own_words_in_both_clients(void **state)
{
    static const struct {
        const char *why;
        enum mode mode;
        struct cert *cert;
        const char *words; /* NULL: it works */
    } cases[] = {
        { "good", SERVE, &pki.good, NULL },
        { "wrong host", SERVE, &pki.wrong_host, "another host name" },
        { "expired", SERVE, &pki.expired, "has expired" },
        { "unknown CA", SERVE, &pki.unknown, "AWS_CA_BUNDLE" },
        { "TLS 1.1", OLD, NULL, "no TLS version from 1.2 on" },
        { "alert", ALERT, NULL, "refused the TLS handshake" },
        { "no TLS", PLAIN, NULL, "is not TLS" },
    };
    static const mbedtls_ssl_protocol_version versions[] = { MBEDTLS_SSL_VERSION_TLS1_2,
                                                             MBEDTLS_SSL_VERSION_TLS1_3 };
    struct world *w = *state;

    new_net(w, false);
    for (size_t k = 0; k < EA_COUNT(versions); k++) {
        for (size_t i = 0; i < EA_COUNT(cases); i++) {
            start_server(w, cases[i].mode, cases[i].cert, versions[k]);
            ask(w);
            if (cases[i].words ? w->err.code != EA_TLS || !strstr(w->err.text, cases[i].words) ||
                                     !strstr(w->err.text, "localhost:")
                               : w->err.code != EA_OK || w->status != 200)
                fail_msg("%s: got %s: %s", cases[i].why, ea_code_name(w->err.code), w->err.text);
            if (!cases[i].words) { /* ends the kept connection, so that the server's thread ends */
                ea_net_free(w->net);
                new_net(w, false);
            }
            stop_server(w);
            if (!cases[i].words)
                continue;
            start_server(w, cases[i].mode, cases[i].cert, versions[k]);
            open_ws(w);
            if (w->err.code != EA_TLS || !strstr(w->err.text, cases[i].words))
                fail_msg("ws, %s: got %s: %s", cases[i].why, ea_code_name(w->err.code),
                         w->err.text);
            stop_server(w);
        }
    }
    ea_net_free(w->net);
}

static void insecure_takes_any_certificate(void **state)
{
    struct world *w = *state;

    new_net(w, true);
    start_server(w, SERVE, &pki.unknown, MBEDTLS_SSL_VERSION_TLS1_2);
    ask(w);
    ea_net_free(w->net);
    stop_server(w);
    assert_int_equal(w->err.code, EA_OK);
    assert_int_equal(w->status, 200);
}

static void many_frames_come_whole_through_tls(void **state)
{
    static const mbedtls_ssl_protocol_version versions[] = { MBEDTLS_SSL_VERSION_TLS1_2,
                                                             MBEDTLS_SSL_VERSION_TLS1_3 };
    struct world *w = *state;

    for (size_t k = 0; k < EA_COUNT(versions); k++) {
        w->frames = w->bytes = 0;
        new_net(w, false);
        start_server(w, SERVE_WS, &pki.good, versions[k]);
        open_ws(w);
        ea_net_free(w->net);
        stop_server(w);
        if (w->err.code)
            fail_msg("%s", w->err.text);
        assert_int_equal(w->close_code, 1000);
        assert_int_equal(w->frames, FRAMES);
        assert_int_equal(w->bytes, (size_t)FRAMES * FRAME_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(each_fault_of_tls_has_its_own_words_in_both_clients),
        T(insecure_takes_any_certificate),
        T(many_frames_come_whole_through_tls),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
