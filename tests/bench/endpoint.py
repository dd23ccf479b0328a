"""Load for an HTTP server in a world: what one request costs it. nginx serves the same bytes for scale."""
import collections
import json
import os
import time

import measure

Load = collections.namedtuple("Load", "cpu_us rate")


class Target:
    def __init__(self, world, port, path, cpu, host="127.0.0.1"):
        self.world, self.host, self.port, self.cpu = world, host, port, cpu
        self.request = ("GET %s HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (path, host, port)).encode()
        self.closing = self.request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    def body(self):
        sock = self._connect()
        with sock:
            answer = self._exchange(sock, self.request)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError("port %d: %r" % (self.port, answer[:300]))
        return answer.partition(b"\r\n\r\n")[2]

    def _connect(self):
        return self.world.net.connect(self.host, self.port)

    @staticmethod
    def _exchange(sock, request):
        sock.sendall(request)
        data = b""
        while True:
            got = sock.recv(65536)
            if not got:
                raise ConnectionError("the server closed the connection after %r" % data[:200])
            data += got
            head, gap, body = data.partition(b"\r\n\r\n")
            if gap:
                at = head.lower().index(b"content-length:") + 15
                if len(body) >= int(head[at:].split(b"\r\n")[0]):
                    return data

    def load(self, n, new_connections):
        """n requests, one after the other."""
        self.body()
        sock = None if new_connections else self._connect()
        cpu, before = self.cpu(), time.monotonic()
        for _ in range(n):
            if new_connections:
                with self._connect() as one:
                    answer = self._exchange(one, self.closing)
            else:
                answer = self._exchange(sock, self.request)
            if answer[9:12] != b"200":
                raise RuntimeError("port %d: %r" % (self.port, answer[:300]))
        spent, took = self.cpu() - cpu, time.monotonic() - before
        if sock:
            sock.close()
        return Load(spent / n * 1e6, n / took)


def nginx(world, path, body):
    """nginx in the world, one worker, with the body as a file at `path` and an access log."""
    root = os.path.join(world.dir, "nginx")
    file = root + path
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "wb") as f:
        f.write(body)
    os.makedirs(os.path.join(world.dir, "var/lib/nginx"), exist_ok=True)
    config = os.path.join(world.dir, "nginx.conf")
    with open(config, "w") as f:
        f.write("daemon off; master_process off; pid /run/nginx-bench.pid; error_log stderr;\n"
                "events {} http { access_log %s/access.log; keepalive_requests 100000000;\n"
                "default_type application/json; server { listen 127.0.0.1:8099; root %s; } }\n" % (root, root))
    process = world.spawn(["nginx", "-c", config], name="nginx")
    target = Target(world, 8099, path, lambda: measure.run_time_s(process))
    world.wait("nginx to answer", lambda: json.loads(target.body()), needs=[process])
    return target
