/* curl_private.h - what http_client and ws_client share of curl_loop; nobody else includes it.
 * Thread: loop. */
#ifndef EA_NET_CURL_PRIVATE_H
#define EA_NET_CURL_PRIVATE_H

#include "curl_loop.h"
#include "http_client.h"

#include <curl/curl.h>

typedef struct ea_net_job { /* one easy handle in the multi; embedded in its owner */
    ea_net *net;
    CURL *easy;
    struct curl_slist *headers;
    char *url;
    char detail[CURL_ERROR_SIZE];
    bool added;
    void (*done)(struct ea_net_job *job, CURLcode result);
} ea_net_job;

/* Makes the easy handle with TLS, proxy and limits set; `url` copied. EA_INVALID: not a URL of the
 * two schemes in `protocols` ("http,https"), or a header with a line break. */
ea_code ea_net_job_init(ea_net_job *job, ea_net *net, const char *url, const char *protocols,
                        const ea_httpc_header *headers, size_t header_count, bool no_proxy,
                        ea_err *err) EA_CHECK;
ea_code ea_net_job_add(ea_net_job *job, ea_err *err) EA_CHECK;
void ea_net_job_done(ea_net_job *job); /* leaves the multi, frees; safe on a half-made one */
/* *err from a result of this job. */
ea_code ea_net_job_explain(const ea_net_job *job, CURLcode result, ea_err *err);

#endif
