"""Numbers: medians, CPU and memory of processes, how busy the machine was, the table."""
import os
import statistics
import time


def quartiles(values):
    """(lower quartile, median, upper quartile)."""
    values = sorted(values)
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, mid, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, mid, high


def median(values):
    return statistics.median(values)


def spread(values, unit="", digits=3):
    low, mid, high = quartiles(values)
    return "%.*f%s [%.*f-%.*f] n=%d" % (digits, mid, unit, digits, low, digits, high, len(values))


def run_time_s(process):
    """CPU seconds of a process of a world: the scheduler's run-time sum over its threads."""
    total = 0
    folder = os.open("%d/task" % process.pid, os.O_RDONLY, dir_fd=process.world.procfs)
    try:
        for tid in os.listdir(folder):
            fd = os.open(tid + "/schedstat", os.O_RDONLY, dir_fd=folder)
            with os.fdopen(fd) as f:
                total += int(f.read().split()[0])
    finally:
        os.close(folder)
    return total / 1e9


def world_cpu_s(world):
    """CPU seconds of all that ran in a world: engine, its helpers, containers, agent."""
    for path, member in (("/sys/fs/cgroup/cpuacct/%s/cpuacct.usage", None), ("/sys/fs/cgroup/%s/cpu.stat", "usage_usec")):
        try:
            with open(path % world.name) as f:
                text = f.read()
        except OSError:
            continue
        return int(text) / 1e9 if member is None else int(text.split(member)[1].split()[0]) / 1e6
    raise RuntimeError("no CPU account of the world %s" % world.name)


def threads(process):
    return int(process.proc("status").split("Threads:")[1].split()[0])


class Load:
    """How busy the machine is with anything but the world `world` and this program."""

    def __init__(self, world):
        self.world, self.begin = world, self._now(world)
        self.loads = [os.getloadavg()[0]]

    @staticmethod
    def _now(world):
        with open("/proc/stat") as f:
            rows = [line.split() for line in f if line.startswith("cpu")]
        ticks = os.sysconf("SC_CLK_TCK")
        user, nice, system, idle, wait, irq, soft, steal = (int(n) / ticks for n in rows[0][1:9])
        ours = sum(os.times()[:2])
        ours += world_cpu_s(world)
        return time.monotonic(), user + nice + system + irq + soft, ours, steal, len(rows) - 1

    def text(self):
        now = self._now(self.world)
        span = (now[0] - self.begin[0]) * now[4]
        busy, ours, steal = (now[i] - self.begin[i] for i in (1, 2, 3))
        return "%d processors; others used %.0f %% of them, the hypervisor took %.1f %%; load average %.1f -> %.1f" % (
            now[4], 100 * max(0, busy - ours) / span, 100 * steal / span, self.loads[0], os.getloadavg()[0])


class Table:
    """Rows: what, measured, the reference's figure, target, verdict."""

    def __init__(self):
        self.rows = []

    def add(self, what, measured, reference="", target="", value=None, limit=None):
        """With `value` and `limit` the row gets a verdict; lower is better."""
        verdict = ""
        if limit is not None:
            verdict = "met" if value <= limit else "not met: %.0f %% over" % (100 * (value / limit - 1))
            if value > limit and value / limit < 1.01:
                verdict = "not met: %.1f %% over" % (100 * (value / limit - 1))
        self.rows.append((what, measured, reference, target, verdict))

    def print(self):
        rows = [("what", "measured", "reference", "target", "verdict")] + self.rows
        widths = [max(len(r[i]) for r in rows) for i in range(5)]
        for i, row in enumerate(rows):
            print("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip())
            if i == 0:
                print("  ".join("-" * w for w in widths))
        judged = [r[4] for r in self.rows if r[4]]
        print("\n%d of %d targets met" % (sum(v == "met" for v in judged), len(judged)))
