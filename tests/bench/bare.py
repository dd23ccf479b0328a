"""The bare Docker API: what the agent is compared with. Kept-alive connections, nothing else."""
import json
import queue
import socket
import threading
import time

API = "/v1.24"


class Conn:
    """One kept-alive connection to the engine's socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)

    def close(self):
        self.sock.close()

    def call(self, method, target, body=b""):
        """(status, body); a status of 400 and above is an exception."""
        head = "%s %s HTTP/1.1\r\nHost: docker\r\n" % (method, target)
        if body or method == "POST":
            head += "Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        self.sock.sendall(head.encode() + b"\r\n" + body)
        data = self._more(b"")
        while b"\r\n\r\n" not in data:
            data = self._more(data)
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        status = int(lines[0].split(b" ")[1])
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(b":") for line in lines[1:])}
        if status in (204, 304):
            return status, b""
        if b"content-length" in headers:
            need = int(headers[b"content-length"])
            while len(data) < need:
                data = self._more(data)
        else:
            data = self._chunks(data)
        if status >= 400:
            raise RuntimeError("%s %s: %d %s" % (method, target, status, data[:300]))
        return status, data

    def _more(self, data):
        got = self.sock.recv(65536)
        if not got:
            raise ConnectionError("the engine closed the connection")
        return data + got

    def _chunks(self, data):
        out = b""
        while True:
            while b"\r\n" not in data:
                data = self._more(data)
            size, _, data = data.partition(b"\r\n")
            n = int(size, 16)
            while len(data) < n + 2:
                data = self._more(data)
            if n == 0:
                return out
            out, data = out + data[:n], data[n + 2:]


class Bare:
    def __init__(self, world, body):
        self.path = world.docker_socket
        self.body = json.dumps(body).encode()
        self.idle = queue.SimpleQueue()

    def conn(self):
        try:
            return self.idle.get_nowait()
        except queue.Empty:
            return Conn(self.path)

    # ---- one container ---------------------------------------------------------------------------

    def create(self, conn):
        return json.loads(conn.call("POST", API + "/containers/create", self.body)[1])["Id"]

    def start(self, conn, container):
        conn.call("POST", "%s/containers/%s/start" % (API, container))

    def stop(self, conn, container):
        conn.call("POST", "%s/containers/%s/stop?t=30" % (API, container))

    def remove(self, conn, container):
        conn.call("DELETE", "%s/containers/%s?force=1&v=1" % (API, container))

    def create_start(self, conn):
        container = self.create(conn)
        self.start(conn, container)
        return container

    # ---- many at once ------------------------------------------------------------------------------

    def each(self, fn, items, width):
        """fn(connection, item) for all items, `width` at a time. Answers (seconds, results)."""
        items, results = list(items), [None] * len(items)
        todo, failed = iter(range(len(items))), []
        lock = threading.Lock()
        conns = [self.conn() for _ in range(width)]
        for c in conns:  # connected and served once: the interval holds no accept
            c.call("GET", "/_ping")

        def work(conn):
            while not failed:
                with lock:
                    i = next(todo, None)
                if i is None:
                    return
                try:
                    results[i] = fn(conn, items[i])
                except Exception as e:
                    failed.append(e)
        workers = [threading.Thread(target=work, args=(c,)) for c in conns]
        before = time.monotonic()
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        took = time.monotonic() - before
        for c in conns:
            self.idle.put(c)
        if failed:
            raise failed[0]
        return took, results

    def overhead_s(self, n=2000):
        """Seconds this client itself needs for one request: a ping, engine's part included."""
        conn = self.conn()
        before = time.thread_time()
        for _ in range(n):
            conn.call("GET", "/_ping")
        spent = time.thread_time() - before
        self.idle.put(conn)
        return spent / n


def body_of(world, container_id):
    """A create body that asks for what an existing container of the agent has, under labels of its own."""
    seen = world.inspect(container_id)
    config, host = seen["Config"], seen["HostConfig"]
    body = {k: config[k] for k in ("Image", "Cmd", "Entrypoint", "Env", "User", "WorkingDir", "Tty", "OpenStdin")}
    body["Labels"] = {k.replace("com.amazonaws.ecs", "com.example.bench"): v for k, v in config["Labels"].items()}
    body["HostConfig"] = {k: host[k] for k in (
        "Binds", "CpuShares", "Memory", "MemoryReservation", "NetworkMode", "CapAdd", "CapDrop", "LogConfig",
        "PortBindings", "Links", "VolumesFrom", "RestartPolicy")}
    return body
