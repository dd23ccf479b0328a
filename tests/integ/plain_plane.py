"""A small strict control plane, independent of the product: own code over the standard library.

It answers DiscoverPollEndpoint, RegisterContainerInstance, SubmitTaskStateChange and the other calls
an agent makes, the ACS and TCS websockets and IMDSv2, all on one port; checks every signature with
botocore's signer and every message against tables of names and types; records all calls and frames
and, in `violations`, all that a strict server would not accept. Tests script what goes wrong:
answers of calls, refused handshakes, raw frames, close codes.

Facts: protocol notes on the ECS agent API 2014-11-13, ACS and TCS of agents up to 1.105.
By hand: plain_plane.py [port] serves 127.0.0.1 and prints what it sees.
"""
import asyncio
import base64
import collections
import datetime
import hashlib
import json
import socket
import struct
import threading
import time
import urllib.parse
import uuid

import signatures
import ws
from plain_shapes import Need, ACS_OUT, ACS_QUERY, CALLS, RANK, TCS_ANSWER, TCS_OUT, TCS_QUERY, mismatches

TARGET = "AmazonEC2ContainerServiceV20141113."
INSTANCE_ID = "i-0123456789abcdef0"
MAC = "02:00:00:00:00:01"


# ---- what tests script and read --------------------------------------------------------------------

class Reply:
    """An answer to an HTTP request. `raw`: these bytes instead, then the connection ends."""

    def __init__(self, status=200, body=b"", headers=(), raw=None, delay=0, hang=False, reset=False):
        self.status, self.headers, self.raw = status, dict(headers), raw
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.delay, self.hang, self.reset = delay, hang, reset


def error(status, code, message="scripted"):
    return Reply(status, {"__type": code, "message": message})


HANG, RESET = Reply(hang=True), Reply(reset=True)
Call = collections.namedtuple("Call", "op body headers access_key at")


class Session:
    """One websocket as the server sees it. `frames`: (type, message, seconds) the agent sent."""

    def __init__(self, plane, kind, query, headers, writer):
        self.plane, self.kind, self.query, self.headers, self.writer = plane, kind, query, headers, writer
        self.frames = []
        self.opened = time.monotonic()
        self.ended = None
        self.close_code = None  # (code, reason) of the agent's close frame
        self.closing = False
        self.pongs = 0

    @property
    def open(self):
        return self.ended is None

    def of(self, kind):
        return [m for t, m, _at in list(self.frames) if t == kind]

    def send_raw(self, data):
        """These bytes, as they are."""
        self.plane._call(self.writer.write, data)

    def send_text(self, text):
        self.send_raw(ws.frame(ws.TEXT, text if isinstance(text, bytes) else text.encode()))

    def send(self, kind, **message):
        self.send_text(json.dumps({"type": kind, "message": message}))

    def ping(self, data=b"x"):
        self.send_raw(ws.frame(ws.PING, data))

    def close(self, code=1000, reason=""):
        """A close frame; TCP ends when the agent's answer came."""
        self.closing = True
        self.send_raw(ws.frame(ws.CLOSE, struct.pack(">H", code) + reason.encode()))

    def hold(self, held):
        """While held nothing is read of what the agent sends."""
        transport = self.writer.transport
        self.plane._call(transport.pause_reading if held else transport.resume_reading)

    def fin(self):
        """TCP ends with no close frame."""
        self.plane._call(self.writer.close)

    def reset(self):
        """TCP is reset."""
        def go():
            s = self.writer.get_extra_info("socket")
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        self.plane._call(go)


class Plane:
    def __init__(self, listener, base, region="us-west-2", account="123456789012", cluster="plain",
                 keys=None):
        self.base = base.rstrip("/")  # as the agent reaches it
        self.region, self.account, self.cluster = region, account, cluster
        # access key -> (secret, session token or None)
        self.keys = dict(keys or {"AKIAPLAINPLANE000001": ("plain/secret+plane", None)})
        self.calls, self.sessions, self.violations, self.imds = [], [], [], []
        self.script = collections.defaultdict(collections.deque)  # operation -> replies, used once each
        self.always = {}  # operation or "*" -> Reply or function(call) for each
        self.instance_arn = None
        self.registrations = {}
        self.drop_attributes = 0  # leaves so many out of the answer of RegisterContainerInstance
        self.delays = {}  # operation -> seconds before its right answer
        self.tags = {}  # ARN -> {key: value}
        self.protected = {}  # task -> seconds since 1970
        self.states = {}  # task -> highest status submitted
        self.container_states = {}
        self.imds_tokens = {}
        self.role_key = ("ASIAPLAINROLE0000001", "role/secret+key", "role//token==+" * 20)
        self.keys[self.role_key[0]] = self.role_key[1:]
        self.role_name = "plainInstanceRole"
        self.user_data = None
        self.instance_id = INSTANCE_ID
        self.outpost = None  # ARN
        self.document = json.dumps({
            "accountId": account, "architecture": "x86_64", "availabilityZone": region + "a",
            "imageId": "ami-0123456789abcdef0", "instanceId": INSTANCE_ID, "instanceType": "m5.large",
            "pendingTime": "2026-01-01T00:00:00Z", "privateIp": "10.0.0.10", "region": region,
            "version": "2017-09-30"})
        self.seq = 0
        self.discover = {"endpoint": self.base + "/acs/", "telemetryEndpoint": self.base + "/tcs/"}
        self._listener = listener
        self._loop = asyncio.new_event_loop()
        self._tasks = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        started = threading.Event()
        self._loop.call_soon(started.set)
        self._server = None
        self._thread.start()
        started.wait()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    # ---- for tests -------------------------------------------------------------------------------

    @property
    def key(self):
        """(access key, secret, token) of the first user."""
        access = next(iter(self.keys))
        return (access, *self.keys[access])

    @property
    def cluster_arn(self):
        return "arn:aws:ecs:%s:%s:cluster/%s" % (self.region, self.account, self.cluster)

    def task_arn(self):
        return "arn:aws:ecs:%s:%s:task/%s/%s" % (self.region, self.account, self.cluster, uuid.uuid4().hex)

    def of(self, op):
        return [c for c in list(self.calls) if c.op == op]

    def submits(self, task=None):
        """Accepted SubmitTaskStateChange bodies, of one task or of all."""
        return [c.body for c in self.of("SubmitTaskStateChange") if task in (None, c.body["task"])]

    def statuses(self, task):
        return [b["status"] for b in self.submits(task)]

    def acs(self):
        """The open ACS session; LookupError while there is none."""
        return self._session("acs")

    def tcs(self):
        return self._session("tcs")

    def _session(self, kind):
        for s in reversed(self.sessions):
            if s.kind == kind and s.open and not s.closing:
                return s
        raise LookupError("no open %s session" % kind)

    def payload(self, *tasks, message_id=None, **members):
        """Sends tasks in one PayloadMessage on the open session; answers the message's id."""
        self.seq += 1
        message = {"messageId": message_id or str(uuid.uuid4()), "clusterArn": self.cluster_arn,
                   "containerInstanceArn": self.instance_arn, "generatedAt": int(time.time() * 1000),
                   "seqNum": self.seq, "tasks": list(tasks)}
        message.update(members)
        message = {k: v for k, v in message.items() if v is not None}
        self.acs().send("PayloadMessage", **message)
        return message.get("messageId")

    def acked(self, message_id, kind="AckRequest"):
        """How often the message was acknowledged, over all sessions."""
        return sum(m.get("messageId") == message_id for s in list(self.sessions) if s.kind == "acs"
                   for m in s.of(kind))

    def close(self):
        async def end():
            self._server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # ---- server ------------------------------------------------------------------------------------

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, fn, *args):
        done = threading.Event()

        def go():
            try:
                fn(*args)
            finally:
                done.set()
        self._loop.call_soon_threadsafe(go)
        if not done.wait(10):
            raise RuntimeError("the plane's loop does not answer")

    def wrong(self, text):
        self.violations.append(text)

    async def _listen(self):
        self._server = await asyncio.start_server(self._connection, sock=self._listener, limit=1 << 20)

    async def _connection(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, TimeoutError):
            pass
        except ws.Wrong as e:
            self.wrong("websocket: %s" % e)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _request(self, reader, writer):
        """One HTTP request; answers whether the connection goes on."""
        first = await reader.read(1)
        if not first:
            return False
        if first == b"\x16":  # a TLS hello: answered as every plain web server does
            self.wrong("HTTP: TLS spoken to a plain port")
            return await self._answer(writer, Reply(400, b"this port speaks no TLS"), {"connection": "close"})
        try:
            head = first + await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as e:
            self.wrong("HTTP: connection ended inside a head: %r" % (first + e.partial)[:100])
            return False
        lines = head.decode("latin-1").split("\r\n")
        try:
            method, target, version = lines[0].split(" ")
        except ValueError:
            self.wrong("HTTP: request line %r" % lines[0])
            return False
        headers = {}
        for line in lines[1:-2]:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or name.lower() in headers:
                self.wrong("HTTP: header %r malformed or twice" % line)
            headers[name.lower()] = value.strip()
        if version != "HTTP/1.1" or "host" not in headers:
            self.wrong("HTTP: %s without a Host header or not 1.1" % lines[0])
        body = b""
        if "content-length" in headers:
            n = int(headers["content-length"])
            if headers.get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(n)
        elif "transfer-encoding" in headers or method == "POST":
            self.wrong("HTTP: %s %s has no Content-Length" % (method, target))
            return False
        path = target.partition("?")[0]
        if headers.get("upgrade", "").lower() == "websocket":
            return await self._websocket(reader, writer, method, target, headers)
        if path.startswith("/latest/"):
            reply = self._metadata(method, path, headers, body)
        elif path == "/" and method == "POST":
            reply = self._api(target, headers, body)
        else:
            self.wrong("HTTP: nobody asks for %s %s" % (method, target))
            reply = Reply(404, b"not found")
        return await self._answer(writer, reply, headers)

    async def _answer(self, writer, reply, headers=None):
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.hang:
            await asyncio.sleep(3600)
        if reply.reset:
            s = writer.get_extra_info("socket")
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        told = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4()),
                "Content-Length": str(len(reply.body)), **reply.headers}
        writer.write(("HTTP/1.1 %d Said\r\n" % reply.status).encode() +
                     "".join("%s: %s\r\n" % kv for kv in told.items()).encode() + b"\r\n" + reply.body)
        await writer.drain()
        return (headers or {}).get("connection", "").lower() != "close"

    # ---- the ECS API -------------------------------------------------------------------------------

    def _scripted(self, op, call):
        for name in (op, "*"):
            if self.script[name]:
                found = self.script[name].popleft()
            elif name in self.always:
                found = self.always[name]
            else:
                continue
            if callable(found):
                found = found(call)
            if found is not None:
                return found
        return None

    def _api(self, target, headers, body):
        op = headers.get("x-amz-target", "")
        if not op.startswith(TARGET):
            self.wrong("API: X-Amz-Target %r" % op)
            return error(400, "UnknownOperationException")
        op = op[len(TARGET):]
        if headers.get("content-type") != "application/x-amz-json-1.1":
            self.wrong("API: %s has Content-Type %r" % (op, headers.get("content-type")))
        raw_call = Call(op, None, headers, None, time.monotonic())
        scripted = self._scripted(op, raw_call)
        if scripted is not None:
            return scripted
        try:
            access = signatures.check_signature(self.keys, self.region, "POST", headers["host"], target, headers,
                                                body, ("host", "x-amz-date", "x-amz-target"))
        except signatures.BadSignature as e:
            self.wrong("API: %s: signature: %s" % (op, e))
            return error(400, e.code, str(e))
        try:
            params = json.loads(body.decode("utf-8"))
        except ValueError as e:
            self.wrong("API: %s: body: %s" % (op, e))
            return error(400, "SerializationException", str(e))
        if op not in CALLS:
            self.wrong("API: no agent calls %s" % op)
            return error(400, "UnknownOperationException")
        shape = CALLS[op]
        if op == "SubmitTaskStateChange" and "attachments" in params:
            shape = {"cluster": Need(str), "task": Need(str),
                     "attachments": [{"attachmentArn": Need(str), "status": Need(str)}]}
        for text in mismatches(shape, params):
            self.wrong("API: %s%s" % (op, text))
        call = Call(op, params, headers, access, time.monotonic())
        self.calls.append(call)
        reply = getattr(self, "_" + op, lambda _c: Reply(200, {}))(call)
        reply.delay = self.delays.get(op, 0)
        return reply

    def _DiscoverPollEndpoint(self, _call):
        return Reply(200, self.discover)

    def _CreateCluster(self, call):
        name = call.body["clusterName"]
        return Reply(200, {"cluster": {
            "clusterName": name, "status": "ACTIVE",
            "clusterArn": "arn:aws:ecs:%s:%s:cluster/%s" % (self.region, self.account, name)}})

    def _RegisterContainerInstance(self, call):
        arn = call.body.get("containerInstanceArn")
        if arn and arn not in self.registrations:
            return error(400, "InvalidParameterException", "unknown container instance " + arn)
        if not arn:
            arn = "arn:aws:ecs:%s:%s:container-instance/%s/%s" % (
                self.region, self.account, self.cluster, uuid.uuid4().hex)
        self.registrations[arn] = call.body
        self.instance_arn = arn
        attributes = [dict(a) for a in call.body["attributes"]]
        if self.drop_attributes:
            attributes = attributes[:-self.drop_attributes]
        names = [a["name"] for a in attributes]
        for name in set(n for n in names if names.count(n) > 1):
            self.wrong("API: RegisterContainerInstance sends attribute %s twice" % name)
        attributes.append({"name": "ecs.availability-zone", "value": self.region + "a"})
        return Reply(200, {"containerInstance": {
            "containerInstanceArn": arn, "status": "ACTIVE", "agentConnected": False,
            "attributes": attributes, "registeredResources": call.body["totalResources"],
            "remainingResources": call.body["totalResources"], "version": 1}})

    def _ListTagsForResource(self, call):
        return Reply(200, {"tags": [{"key": k, "value": v} for k, v in
                                    self.tags.get(call.body["resourceArn"], {}).items()]})

    def _protection(self, arn):
        until = self.protected.get(arn)
        found = {"taskArn": arn, "protectionEnabled": until is not None}
        return Reply(200, {"protectedTasks": [found if until is None else dict(found, expirationDate=until)],
                           "failures": []})

    def _GetTaskProtection(self, call):
        return self._protection(*call.body["tasks"])

    def _UpdateTaskProtection(self, call):
        arn, = call.body["tasks"]
        if call.body["protectionEnabled"]:
            self.protected[arn] = 1900000000.25
        else:
            self.protected.pop(arn, None)
        return self._protection(arn)

    def _SubmitTaskStateChange(self, call):
        body = call.body
        if "status" not in body:
            return Reply(200, {"acknowledgment": "ok"})
        self._never_back(self.states, body["task"], body["status"])
        for c in body.get("containers", ()):
            self._never_back(self.container_states, (body["task"], c.get("containerName")), c.get("status"))
        for name in ("pullStartedAt", "pullStoppedAt", "executionStoppedAt"):
            if name in body and abs(body[name] - time.time()) > 3600:
                self.wrong("API: SubmitTaskStateChange.%s is not near now: %r" % (name, body[name]))
        return Reply(200, {"acknowledgment": "ok"})

    def _never_back(self, states, who, status):
        if status not in RANK:
            self.wrong("API: SubmitTaskStateChange: status %r" % status)
            return
        if RANK[status] < RANK.get(states.get(who), 0):
            self.wrong("API: SubmitTaskStateChange: %s goes back from %s to %s" % (who, states[who], status))
            return
        states[who] = status

    # ---- websockets --------------------------------------------------------------------------------

    async def _websocket(self, reader, writer, method, target, headers):
        path, _, query_text = target.partition("?")
        kind = {"/acs/ws": "acs", "/tcs/ws": "tcs"}.get(path)
        scripted = self._scripted((kind or "?").upper(), Call(kind, None, headers, None, time.monotonic()))
        if scripted is not None:
            await self._answer(writer, scripted)
            return False
        if kind is None or method != "GET":
            self.wrong("websocket: nobody asks for %s %s" % (method, target))
            await self._answer(writer, Reply(404, b"not found"))
            return False
        for name, want in (("sec-websocket-version", "13"), ("connection", "upgrade")):
            if headers.get(name, "").lower() != want:
                self.wrong("websocket: %s is %r" % (name, headers.get(name)))
        key = headers.get("sec-websocket-key", "")
        try:
            if len(base64.b64decode(key, validate=True)) != 16:
                raise ValueError
        except ValueError:
            self.wrong("websocket: key %r" % key)
        for name in ("sec-websocket-extensions", "sec-websocket-protocol"):
            if name in headers:
                self.wrong("websocket: %s offered: %r" % (name, headers[name]))
        try:
            signatures.check_signature(self.keys, self.region, "GET", headers["host"], target, headers, b"",
                                       ("host", "x-amz-date"))
        except signatures.BadSignature as e:
            self.wrong("websocket: %s: signature: %s" % (kind, e))
            await self._answer(writer, error(403, "AccessDeniedException", str(e)))
            return False
        query = {k: v[0] for k, v in urllib.parse.parse_qs(query_text, keep_blank_values=True).items()}
        self._check_query(kind, query)
        session = Session(self, kind, query, headers, writer)
        session.signed = (headers["host"], target)
        self.sessions.append(session)
        writer.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: %s\r\n\r\n" % ws.accept_of(key)).encode())
        try:
            await self._session_loop(session, reader, writer)
        finally:
            session.ended = time.monotonic()
        return False

    def _check_query(self, kind, query):
        want = ACS_QUERY if kind == "acs" else TCS_QUERY
        if set(query) != want:
            self.wrong("%s: query has %s" % (kind, sorted(set(query) ^ want)))
        arn = query.get("containerInstanceArn" if kind == "acs" else "containerInstance")
        if arn not in self.registrations:
            self.wrong("%s: container instance %r is not registered" % (kind, arn))
        if kind == "acs":
            for name, values in (("protocolVersion", ("2",)), ("seqNum", ("1",)),
                                 ("sendCredentials", ("true", "false"))):
                if query.get(name) not in values:
                    self.wrong("acs: %s is %r" % (name, query.get(name)))
            if not query.get("dockerVersion", "").startswith("DockerVersion: "):
                self.wrong("acs: dockerVersion is %r" % query.get("dockerVersion"))

    async def _session_loop(self, session, reader, writer):
        def control(opcode, _data):
            session.pongs += opcode == ws.PONG
        while True:
            opcode, data = await ws.read_message(reader, writer, True, control)
            if opcode == ws.CLOSE:
                code = struct.unpack(">H", data[:2])[0] if len(data) >= 2 else 1005
                session.close_code = (code, data[2:].decode("utf-8", "replace"))
                if not session.closing:
                    writer.write(ws.frame(ws.CLOSE, data[:2]))
                    await writer.drain()
                return
            if opcode != ws.TEXT:
                self.wrong("%s: frame of opcode %d" % (session.kind, opcode))
                continue
            try:
                text = data.decode("utf-8")
                self._frame(session, text)
            except (ValueError, KeyError, TypeError) as e:
                self.wrong("%s: frame %r: %r" % (session.kind, data[:200], e))

    def _frame(self, session, text):
        if session.kind == "tcs":
            text = self._signed_frame(session, text)
        envelope = json.loads(text)
        if set(envelope) != {"type", "message"}:
            self.wrong("%s: envelope has %s" % (session.kind, sorted(envelope)))
        kind, message = envelope["type"], envelope["message"]
        shapes = ACS_OUT if session.kind == "acs" else TCS_OUT
        if kind not in shapes:
            self.wrong("%s: no agent sends %s" % (session.kind, kind))
        else:
            for wrong in mismatches(shapes[kind], message):
                self.wrong("%s: %s%s" % (session.kind, kind, wrong))
        session.frames.append((kind, message, time.monotonic()))
        if kind in TCS_ANSWER:
            answer = json.dumps({"type": TCS_ANSWER[kind], "message": {"message": "ok"}})
            session.writer.write(ws.frame(ws.TEXT, answer.encode()))

    def _signed_frame(self, session, text):
        """A TCS frame: header lines, an empty line, JSON; signed as a GET of the connection's URL."""
        head, gap, body = text.partition("\r\n\r\n")
        if not gap:
            raise ValueError("no header block")
        lines = head.split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        if [line.partition(":")[0] for line in lines] != sorted(
                ["Authorization", "Host", "X-Amz-Date"] +
                (["X-Amz-Security-Token"] if "x-amz-security-token" in headers else [])):
            self.wrong("tcs: header block has %r" % [line.partition(":")[0] for line in lines])
        host, target = session.signed
        if headers.get("host") != host:
            self.wrong("tcs: frame's Host is %r" % headers.get("host"))
        try:
            signatures.check_signature(self.keys, self.region, "GET", host, target, headers, body.encode(),
                                       ("host", "x-amz-date"))
        except signatures.BadSignature as e:
            self.wrong("tcs: frame signature: %s" % e)
        return body

    # ---- IMDSv2 ------------------------------------------------------------------------------------

    def _metadata(self, method, path, headers, _body):
        self.imds.append((method, path))
        scripted = self._scripted("IMDS", Call("IMDS", path, headers, None, time.monotonic()))
        if scripted is not None:
            return scripted
        plain = {"Content-Type": "text/plain"}
        if path == "/latest/api/token":
            ttl = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
            if method != "PUT" or not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
                return Reply(400, b"", plain)
            token = base64.b64encode(uuid.uuid4().bytes * 2).decode()
            self.imds_tokens[token] = time.monotonic() + int(ttl)
            return Reply(200, token.encode(), {**plain, "X-Aws-Ec2-Metadata-Token-Ttl-Seconds": ttl})
        if method != "GET":
            return Reply(405, b"", plain)
        if self.imds_tokens.get(headers.get("x-aws-ec2-metadata-token"), 0) < time.monotonic():
            return Reply(401, b"", plain)
        item = path[len("/latest/"):]
        found = self._items().get(item)
        return Reply(404, b"", plain) if found is None else Reply(200, found.encode(), plain)

    def _items(self):
        soon = (datetime.datetime.utcnow() + datetime.timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
        role = "meta-data/iam/security-credentials/"
        mac = "meta-data/network/interfaces/macs/"
        return {
            "dynamic/instance-identity/document": self.document,
            "dynamic/instance-identity/signature": hashlib.sha256(self.document.encode()).hexdigest(),
            "meta-data/instance-id": self.instance_id, "meta-data/mac": MAC, mac: MAC + "/",
            mac + MAC + "/vpc-id": "vpc-0123", mac + MAC + "/subnet-id": "subnet-0123",
            "meta-data/placement/region": self.region,
            "meta-data/placement/availability-zone": self.region + "a",
            "meta-data/placement/availability-zone-id": "usw2-az1",
            "meta-data/local-ipv4": "10.0.0.10", "meta-data/outpost-arn": self.outpost,
            "user-data": self.user_data, role: self.role_name,
            role + (self.role_name or "-"): json.dumps({
                "Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC",
                "AccessKeyId": self.role_key[0], "SecretAccessKey": self.role_key[1],
                "Token": self.role_key[2], "Expiration": soon}),
        }


# ---- messages ------------------------------------------------------------------------------------

def container(name="main", image="busybox:latest", command=("sh", "-c", "trap exit TERM; sleep 3600 & wait"),
              **members):
    """A Container of a payload; members with the value None are left out."""
    made = {"name": name, "image": image, "cpu": 10, "memory": 32, "essential": True, "links": [],
            "portMappings": [], "mountPoints": [], "volumesFrom": [], "entryPoint": None,
            "command": None if command is None else list(command), "environment": {},
            "overrides": "{\"command\":null}",
            "dockerConfig": {"config": "{}", "hostConfig": "{\"CapAdd\":[],\"CapDrop\":[]}", "version": "1.19"}}
    made.update(members)
    return {k: v for k, v in made.items() if v is not None}


def task(arn, *containers, **members):
    made = {"arn": arn, "family": "plain", "version": "1", "desiredStatus": "RUNNING",
            "containers": list(containers), "volumes": [], "launchType": "EC2", "networkMode": "bridge"}
    made.update(members)
    return {k: v for k, v in made.items() if v is not None}


def role_credentials(name="plainTaskRole", expiration=None):
    soon = datetime.datetime.utcnow() + datetime.timedelta(hours=1)
    return {"credentialsId": str(uuid.uuid4()), "roleArn": "arn:aws:iam::123456789012:role/" + name,
            "accessKeyId": "ASIA" + uuid.uuid4().hex[:16].upper(),
            "secretAccessKey": "secret/<&>+" + uuid.uuid4().hex, "sessionToken": "token==" + uuid.uuid4().hex * 8,
            "expiration": expiration or soon.strftime("%Y-%m-%dT%H:%M:%SZ")}


def main():
    import sys
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    plane = Plane(listener, "http://127.0.0.1:%d" % listener.getsockname()[1])
    print("ECS_BACKEND_HOST=%s AWS_EC2_METADATA_SERVICE_ENDPOINT=%s AWS_DEFAULT_REGION=%s ECS_CLUSTER=%s" % (
        plane.base, plane.base, plane.region, plane.cluster), flush=True)
    print("AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s" % plane.key[:2], flush=True)
    seen = [0, 0]
    try:
        while True:
            time.sleep(0.2)
            for call in plane.calls[seen[0]:]:
                print(call.op, json.dumps(call.body), flush=True)
            seen[0] = len(plane.calls)
            for text in plane.violations[seen[1]:]:
                print("VIOLATION", text, flush=True)
            seen[1] = len(plane.violations)
    except KeyboardInterrupt:
        plane.close()


if __name__ == "__main__":
    main()
