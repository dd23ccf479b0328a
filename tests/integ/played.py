"""The local control plane without agent and engine: a few lines of own code play the agent, so that each message can
be looked at, held back or made wrong.
"""
import json
import os
import signal
import struct
import time
import urllib.parse
import uuid

import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import wire
import world as worlds
import ws

ECSLOCAL = os.path.join(worlds.OUT, "ecslocal")
ROLE, EXECUTION = "arn:aws:iam::000000000000:role/app/web", "arn:aws:iam::000000000000:role/pull"
CAPABILITIES = ["ecs.capability.full-sync", "ecs.capability.container-ordering",
                "ecs.capability.container-health-check", "ecs.capability.execution-role-awslogs",
                "ecs.capability.execution-role-ecr-pull", "com.amazonaws.ecs.capability.ecr-auth",
                "com.amazonaws.ecs.capability.task-iam-role", "ecs.capability.docker-plugin.local",
                "com.amazonaws.ecs.capability.privileged-container",
                "com.amazonaws.ecs.capability.logging-driver.awslogs",
                "com.amazonaws.ecs.capability.logging-driver.json-file",
                "ecs.capability.secrets.ssm.environment-variables",
                "ecs.capability.secrets.asm.environment-variables"] + [
                    "com.amazonaws.ecs.capability.docker-remote-api.1.%d" % n for n in range(17, 31)]
SMALL = {"name": "main", "image": "busybox", "memory": 32, "cpu": 10}


@pytest.fixture(scope="module")
def place():
    """A world without an engine: its network is all that is needed."""
    w = worlds.World("ecslocal")
    yield w
    w.close()


@pytest.fixture
def start(place):
    """Starts `ecslocal` with arguments; each test has a state of its own."""
    folder = "/var/lib/ecs/" + uuid.uuid4().hex

    def go(*arguments, **more):
        place.local_proc = place.spawn(
            [ECSLOCAL, "--data-dir", folder, "--port", 51670, "--log-level", "debug", *arguments],
            name="ecslocal", env=place.environment(**more))
        local = worlds.Local(place, "http://127.0.0.1:51670")

        def answers():
            told = place.get(local.base + "/local/v1/status").json()
            local.key = (told["accessKeyId"], told["secretAccessKey"], None)
            return True
        place.wait("ecslocal to answer", answers, 15, needs=[place.local_proc])
        return local
    os.makedirs(os.path.join(place.dir, "var/lib/ecs"), exist_ok=True)
    yield go
    if place.local_proc:  # at the end it must go when asked, with agents connected or not
        place.local_proc.end(signal.SIGTERM, timeout=10)
        assert place.local_proc.status == 0, place.local_proc.text()[-3000:]
        place.local_proc = None


def imds(place, local, path, method="GET", headers=None):
    return place.http(method, local.base + "/latest/" + path, headers)


def imds_token(place, local):
    got = imds(place, local, "api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    assert got.status == 200
    return {"X-aws-ec2-metadata-token": got.text}


def register(local, cluster="MyCluster", cpu=2048, memory=4096, attributes=(), arn=None, identity=("", ""),
             capabilities=CAPABILITIES, **more):
    params = {
        "cluster": cluster, "instanceIdentityDocument": identity[0],
        "instanceIdentityDocumentSignature": identity[1], "clientToken": str(uuid.uuid4()),
        "totalResources": [{"name": "CPU", "type": "INTEGER", "integerValue": cpu},
                           {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
                           {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "51678"]},
                           {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []}],
        "attributes": [{"name": n} for n in capabilities] + [
            {"name": "ecs.os-type", "value": "linux"}] + list(attributes), **more}
    if arn:
        params["containerInstanceArn"] = arn
    return local.call("RegisterContainerInstance", params)["containerInstance"]


class Socket:
    """One websocket, blocking, that can lie."""

    def __init__(self, place, local, path, query, key=None, region=None, when=None):
        self.place = place
        self.url = local.base + path + "?" + urllib.parse.urlencode(sorted(query.items()),
                                                                    quote_via=urllib.parse.quote)
        self.key, self.region = key or local.key, region or local.region
        headers = self.sign(b"", when)
        self.sock = place.net.connect("127.0.0.1", 51670)
        target = self.url[len(local.base):]
        head = "GET %s HTTP/1.1\r\nHost: 127.0.0.1:51670\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n" % (
                   target, "".join("%s: %s\r\n" % kv for kv in headers.items()))
        self.sock.sendall(head.encode())
        self.got = b""
        while b"\r\n\r\n" not in self.got:
            self._more()
        top, self.got = self.got.split(b"\r\n\r\n", 1)
        self.status = int(top.split()[1])
        if self.status != 101:
            length = int(next(line for line in top.split(b"\r\n") if line.lower().startswith(b"content-length"))
                         .split(b":")[1])
            while len(self.got) < length:
                self._more()
            self.body = json.loads(self.got)
            self.sock.close()

    def sign(self, body, when=None):
        request = AWSRequest("GET", self.url, data=body)
        wire.SignAt(Credentials(*self.key), "ecs", self.region, when).add_auth(request)
        headers = dict(request.headers.items())
        headers["Host"] = "127.0.0.1:51670"
        return headers

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the connection has ended")
        self.got += data

    def _frame(self):
        while True:
            if len(self.got) >= 2:
                n, at = self.got[1] & 127, 2
                need = at + {126: 2, 127: 8}.get(n, 0)
                if len(self.got) >= need:
                    if n == 126:
                        n, = struct.unpack(">H", self.got[2:4])
                    elif n == 127:
                        n, = struct.unpack(">Q", self.got[2:10])
                    if len(self.got) >= need + n:
                        opcode, data = self.got[0] & 15, self.got[need:need + n]
                        self.got = self.got[need + n:]
                        return opcode, data
            self._more()

    def read(self, timeout=10):
        """The next message as (type, body), or ("close", code)."""
        self.sock.settimeout(timeout * worlds.SPEED)
        while True:
            opcode, data = self._frame()
            if opcode == ws.CLOSE:
                self.sock.sendall(ws.frame(ws.CLOSE, data[:2], mask=b"abcd"))
                return "close", struct.unpack(">H", data[:2])[0]
            if opcode == ws.TEXT:
                message = json.loads(data)
                return message["type"], message["message"]

    def expect(self, kind, timeout=10):
        """The next message of that type; heartbeats are answered on the way."""
        while True:
            got, body = self.read(timeout)
            if got == kind:
                return body
            if got == "HeartbeatMessage":
                self.send("HeartbeatAckRequest", {"messageId": body["messageId"]})
                continue
            raise AssertionError("expected %s, got %s %r" % (kind, got, body))

    def nothing(self, seconds, but=("HeartbeatMessage",)):
        """No message comes for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                got, body = self.read(max(0.01, (end - time.monotonic()) / worlds.SPEED))
            except TimeoutError:
                return
            assert got in but, (got, body)

    def send_text(self, text):
        self.sock.sendall(ws.frame(ws.TEXT, text.encode(), mask=b"\1\2\3\4"))

    def send(self, kind, body):
        self.send_text(json.dumps({"type": kind, "message": body}))

    def close(self):
        self.sock.close()


class Agent:
    """Registers and speaks as an agent does."""

    def __init__(self, place, local, cluster="MyCluster", connect=True, **more):
        self.place, self.local, self.cluster = place, local, cluster
        self.arn = register(local, cluster, **more)["containerInstanceArn"]
        self.acs = None
        if connect:
            self.connect()

    def connect(self, send_credentials=True, **more):
        query = {"agentHash": "0badc0de", "agentVersion": "1.105.1", "clusterArn": self.cluster,
                 "containerInstanceArn": self.arn, "dockerVersion": "DockerVersion: 20.10.24",
                 "protocolVersion": "2", "seqNum": "1", "sendCredentials": "true" if send_credentials else "false"}
        query.update(more)
        self.acs = Socket(self.place, self.local, "/acs/ws", {k: v for k, v in query.items() if v is not None})
        assert self.acs.status == 101, self.acs.body
        self.manifest = self.acs.expect("TaskManifestMessage")
        return self.acs

    def ack(self, payload, credentials=True):
        self.acs.send("AckRequest", {"cluster": payload["clusterArn"], "messageId": payload["messageId"],
                                     "containerInstance": payload["containerInstanceArn"]})
        for task in payload["tasks"] if credentials else ():
            for name in ("roleCredentials", "executionRoleCredentials"):
                if name in task:
                    self.ack_credentials(payload["messageId"], task[name])

    def ack_credentials(self, message_id, credentials):
        self.acs.send("IAMRoleCredentialsAckRequest", {
            "messageId": message_id, "expiration": credentials["expiration"],
            "credentialsId": credentials["credentialsId"]})

    def submit(self, task, status, containers=(), reason="", **more):
        return self.local.call("SubmitTaskStateChange", {
            "cluster": self.cluster, "task": task, "status": status, "reason": reason,
            "containers": list(containers), **more})

    def tcs(self, **more):
        return Socket(self.place, self.local, "/tcs/ws", {
            "agentHash": "0badc0de", "agentVersion": "1.105.1", "cluster": self.cluster,
            "containerInstance": self.arn, "dockerVersion": "20.10.24"}, **more)


def define(local, family="web", **more):
    body = {"family": family, "containerDefinitions": [SMALL], **more}
    return local.call("RegisterTaskDefinition", body)["taskDefinition"]


def run(local, definition="web", **more):
    got = local.call("RunTask", {"cluster": "MyCluster", "taskDefinition": definition, **more})
    return got["tasks"], got["failures"]


def task_of(local, arn, cluster="MyCluster"):
    return local.call("DescribeTasks", {"cluster": cluster, "tasks": [arn]})["tasks"][0]


def refused(local, operation, params, **more):
    with pytest.raises(wire.EcsError) as e:
        local.call(operation, params, **more)
    return e.value


@pytest.fixture(scope="module")
def standing(place):
    """One control plane for tests that change nothing."""
    folder = "/var/lib/ecs/" + uuid.uuid4().hex
    os.makedirs(os.path.join(place.dir, "var/lib/ecs"), exist_ok=True)
    process = place.spawn([ECSLOCAL, "--data-dir", folder, "--port", 51671], name="ecslocal",
                          env=place.environment(ECSLOCAL_ACCESS_KEY_ID="AKIAOWN", ECSLOCAL_SECRET_ACCESS_KEY="own"))
    local = worlds.Local(place, "http://127.0.0.1:51671")
    local.key = ("AKIAOWN", "own", None)
    place.wait("ecslocal to answer", lambda: place.get(local.base + "/local/v1/status").status == 200, 15,
               needs=[process])
    yield local
    process.end(signal.SIGTERM)
    assert process.status == 0, process.text()[-3000:]


def next_payload(agent):
    while True:
        kind, body = agent.acs.read()
        if kind == "PayloadMessage":
            return body
        assert kind in ("IAMRoleCredentialsMessage", "HeartbeatMessage"), (kind, body)
