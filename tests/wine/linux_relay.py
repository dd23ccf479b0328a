"""Passes a Windows agent's requests to a Linux Docker Engine. What only Windows knows is taken out of
create bodies, and told: this proves transport and lifecycle, never bodies."""
import json
import re
import socket
import threading

WINDOWS_ONLY = ("CpuPercent", "CpuCount", "IOMaximumIOps", "IOMaximumBandwidth", "Isolation")


class LinuxRelay:
    """`dropped`: members taken out, as "HostConfig.CpuPercent=4"."""

    def __init__(self, listener, socket_path, log):
        self.listener, self.path, self.log = listener, socket_path, log
        self.dropped = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        engine = socket.socket(socket.AF_UNIX)
        try:
            engine.connect(self.path)
        except OSError:
            client.close()
            engine.close()
            return
        back = threading.Thread(target=self._pump, args=(engine, client), daemon=True)
        back.start()
        try:
            self._requests(client.makefile("rb"), engine)
        except OSError:
            pass
        for s in (engine, client):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        back.join()
        client.close()
        engine.close()

    @staticmethod
    def _pump(engine, client):
        try:
            while True:
                data = engine.recv(65536)
                if not data:
                    break
                client.sendall(data)
        except OSError:
            pass
        try:
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _requests(self, stream, engine):
        while True:
            head = []
            while True:
                line = stream.readline(65536)
                if not line:
                    return
                head.append(line)
                if line in (b"\r\n", b"\n"):
                    break
            length = next((int(v) for v in re.findall(rb"(?im)^content-length:\s*(\d+)", b"".join(head))), 0)
            body = stream.read(length) if length else b""
            if b"/containers/create" in head[0]:
                body = self._for_linux(body)
                head = [b"Content-Length: %d\r\n" % len(body) if h.lower().startswith(b"content-length:") else h
                        for h in head]
            engine.sendall(b"".join(head) + body)

    def _drop(self, text):
        self.dropped.append(text)
        with open(self.log, "a") as f:
            f.write("dropped " + text + "\n")

    def _for_linux(self, raw):
        body = json.loads(raw)
        host = body.get("HostConfig") or {}
        for name in WINDOWS_ONLY:
            if name in host:
                self._drop("HostConfig.%s=%s" % (name, json.dumps(host.pop(name))))
        if host.get("NetworkMode") == "nat":
            self._drop('HostConfig.NetworkMode="nat"')
            del host["NetworkMode"]
        for bind in list(host.get("Binds") or ()):
            if re.match(r"[A-Za-z]:|\\\\", bind):
                self._drop("HostConfig.Binds " + bind)
                host["Binds"].remove(bind)
        for option in list(host.get("SecurityOpt") or ()):
            if option.startswith("credentialspec"):
                self._drop("HostConfig.SecurityOpt " + option)
                host["SecurityOpt"].remove(option)
        return json.dumps(body).encode()
