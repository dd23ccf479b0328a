"""What an agent published of containers, and what the kernel and the engine say of the same."""
import calendar
import json
import os
import time

import plain_plane as pp
import steps
import wire

CPUS = len(os.sched_getaffinity(0))
QUARTER = {"CpuPeriod": 100000, "CpuQuota": 25000}  # of one processor
BURN = "trap 'exit 0' TERM; while :; do :; done"
HOLD_BYTES = 40 * 1000 * 1000
HOLD = "trap 'exit 0' TERM; x=$(head -c %d /dev/zero | tr '\\0' a); sleep 3600 & wait; echo ${#x}" % HOLD_BYTES
NEAR = 0.05


def container(name, script, host_config=None, **members):
    config = {"config": "{}", "hostConfig": json.dumps(host_config or {}), "version": "1.19"}
    return pp.container(name, command=steps.sh(script), dockerConfig=config, memory=256, **members)


class Truth:
    """The control group of one container, read from inside the world."""

    def __init__(self, world, container_id):
        self.world, self.id = world, container_id
        self.v2 = world.run(["test", "-e", "/sys/fs/cgroup/cgroup.controllers"], check=False)[0] == 0

    def read(self, controller, file):
        part = "" if self.v2 else "/" + controller
        out = self.world.run(["cat", "/sys/fs/cgroup%s/docker/%s/%s" % (part, self.id, file)])[1]
        return out.decode() if isinstance(out, bytes) else out

    def named(self, controller, file, name):
        return next(int(line.split()[1]) for line in self.read(controller, file).splitlines()
                    if line.split()[0] == name)

    def cpu_ns(self):
        if self.v2:
            return self.named("", "cpu.stat", "usage_usec") * 1000
        return int(self.read("cpuacct", "cpuacct.usage"))

    def moment(self):
        return time.monotonic(), self.cpu_ns()

    def percent_since(self, moment):
        """Of the whole machine."""
        return (self.cpu_ns() - moment[1]) / 1e9 / (time.monotonic() - moment[0]) * 100 / CPUS

    def memory_mib(self):
        if self.v2:
            used, cache = self.read("", "memory.current"), self.named("", "memory.stat", "inactive_file")
        else:
            used, cache = self.read("memory", "memory.usage_in_bytes"), self.named("memory", "memory.stat", "cache")
        return (int(used) - cache) / 2 ** 20

    def engine(self):
        """The same from the Docker Engine: time and CPU in ns, memory in MiB, received bytes."""
        told = self.world.docker_api("GET", "/containers/%s/stats?stream=0" % self.id).json()
        memory = told["memory_stats"]
        cache = memory["stats"]["cache" if "cache" in memory["stats"] else "inactive_file"]
        clock, _dot, part = told["read"].rstrip("Z").partition(".")
        when = calendar.timegm(time.strptime(clock, "%Y-%m-%dT%H:%M:%S")) * 10 ** 9 + int(part.ljust(9, "0")[:9])
        return (when, told["cpu_stats"]["cpu_usage"]["total_usage"], (memory["usage"] - cache) / 2 ** 20,
                sum(n["rx_bytes"] for n in told.get("networks", {}).values()))


def near(got, want, share=NEAR, least=0.0):
    return abs(got - want) <= max(want * share, least)


def frames(plane):
    return plane.tcs().of("PublishMetricsRequest")


def figures(frame):
    """{(task, container): metrics} of one message."""
    return {(t["taskArn"], c["containerName"]): c
            for t in frame.get("taskMetrics", ()) for c in t["containerMetrics"]}


def next_frame(world, plane, timeout=30):
    """The next message after this moment, and the time at which it was seen."""
    seen = len(frames(plane))
    world.wait("the next metrics", lambda: len(frames(plane)) > seen, timeout, needs=[world.agent])
    return frames(plane)[seen]


def told(world, plane, arn, name="main", timeout=50):
    """Waits for figures of the container; answers them."""
    def look():
        return next((figures(f)[arn, name] for f in frames(plane) if (arn, name) in figures(f)), None)
    return world.wait("metrics of " + arn, look, timeout, needs=[world.agent])


def view(world, arn):
    """The containers of a task as the control channel tells them, by name."""
    answer = wire.unix_http(os.path.join(world.dir, "run", "ecs", "control.sock"), "GET", "/v1/tasks", {}, None, 10)
    task, = [t for t in answer.json()["tasks"] if t["arn"] == arn]
    return {c["name"]: c for c in task["containers"]}
