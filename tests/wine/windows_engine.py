"""A strict stand-in for Docker Engine on Windows: it refuses what that daemon refuses, lists what it
silently ignores, and answers in its shapes. Containers are records; nothing runs.

Facts: Docker Engine API 1.24-1.47; moby daemon/daemon_windows.go (verifyContainerResources),
runconfig/hostconfig_windows.go, volume/mounts/windows_parser.go, daemon/oci_windows.go, and
`task-engine.md` sections 2 and 3. A member that no daemon knows is a violation: the real one would
drop it without a word, and a test must not.
"""
import http.server
import itertools
import json
import re
import secrets
import socketserver
import threading
import time
import urllib.parse

CTRL_C = 0xC000013A  # what a console process that is asked to end leaves behind
LOG_DRIVERS = {"", "awslogs", "etwlogs", "fluentd", "gcplogs", "gelf", "json-file", "local", "none",
               "splunk", "syslog"}

INT, STR, BOOL, STRS, MAP, ANY = "int", "string", "bool", "[]string", "map", "any"
CONFIG = {
    "Hostname": STR, "Domainname": STR, "User": STR, "AttachStdin": BOOL, "AttachStdout": BOOL,
    "AttachStderr": BOOL, "ExposedPorts": MAP, "Tty": BOOL, "OpenStdin": BOOL, "StdinOnce": BOOL,
    "Env": STRS, "Cmd": STRS, "Healthcheck": MAP, "ArgsEscaped": BOOL, "Image": STR, "Volumes": MAP,
    "WorkingDir": STR, "Entrypoint": STRS, "NetworkDisabled": BOOL, "MacAddress": STR, "OnBuild": STRS,
    "Labels": MAP, "StopSignal": STR, "StopTimeout": INT, "Shell": STRS, "HostConfig": MAP,
    "NetworkingConfig": MAP}
HOST = {
    "Binds": STRS, "ContainerIDFile": STR, "LogConfig": MAP, "NetworkMode": STR, "PortBindings": MAP,
    "RestartPolicy": MAP, "AutoRemove": BOOL, "VolumeDriver": STR, "VolumesFrom": STRS,
    "ConsoleSize": ANY, "Annotations": MAP, "CapAdd": STRS, "CapDrop": STRS, "CgroupnsMode": STR,
    "Dns": STRS, "DnsOptions": STRS, "DnsSearch": STRS, "ExtraHosts": STRS, "GroupAdd": STRS,
    "IpcMode": STR, "Cgroup": STR, "Links": STRS, "OomScoreAdj": INT, "PidMode": STR,
    "Privileged": BOOL, "PublishAllPorts": BOOL, "ReadonlyRootfs": BOOL, "SecurityOpt": STRS,
    "StorageOpt": MAP, "Tmpfs": MAP, "UTSMode": STR, "UsernsMode": STR, "ShmSize": INT, "Sysctls": MAP,
    "Runtime": STR, "Isolation": STR, "CpuShares": INT, "Memory": INT, "NanoCpus": INT,
    "CgroupParent": STR, "BlkioWeight": INT, "BlkioWeightDevice": ANY, "BlkioDeviceReadBps": ANY,
    "BlkioDeviceWriteBps": ANY, "BlkioDeviceReadIOps": ANY, "BlkioDeviceWriteIOps": ANY,
    "CpuPeriod": INT, "CpuQuota": INT, "CpuRealtimePeriod": INT, "CpuRealtimeRuntime": INT,
    "CpusetCpus": STR, "CpusetMems": STR, "Devices": ANY, "DeviceCgroupRules": STRS,
    "DeviceRequests": ANY, "KernelMemory": INT, "KernelMemoryTCP": INT, "MemoryReservation": INT,
    "MemorySwap": INT, "MemorySwappiness": INT, "OomKillDisable": BOOL, "PidsLimit": INT,
    "Ulimits": ANY, "CpuCount": INT, "CpuPercent": INT, "IOMaximumIOps": INT,
    "IOMaximumBandwidth": INT, "Mounts": ANY, "MaskedPaths": STRS, "ReadonlyPaths": STRS, "Init": BOOL}
# "invalid option: Windows does not support <name as the daemon spells it>" when not zero
REFUSED = {
    "BlkioDeviceReadBps": "BlkioDeviceReadBps", "BlkioDeviceReadIOps": "BlkioDeviceReadIOps",
    "BlkioDeviceWriteBps": "BlkioDeviceWriteBps", "BlkioDeviceWriteIOps": "BlkioDeviceWriteIOps",
    "BlkioWeight": "BlkioWeight", "BlkioWeightDevice": "BlkioWeightDevice",
    "CgroupParent": "CgroupParent", "CpuPeriod": "CPUPeriod", "CpusetCpus": "CpusetCpus",
    "CpusetMems": "CpusetMems", "KernelMemory": "KernelMemory",
    "MemoryReservation": "MemoryReservation", "MemorySwap": "MemorySwap",
    "OomKillDisable": "OomKillDisable", "PidsLimit": "PidsLimit", "Ulimits": "Ulimits"}
# taken without an error and without any effect
IGNORED = ("Links", "CapAdd", "CapDrop", "PidMode", "IpcMode", "UsernsMode", "UTSMode", "ShmSize",
           "Sysctls", "OomScoreAdj", "GroupAdd", "CpuQuota", "Init", "DeviceCgroupRules",
           "CgroupnsMode", "MaskedPaths", "ReadonlyPaths")

DRIVE = r"(?:\\\\\?\\)?[a-z]:[\\/](?:[^\\/:*?\"<>|\r\n]+[\\/]?)*"
NAME = r"[^\\/:*?\"<>|\r\n]+"
PIPE = r"[/\\]{2}\.[/\\]pipe[/\\][^:*?\"<>|\r\n]+"
INSIDE = r"(?:(?:\\\\\?\\)?[a-z]:(?:[\\/][^\\/:*?\"<>\r\n]+)*[\\/]?)|(?:%s)" % PIPE
BIND = re.compile(r"(?:(?P<source>(?:%s)|(?:%s)|(?:%s)):)?(?P<inside>%s)(?::(?P<mode>ro|rw))?$" % (
    DRIVE, PIPE, NAME, INSIDE))


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def bad(text):
    raise Refused(400, text)


def fits(value, kind):
    return {INT: isinstance(value, int) and not isinstance(value, bool), STR: isinstance(value, str),
            BOOL: isinstance(value, bool), MAP: isinstance(value, dict), ANY: True,
            STRS: isinstance(value, list) and all(isinstance(v, str) for v in value)}[kind]


def check_shape(table, value, where, wrong):
    for name, member in value.items():
        if name not in table:
            close = [n for n in table if n.lower() == name.lower()]
            wrong("create: %s.%s: %s" % (where, name, "spelled %s" % close[0] if close else "no daemon knows it"))
        elif member is not None and not fits(member, table[name]):
            bad("json: cannot unmarshal into Go struct field %s.%s of type %s" % (where, name, table[name]))


def check_resources(host, processors):
    """What verifyContainerResources of the Windows daemon says to process-isolated containers."""
    warnings = []
    count, shares, percent = (host.get(k) or 0 for k in ("CpuCount", "CpuShares", "CpuPercent"))
    nano = host.get("NanoCpus") or 0
    if count > 0 and (shares > 0 or percent > 0):
        warnings.append("Conflicting options: CPU count takes priority on Windows Server Containers.")
    elif shares > 0 and percent > 0:
        warnings.append("Conflicting options: CPU shares takes priority over CPU percent on Windows "
                        "Server Containers. CPU percent discarded")
    if not 0 <= shares <= 10000:
        bad("range of CPUShares is from 1 to 10000")
    if not 0 <= percent <= 100:
        bad("range of CPUPercent is from 1 to 100")
    if count < 0:
        bad("invalid CPUCount: CPUCount cannot be negative")
    if nano > 0 and percent > 0:
        bad("conflicting options: Nano CPUs and CPU Percent cannot both be set")
    if nano > 0 and shares > 0:
        bad("conflicting options: Nano CPUs and CPU Shares cannot both be set")
    if not 0 <= nano <= processors * 10 ** 9:
        bad("range of CPUs is from 0.01 to %d.00, as there are only %d CPUs available" % (processors, processors))
    for name, told in REFUSED.items():
        if host.get(name):
            bad("invalid option: Windows does not support " + told)
    if host.get("MemorySwappiness") not in (None, -1):
        bad("invalid option: Windows does not support MemorySwappiness")
    return warnings


def check_host(host):
    if host.get("Isolation") not in (None, "", "default", "process", "hyperv"):
        bad("invalid --isolation: %r. Windows supports 'default', 'process', or 'hyperv'" % host["Isolation"])
    if host.get("CpuRealtimePeriod"):
        bad("Windows does not support CPU real-time period")
    if host.get("CpuRealtimeRuntime"):
        bad("Windows does not support CPU real-time runtime")
    if host.get("Privileged"):
        bad("Windows does not support privileged mode")
    if host.get("ReadonlyRootfs"):
        bad("Windows does not support root filesystem in read-only mode")
    if host.get("Tmpfs"):
        bad("windows does not support tmpfs")
    driver = (host.get("LogConfig") or {}).get("Type") or ""
    if driver not in LOG_DRIVERS:
        bad("logger: no log driver named '%s' is registered" % driver)


def check_bind(spec, folders):
    match = BIND.match(spec.lower())
    if not match:
        bad("invalid volume specification: '%s'" % spec)
    source, inside = match.group("source"), match.group("inside").replace("/", "\\")
    if inside in ("c:", "c:\\"):
        bad("invalid volume specification: '%s': destination path cannot be `c:` or `c:\\`: %s" % (spec, inside))
    if not source:
        bad("invalid volume specification: '%s'" % spec)
    source = source.replace("/", "\\")
    pipe = source.startswith("\\\\.\\pipe\\")
    if pipe != inside.startswith("\\\\.\\pipe\\"):
        bad("invalid mount config for type \"npipe\": '%s' is not a valid pipe path" % inside)
    if re.match(r"[a-z]:", source) and source.rstrip("\\") not in folders:
        bad("invalid mount config for type \"bind\": bind source path does not exist: %s" % source)


class Container:
    def __init__(self, name, body, image, now):
        self.id = secrets.token_hex(32)
        self.name, self.body, self.image, self.created = name, body, image, now
        self.state, self.exit_code, self.started, self.finished = "created", 0, None, None
        self.error, self.pid, self.ports = "", 0, {}

    @property
    def labels(self):
        return self.body.get("Labels") or {}


def stamp(seconds):
    if seconds is None:
        return "0001-01-01T00:00:00Z"
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%07dZ" % int(seconds % 1 * 1e7)


class Engine:
    """The daemon. `requests`: (method, path with version, query, body) in order; `creates`: bodies that
    were accepted; `ignored`: members that would have had no effect; `violations`: what is wrong though
    a daemon would not say so."""

    def __init__(self, listener, version="24.0.7", api="1.43", min_api="1.24", processors=2):
        self.version, self.api, self.min_api, self.processors = version, api, min_api, processors
        self.requests, self.creates, self.ignored, self.violations, self.refusals = [], [], [], [], []
        self.readings = []  # of statistics: (container, how, when)
        self.images = {}     # name:tag -> id, on the host
        self.builds = {}     # name:tag -> version of Windows it is for, where it is not this host's
        self.registry = {}   # name:tag -> id, to be pulled
        self.networks = {"nat", "none", "default"}
        self.folders = {"c:\\data", "c:\\programdata\\docker"}
        self.credential_specs = set()
        self.containers, self.events, self.volumes = {}, [], {}
        self.changed = threading.Condition(threading.RLock())
        self.ports = itertools.count(49152)
        self.start_delay_s = 0
        self.stop_exit = CTRL_C
        self.closed = False
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except (ConnectionError, BrokenPipeError, OSError, ValueError):
                    self.close_connection = True

            def do_GET(self):
                engine.handle(self)
            do_POST = do_DELETE = do_HEAD = do_PUT = do_GET

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def server_bind(self):
                self.socket.close()
                self.socket = listener

            def server_activate(self):
                pass

            def handle_error(self, request, address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    # ---- for tests -------------------------------------------------------------------------------

    def add_image(self, *names):
        for name in names:
            self.images[name] = "sha256:" + secrets.token_hex(32)

    def of(self, method, pattern):
        """Paths (with their version) of the requests that match."""
        return [p for m, p, _q, _b in list(self.requests) if m == method and re.search(pattern, p)]

    def task(self, arn):
        return [c for c in self.containers.values() if c.labels.get("com.amazonaws.ecs.task-arn") == arn]

    def die(self, container, code):
        """A running container's process ends by itself."""
        with self.changed:
            container.state, container.exit_code = "exited", code
            container.finished, container.pid = time.time(), 0
            self._event("die", container, exitCode=str(code))

    def lose_streams(self):
        """Every open event stream ends, as when the daemon restarts."""
        with self.changed:
            self.generation += 1
            self.changed.notify_all()

    generation = 0

    # ---- requests --------------------------------------------------------------------------------

    def handle(self, h):
        length = int(h.headers.get("Content-Length") or 0)
        raw = h.rfile.read(length) if length else b""
        if h.headers.get("Transfer-Encoding", "").lower() == "chunked":
            self.violations.append("request with chunked body: %s" % h.path)
            h.close_connection = True
        url = urllib.parse.urlsplit(h.path)
        query = {k: v[-1] for k, v in urllib.parse.parse_qs(url.query, keep_blank_values=True).items()}
        body = None
        try:
            if raw:
                if h.headers.get("Content-Type", "").split(";")[0] != "application/json":
                    bad("malformed Content-Type header (%s): mime: no media type" % h.headers.get("Content-Type"))
                body = json.loads(raw)
            self.requests.append((h.command, url.path, query, body))
            path = self.without_version(url.path)
            for method, pattern, fn in ROUTES:
                match = re.match(pattern + "$", path)
                if match and method == h.command:
                    fn(self, h, query, body, *map(urllib.parse.unquote, match.groups()))
                    return
            raise Refused(404, "page not found")
        except Refused as e:
            self.refusals.append((h.command, url.path, e.status, str(e)))
            self.answer(h, e.status, {"message": str(e)})
        except ValueError as e:
            self.answer(h, 400, {"message": "invalid JSON: %s" % e})

    def without_version(self, path):
        match = re.match(r"/v(\d+\.\d+)(/.*)$", path)
        if not match:
            return path

        def number(v):
            return tuple(map(int, v.split(".")))
        told = number(match.group(1))
        if told < number(self.min_api):
            bad("client version %s is too old. Minimum supported API version is %s, please upgrade your "
                "client to a newer version" % (match.group(1), self.min_api))
        if told > number(self.api):
            bad("client version %s is too new. Maximum supported API version is %s" % (match.group(1), self.api))
        return match.group(2)

    def answer(self, h, status, value=None, headers=()):
        data = b"" if value is None else (value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n")
        h.send_response(status)
        h.send_header("Api-Version", self.api)
        h.send_header("Ostype", "windows")
        h.send_header("Server", "Docker/%s (windows)" % self.version)
        for name, text in headers:
            h.send_header(name, text)
        if value is not None:
            h.send_header("Content-Type", "text/plain" if isinstance(value, bytes) else "application/json")
        if status != 204:
            h.send_header("Content-Length", str(len(data)))
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(data)

    def stream(self, h):
        """Starts a chunked answer; returns the function that sends one piece."""
        h.send_response(200)
        h.send_header("Api-Version", self.api)
        h.send_header("Content-Type", "application/json")
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        h.wfile.flush()

        def send(value):
            data = json.dumps(value).encode() + b"\n"
            h.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            h.wfile.flush()
        return send

    def find(self, name):
        found = self.containers.get(name) or next(
            (c for c in self.containers.values() if c.name == name or (len(name) >= 12 and c.id.startswith(name))), None)
        if not found:
            raise Refused(404, "No such container: " + name)
        return found

    # ---- engine ----------------------------------------------------------------------------------

    def ping(self, h, _query, _body):
        self.answer(h, 200, b"OK")

    def tell_version(self, h, _query, _body):
        self.answer(h, 200, {
            "Platform": {"Name": "Docker Engine - Community"}, "Version": self.version, "ApiVersion": self.api,
            "MinAPIVersion": self.min_api, "GitCommit": "311b9ff", "GoVersion": "go1.20.10", "Os": "windows",
            "Arch": "amd64", "KernelVersion": "10.0 20348 (20348.1.amd64fre.fe_release.210507-1500)",
            "BuildTime": "2023-10-26T09:07:41.000000000+00:00", "Components": []})

    def info(self, h, _query, _body):
        self.answer(h, 200, {"OSType": "windows", "NCPU": self.processors, "Isolation": "process",
                             "ServerVersion": self.version, "Architecture": "x86_64",
                             "DockerRootDir": "C:\\ProgramData\\docker"})

    def _event(self, action, c, **attributes):
        now = time.time_ns()
        with self.changed:
            self.events.append((now, {
                "status": action, "id": c.id, "from": c.body["Image"], "Type": "container", "Action": action,
                "Actor": {"ID": c.id, "Attributes": {**c.labels, "image": c.body["Image"], "name": c.name,
                                                     **attributes}},
                "scope": "local", "time": now // 10 ** 9, "timeNano": now}))
            self.changed.notify_all()

    def watch(self, h, query, _body):
        filters = json.loads(query.get("filters") or "{}")
        since = query.get("since")
        at = len(self.events)
        if since:
            seconds, _, nano = since.partition(".")
            from_ns = int(seconds) * 10 ** 9 + int((nano or "0").ljust(9, "0"))
            at = next((i for i, (t, _e) in enumerate(self.events) if t >= from_ns), len(self.events))
        labels = filters.get("label") or []
        labels = list(labels) if isinstance(labels, dict) else labels
        mine = self.generation
        send = self.stream(h)
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.closed or mine != self.generation or len(self.events) > at)
                if self.closed or mine != self.generation:
                    h.close_connection = True
                    return
                batch, at = self.events[at:], len(self.events)
            for _when, event in batch:
                actions = filters.get("event") or [event["Action"]]
                attributes = event["Actor"]["Attributes"]
                if event["Action"].split(":")[0] in list(actions) and all(
                        attributes.get(t.partition("=")[0]) == t.partition("=")[2] for t in labels):
                    send(event)

    # ---- containers ------------------------------------------------------------------------------

    def create(self, h, query, body):
        if not isinstance(body, dict):
            bad("config cannot be empty in order to create a container")
        host = body.get("HostConfig") or {}
        wrong = self.violations.append
        check_shape(CONFIG, body, "ContainerConfig", wrong)
        check_shape(HOST, host, "HostConfig", wrong)
        check_host(host)
        warnings = check_resources(host, self.processors)
        for spec in host.get("Binds") or ():
            check_bind(spec, self.folders)
        place = body.get("WorkingDir") or ""
        if place and not re.match(r"([A-Za-z]:)?[\\/]", place):
            bad("the working directory '%s' is invalid, it needs to be an absolute path" % place)
        for pair in body.get("Env") or ():
            if not pair.partition("=")[0]:
                bad("invalid environment variable: " + pair)
        for port in list(body.get("ExposedPorts") or ()) + list(host.get("PortBindings") or ()):
            if not re.match(r"\d{1,5}(-\d{1,5})?/(tcp|udp)$", port):
                bad("invalid port specification: %r" % port)
        for name in IGNORED:
            if host.get(name):
                self.ignored.append(name)
        image = body.get("Image") or ""
        found = self.images.get(self.image_name(image))
        if not found:
            raise Refused(404, "No such image: " + self.image_name(image))
        name = query.get("name") or secrets.token_hex(8)
        with self.changed:
            if any(c.name == name for c in self.containers.values()):
                raise Refused(409, 'Conflict. The container name "/%s" is already in use' % name)
            c = Container(name, body, found, time.time())
            self.containers[c.id] = c
            self.creates.append(body)
            self._event("create", c)
        self.answer(h, 201, {"Id": c.id, "Warnings": warnings})

    def start(self, h, _query, _body, name):
        c = self.find(name)
        host = c.body.get("HostConfig") or {}
        mode = host.get("NetworkMode") or "default"
        if c.state == "running":
            self.answer(h, 304)
            return
        for option in host.get("SecurityOpt") or ():
            key, equals, value = option.partition("=")
            if not equals:
                bad("invalid security option: no equals sign in supplied value " + option)
            if key.lower() != "credentialspec":
                bad("security option not supported: " + key)
            if not value.startswith(("file://", "registry://", "raw://", "config://")):
                bad("invalid credential spec security option - value must be prefixed by 'file://', "
                    "'registry://', or 'raw://' followed by a non-empty value")
            if value.startswith("file://") and value[7:] not in self.credential_specs:
                bad("credential spec '%s' for container %s does not exist" % (value, c.id))
        if not mode.startswith("container:") and mode not in self.networks:
            raise Refused(404, "network %s not found" % mode)
        if self.start_delay_s:
            time.sleep(self.start_delay_s)  # the Windows daemon's own slowness, not a wait of the test
        with self.changed:
            used = {b["HostPort"] for o in self.containers.values() if o.state == "running"
                    for rows in o.ports.values() for b in rows or ()}
            c.ports = {}
            for port, rows in (host.get("PortBindings") or {}).items():
                c.ports[port] = []
                for row in rows or [{}]:
                    told = row.get("HostPort") or ""
                    if told in ("", "0"):
                        told = str(next(self.ports))
                    if told in used:
                        raise Refused(500, "failed to create endpoint %s on network nat: hnsCall failed in Win32: "
                                           "The specified port already exists. (0x803b0013)" % c.name)
                    c.ports[port].append({"HostIp": "0.0.0.0", "HostPort": told})
            c.state, c.started, c.pid = "running", time.time(), 4000 + len(self.events) * 4
            self._event("start", c)
        self.answer(h, 204)

    def stop(self, h, _query, _body, name):
        c = self.find(name)
        if c.state != "running":
            self.answer(h, 304)
            return
        self.die(c, self.stop_exit)
        self._event("stop", c)
        self.answer(h, 204)

    def kill(self, h, _query, _body, name):
        c = self.find(name)
        if c.state != "running":
            raise Refused(409, "Container %s is not running" % c.id)
        self.die(c, 1067)
        self.answer(h, 204)

    def remove(self, h, query, _body, name):
        c = self.find(name)
        if c.state == "running" and query.get("force") not in ("1", "true"):
            raise Refused(409, "cannot remove a running container " + c.id)
        with self.changed:
            del self.containers[c.id]
            self._event("destroy", c)
        self.answer(h, 204)

    def inspect(self, h, _query, _body, name):
        c = self.find(name)
        mode = (c.body.get("HostConfig") or {}).get("NetworkMode") or "default"
        network = "nat" if mode in ("default", "nat") else mode
        running = c.state == "running"
        self.answer(h, 200, {
            "Id": c.id, "Created": stamp(c.created), "Path": "", "Args": [], "Name": "/" + c.name,
            "State": {"Status": c.state, "Running": running, "Paused": False, "Restarting": False,
                      "OOMKilled": False, "Dead": False, "Pid": c.pid, "ExitCode": c.exit_code,
                      "Error": c.error, "StartedAt": stamp(c.started), "FinishedAt": stamp(c.finished)},
            "Image": c.image, "RestartCount": 0, "Driver": "windowsfilter", "Platform": "windows",
            "Config": {k: v for k, v in c.body.items() if k in CONFIG and k not in ("HostConfig", "NetworkingConfig")},
            "HostConfig": {**(c.body.get("HostConfig") or {}), "Isolation": "process"}, "Mounts": [],
            "NetworkSettings": {"Ports": c.ports if running else {}, "Networks": {network: {
                "NetworkID": "b" * 64, "EndpointID": "e" * 64 if running else "",
                "Gateway": "172.21.128.1" if running else "", "IPAddress": "172.21.130.7" if running else "",
                "IPPrefixLen": 16 if running else 0, "MacAddress": "00:15:5d:5a:1e:2f" if running else ""}}}})

    def list(self, h, query, _body):
        filters = json.loads(query.get("filters") or "{}")
        labels = filters.get("label") or []
        every = query.get("all") in ("1", "true", "True")
        rows = []
        for c in list(self.containers.values()):
            if (every or c.state == "running") and all(
                    (c.labels.get(t.partition("=")[0]) == t.partition("=")[2]) if "=" in t else t in c.labels
                    for t in list(labels)):
                rows.append({"Id": c.id, "Names": ["/" + c.name], "Image": c.body["Image"], "ImageID": c.image,
                             "Command": "", "Created": int(c.created), "Labels": c.labels, "State": c.state,
                             "Status": "Up" if c.state == "running" else "Exited (%d)" % c.exit_code,
                             "Ports": [], "Mounts": [], "HostConfig": {"NetworkMode": "default"},
                             "NetworkSettings": {"Networks": {}}})
        self.answer(h, 200, rows)

    def sample(self, c, first=False):
        """`first`: of a stream, or one-shot: there is no reading before it."""
        now = time.time()
        return {"read": stamp(now), "preread": "0001-01-01T00:00:00Z" if first else stamp(now - 1), "pids_stats": {}, "blkio_stats": {},
                "num_procs": self.processors,
                "storage_stats": {"read_count_normalized": 10, "read_size_bytes": 81920,
                                  "write_count_normalized": 5, "write_size_bytes": 40960},
                "cpu_stats": {"cpu_usage": {"total_usage": int((now - (c.started or now)) * 5e6),
                                            "usage_in_kernelmode": 0, "usage_in_usermode": 0},
                              "throttling_data": {}},
                "precpu_stats": {"cpu_usage": {"total_usage": 0}},
                "memory_stats": {"commitbytes": 134217728, "commitpeakbytes": 150994944,
                                 "privateworkingset": 104857600},
                "name": "/" + c.name, "id": c.id,
                "networks": {"1f2c": {"rx_bytes": 1000, "rx_packets": 10, "rx_errors": 0, "rx_dropped": 0,
                                      "tx_bytes": 2000, "tx_packets": 20, "tx_errors": 0, "tx_dropped": 0}}}

    def stats(self, h, query, _body, name):
        """One-shot: from 1.41 on, by the version in the path; it has no reading before. Without it, one
        answer takes two readings, a second apart."""
        c = self.find(name)
        no = ("0", "false", "False")
        told = re.match(r"/v1\.(\d+)/", h.path)
        once = query.get("one-shot", "0") not in no and (not told or int(told.group(1)) >= 41)
        if query.get("stream", "1") not in no and once:
            bad("cannot have stream=true and one-shot=true")
        if once:
            self.readings.append((c.id, "one-shot", time.monotonic()))
            self.answer(h, 200, self.sample(c, first=True))
            return
        if query.get("stream", "1") in no:
            with self.changed:
                self.changed.wait_for(lambda: self.closed, 1)
            self.readings += [(c.id, "pair", time.monotonic())] * 2
            self.answer(h, 200, self.sample(c))
            return
        send, first = self.stream(h), True
        while c.state == "running" and not self.closed:
            self.readings.append((c.id, "stream", time.monotonic()))
            send(self.sample(c, first))
            first = False
            with self.changed:
                self.changed.wait_for(lambda: c.state != "running" or self.closed, 1)
        h.wfile.write(b"0\r\n\r\n")

    # ---- images, volumes -------------------------------------------------------------------------

    def image_name(self, text):
        return text if ":" in text.rsplit("/", 1)[-1] or "@" in text else text + ":latest"

    def inspect_image(self, h, _query, _body, name):
        found = self.images.get(self.image_name(name)) or next((i for i in self.images.values() if i == name), None)
        if not found:
            raise Refused(404, "No such image: " + self.image_name(name))
        self.answer(h, 200, {"Id": found, "RepoTags": [n for n, i in self.images.items() if i == found],
                             "RepoDigests": [], "Created": stamp(0), "Os": "windows", "Architecture": "amd64",
                             "OsVersion": "10.0.20348.2113", "Size": 5 * 10 ** 9,
                             "Config": {"Env": None, "Cmd": None}, "RootFS": {"Type": "layers", "Layers": []}})

    def list_images(self, h, _query, _body):
        self.answer(h, 200, [{"Id": i, "RepoTags": [n], "RepoDigests": [], "Created": 0, "Size": 1, "Labels": None}
                             for n, i in self.images.items()])

    def pull(self, h, query, _body):
        name, tag = query.get("fromImage", ""), query.get("tag")
        if tag and tag.startswith("sha256:"):
            found = tag if any(i == tag and n.rsplit(":", 1)[0] == name for n, i in self.registry.items()) else None
            name += "@" + tag
        else:
            name += ":" + tag if tag else ""
            found = self.registry.get(self.image_name(name))
        if not found:
            raise Refused(404, "pull access denied for %s, repository does not exist or may require 'docker login'" % name)
        send = self.stream(h)
        send({"status": "Pulling from " + name.partition(":")[0], "id": "latest"})
        send({"status": "Downloading", "progressDetail": {"current": 1, "total": 2}, "id": "3889bb8d808b"})
        self.images[self.image_name(name)] = found
        send({"status": "Status: Downloaded newer image for " + self.image_name(name)})
        h.wfile.write(b"0\r\n\r\n")

    def distribution(self, h, _query, _body, name):
        found = self.registry.get(self.image_name(name))
        if not found:
            raise Refused(403, "errors:\ndenied: requested access to the resource is denied")
        self.answer(h, 200, {"Descriptor": {"mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
                                            "digest": found, "size": 772},
                             "Platforms": [{"architecture": "amd64", "os": "windows",
                                            "os.version": self.builds.get(self.image_name(name), "10.0.20348.2113")}]})

    def tag(self, h, query, _body, name):
        found = self.images.get(self.image_name(name))
        if not found:
            raise Refused(404, "No such image: " + name)
        self.images["%s:%s" % (query.get("repo"), query.get("tag") or "latest")] = found
        self.answer(h, 201)

    def create_volume(self, h, _query, body):
        name = (body or {}).get("Name") or secrets.token_hex(32)
        if (body or {}).get("Driver", "local") not in ("", "local"):
            raise Refused(404, "create %s: error looking up volume plugin %s: plugin not found" % (name, body["Driver"]))
        if not re.match(r"[^\\/:*?\"<>|\r\n]+$", name):
            bad("create %s: volume name is invalid" % name)
        if name.lower() in (v.lower() for v in self.volumes if v != name):
            self.violations.append("volume names that differ in case alone: " + name)
        self.volumes.setdefault(name, {"Name": name, "Driver": "local", "Scope": "local", "Options": None,
                                       "Labels": (body or {}).get("Labels"),
                                       "Mountpoint": "C:\\ProgramData\\docker\\volumes\\%s\\_data" % name})
        self.answer(h, 201, self.volumes[name])

    def inspect_volume(self, h, _query, _body, name):
        if name not in self.volumes:
            raise Refused(404, "get %s: no such volume" % name)
        self.answer(h, 200, self.volumes[name])

    def remove_volume(self, h, _query, _body, name):
        if self.volumes.pop(name, None) is None:
            raise Refused(404, "get %s: no such volume" % name)
        self.answer(h, 204)


ONE = r"([^/]+)"
ROUTES = [
    ("GET", "/_ping", Engine.ping), ("HEAD", "/_ping", Engine.ping),
    ("GET", "/version", Engine.tell_version), ("GET", "/info", Engine.info),
    ("GET", "/events", Engine.watch),
    ("POST", "/containers/create", Engine.create), ("GET", "/containers/json", Engine.list),
    ("GET", "/containers/%s/json" % ONE, Engine.inspect), ("GET", "/containers/%s/stats" % ONE, Engine.stats),
    ("POST", "/containers/%s/start" % ONE, Engine.start), ("POST", "/containers/%s/stop" % ONE, Engine.stop),
    ("POST", "/containers/%s/kill" % ONE, Engine.kill), ("DELETE", "/containers/%s" % ONE, Engine.remove),
    ("POST", "/images/create", Engine.pull), ("GET", "/images/json", Engine.list_images),
    ("GET", "/images/(.+)/json", Engine.inspect_image), ("POST", "/images/(.+)/tag", Engine.tag),
    ("GET", "/distribution/(.+)/json", Engine.distribution),
    ("POST", "/volumes/create", Engine.create_volume), ("GET", "/volumes/%s" % ONE, Engine.inspect_volume),
    ("DELETE", "/volumes/%s" % ONE, Engine.remove_volume),
]
