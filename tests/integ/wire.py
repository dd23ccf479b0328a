"""HTTP from inside a world's network namespace, and ECS calls signed by botocore.

A socket belongs for ever to the network namespace of the thread that made it: one thread per
namespace makes them, everybody may use them.
"""
import concurrent.futures
import ctypes
import datetime
import http.client
import json
import socket
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CLONE_NEWNET = 0x40000000
TARGET = "AmazonEC2ContainerServiceV20141113."


class Net:
    """Makes sockets inside the network namespace behind a descriptor."""

    def __init__(self, fd):
        self.pool = concurrent.futures.ThreadPoolExecutor(1, initializer=self._enter, initargs=(fd,))

    @staticmethod
    def _enter(fd):
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def _call(self, fn, *args):
        return self.pool.submit(fn, *args).result()

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM):
        return self._call(socket.socket, family, kind)

    def connect(self, host, port, timeout=10):
        s = self.socket()
        s.settimeout(timeout)
        try:
            s.connect((host, port))
        except OSError:
            s.close()
            raise
        return s

    def listen(self, host, port, backlog=128):
        s = self.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, port))
        s.listen(backlog)
        return s

    def close(self):
        self.pool.shutdown()


class Connection(http.client.HTTPConnection):
    """HTTP over a socket that `make` returns."""

    def __init__(self, host, port, make, timeout):
        super().__init__(host, port, timeout=timeout)
        self.make = make

    def connect(self):
        self.sock = self.make()
        self.sock.settimeout(self.timeout)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "<%d %r>" % (self.status, self.body[:300])


def exchange(conn, method, path, headers=None, body=None):
    try:
        conn.request(method, path, body=body, headers=headers or {})
        got = conn.getresponse()
        return Answer(got.status, got.headers, got.read())
    finally:
        conn.close()


def http(net, method, url, headers=None, body=None, timeout=10):
    u = urllib.parse.urlsplit(url)
    port = u.port or 80
    conn = Connection(u.hostname, port, lambda: net.connect(u.hostname, port, timeout), timeout)
    path = (u.path or "/") + ("?" + u.query if u.query else "")
    return exchange(conn, method, path, headers, body)


def unix_http(path, method, target, headers=None, body=None, timeout=60):
    def make():
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(timeout)
        s.connect(path)
        return s
    return exchange(Connection("docker", 80, make, timeout), method, target, headers, body)


class EcsError(Exception):
    def __init__(self, status, code, message):
        super().__init__("%s %s: %s" % (status, code, message))
        self.status, self.code, self.message = status, code, message


class SignAt(SigV4Auth):
    """The signer with a clock of the caller's."""

    def __init__(self, credentials, service, region, when=None):
        super().__init__(credentials, service, region)
        self.when = when

    def add_auth(self, request):
        when = self.when or datetime.datetime.utcnow()
        request.context["timestamp"] = when.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        to_sign = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(to_sign, request))


def signed_headers(url, operation, body, key, region, when=None, service="ecs", prefix=TARGET):
    """Headers of one call, of ECS unless told. `key` is (access key, secret, session token or None)."""
    request = AWSRequest("POST", url, data=body, headers={
        "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": prefix + operation})
    SignAt(Credentials(*key), service, region, when).add_auth(request)
    return dict(request.headers.items())


def ecs_call(net, endpoint, operation, params, key, region, raw=None, when=None, timeout=15):
    """One signed call. `raw` sends these bytes instead of the JSON of `params`."""
    body = raw if raw is not None else json.dumps(params).encode()
    url = endpoint.rstrip("/") + "/"
    return posted(net, url, signed_headers(url, operation, body, key, region, when), body, timeout)


def aws_json_call(net, endpoint, service, target, params, key, region):
    """One signed call of another service; `target` as in X-Amz-Target."""
    body = json.dumps(params).encode()
    url = endpoint.rstrip("/") + "/"
    return posted(net, url, signed_headers(url, target, body, key, region, None, service, ""), body, 15)


def posted(net, url, headers, body, timeout):
    answer = http(net, "POST", url, headers, body, timeout)
    if answer.status != 200:
        try:
            told = answer.json()
        except ValueError:
            told = {}
        kind = answer.headers.get("x-amzn-ErrorType") or told.get("__type") or told.get("code") or ""
        raise EcsError(answer.status, kind.split("#")[-1].split(":")[0],
                       told.get("message") or told.get("Message") or answer.text[:300])
    return answer.json() if answer.body else {}
