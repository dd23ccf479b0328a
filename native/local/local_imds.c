/* local_imds.c - instance metadata. See local_imds.h.
 * Source: Amazon EC2 user guide, "Instance metadata categories" and "Use IMDSv2". */
#include "local_imds.h"

#include "../base/alloc.h"
#include "../base/log.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define TTL_MAX_S    21600
#define ROLE_LIFE_MS (6 * 3600 * 1000)
#define MAC          "02:00:00:00:00:01" /* locally administered */
#define VPC          "vpc-0local00000000000"
#define SUBNET       "subnet-0local0000000000"
#define INTERFACE_ID "eni-0local00000000000"

/* ---- session tokens: "<expiry ms>.<MAC>" ------------------------------------------------------ */

static void make_token(const ea_local *lc, int64_t expires_ms, char out[96])
{
    char text[24], mac[45];

    (void)snprintf(text, sizeof(text), "%lld", (long long)expires_ms);
    ea_lc_creds_mac(&lc->creds, "imds", ea_str_of(text), mac);
    (void)snprintf(out, 96, "%s.%s", text, mac);
}

static bool token_is_good(const ea_local *lc, const char *token, int64_t now_ms)
{
    int64_t expires = 0;
    char made[96];
    ea_str head;
    ea_err err;

    (void)ea_str_cut(ea_str_of(token), '.', &head);
    if (ea_str_to_i64(head, 0, INT64_MAX, &expires, &err) || expires <= now_ms)
        return false;
    make_token(lc, expires, made);
    return ea_lc_same(made, token);
}

static void serve_token(ea_local *lc, ea_http_request *req)
{
    const char *ttl = ea_http_header_get(req, "X-aws-ec2-metadata-token-ttl-seconds");
    ea_http_header header[1];
    char token[96], text[24];
    int64_t seconds = 0;
    ea_err err;

    if (strcmp(req->method, "PUT") != 0) {
        ea_http_respond_text(req, 405, "PUT expected");
        return;
    }
    if (ea_http_header_get(req, "X-Forwarded-For")) {
        ea_http_respond_text(req, 403, "not through a proxy");
        return;
    }
    if (ea_str_to_i64(ea_str_of(ttl), 1, TTL_MAX_S, &seconds, &err)) {
        ea_http_respond_text(req, 400, "a token lives 1 to 21600 seconds");
        return;
    }
    make_token(lc, ea_now().wall_ms + seconds * 1000, token);
    (void)snprintf(text, sizeof(text), "%lld", (long long)seconds);
    header[0] = (ea_http_header){ "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", text };
    ea_http_respond(req, &(ea_http_response){ .status = 200,
                                              .content_type = "text/plain",
                                              .headers = header,
                                              .header_count = 1,
                                              .body = ea_str_of(token) });
}

/* ---- content ---------------------------------------------------------------------------------- */

/* As EC2 names it. */
static const char *architecture(void)
{
    uv_utsname_t os;

    if (uv_os_uname(&os) == 0 && (strstr(os.machine, "arm64") || strstr(os.machine, "aarch64")))
        return "arm64";
    return "x86_64";
}

/* The instance identity document. */
static void add_document(const ea_local *lc, ea_buf *out)
{
    char started[EA_RFC3339_MAX];

    ea_format_rfc3339(lc->born_ms, 0, started);
    ea_buf_addf(out,
                "{\n  \"accountId\" : \"%s\",\n  \"architecture\" : \"%s\",\n"
                "  \"availabilityZone\" : \"%sa\",\n  \"imageId\" : \"ami-0local00000000000\",\n"
                "  \"instanceId\" : \"%s\",\n  \"instanceType\" : \"m5.large\",\n"
                "  \"pendingTime\" : \"%s\",\n  \"privateIp\" : \"127.0.0.1\",\n"
                "  \"region\" : \"%s\",\n  \"version\" : \"2017-09-30\"\n}",
                lc->state.account, architecture(), lc->state.region, lc->instance_id, started,
                lc->state.region);
}

void ea_lc_imds_signature(const ea_local *lc, ea_str document, char out[45])
{
    ea_lc_creds_mac(&lc->creds, "identity", document, out);
}

static void add_role(const ea_local *lc, ea_buf *out)
{
    EA_FREE_AUTO char *arn = ea_sprintf_dup("arn:%s:iam::%s:role/" EA_LC_ROLE_NAME,
                                            lc->state.partition, lc->state.account);
    int64_t now = ea_now().wall_ms;
    char updated[EA_RFC3339_MAX];
    ea_lc_keys keys;

    ea_lc_creds_issue(&lc->creds, EA_LC_INSTANCE_ROLE, arn, lc->instance_id, now + ROLE_LIFE_MS,
                      &keys);
    ea_format_rfc3339(now, 0, updated);
    ea_buf_addf(out,
                "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"%s\",\n"
                "  \"Type\" : \"AWS-HMAC\",\n  \"AccessKeyId\" : \"%s\",\n"
                "  \"SecretAccessKey\" : \"%s\",\n  \"Token\" : \"%s\",\n"
                "  \"Expiration\" : \"%s\"\n}",
                updated, keys.access_key_id, keys.secret, keys.token, keys.expiration);
    ea_secret_wipe(&keys, sizeof(keys));
}

/* Adds what stands at the path (without "/latest/"); false: nothing. */
static bool add_item(const ea_local *lc, const char *path, ea_buf *out)
{
    const struct {
        const char *path, *value;
    } fixed[] = {
        { "meta-data/instance-id", lc->instance_id },
        { "meta-data/ami-id", "ami-0local00000000000" },
        { "meta-data/instance-type", "m5.large" },
        { "meta-data/mac", MAC },
        { "meta-data/local-ipv4", "127.0.0.1" },
        { "meta-data/local-hostname", "localhost" },
        { "meta-data/network/interfaces/macs/", MAC "/" },
        { "meta-data/network/interfaces/macs", MAC "/" },
        { "meta-data/network/interfaces/macs/" MAC "/vpc-id", VPC },
        { "meta-data/network/interfaces/macs/" MAC "/subnet-id", SUBNET },
        { "meta-data/network/interfaces/macs/" MAC "/interface-id", INTERFACE_ID },
        { "meta-data/network/interfaces/macs/" MAC "/local-ipv4s", "127.0.0.1" },
        { "meta-data/placement/region", lc->state.region },
        { "meta-data/placement/availability-zone-id", "local-az1" },
        { "meta-data/services/domain", "amazonaws.com" },
        { "meta-data/services/partition", lc->state.partition },
        { "meta-data/iam/security-credentials", EA_LC_ROLE_NAME },
        { "meta-data/iam/security-credentials/", EA_LC_ROLE_NAME },
    };

    for (size_t i = 0; i < EA_COUNT(fixed); i++) {
        if (strcmp(fixed[i].path, path) == 0) {
            ea_buf_adds(out, fixed[i].value);
            return true;
        }
    }
    if (strcmp(path, "meta-data/placement/availability-zone") == 0) {
        ea_buf_addf(out, "%sa", lc->state.region);
    } else if (strcmp(path, "dynamic/instance-identity/document") == 0) {
        add_document(lc, out);
    } else if (strcmp(path, "dynamic/instance-identity/signature") == 0) {
        EA_BUF_AUTO document = EA_BUF(4096);
        char mac[45];

        add_document(lc, &document);
        ea_lc_imds_signature(lc, ea_buf_str(&document), mac);
        ea_buf_adds(out, mac);
    } else if (strcmp(path, "meta-data/iam/security-credentials/" EA_LC_ROLE_NAME) == 0) {
        add_role(lc, out);
    } else if (strcmp(path, "meta-data/iam/info") == 0) {
        ea_buf_addf(out,
                    "{\"Code\":\"Success\",\"InstanceProfileArn\":"
                    "\"arn:%s:iam::%s:instance-profile/" EA_LC_ROLE_NAME "\"}",
                    lc->state.partition, lc->state.account);
    } else {
        return false;
    }
    return true;
}

void ea_lc_imds_serve(ea_local *lc, ea_http_request *req)
{
    static const char top[] = "/latest/";
    const char *token = ea_http_header_get(req, "X-aws-ec2-metadata-token");
    EA_SECRET_BUF_AUTO b = EA_BUF(16 * 1024);

    if (strcmp(req->path, "/latest/api/token") == 0) {
        serve_token(lc, req);
    } else if (strcmp(req->method, "GET") != 0) {
        ea_http_respond_text(req, 405, "GET expected");
    } else if (!token || !token_is_good(lc, token, ea_now().wall_ms)) {
        ea_http_respond_text(req, 401, "Unauthorized");
    } else if (!add_item(lc, req->path + strlen(top), &b)) {
        ea_http_respond_text(req, 404, "Not Found");
    } else {
        ea_http_respond(req, &(ea_http_response){ .status = 200,
                                                  .content_type = b.p[0] == '{' ? "application/json"
                                                                                : "text/plain",
                                                  .body = ea_buf_str(&b) });
    }
}
