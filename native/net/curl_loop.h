/* curl_loop.h - one libcurl multi handle driven by the loop (multi_socket_action on uv_poll and a
 * timer), one TLS and proxy configuration for all that goes out.
 * Thread: loop. Knows: libcurl, libuv, CA roots, proxies. Does not know: requests' meaning.
 * TLS: 1.2 or newer, peer and host verified, unless `insecure`. Source: control-plane.md 0.2. */
#ifndef EA_NET_CURL_LOOP_H
#define EA_NET_CURL_LOOP_H

#include "../base/err.h"
#include "../base/loop.h"
#include "../base/str.h"

#include <stdbool.h>

typedef struct ea_net ea_net;

typedef struct ea_net_config {
    const char
        *ca_file;   /* PEM file in place of the system's roots (AWS_CA_BUNDLE); NULL or "" no */
    ea_str ca_blob; /* PEM text of the system's roots; used when ca_file is absent */
    /* With neither of the two: the machine's roots, read at the first TLS connection, since that takes time and
     * plain http has no use for them. While they cannot be read nobody is trusted; the log says why. */
    bool machine_roots;
    bool insecure; /* tests only: nothing about the peer is verified; told loudly, once */
    const char *proxy_http,
        *proxy_https;        /* NULL: from http_proxy, HTTPS_PROXY ... of the process */
    const char *no_proxy;    /* NULL or "": EA_NO_PROXY_DEFAULT and `docker_host` */
    const char *docker_host; /* endpoint without scheme, added to the default; may be NULL */
    const char *user_agent;  /* sent where a request has none; may be NULL */
} ea_net_config;

#define EA_NO_PROXY_DEFAULT "169.254.169.254,169.254.170.2"

/* The configuration is copied. EA_SETTINGS: the CA file cannot be read or holds no certificate (the
 * text names the setting); EA_NO_MEMORY. */
ea_code ea_net_new(ea_loop *loop, const ea_net_config *config, ea_net **out, ea_err *err) EA_CHECK;
/* Every request and websocket of it must have been dropped or have ended. Memory goes when the loop
 * has closed its handles. NULL is fine. */
void ea_net_free(ea_net *net);
ea_loop *ea_net_loop(ea_net *net);
size_t ea_net_active(const ea_net *net); /* requests and websockets that have not ended */

#endif
