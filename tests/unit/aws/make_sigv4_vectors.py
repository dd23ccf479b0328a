#!/usr/bin/python3
"""Writes sigv4_vectors.h: signatures made by botocore (Debian's python3-botocore), for requests as
the agent sends them and for what makes signers differ. Run: ./make_sigv4_vectors.py >sigv4_vectors.h"""
import datetime as dt
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

WHEN = dt.datetime(2026, 1, 2, 3, 4, 5)


class Fixed(dt.datetime):
    @classmethod
    def utcnow(cls):
        return WHEN

    @classmethod
    def now(cls, tz=None):
        return WHEN


class Module:
    """Stands for the datetime module inside botocore.auth."""
    datetime = Fixed
    timezone = dt.timezone
    timedelta = dt.timedelta


botocore.auth.datetime = Module
if hasattr(botocore.auth, "get_current_datetime"):
    botocore.auth.get_current_datetime = lambda *a, **k: WHEN

ARN = "arn:aws:ecs:us-west-2:123456789012:container-instance/bench/3b766029f3a54ddcbd870811a2dfe5e1"
TOKEN = "FwoGZXIvYXdzEXAMPLE//////////wEaDK+/abc=="
ACS = [("agentHash", "a8b3e7d3"), ("agentVersion", "1.105.1"), ("clusterArn", "bench"),
       ("containerInstanceArn", ARN), ("dockerVersion", "DockerVersion: 20.10.24+dfsg1"),
       ("protocolVersion", "2"), ("seqNum", "1"), ("sendCredentials", "true")]
JSON_HEADERS = {"Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.DiscoverPollEndpoint"}

# name, method, base URL, parameters (decoded), wire query or None for the standard one,
# plus sign stands for itself, headers, body, session token
CASES = [
    ("ECS call", "POST", "https://ecs.us-west-2.amazonaws.com/", [], None, False,
     dict(JSON_HEADERS, **{"Content-Length": "20"}), '{"cluster":"bench"}\n', None),
    ("ECS call with a session token", "POST", "https://ecs.us-west-2.amazonaws.com/", [], None, False,
     JSON_HEADERS, "{}", TOKEN),
    ("other port", "POST", "http://127.0.0.1:51670/", [], None, False, JSON_HEADERS, "{}", None),
    ("port of the scheme is not written", "POST", "https://ecs.us-west-2.amazonaws.com:443/", [], None, False,
     JSON_HEADERS, "{}", None),
    ("ACS handshake", "GET", "https://ecs-a-1.us-west-2.amazonaws.com/ws", ACS, None, False, {}, "", TOKEN),
    ("ACS handshake, blank as plus on the wire", "GET", "https://ecs-a-1.us-west-2.amazonaws.com/ws", ACS,
     urllib.parse.urlencode(ACS), False, {}, "", TOKEN),
    ("TCS frame: GET with a body", "GET", "https://ecs-t-1.us-west-2.amazonaws.com/ws",
     [("cluster", "bench"), ("containerInstance", ARN), ("dockerVersion", "20.10.24+dfsg1")], None, False, {},
     '{"type":"PublishMetricsRequest","message":{"timestamp":1751303000.1}}', TOKEN),
    ("%2B is a plus", "GET", "https://example.com/", [("v", "a+b")], "v=a%2Bb", False, {}, "", None),
    ("raw plus is a blank", "GET", "https://example.com/", [("v", "a b")], "v=a+b", False, {}, "", None),
    ("raw plus stands for itself when so read", "GET", "https://example.com/", [("v", "a+b")], "v=a+b", True, {}, "",
     None),
    ("repeated keys sort by value", "GET", "https://example.com/", [("k", "b"), ("k", "a"), ("k", "B")],
     "k=b&k=a&k=B", False, {}, "", None),
    ("keys sort by bytes", "GET", "https://example.com/", [("b", "1"), ("B", "2"), ("a1", "3"), ("a", "4")],
     "b=1&B=2&a1=3&a=4", False, {}, "", None),
    ("empty values", "GET", "https://example.com/", [("a", ""), ("b", "x")], "a=&b=x", False, {}, "", None),
    ("no equals sign", "GET", "https://example.com/", [("a", ""), ("b", "x")], "b=x&a", False, {}, "", None),
    ("escapes in lower case, unreserved escaped", "GET", "https://example.com/", [("k", "~/-_.é")],
     "k=%7e%2f%2d%5F%2E%c3%a9", False, {}, "", None),
    ("path is escaped once more", "GET", "https://example.com/a%20b/c%2Bd", [], None, False, {}, "", None),
    ("path with a plus, tilde and colon", "GET", "https://example.com/v1/a+b~c:d", [], None, False, {}, "", None),
    ("blanks in header values fold", "GET", "https://example.com/", [], None, False,
     {"X-One": "  a   b  ", "x-two": "c"}, "", None),
    ("body with UTF-8", "PUT", "https://example.com/x", [], None, False, {"Content-Type": "text/plain"}, "größe\n",
     None),
]


def c(text):
    if text is None:
        return "NULL"
    out = []
    for b in text.encode():
        ch = chr(b)
        out.append("\\" + ch if ch in '"\\' else ch if 32 <= b < 127 else "\\%03o" % b)
    return '"' + "".join(out) + '"'


print("/* sigv4_vectors.h - made by make_sigv4_vectors.py; botocore computed `authorization`. */")
print("/* clang-format off */")
print("static const struct vector {")
print("    const char *why, *method, *url;")
print("    bool plus_literal;")
print("    const char *headers, *body, *token, *authorization;")
print("} vectors[] = {")
for why, method, base, params, wire, plus, headers, body, token in CASES:
    request = AWSRequest(method=method, url=base, headers=dict(headers), data=body or None, params=params or None)
    creds = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    botocore.auth.SigV4Auth(creds, "ecs", "us-west-2").add_auth(request)
    if wire is None:
        wire = urllib.parse.urlencode(params, quote_via=urllib.parse.quote, safe="-_.~")
    url = base + ("?" + wire if wire else "")
    lines = "".join("%s: %s\n" % kv for kv in headers.items())
    print("    { %s, %s,\n      %s,\n      %s, %s,\n      %s,\n      %s,\n      %s },"
          % (c(why), c(method), c(url), "true" if plus else "false", c(lines), c(body), c(token),
             c(request.headers["Authorization"])))
print("};")
print("/* clang-format on */")
