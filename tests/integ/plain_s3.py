"""A small strict object store in the manner of S3: GET of an object, each signature checked with botocore's signer.

Buckets have a region; who asks with another is sent there, as S3 does it. Own code, so that the product and
its store cannot agree on a mistake.
"""
import hashlib
import re
import urllib.parse

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import stand_in

AUTH = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([^/, ]+)/s3/aws4_request, ?"
                  r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$")


class Store(stand_in.StandIn):
    """Serves a listening socket. `objects`: {(bucket, key): bytes}; `keys`: {access key: (secret, token)}."""

    def __init__(self, listener, keys):
        self.objects, self.regions, self.keys = {}, {}, dict(keys)
        self.asked, self.violations = [], []
        self.busy = 0  # so many requests are put off
        super().__init__(listener)

    def put(self, bucket, key, data, region="us-west-2"):
        self.objects[bucket, key] = data
        self.regions[bucket] = region
        return "arn:aws:s3:::%s/%s" % (bucket, key)

    def answer(self, request):
        bucket, _, key = urllib.parse.unquote(request.path).lstrip("/").partition("/")
        self.asked.append((bucket, key))
        region, wrong = self.check(request)
        if wrong:
            self.violations.append(wrong)
            return self.refuse(request, 403, "SignatureDoesNotMatch", wrong)
        if self.busy:
            self.busy -= 1
            return self.refuse(request, 503, "SlowDown", "Please reduce your request rate.")
        if bucket not in self.regions:
            return self.refuse(request, 404, "NoSuchBucket", "The specified bucket does not exist")
        if region != self.regions[bucket]:
            return self.refuse(request, 301, "PermanentRedirect", "The bucket is elsewhere.",
                               {"x-amz-bucket-region": self.regions[bucket]})
        if (bucket, key) not in self.objects:
            return self.refuse(request, 404, "NoSuchKey", "The specified key does not exist.")
        self.send(request, 200, self.objects[bucket, key], {})

    def check(self, request):
        """The region that was signed for, and what is wrong with the signature."""
        headers = {k.lower(): v for k, v in request.headers.items()}
        match = AUTH.match(headers.get("authorization", ""))
        if not match:
            return None, "no usable Authorization header: %r" % headers.get("authorization")
        access, day, region, names, signature = match.groups()
        if access not in self.keys:
            return region, "unknown access key " + access
        secret, token = self.keys[access]
        need = {"host", "x-amz-date", "x-amz-content-sha256"} | ({"x-amz-security-token"} if token else set())
        if not need <= set(names.split(";")) or headers.get("x-amz-security-token") != token:
            return region, "signed headers %s" % names
        if headers["x-amz-content-sha256"] != hashlib.sha256(b"").hexdigest() or headers["x-amz-date"][:8] != day:
            return region, "hash or date"
        made = AWSRequest("GET", "http://%s%s" % (headers["host"], request.path),
                          headers={n: headers[n] for n in names.split(";")})
        made.context["timestamp"] = headers["x-amz-date"]
        signer = S3SigV4Auth(Credentials(access, secret, token), "s3", region)
        canonical = signer.canonical_request(made)
        if signer.signature(signer.string_to_sign(made, canonical), made) != signature:
            return region, "the signature of %s does not match" % request.path
        return region, None

    def refuse(self, request, status, code, message, headers=()):
        body = "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s</Message></Error>" % (code, message)
        self.send(request, status, body.encode(), dict(headers, **{"Content-Type": "application/xml"}))
