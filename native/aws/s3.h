/* s3.h - one object of Amazon S3, read whole.
 * Thread: loop. Knows: addresses of buckets, the region that a bucket is really in, signing, retries.
 * Does not know: what the object is for.
 * Source: Amazon S3 API reference, GetObject; task-engine.md sections 0.5 of control-plane.md and 7.4. */
#ifndef EA_AWS_S3_H
#define EA_AWS_S3_H

#include "../base/buf.h"
#include "../net/curl_loop.h"
#include "sigv4.h"

typedef struct ea_s3_get ea_s3_get;

typedef struct ea_s3_ask { /* copied */
    const char *arn;       /* arn:<partition>:s3:::<bucket>/<key> */
    const char *region;    /* where the bucket is looked for first */
    const char *endpoint;  /* in place of the region's, by path; NULL or "" without */
    const ea_aws_creds *creds;
    size_t max;      /* bytes of the object */
    int64_t each_ms; /* of one attempt */
} ea_s3_ask;

/* Once, later, on the loop. EA_OK: the object, borrowed. EA_LIMIT: larger than `max`. The text of an
 * error names bucket and key. */
typedef void ea_s3_done(void *ctx, ea_str object, const ea_err *err);
/* NULL with EA_INVALID (ARN), EA_SETTINGS (endpoint). */
ea_s3_get *ea_s3_start(ea_net *net, const ea_s3_ask *ask, ea_s3_done *done, void *ctx,
                       ea_err *err) EA_CHECK;
void ea_s3_drop(ea_s3_get *g); /* `done` is never called; NULL is fine */

/* Bucket and key of an object's ARN; caller frees both. EA_INVALID names the text. Pure. */
ea_code ea_s3_parse_arn(const char *arn, char **bucket, char **key, ea_err *err) EA_CHECK;
/* Where an object is: https://<bucket>.s3.<region>.<suffix>/<key>; by path with an endpoint, or where
 * the bucket's name is no host's. Pure. */
ea_code ea_s3_url(const char *bucket, const char *key, const char *region, const char *endpoint,
                  ea_buf *out, ea_err *err) EA_CHECK;

#endif
