"""The control plane of the tests with nothing between a frame and its time stamp.

tests/integ judges every message; here the other side must cost little, so signatures and shapes
are not checked again, and whoever waits is woken by the message instead of looking for it.
"""
import json
import threading
import time
import uuid

import plain_plane as pp
import signatures
import ws


def _trust(keys, _region, _method, _host, _target, _headers, _body, _need):
    return next(iter(keys))


class LeanPlane(pp.Plane):
    def __init__(self, world):
        signatures.check_signature = _trust
        self.reported = {}  # (task, status) -> seconds at which the first report of it was read
        self.acks = {}  # message id -> seconds
        self.registered = []  # seconds of each RegisterContainerInstance
        self.connected = []  # seconds of each ACS session
        self.news = threading.Condition()
        super().__init__(world.net.listen("127.0.0.1", 0), "")
        self.world = world
        self.move("http://127.0.0.1:%d" % self._listener.getsockname()[1])

    def move(self, base):
        """The address that agents are told."""
        self.base = base
        self.discover = {"endpoint": base + "/acs/", "telemetryEndpoint": base + "/tcs/"}

    # ---- what arrives ------------------------------------------------------------------------------

    def _api(self, target, headers, body):
        at = time.monotonic()
        op = headers.get("x-amz-target", "")[len(pp.TARGET):]
        params = json.loads(body)
        if op == "SubmitTaskStateChange" and "status" in params:
            with self.news:
                self.reported.setdefault((params["task"], params["status"]), at)
                self.news.notify_all()
            return pp.Reply(200, {"acknowledgment": "ok"})
        if op == "RegisterContainerInstance":
            self.registered.append(at)
        return getattr(self, "_" + op, lambda _c: pp.Reply(200, {}))(
            pp.Call(op, params, headers, None, at))

    def _check_query(self, kind, query):
        if kind == "acs":
            with self.news:
                self.connected.append(time.monotonic())
                self.news.notify_all()

    def _signed_frame(self, session, text):
        return text.partition("\r\n\r\n")[2]

    def _frame(self, session, text):
        at = time.monotonic()
        if session.kind != "acs":
            super()._frame(session, text)
            return
        envelope = json.loads(text)
        message = envelope["message"]
        session.frames.append((envelope["type"], message, at))
        if envelope["type"] == "AckRequest":
            with self.news:
                self.acks.setdefault(message["messageId"], at)
                self.news.notify_all()

    # ---- what is sent and waited for ---------------------------------------------------------------

    def send_tasks(self, tasks):
        """One payload; answers (message id, seconds at which the frame went out)."""
        self.seq += 1
        message_id = str(uuid.uuid4())
        data = ws.frame(ws.TEXT, json.dumps({"type": "PayloadMessage", "message": {
            "messageId": message_id, "clusterArn": self.cluster_arn,
            "containerInstanceArn": self.instance_arn, "generatedAt": int(time.time() * 1000),
            "seqNum": self.seq, "tasks": tasks}}).encode())
        writer, sent = self.acs().writer, []

        def go():
            sent.append(time.monotonic())
            writer.write(data)
        self._call(go)
        return message_id, sent[0]

    def until(self, what, condition, timeout=120):
        """Waits for news that make the condition true. The agent must live meanwhile."""
        deadline = time.monotonic() + timeout
        with self.news:
            while not condition():
                self.news.wait(0.25)
                agent = self.world.agent
                if agent and not agent.running:
                    raise RuntimeError("the agent ended with %s while waiting for %s\n%s" % (
                        agent.status, what, self.world.tails()))
                if time.monotonic() > deadline:
                    raise RuntimeError("waited %d s for %s\n%s" % (timeout, what, self.world.tails()))

    def all_reported(self, arns, status, timeout=300):
        """Seconds at which the last of the tasks was reported so."""
        keys = [(a, status) for a in arns]
        self.until("%d tasks %s" % (len(arns), status), lambda: all(k in self.reported for k in keys), timeout)
        return max(self.reported[k] for k in keys)

    def acked_at(self, message_id):
        self.until("the ack of a payload", lambda: message_id in self.acks)
        return self.acks[message_id]
