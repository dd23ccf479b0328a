"""Signatures of requests, checked with botocore's own signer."""
import datetime
import re
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AUTH = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([^/, ]+)/([^/, ]+)/aws4_request, ?"
                  r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$")


class BadSignature(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def check_signature(keys, region, method, host, target, headers, body, need, service="ecs"):
    """Checks one signed request with botocore's own canonical form. Answers the access key.

    `headers`: lower-case name -> value as received. `need`: headers that must be signed.
    """
    match = AUTH.match(headers.get("authorization", ""))
    if not match:
        raise BadSignature("MissingAuthenticationToken", "no usable Authorization header")
    access, day, told_region, told_service, names, signature = match.groups()
    names = names.split(";")
    if names != sorted(names):
        raise BadSignature("IncompleteSignature", "signed headers not sorted: %s" % names)
    for name in need:
        if name not in names:
            raise BadSignature("IncompleteSignature", "%s is not signed" % name)
    for name in headers:
        if name.startswith("x-amz-") and name not in names:
            raise BadSignature("IncompleteSignature", "%s is not signed" % name)
    if access not in keys:
        raise BadSignature("UnrecognizedClientException", "The security token included in the request is invalid.")
    secret, token = keys[access]
    if headers.get("x-amz-security-token") != token:
        raise BadSignature("UnrecognizedClientException", "The security token included in the request is invalid.")
    stamp = headers.get("x-amz-date", "")
    try:
        when = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    except ValueError:
        raise BadSignature("IncompleteSignature", "X-Amz-Date: %r" % stamp) from None
    now = datetime.datetime.utcnow()
    if abs((now - when).total_seconds()) > 300:
        raise BadSignature("InvalidSignatureException", "Signature expired: %s is now earlier than %s" % (
            stamp, (now - datetime.timedelta(minutes=5)).strftime("%Y%m%dT%H%M%SZ")))
    if (day, told_region, told_service) != (stamp[:8], region, service):
        raise BadSignature("InvalidSignatureException", "Credential should be scoped to %s/%s/%s, is %s/%s/%s" % (
            stamp[:8], region, service, day, told_region, told_service))
    path, _, query = target.partition("?")
    # one form for all senders: the query decoded and encoded again as RFC 3986 has it
    pairs = [(urllib.parse.quote(urllib.parse.unquote_plus(k), safe="-_.~"),
              urllib.parse.quote(urllib.parse.unquote_plus(v), safe="-_.~"))
             for k, _, v in (p.partition("=") for p in query.split("&") if p)]
    url = "http://%s%s" % (host, path)
    if pairs:
        url += "?" + "&".join("%s=%s" % p for p in pairs)
    request = AWSRequest(method, url, data=body, headers={n: headers[n] for n in names if n in headers})
    request.context["timestamp"] = stamp
    signer = SigV4Auth(Credentials(access, secret, token), service, region)
    canonical = signer.canonical_request(request)
    if signer.signature(signer.string_to_sign(request, canonical), request) != signature:
        raise BadSignature("InvalidSignatureException",
                           "The request signature we calculated does not match the signature you provided.")
    return access
