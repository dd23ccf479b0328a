"""Stands between the agent and the Docker Engine and writes down each request, changing nothing by itself."""
import collections
import os
import re
import socket
import threading
import time

LOOK = "GET /containers/ID/json"


def costs(asked, *want):
    """Fails unless just these were asked for, in any order. An event that is heard after the answer to what caused it,
    as on a busy machine, costs one look more."""
    left = collections.Counter(asked)
    left.subtract(want)
    assert {what: n for what, n in left.items() if n} in ({}, {LOOK: 1}), asked


class Meter:
    """Listens on /run/meter.sock of the world. `requests`: [seconds asked, seconds answered or None, "METHOD path"]
    in order, the path without API version and query. `step_in`: is shown each request, "METHOD path" and body, before
    the engine is, and may answer it instead (bytes of an HTTP answer)."""

    HOST = "unix:///run/meter.sock"

    def __init__(self, world, step_in=None):
        self.step_in = step_in
        self.engine_path = world.docker_socket
        self.requests = []
        path = os.path.join(os.path.dirname(world.docker_socket), "meter.sock")
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def of(self, container_id, since=0):
        """What was asked since that many requests: ids and names of containers as ID, without streams of
        events and statistics, which come by the clock."""
        found = []
        for _at, _done, what in self.requests[since:]:
            what = re.sub(r"/containers/(%s|ecs-[^/]+)(/|$)" % container_id, r"/containers/ID\2", what)
            if what != "GET /events" and not what.endswith("/stats"):
                found.append(what)
        return found

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        engine = socket.socket(socket.AF_UNIX)
        open_requests = []
        try:
            engine.connect(self.engine_path)
            threading.Thread(target=self._answers, args=(engine, client, open_requests), daemon=True).start()
            self._requests(client, engine, open_requests)
        except OSError:
            pass
        for s in (engine, client):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _requests(self, client, engine, open_requests):
        stream = client.makefile("rb")
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = stream.readline(65536)
                if not line:
                    return
                head += line
            length = next((int(v) for v in re.findall(rb"(?im)^content-length:\s*(\d+)", head)), 0)
            body = stream.read(length) if length else b""
            method, target = head.split(b" ", 2)[:2]
            path = re.sub(r"^/v1\.\d+", "", target.decode().partition("?")[0])
            request = [time.monotonic(), None, "%s %s" % (method.decode(), path)]
            self.requests.append(request)
            instead = self.step_in and self.step_in(request[2], body)
            if instead:
                client.sendall(instead)
                continue
            open_requests.append(request)
            engine.sendall(head + body)

    @staticmethod
    def _answers(engine, client, open_requests):
        """The agent asks one thing at a time on a connection: bytes that come belong to the oldest question."""
        try:
            while True:
                data = engine.recv(65536)
                if not data:
                    break
                if open_requests and open_requests[-1][1] is None:
                    open_requests[-1][1] = time.monotonic()
                client.sendall(data)
        except OSError:
            pass
        try:
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
