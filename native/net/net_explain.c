#include "../base/err.h"
#include "../base/str.h"
#include "http_client.h"
#include "url.h"

#include <curl/curl.h>
#include <string.h>
#include <uv.h>

/* Next steps for failed TLS, by words in the text that curl and mbedTLS give. Order counts: a
 * certificate can have several faults, and the first row tells the one to mend first. */
static const struct {
    const char *word, *what;
} tls_faults[] = {
    { "does not match",
      "its certificate is for another host name; check the endpoint's name, or who answers there" },
    { "validity has expired",
      "its certificate has expired; renew it there, or correct this machine's clock" },
    { "starts in the future", "its certificate is not valid yet; correct this machine's clock" },
    { "has been revoked", "its certificate was revoked; renew it there" },
    { "not correctly signed",
      "its certificate is signed by an unknown CA; put that CA into AWS_CA_BUNDLE or the system's "
      "trusted roots" },
    { "protocol not within", "it offers no TLS version from 1.2 on; enable TLS 1.2 or 1.3 there" },
    { "rotocol version", "it offers no TLS version from 1.2 on; enable TLS 1.2 or 1.3 there" },
    { "fatal alert",
      "it refused the TLS handshake, as a peer does that knows no TLS version from 1.2 on or none "
      "of our ciphers; enable TLS 1.2 there" },
    { "invalid SSL record",
      "what it speaks is not TLS; check the scheme and the port of the address" },
    { "An invalid", "what it speaks is not TLS; check the scheme and the port of the address" },
};

static ea_code explain_tls(int code, ea_str host, const char *detail, ea_err *err)
{
    for (size_t i = 0; i < EA_COUNT(tls_faults); i++) {
        if (strstr(detail, tls_faults[i].word))
            return ea_fail_sys(err, EA_TLS, code, "TLS with %.*s failed: %s", EA_STR_FMT(host),
                               tls_faults[i].what);
    }
    return ea_fail_sys(err, EA_TLS, code,
                       "TLS with %.*s failed: %s; check that host's certificate and TLS settings",
                       EA_STR_FMT(host), detail[0] ? detail : curl_easy_strerror((CURLcode)code));
}

static ea_code explain_connect(int code, ea_str host, const char *detail, long os_errno,
                               ea_err *err)
{
    int uv = os_errno ? uv_translate_sys_error((int)os_errno) : 0;

    if (uv == UV_ECONNREFUSED)
        return ea_fail_sys(err, EA_UNREACHABLE, code,
                           "%.*s refused the connection: nothing listens there; check that the "
                           "service runs and the port is right",
                           EA_STR_FMT(host));
    if (uv == UV_ENETUNREACH || uv == UV_EHOSTUNREACH)
        return ea_fail_sys(err, EA_UNREACHABLE, code,
                           "no route to %.*s; check this machine's routes, gateway and proxy "
                           "settings",
                           EA_STR_FMT(host));
    return ea_fail_sys(err, EA_UNREACHABLE, code,
                       "no connection to %.*s: %s; check routes, firewalls and proxy settings",
                       EA_STR_FMT(host), uv ? uv_strerror(uv) : detail);
}

ea_code ea_net_explain(int curl_code, const char *url, const char *detail, long os_errno,
                       ea_err *err)
{
    ea_url u = { 0 };
    ea_err ignored;
    ea_str host = ea_str_of(url);

    if (!ea_url_parse(host, &u, &ignored))
        host = u.authority;
    switch (curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return ea_fail_sys(err, EA_UNREACHABLE, curl_code,
                           "the name %.*s cannot be resolved; check the region or endpoint setting "
                           "and this machine's DNS",
                           EA_STR_FMT(host));
    case CURLE_COULDNT_RESOLVE_PROXY:
        return ea_fail_sys(err, EA_UNREACHABLE, curl_code,
                           "the proxy's name cannot be resolved; check HTTP_PROXY and HTTPS_PROXY");
    case CURLE_COULDNT_CONNECT:
        return explain_connect(curl_code, host, detail, os_errno, err);
    case CURLE_OPERATION_TIMEDOUT:
        return ea_fail_sys(err, EA_TIMEOUT, curl_code,
                           "%.*s: %s; check firewalls, routes and proxy settings", EA_STR_FMT(host),
                           detail[0] ? detail : "timed out");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
        return explain_tls(curl_code, host, detail, err);
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return ea_fail_sys(err, EA_UNREACHABLE, curl_code,
                           "%.*s ended the connection before the answer was whole; try again",
                           EA_STR_FMT(host));
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_BAD_CONTENT_ENCODING:
        return ea_fail_sys(err, EA_PROTOCOL, curl_code,
                           "%.*s does not answer in HTTP; check the scheme and the port",
                           EA_STR_FMT(host));
    case CURLE_PROXY:
        return ea_fail_sys(err, EA_UNREACHABLE, curl_code,
                           "the proxy did not connect to %.*s: %s; check HTTPS_PROXY",
                           EA_STR_FMT(host), detail);
    case CURLE_OUT_OF_MEMORY:
        return ea_fail_sys(err, EA_NO_MEMORY, curl_code, "%.*s: out of memory", EA_STR_FMT(host));
    default:
        return ea_fail_sys(err, EA_PROTOCOL, curl_code, "%.*s: %s", EA_STR_FMT(host),
                           detail[0] ? detail : curl_easy_strerror((CURLcode)curl_code));
    }
}
