"""A test world: its own network and mount namespaces with its own Docker Engine, control plane and agent.

Fixed ports, 169.254.170.2 and /var/lib/ecs are free in each world and vanish with it. Processes run
below the world's process 1 (world_init.py): when it ends, nothing of them is left. Nobody sleeps:
wait() looks at a condition until a deadline and then prints what all daemons last said.
"""
import atexit
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import images
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = os.environ.get("ECSTOOLS_OUT") or os.path.join(ROOT, "build", "out", "linux")
CLEAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
REGION = "us-west-2"
SPEED = float(os.environ.get("WORLD_PATIENCE", "1"))  # a slow machine multiplies every deadline

_worlds = set()


class WaitFailed(AssertionError):
    pass


class Ended(Exception):
    """A process of the world that had to run has ended."""


class Process:
    """A process in a world. `status` is None while it runs, then its exit code, or -signal."""

    def __init__(self, world, pid, name, log):
        self.world, self.pid, self.name, self.log = world, pid, name, log
        self.status = None
        self.done = threading.Event()
        self.started = time.monotonic()
        self.ended = None

    def _ended(self, wait_status):
        self.ended = time.monotonic()
        self.status = os.waitstatus_to_exitcode(wait_status)
        self.done.set()

    @property
    def running(self):
        return not self.done.is_set()

    def kill(self, sig=signal.SIGKILL, group=False):
        return self.world._ask(op="kill", pid=self.pid, sig=int(sig), group=group)["ok"]

    def wait(self, timeout=30):
        if not self.done.wait(timeout * SPEED):
            self.world.fail("%s (pid %d) to end" % (self.name, self.pid), timeout)
        return self.status

    def end(self, sig=signal.SIGTERM, timeout=30):
        """Signals it and waits; answers the seconds that took."""
        before = time.monotonic()
        if self.running:
            self.kill(sig)
        self.wait(timeout)
        return (self.ended or before) - before

    def text(self):
        if not self.log:
            return ""
        try:
            with open(self.log, "rb") as f:
                return f.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def proc(self, item):
        """The text of /proc/<pid>/<item>, by the world's own numbers."""
        fd = os.open("%d/%s" % (self.pid, item), os.O_RDONLY, dir_fd=self.world.procfs)
        with os.fdopen(fd, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def rss_kib(self):
        return int(re.search(r"^VmRSS:\s+(\d+)", self.proc("status"), re.M).group(1))


class World:
    count = itertools.count(1)

    def __init__(self, name="world"):
        self.name = "ecsworld-%d-%d" % (os.getpid(), next(self.count))
        self.label = name
        self.dir = tempfile.mkdtemp(prefix=self.name + "-")
        self.logs = os.path.join(self.dir, "logs")
        self.home = os.path.join(self.dir, "home")
        os.mkdir(self.logs)
        os.mkdir(self.home)
        self.procs = {}
        self.early = {}
        self.lock = threading.Lock()  # of procs and early
        self.asking = threading.Lock()
        self.answers = []
        self.answered = threading.Condition()
        self.docker_proc = None
        self.docker_args = []
        self.registry = None
        self.local_proc = None
        self.agent = None
        self.log_count = itertools.count(1)
        self.closed = False
        self.before_close = []
        self._start_init()
        _worlds.add(self)

    # ---- process 1 -------------------------------------------------------------------------------

    def _start_init(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for s in (ours, theirs):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.sock = ours
        with open(os.path.join(self.logs, "init.log"), "wb") as log:
            self.init = subprocess.Popen(
                ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                 "/usr/bin/python3", "-S", "-E", os.path.join(HERE, "world_init.py"),
                 self.dir, str(theirs.fileno()), self.name],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment(), start_new_session=True)
        theirs.close()
        ours.settimeout(30)
        data, fds, _flags, _addr = socket.recv_fds(ours, 4096, 2)
        if not data:
            self.init.wait()
            with open(os.path.join(self.logs, "init.log")) as f:
                raise RuntimeError("the world could not be made: " + f.read())
        ours.settimeout(None)
        netns, self.procfs = fds
        self.net = wire.Net(netns)
        self.net.socket().close()  # the thread has entered: the descriptor may go
        os.close(netns)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                data = self.sock.recv(1 << 18)
            except OSError:
                data = b""
            message = json.loads(data) if data else {"gone": True}
            if "exit" in message:
                with self.lock:
                    process = self.procs.get(message["exit"])
                    if process is None:  # an orphan, or one whose spawn answer is being read
                        self.early[message["exit"]] = message["status"]
                if process:
                    process._ended(message["status"])
                continue
            if "pid" in message:  # numbers are used again: what ended under this one was another process
                with self.lock:
                    self.early.pop(message["pid"], None)
                    self.procs.pop(message["pid"], None)
            with self.answered:
                self.answers.append(message)
                self.answered.notify_all()
            if not data:
                return

    def _ask(self, fds=(), **request):
        """One request; answers the process of a spawn, else what process 1 said."""
        data = json.dumps(request).encode()
        with self.asking:
            socket.send_fds(self.sock, [data], list(fds))
            with self.answered:
                if not self.answered.wait_for(lambda: self.answers, 60):
                    raise RuntimeError("process 1 of the world does not answer")
                answer = self.answers.pop(0)
        if answer.get("gone"):
            raise RuntimeError("process 1 of the world has ended")
        if request["op"] != "spawn":
            return answer
        with self.lock:  # not while asking: the reader needs it for exits that come before the answer
            process = Process(self, answer["pid"], request["name"], request["log"])
            self.procs[process.pid] = process
            status = self.early.pop(process.pid, None)
            if status is not None:
                process._ended(status)
        return process

    def environment(self, **more):
        """What every process starts from: nothing of the caller's but what is named here."""
        env = {"PATH": CLEAN_PATH, "HOME": self.home, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
               "TMPDIR": "/tmp"}
        for key in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if key in os.environ:
                env[key] = os.environ[key]
        for key, value in more.items():
            if value is not None:
                env[key] = str(value)
        return env

    # ---- processes -------------------------------------------------------------------------------

    def spawn(self, argv, name=None, env=None, stdin=None, stdout=None, stderr=None, cwd=None):
        """Starts a process in a session of its own; without descriptors its output goes to a log."""
        name = name or os.path.basename(argv[0])
        log = None
        opened = []
        try:
            if stdin is None:
                stdin = os.open(os.devnull, os.O_RDONLY)
                opened.append(stdin)
            if stdout is None:
                log = os.path.join(self.logs, "%03d-%s.log" % (next(self.log_count), name))
                stdout = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                opened.append(stdout)
            if stderr is None:
                stderr = stdout
            return self._ask([stdin, stdout, stderr], op="spawn", argv=[str(a) for a in argv],
                             env=self.environment() if env is None else env, cwd=cwd,
                             name=name, log=log)
        finally:
            for fd in opened:
                os.close(fd)

    def run(self, argv, env=None, input=b"", timeout=60, check=True, cwd=None):
        """Runs a command to its end. Answers (status, standard output, standard error) as text."""
        with tempfile.TemporaryFile() as i, tempfile.TemporaryFile() as o, tempfile.TemporaryFile() as e:
            i.write(input)
            i.seek(0)
            process = self.spawn(argv, env=env, stdin=i.fileno(), stdout=o.fileno(),
                                 stderr=e.fileno(), cwd=cwd)
            if not process.done.wait(timeout * SPEED):
                process.kill(signal.SIGKILL, group=True)
                self.fail("`%s` to end" % " ".join(map(str, argv)), timeout)
            o.seek(0)
            e.seek(0)
            out, err = o.read().decode("utf-8", "replace"), e.read().decode("utf-8", "replace")
        if check and process.status != 0:
            raise AssertionError("`%s` ended with %s\n%s%s" % (
                " ".join(map(str, argv)), process.status, out[-3000:], err[-3000:]))
        return process.status, out, err

    def tails(self, lines=25):
        parts = []
        for file in sorted(os.listdir(self.logs)):
            with open(os.path.join(self.logs, file), "rb") as f:
                f.seek(0, 2)
                f.seek(max(0, f.tell() - 8192))
                last = f.read().decode("utf-8", "replace").splitlines()[-lines:]
            if last:
                parts.append("--- %s\n%s" % (file, "\n".join(last)))
        return "\n".join(parts)

    def fail(self, what, timeout, last=None):
        raise WaitFailed("waited %.0f s for %s%s\n%s" % (
            timeout * SPEED, what, "" if last is None else "; last seen: %r" % (last,), self.tails()))

    def wait(self, what, condition, timeout=30, needs=()):
        """Polls `condition` until it answers something true, and answers that.

        An AssertionError, OSError, LookupError, StopIteration or EcsError means "not yet". `needs`:
        processes that must live meanwhile; without it a dead one would be waited for in vain.
        """
        deadline = time.monotonic() + timeout * SPEED
        pause, last = 0.005, None
        while True:
            try:
                got = condition()
                if got:
                    return got
                last = got
            except (AssertionError, OSError, LookupError, wire.EcsError, ValueError, StopIteration) as e:
                last = e
            for process in needs:
                if not process.running:
                    raise Ended("%s ended with %s while waiting for %s\n%s" % (
                        process.name, process.status, what, self.tails()))
            if time.monotonic() > deadline:
                self.fail(what, timeout, last)
            time.sleep(pause)  # the pause between two looks, not in place of one
            pause = min(pause * 1.3, 0.1)

    def holds(self, what, condition, seconds):
        """The condition stays true for so long: for what must NOT happen."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not condition():
                raise AssertionError("ceased to hold: %s\n%s" % (what, self.tails()))
            time.sleep(0.02)

    # ---- Docker Engine -----------------------------------------------------------------------------

    @property
    def docker_socket(self):
        return os.path.join(self.dir, "run", "docker.sock")

    def start_docker(self, *args, wait=True):
        """Starts dockerd; the arguments are kept for the restarts."""
        if args:
            self.docker_args = list(args)
        pid_file = os.path.join(self.dir, "run", "docker.pid")
        if os.path.exists(pid_file):  # left by a killed one; its number may be somebody else's now
            os.unlink(pid_file)
        self.docker_proc = self.spawn(
            ["dockerd", "-H", "unix:///run/docker.sock", "--data-root", self.dir + "/docker",
             "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid",
             "--shutdown-timeout", "5", *self.docker_args], name="dockerd")
        if wait:
            self.wait_docker()
        return self.docker_proc

    def wait_docker(self, timeout=60):
        self.wait("dockerd to answer", lambda: self.docker_api("GET", "/_ping").status == 200,
                  timeout, needs=[self.docker_proc])

    def stop_docker(self, sig=signal.SIGTERM):
        if self.docker_proc:
            self.docker_proc.end(sig, timeout=60)
            self.docker_proc = None

    def kill_docker(self):
        """As a crash: dockerd and the containerd it started, at once; containers run on."""
        self.stop_docker(signal.SIGKILL)
        self.wait("containerd to end with dockerd", lambda: not self.pids_of("containerd"))

    def restart_docker(self, sig=signal.SIGTERM):
        self.stop_docker(sig)
        if sig == signal.SIGKILL:
            self.wait("containerd to end with dockerd", lambda: not self.pids_of("containerd"))
        self.start_docker()

    def restart_docker_with(self, *args):
        self.stop_docker()
        self.docker_args = list(args)
        self.start_docker()

    def hang_docker(self):
        self.docker_proc.kill(signal.SIGSTOP)

    def unhang_docker(self):
        self.docker_proc.kill(signal.SIGCONT)

    def fake_docker(self, version):
        """A server on the engine's socket that answers /version with `version` and knows nothing else.
        Answers a function that ends it."""
        path = self.docker_socket
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(64)

        def serve():
            while True:
                try:
                    conn, _ = listener.accept()
                except OSError:
                    return
                with conn:
                    head = conn.recv(65536)
                    found = b"/version" in head.split(b"\r\n")[0] or b"/_ping" in head.split(b"\r\n")[0]
                    body = version.encode() if found else b'{"message":"page not found"}'
                    conn.sendall(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\n"
                                 b"Content-Length: %d\r\n\r\n" % (200 if found else 404, len(body)) + body)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()

        def end():
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(5)
            os.unlink(path)
        return end

    def docker_api(self, method, target, body=None, timeout=60):
        data = None if body is None else json.dumps(body).encode()
        return wire.unix_http(self.docker_socket, method, target,
                              {"Content-Type": "application/json"} if data else None, data, timeout)

    def docker(self, *args, timeout=60, check=True):
        """The docker command on the world's engine; answers its output."""
        return self.run(["/usr/bin/docker", "-H", "unix:///run/docker.sock", *args],
                        timeout=timeout, check=check)[1]

    def import_image(self, *names, extra=()):
        """`docker import` of a busybox root under each name (repository:tag)."""
        tar = images.root_tar(extra)
        for name in names:
            repository, _, tag = name.rpartition(":")
            answer = wire.unix_http(
                self.docker_socket, "POST", "/images/create?fromSrc=-&repo=%s&tag=%s" % (repository, tag),
                {"Content-Type": "application/x-tar"}, tar)
            if answer.status != 200 or b'"error"' in answer.body:
                raise AssertionError("docker import %s: %r" % (name, answer))

    def start_registry(self):
        """A real registry on 127.0.0.1:5000, empty."""
        if self.registry and self.registry.running:
            return
        folder = os.path.join(self.dir, "registry")
        config = os.path.join(self.dir, "registry.yml")
        with open(config, "w") as f:
            f.write("version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\n"
                    "http: {addr: '127.0.0.1:5000'}\n" % folder)
        self.registry = self.spawn(["docker-registry", "serve", config], name="registry")
        self.wait("the registry to answer", lambda: self.get("http://127.0.0.1:5000/v2/").status == 200,
                  needs=[self.registry])

    def containers(self, all=True, **labels):
        """Containers as GET /containers/json tells them, those with these labels."""
        filters = {"label": ["%s=%s" % kv for kv in labels.items()]} if labels else {}
        answer = self.docker_api("GET", "/containers/json?all=%d&filters=%s" % (
            all, json.dumps(filters).replace(" ", "").replace('"', "%22").replace("=", "%3D")))
        return answer.json()

    def ecs_containers(self, task=None, all=True):
        label = "com.amazonaws.ecs.task-arn"
        return [c for c in self.containers(all) if label in (c.get("Labels") or {})
                and (task is None or c["Labels"][label] == task)]

    def inspect(self, container_id):
        answer = self.docker_api("GET", "/containers/%s/json" % container_id)
        if answer.status != 200:
            raise LookupError(answer.text)
        return answer.json()

    def container_run(self, container, *command, timeout=30, check=True):
        """A command inside a running container; answers its output."""
        return self.docker("exec", container, *command, timeout=timeout, check=check)

    def remove_containers(self):
        for c in self.containers():
            self.docker_api("DELETE", "/containers/%s?force=1&v=1" % c["Id"])

    # ---- the agent and the control plane ------------------------------------------------------------

    def agent_environment(self, plane, **more):
        """The variables with which the agent joins a control plane (plain_plane.Plane or local())."""
        access, secret, token = plane.key
        return self.environment(**{
            "ECS_CLUSTER": plane.cluster, "ECS_BACKEND_HOST": plane.base,
            "AWS_DEFAULT_REGION": plane.region, "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": plane.base, "DOCKER_HOST": "unix:///run/docker.sock",
            "ECS_DATADIR": "/var/lib/ecs/data", "ECS_LOGLEVEL": "debug",
            "ECS_AUDIT_LOGFILE": "/var/log/ecs/audit.log", "ECS_ENABLE_TASK_IAM_ROLE": "true",
            "ECS_IMAGE_PULL_BEHAVIOR": "prefer-cached", **more})

    def start_local(self, *arguments, port=51670, **more):
        """Starts `ecslocal` and waits until it answers; its state outlives a stop and a kill.

        Answers what agent_environment() needs to know of it, as the plain plane has it.
        """
        folder = os.path.join(self.dir, "var/lib/ecs/local")
        os.makedirs(folder, exist_ok=True)
        self.local_proc = self.spawn(
            [os.path.join(OUT, "ecslocal"), "--data-dir", "/var/lib/ecs/local", "--port", port, "--region", REGION,
             *arguments], name="ecslocal", env=self.environment(**more))
        local = Local(self, "http://127.0.0.1:%d" % port)

        def answers():
            told = self.get(local.base + "/local/v1/status").json()
            local.key = (told["accessKeyId"], told["secretAccessKey"], None)
            return True
        self.wait("ecslocal to answer", answers, 15, needs=[self.local_proc])
        return local

    def stop_local(self, sig=signal.SIGKILL):
        if self.local_proc:
            self.local_proc.end(sig)
            self.local_proc = None

    def start_agent(self, plane, **more):
        """Starts `ecsagent` in console mode; a variable set to None is left out."""
        self.agent = self.spawn([os.path.join(OUT, "ecsagent")], name="ecsagent",
                                env=self.agent_environment(plane, **more))
        return self.agent

    def stop_agent(self, sig=signal.SIGKILL):
        if self.agent:
            self.agent.end(sig)
            self.agent = None

    def agent_log(self):
        """What the agents of this test said, the oldest first."""
        texts = []
        for file in sorted(os.listdir(self.logs)):
            if file.endswith("-ecsagent.log"):
                with open(os.path.join(self.logs, file), "rb") as f:
                    texts.append(f.read().decode("utf-8", "replace"))
        return "".join(texts)

    def data_files(self):
        """Files of the agent's state, as paths outside the world."""
        folder = os.path.join(self.dir, "var/lib/ecs/data")
        return [os.path.join(d, f) for d, _dirs, files in os.walk(folder) for f in files]

    def status(self):
        """The agent's own account of itself: introspection /v1/status."""
        answer = self.get("http://127.0.0.1:51678/v1/status")
        if answer.status != 200:
            raise LookupError(answer.text)
        return answer.json()

    def reset(self):
        """Back to an engine with images and nothing else: agent, tasks and state of a test go."""
        self.stop_agent()
        for fn in self.before_close:
            fn()
        self.before_close = []
        self.stop_local()
        if self.docker_proc is None or not self.docker_proc.running:
            self.start_docker()
        else:
            self.unhang_docker()
        self.remove_containers()
        for place in ("var/lib/ecs", "var/log/ecs", "run/ecs"):
            shutil.rmtree(os.path.join(self.dir, place), ignore_errors=True)
        self.run(["rm", "-rf", "/etc/ecs"])  # an overlay: from inside alone
        self.run(["sh", "-c", "ip addr del 169.254.170.2/32 dev lo 2>/dev/null; true"])
        for file in os.listdir(self.logs):
            if not file.endswith(("-dockerd.log", "init.log")):
                os.unlink(os.path.join(self.logs, file))

    # ---- looking around --------------------------------------------------------------------------

    def pids(self):
        return [int(n) for n in os.listdir(self.procfs) if n.isdigit()]

    def pids_of(self, comm):
        found = []
        for pid in self.pids():
            try:
                fd = os.open("%d/comm" % pid, os.O_RDONLY, dir_fd=self.procfs)
                with os.fdopen(fd) as f:
                    if f.read().strip() == comm:
                        fd = os.open("%d/stat" % pid, os.O_RDONLY, dir_fd=self.procfs)
                        with os.fdopen(fd) as g:
                            if g.read().rsplit(")", 1)[1].split()[0] != "Z":
                                found.append(pid)
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def http(self, method, url, headers=None, body=None, timeout=10):
        return wire.http(self.net, method, url, headers, body, timeout)

    def get(self, url, timeout=10):
        return self.http("GET", url, timeout=timeout)

    def addresses(self):
        """IPv4 addresses of the world's interfaces as {interface: [address/prefix]}."""
        _s, out, _e = self.run(["ip", "-json", "-4", "addr", "show"])
        return {row["ifname"]: ["%s/%d" % (a["local"], a["prefixlen"]) for a in row["addr_info"]]
                for row in json.loads(out) if row}

    # ---- the end ---------------------------------------------------------------------------------

    def close(self, keep=None):
        """Ends everything. `keep`: a folder that receives the logs first."""
        if self.closed:
            return
        self.closed = True
        _worlds.discard(self)
        for fn in self.before_close:
            fn()
        try:
            self._ask(op="end")
        except (RuntimeError, OSError):
            self.init.kill()
        self.init.wait()
        self.sock.close()
        os.close(self.procfs)
        self.net.close()
        if keep:
            shutil.copytree(self.logs, keep, dirs_exist_ok=True)
        # the mounts went with their namespace; what is left are plain files
        shutil.rmtree(self.dir, ignore_errors=False)


class Local:
    """The product's own control plane, seen by clients: `aws ecs` and raw signed calls."""

    def __init__(self, world, base):
        self.world, self.base, self.region, self.cluster = world, base, REGION, "MyCluster"
        self.key = None  # (access key, secret, None): the operator's, as its status tells

    def environment(self):
        return self.world.environment(
            AWS_ACCESS_KEY_ID=self.key[0], AWS_SECRET_ACCESS_KEY=self.key[1], AWS_DEFAULT_REGION=self.region,
            AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="", AWS_MAX_ATTEMPTS="1")

    def aws(self, *args, check=True):
        """`aws ecs <args>`; answers the parsed output, or (status, standard error) with check=False."""
        status, out, err = self.world.run(
            ["/usr/bin/aws", "ecs", *args, "--endpoint-url", self.base, "--output", "json"],
            env=self.environment(), check=check)
        return (json.loads(out) if out.strip() else None) if check else (status, err)

    def call(self, operation, params=None, **more):
        """One raw call, signed by botocore; members that no command line knows can be sent."""
        return wire.ecs_call(self.world.net, self.base, operation, params or {},
                             more.pop("key", self.key), self.region, **more)


def sweep():
    """Removes folders of worlds whose test process is gone."""
    for name in os.listdir(tempfile.gettempdir()):
        match = re.match(r"ecsworld-(\d+)-", name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)


def close_all():
    for world in list(_worlds):
        world.close()


atexit.register(close_all)
