"""The independent control plane, checked before it checks anybody: it takes right calls, and tells wrong ones."""
import asyncio
import base64
import datetime
import json
import os
import time
import urllib.parse

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import wire
import ws
from plain_plane import Reply, error
from plain_shapes import CALLS, mismatches
from signatures import BadSignature, check_signature

REGISTER = {"cluster": "plain", "instanceIdentityDocument": "", "instanceIdentityDocumentSignature": "",
            "totalResources": [{"name": "CPU", "type": "INTEGER", "integerValue": 2048}],
            "attributes": [{"name": "ecs.capability.full-sync"}, {"name": "ecs.os-type", "value": "linux"}],
            "clientToken": "2b0c9f6e-0000-4000-8000-000000000000"}


def call(world, plane, operation, params=None, **more):
    key = more.pop("key", plane.key)
    return wire.ecs_call(world.net, plane.base, operation, params or {}, key, plane.region, **more)


class Peer:
    """The agent's side of one websocket, over a plain socket of the world."""

    def __init__(self, world, plane, kind, query, signed=True):
        self.plane, self.loop = plane, asyncio.new_event_loop()
        path = "/%s/ws?%s" % (kind, urllib.parse.urlencode(sorted(query.items()), quote_via=urllib.parse.quote))
        host = plane.base[len("http://"):]
        self.url, self.host = plane.base + path, host
        key = base64.b64encode(os.urandom(16)).decode()
        request = AWSRequest("GET", self.url)
        SigV4Auth(Credentials(*plane.key), "ecs", plane.region).add_auth(request)
        headers = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key,
                   "Sec-WebSocket-Version": "13", **(dict(request.headers.items()) if signed else {})}
        self.sock = world.net.connect("127.0.0.1", int(host.split(":")[1]))
        self.sock.sendall(("GET %s HTTP/1.1\r\n" % path + "".join("%s: %s\r\n" % h for h in headers.items())
                           + "\r\n").encode())
        self.sock.setblocking(False)
        self.reader, self.writer = self.loop.run_until_complete(asyncio.open_connection(sock=self.sock))
        self.head = self.loop.run_until_complete(self.reader.readuntil(b"\r\n\r\n")).decode()
        self.status = int(self.head.split()[1])
        if self.status == 101:
            assert "Sec-WebSocket-Accept: " + ws.accept_of(key) in self.head

    def send(self, data, opcode=ws.TEXT, **more):
        self.writer.write(ws.frame(opcode, data.encode() if isinstance(data, str) else data,
                                   mask=more.pop("mask", os.urandom(4)), **more))
        self.loop.run_until_complete(self.writer.drain())

    def signed(self, text):
        request = AWSRequest("GET", self.url, data=text.encode())
        SigV4Auth(Credentials(*self.plane.key), "ecs", self.plane.region).add_auth(request)
        return "Authorization: %s\r\nHost: %s\r\nX-Amz-Date: %s\r\n\r\n%s" % (
            request.headers["Authorization"], self.host, request.headers["X-Amz-Date"], text)

    def read(self):
        async def one():
            return await asyncio.wait_for(ws.read_message(self.reader, self.writer, False), 10)
        return self.loop.run_until_complete(one())

    def close(self):
        self.writer.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


def acs_query(plane):
    return {"agentHash": "0", "agentVersion": "1.105.1", "clusterArn": plane.cluster,
            "containerInstanceArn": plane.instance_arn, "dockerVersion": "DockerVersion: 20.10.24+dfsg1",
            "protocolVersion": "2", "seqNum": "1", "sendCredentials": "true"}


@pytest.fixture
def peer(world, plane):
    plane.instance_arn = call(world, plane, "RegisterContainerInstance", REGISTER)[
        "containerInstance"]["containerInstanceArn"]
    p = Peer(world, plane, "acs", acs_query(plane))
    assert p.status == 101
    yield p
    p.close()


def test_registration_answers_an_arn_and_echoes_every_attribute(world, plane):
    got = call(world, plane, "RegisterContainerInstance", REGISTER)["containerInstance"]
    assert got["containerInstanceArn"].startswith("arn:aws:ecs:us-west-2:123456789012:container-instance/plain/")
    for attribute in REGISTER["attributes"]:
        assert attribute in got["attributes"]
    again = call(world, plane, "RegisterContainerInstance",
                 dict(REGISTER, containerInstanceArn=got["containerInstanceArn"]))
    assert again["containerInstance"]["containerInstanceArn"] == got["containerInstanceArn"]
    with pytest.raises(wire.EcsError, match="InvalidParameterException"):
        call(world, plane, "RegisterContainerInstance", dict(REGISTER, containerInstanceArn="arn:unknown"))


WRONG_CALLS = [
    ("a wrong secret", {"key": ("AKIAPLAINPLANE000001", "other", None)}, "InvalidSignatureException"),
    ("an unknown user", {"key": ("AKIANOBODY", "x", None)}, "UnrecognizedClientException"),
    ("a token where none is", {"key": ("AKIAPLAINPLANE000001", "plain/secret+plane", "t")}, "UnrecognizedClientException"),
    ("a clock ten minutes behind", {"when": datetime.datetime.utcnow() - datetime.timedelta(minutes=10)},
     "InvalidSignatureException"),
    ("no JSON", {"raw": b"{"}, "SerializationException"),
]


@pytest.mark.parametrize("why,more,code", WRONG_CALLS, ids=[w[0] for w in WRONG_CALLS])
def test_a_wrong_call_is_refused_and_recorded(world, plane, why, more, code):
    with pytest.raises(wire.EcsError) as e:
        call(world, plane, "DiscoverPollEndpoint", {"zoneId": ""}, **more)
    assert e.value.code == code
    assert len(plane.violations) == 1 and not plane.calls
    plane.violations.clear()


SHAPES = [
    ("all right", "SubmitTaskStateChange", {"cluster": "c", "task": "t", "status": "RUNNING", "reason": ""}, []),
    ("reason is always there", "SubmitTaskStateChange", {"cluster": "c", "task": "t", "status": "RUNNING"},
     [".reason: missing"]),
    ("no unknown members", "DiscoverPollEndpoint", {"zoneId": "", "zone": ""}, [".zone: unknown member"]),
    ("numbers are no strings", "SubmitTaskStateChange",
     {"cluster": "c", "task": "t", "status": "STOPPED", "reason": "",
      "containers": [{"containerName": "a", "status": "STOPPED", "exitCode": "0"}]},
     [".containers[0].exitCode: '0' is not of the right type"]),
    ("true is no number", "SubmitTaskStateChange",
     {"cluster": "c", "task": "t", "status": "STOPPED", "reason": "", "pullStartedAt": True},
     [".pullStartedAt: True is not of the right type"]),
]


@pytest.mark.parametrize("why,operation,body,wrong", SHAPES, ids=[s[0] for s in SHAPES])
def test_bodies_are_compared_with_names_and_types(why, operation, body, wrong):
    assert mismatches(CALLS[operation], body) == wrong


def test_recorded_messages_of_a_known_agent_fit_the_shapes():
    """The shapes are for every agent that speaks the protocol, not for one."""
    cases = [
        ("PENDING", {"cluster": "b", "containers": [{"containerName": "main", "imageDigest": "sha256:be", "status": "PENDING"}],
                     "reason": "", "status": "PENDING", "task": "arn"}),
        ("STOPPED", {"cluster": "b", "containers": [{"containerName": "main", "exitCode": 137, "runtimeId": "01",
                                                     "status": "STOPPED", "networkBindings": [{
                                                         "bindIP": "0.0.0.0", "containerPort": 53, "hostPort": 32768,
                                                         "protocol": "udp"}]}],
                     "executionStoppedAt": 1795503734.807, "reason": "", "status": "STOPPED", "task": "arn"}),
    ]
    for why, body in cases:
        assert not mismatches(CALLS["SubmitTaskStateChange"], body), why


def test_a_status_that_goes_back_is_a_violation(world, plane):
    for status in ("RUNNING", "PENDING"):
        call(world, plane, "SubmitTaskStateChange", {"cluster": "plain", "task": "t", "status": status, "reason": ""})
    assert "goes back from RUNNING to PENDING" in plane.violations.pop()


def test_answers_can_be_scripted_once_or_for_ever(world, plane):
    plane.script["DiscoverPollEndpoint"].append(error(500, "ServerException"))
    with pytest.raises(wire.EcsError, match="500 ServerException"):
        call(world, plane, "DiscoverPollEndpoint", {"zoneId": ""})
    assert call(world, plane, "DiscoverPollEndpoint", {"zoneId": ""})["endpoint"] == plane.base + "/acs/"
    plane.always["*"] = Reply(raw=b"garbage")
    for _ in range(2):
        with pytest.raises(Exception, match="garbage"):
            call(world, plane, "DiscoverPollEndpoint", {"zoneId": ""})


def test_an_acs_session_is_signed_recorded_and_can_be_driven(world, plane, peer):
    sent = plane.payload({"arn": "t"})
    opcode, data = peer.read()
    message = json.loads(data)
    assert (opcode, message["type"], message["message"]["messageId"]) == (ws.TEXT, "PayloadMessage", sent)
    peer.send(json.dumps({"type": "AckRequest", "message": {
        "cluster": plane.cluster_arn, "containerInstance": plane.instance_arn, "messageId": sent}}))
    world.wait("the ack", lambda: plane.acked(sent) == 1)
    plane.acs().ping(b"abc")
    world.wait("the pong", lambda: peer_pong(peer, plane))
    session = plane.acs()
    session.close(1001, "going away")
    assert peer.read() == (ws.CLOSE, b"\x03\xe9going away")
    peer.send(b"\x03\xe9", ws.CLOSE)
    world.wait("the session to end", lambda: not session.open)
    assert session.close_code == (1001, "")


def peer_pong(peer, plane):
    async def look():
        try:
            await asyncio.wait_for(ws.read_message(peer.reader, peer.writer, False), 0.05)
        except asyncio.TimeoutError:
            pass
    peer.loop.run_until_complete(look())
    return plane.sessions[-1].pongs


WRONG_FRAMES = [
    ("not masked", lambda p: p.send("{}", mask=None), "not masked"),
    ("reserved bit", lambda p: p.send("{}", rsv=4), "reserved bits"),
    ("unknown opcode", lambda p: p.send("{}", opcode=3), "opcode 3"),
    ("binary", lambda p: p.send("{}", opcode=ws.BINARY), "frame of opcode 2"),
    ("continuation first", lambda p: p.send("{}", opcode=ws.CONT), "continuation"),
    ("no JSON", lambda p: p.send("hello"), "hello"),
    ("unknown type", lambda p: p.send('{"type":"Hello","message":{}}'), "no agent sends Hello"),
    ("unknown member", lambda p: p.send('{"type":"HeartbeatAckRequest","message":{"messageId":"1","x":1}}'),
     "unknown member"),
]


@pytest.mark.parametrize("why,send,told", WRONG_FRAMES, ids=[w[0] for w in WRONG_FRAMES])
def test_a_wrong_frame_is_recorded(world, plane, peer, why, send, told):
    send(peer)
    world.wait("the violation", lambda: plane.violations)
    assert told in plane.violations.pop()


def test_fragments_are_put_together_around_a_ping(world, plane, peer):
    peer.send('{"type":"HeartbeatAckRequest",', fin=False)
    peer.send(b"p", opcode=ws.PING)
    peer.send('"message":{"messageId":"7"}}', opcode=ws.CONT)
    world.wait("the message", lambda: plane.acs().of("HeartbeatAckRequest") == [{"messageId": "7"}])


def test_an_unsigned_or_unregistered_websocket_is_refused_or_recorded(world, plane, peer):
    bad = Peer(world, plane, "acs", acs_query(plane), signed=False)
    assert bad.status == 403
    bad.close()
    assert "signature" in plane.violations.pop()
    other = Peer(world, plane, "acs", dict(acs_query(plane), containerInstanceArn="arn:nobody"))
    other.close()
    world.wait("the violation", lambda: "not registered" in plane.violations.pop())


def test_telemetry_frames_need_their_own_signature(world, plane, peer):
    query = {"agentHash": "0", "agentVersion": "1.105.1", "cluster": "plain",
             "containerInstance": plane.instance_arn, "dockerVersion": "20.10.24+dfsg1"}
    tcs = Peer(world, plane, "tcs", query)
    assert tcs.status == 101
    idle = {"type": "PublishMetricsRequest", "message": {
        "metadata": {"cluster": "plain", "containerInstance": plane.instance_arn, "idle": True, "fin": True,
                     "messageId": "m"}, "timestamp": time.time()}}
    tcs.send(tcs.signed(json.dumps(idle)))
    assert json.loads(tcs.read()[1])["type"] == "AckPublishMetric"
    tcs.send(tcs.signed(json.dumps(idle)).replace('"fin": true', '"fin":true'))
    world.wait("the violation", lambda: "frame signature" in plane.violations.pop())
    tcs.close()


def test_metadata_needs_a_token_and_gives_role_credentials_that_sign(world, plane):
    assert world.get(plane.base + "/latest/meta-data/instance-id").status == 401
    token = world.http("PUT", plane.base + "/latest/api/token",
                       {"x-aws-ec2-metadata-token-ttl-seconds": "300"}).text
    got = world.http("GET", plane.base + "/latest/meta-data/iam/security-credentials/plainInstanceRole",
                     {"x-aws-ec2-metadata-token": token}).json()
    key = (got["AccessKeyId"], got["SecretAccessKey"], got["Token"])
    assert call(world, plane, "DiscoverPollEndpoint", {"zoneId": ""}, key=key)["endpoint"]
    assert world.http("GET", plane.base + "/latest/user-data", {"x-aws-ec2-metadata-token": token}).status == 404


def test_signed_headers_must_cover_every_x_amz_header():
    headers = {"host": "h", "x-amz-date": "20260101T000000Z", "x-amz-target": "t",
               "authorization": "AWS4-HMAC-SHA256 Credential=A/20260101/r/ecs/aws4_request, "
                                "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64}
    with pytest.raises(BadSignature, match="x-amz-target is not signed"):
        check_signature({"A": ("s", None)}, "r", "POST", "h", "/", headers, b"", ("host", "x-amz-date"))
