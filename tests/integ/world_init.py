"""Process 1 of a test world.

Started by world.py as `unshare --net --mount --pid --fork --kill-child --mount-proc python3 world_init.py DIR FD NAME`.
It lays the world's mounts over the machine's, moves itself into control groups of its own, starts
processes on request and tells when they end. When it ends, the kernel ends all that ran in here.

Requests and answers are JSON datagrams on the inherited socket FD (SOCK_SEQPACKET):
  {"op":"spawn","argv":[..],"env":{..},"cwd":".."} + three descriptors  -> {"pid":n} or {"error":".."}
  {"op":"kill","pid":n,"sig":n,"group":bool}                            -> {"ok":bool}
  {"op":"end"}                                    -> {"ended":true}, all killed, control groups removed
Told unasked: {"exit":pid,"status":wait status}.
The first message carries two descriptors: this network namespace and this /proc.
"""
import ctypes
import json
import os
import selectors
import signal
import socket
import sys

MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
CLONE_NEWCGROUP = 0x02000000
libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, flags=0, data=None):
    os.makedirs(target, exist_ok=True)
    if libc.mount(source.encode(), target.encode(), kind.encode(), flags,
                  data.encode() if data else None):
        code = ctypes.get_errno()
        raise OSError(code, "mount %s %s: %s" % (kind, target, os.strerror(code)))


def v1_controllers():
    """Controllers that version 1 may mount: all that the unified hierarchy does not hold."""
    names = []
    try:
        with open("/proc/cgroups") as f:
            rows = [line.split() for line in f if not line.startswith("#")]
    except FileNotFoundError:
        return []
    for name, hierarchy, _groups, enabled in rows:
        if enabled == "1" and (hierarchy != "0" or not unified_has(name)):
            names.append(name)
    with open("/proc/self/cgroup") as f:  # named ones too: runc follows every line of this file
        for line in f:
            kind = line.split(":")[1]
            if kind.startswith("name="):
                names.append(kind)
    return names


def folder(kind):
    return kind.partition("=")[2] or kind


def unified_has(name):
    # with version 2 alone the root lists what it can give; hierarchy number 0 then means "v2"
    for path in ("/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/unified/cgroup.controllers"):
        try:
            with open(path) as f:
                if name in f.read().split():
                    return True
        except OSError:
            pass
    return False


class Groups:
    """The world's own control groups: everything made in here lies below /<name> of the machine."""

    def __init__(self, name, base):
        self.name = name
        self.base = base  # a view of the machine's whole hierarchies, kept for the removal
        self.pure_v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
        self.kinds = ["unified"] if self.pure_v2 else v1_controllers()

    def enter(self):
        for kind in self.kinds:
            view = os.path.join(self.base, folder(kind))
            self.mount_one(kind, view)
            own = os.path.join(view, self.name)
            os.makedirs(own, exist_ok=True)
            if kind == "cpuset":
                for item in ("cpuset.cpus", "cpuset.mems"):
                    with open(os.path.join(view, item)) as f:
                        value = f.read()
                    with open(os.path.join(own, item), "w") as f:
                        f.write(value)
            # version 2 allows no processes beside child groups: process 1 gets a leaf of its own
            leaf = os.path.join(own, "init") if self.pure_v2 else own
            os.makedirs(leaf, exist_ok=True)
            with open(os.path.join(leaf, "cgroup.procs"), "w") as f:
                f.write("0")
        if not self.pure_v2 and libc.unshare(CLONE_NEWCGROUP):
            raise OSError(ctypes.get_errno(), "unshare control groups")

    def mount_inside(self):
        if self.pure_v2:
            mount(os.path.join(self.base, "unified", self.name), "/sys/fs/cgroup", "none", MS_BIND)
            return
        mount("tmpfs", "/sys/fs/cgroup", "tmpfs")
        for kind in self.kinds:
            self.mount_one(kind, "/sys/fs/cgroup/" + folder(kind))

    @staticmethod
    def mount_one(kind, target):
        if kind == "unified":
            mount("cgroup2", target, "cgroup2")
        else:
            mount("cgroup", target, "cgroup", 0, "none," + kind if "=" in kind else kind)

    def remove(self):
        for kind in self.kinds:
            view = os.path.join(self.base, folder(kind))
            try:
                with open(os.path.join(view, "cgroup.procs"), "w") as f:
                    f.write("0")
                for path, _dirs, _files in os.walk(os.path.join(view, self.name), topdown=False):
                    os.rmdir(path)
            except OSError as e:
                print("control group %s: %s" % (kind, e), file=sys.stderr)


def lay_mounts(base, groups):
    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    groups.enter()
    mount("sysfs", "/sys", "sysfs")
    groups.mount_inside()
    for place in ("run", "var/lib", "var/log"):
        own = os.path.join(base, place)
        os.makedirs(own, exist_ok=True)
        mount(own, "/" + place, "none", MS_BIND)
    for place in ("etc", "usr/local"):  # changes here stay in the world
        up, work = os.path.join(base, "over", place, "up"), os.path.join(base, "over", place, "work")
        os.makedirs(up, exist_ok=True)
        os.makedirs(work, exist_ok=True)
        mount("overlay", "/" + place, "overlay", 0,
              "lowerdir=/%s,upperdir=%s,workdir=%s" % (place, up, work))
    os.makedirs("/run/lock", exist_ok=True)
    # loopback up, without a process: SIOCSIFFLAGS with IFF_UP | IFF_RUNNING
    import fcntl
    import struct
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
    s.close()
    # A look at a port that nobody listens on yet may be given that very port as its own, connect to itself
    # and keep the port from its server: the agent's ports are not for clients.
    with open("/proc/sys/net/ipv4/ip_local_reserved_ports", "w") as f:
        f.write("51670-51699")


def spawn(request, fds, control):
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        for i in range(3):
            os.dup2(fds[i], i)
        for fd in fds:
            if fd > 2:
                os.close(fd)
        os.close(control)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        for sig in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(sig, signal.SIG_DFL)
        os.chdir(request.get("cwd") or "/")
        os.execvpe(request["argv"][0], request["argv"], request["env"])
    except BaseException as e:  # the child must never return into the loop
        os.write(2, ("cannot start %r: %s\n" % (request["argv"][0], e)).encode())
    os._exit(127)


def reap(sock):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        sock.send(json.dumps({"exit": pid, "status": status}).encode())


def end(groups):
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    groups.remove()


def serve(sock, groups):
    wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch = selectors.DefaultSelector()
    watch.register(sock, selectors.EVENT_READ)
    watch.register(wake_r, selectors.EVENT_READ)
    while True:
        ready = [key.fileobj for key, _ in watch.select()]
        if sock in ready:
            data, fds, _flags, _addr = socket.recv_fds(sock, 1 << 18, 8)
            if not data:  # the test process is gone
                end(groups)
                return
            request = json.loads(data)
            if request["op"] == "spawn":
                sock.send(json.dumps({"pid": spawn(request, fds, sock.fileno())}).encode())
            elif request["op"] == "kill":
                try:
                    (os.killpg if request.get("group") else os.kill)(request["pid"], request["sig"])
                    sock.send(b'{"ok":true}')
                except ProcessLookupError:
                    sock.send(b'{"ok":false}')
            elif request["op"] == "end":
                end(groups)
                sock.send(b'{"ended":true}')
                return
            for fd in fds:
                os.close(fd)
        if wake_r in ready:
            try:
                os.read(wake_r, 4096)
            except BlockingIOError:
                pass
            reap(sock)


def main():
    base, fd, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    sock = socket.socket(fileno=fd)
    os.set_inheritable(fd, False)
    groups = Groups(name, os.path.join(base, "cgroups"))
    lay_mounts(base, groups)
    net, proc = os.open("/proc/self/ns/net", os.O_RDONLY), os.open("/proc", os.O_RDONLY)
    socket.send_fds(sock, [b'{"ready":true}'], [net, proc])
    os.close(net)
    os.close(proc)
    serve(sock, groups)


main()
