#!/usr/bin/python3
"""The statistics of telemetry once more, written from the protocol notes alone: reads the engine's own
JSON lines, recorded and made up, and writes what has to be published as metrics_vectors.h.
Run: ./metrics_oracle.py >metrics_vectors.h"""
import json
import math
import os
import struct

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data")
MOST = 2 ** 63 - 1
NET = ("rx_bytes", "rx_dropped", "rx_errors", "rx_packets", "tx_bytes", "tx_dropped", "tx_errors", "tx_packets")
PUBLISH = None


def single(n):
    """The nearest single-precision number; whole numbers are rounded once, half to even."""
    if isinstance(n, int):
        drop = max(n.bit_length() - 24, 0)
        low, n = n & ((1 << drop) - 1), n >> drop
        if low * 2 > 1 << drop or (low * 2 == 1 << drop and drop and n & 1):
            n += 1
        return float(n << drop)
    return struct.unpack("f", struct.pack("f", n))[0]


def nanoseconds(text):
    """Since 1970, from "2026-01-02T03:04:05.123456789Z"."""
    clock, _dot, part = text.rstrip("Z").partition(".")
    date, _t, time = clock.partition("T")
    year, month, day = (int(x) for x in date.split("-"))
    hour, minute, second = (int(x) for x in time.split(":"))
    year, month = (year, month) if month > 2 else (year - 1, month + 12)
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
    return ((days * 24 + hour) * 60 + minute) * 60 * 10 ** 9 + second * 10 ** 9 + int((part or "0").ljust(9, "0")[:9])


class Container:
    """Samples of one container, as the scenario's members say."""

    def __init__(self, windows=False, processors=2, network=True, restarts=False, ring=80):
        self.windows, self.processors, self.network = windows, processors, network
        self.policy, self.size = restarts, ring
        self.ring, self.base, self.before = [], {}, None
        self.restarts = self.told = 0

    def read(self, line):
        """Counters of a line, or None when it is of no use."""
        told = json.loads(line)
        usage = told["cpu_stats"]["cpu_usage"]
        memory, detail = told["memory_stats"], told["memory_stats"].get("stats", {})
        v2 = detail and "cache" not in detail
        if nanoseconds(told["read"]) <= 0:
            return None
        if not self.windows and not v2 and not usage.get("percpu_usage"):
            return None
        got = {"time": nanoseconds(told["read"]), "cpu": usage["total_usage"], "storage": True}
        if self.windows:
            got["memory"] = memory["privateworkingset"]
            got["storage"] = "storage_stats" in told
            for name in ("read", "write"):
                got[name] = told.get("storage_stats", {}).get(name + "_size_bytes", 0)
        else:
            away = detail.get("inactive_file" if v2 else "cache", 0)
            got["memory"] = memory["usage"] - (away if away < memory["usage"] else 0)
            rows = told["blkio_stats"]["io_service_bytes_recursive"] or []
            for name in ("read", "write"):
                got[name] = sum(r["value"] for r in rows if r["op"].lower() == name)
        networks = told.get("networks") or {}
        got["net"] = bool(networks) and self.network
        for name in NET:
            got[name] = sum(n.get(name, 0) for n in networks.values())
        return got

    def add(self, line, restarts):
        got = self.read(line)
        if got is None:
            return False
        counters = ("cpu", "read", "write") + NET
        raw = {name: got[name] for name in counters}
        if self.policy and self.before and any(raw[n] < self.before[n] for n in counters):
            for name in counters:
                if not (self.windows and name.endswith("_errors")):
                    self.base[name] = self.base.get(name, 0) + self.before[name]
        self.before, self.restarts = raw, restarts
        for name in counters:
            got[name] += self.base.get(name, 0)
        got["cpu"] = got["cpu"] * (100 if self.windows else 1) // self.processors
        got["mib"] = got["memory"] // 2 ** 20
        last = self.ring[-1] if self.ring else None
        for name, of, scale in (("percent", "cpu", 100.0), ("rx", "rx_bytes", 1e9), ("tx", "tx_bytes", 1e9)):
            got[name] = math.nan
            if not last or (of != "cpu" and not (got["net"] and last["net"]) and got["time"] > last["time"]):
                continue
            step = got["time"] - last["time"]
            if step <= 0:
                got[name] = last[name]
            elif got[of] >= last[of]:
                got[name] = single(single(single(scale) * single(got[of] - last[of])) / single(step))
        got["sent"] = False
        self.ring = (self.ring + [got])[-self.size:]
        return True

    def publish(self):
        fresh = [s for s in self.ring if not s["sent"]]
        cpu, memory = plain(fresh, "percent"), plain(fresh, "mib")
        if len(self.ring) < 2 or not cpu or not memory:
            return None
        out = {"containerName": "c", "cpuStatsSet": cpu, "memoryStatsSet": memory}
        stored = [s for s in fresh if s["storage"]]
        if stored:
            out["storageStatsSet"] = {"readSizeBytes": whole(stored, "read"), "writeSizeBytes": whole(stored, "write")}
        wired = [s for s in fresh if s["net"]]
        if wired and plain(wired, "rx"):
            out["networkStatsSet"] = {camel(name): whole(wired, name) for name in NET}
            out["networkStatsSet"].update(rxBytesPerSecond=plain(wired, "rx"), txBytesPerSecond=plain(wired, "tx"))
        if self.policy:
            out["restartStatsSet"] = {"restartCount": self.restarts - self.told}
        self.told = self.restarts
        for s in fresh:
            s["sent"] = True
        return out


def camel(name):
    head, _under, tail = name.partition("_")
    return head + tail.capitalize()


def plain(samples, name):
    values = [s[name] for s in samples if not math.isnan(s[name])]
    total = 0.0
    for v in values:
        total += v
    return {"min": min(values), "max": max(values), "sampleCount": len(values), "sum": total} if values else None


def whole(samples, name):
    values = [s[name] for s in samples]
    out = {"sampleCount": len(values)}
    total = min(sum(values), 2 ** 64 - 1)  # counters are 64 bits wide; what is more is not told
    for key, value in (("min", min(values)), ("max", max(values)), ("sum", total)):
        out[key] = min(value, MOST)
        out["overflow" + key.capitalize()] = value % MOST if value > MOST else 0
    return out


# ---- streams ---------------------------------------------------------------------------------------

def recorded(name, *restarts_at):
    with open(os.path.join(DATA, name)) as f:
        return [(line.rstrip("\n"), sum(at <= i for at in restarts_at)) for i, line in enumerate(f)]


def every(n, rows):
    out = []
    for i, row in enumerate(rows):
        out.append(row)
        if (i + 1) % n == 0:
            out.append(PUBLISH)
    return out + [PUBLISH]


def at(second, part=""):
    return "2026-01-02T03:%02d:%02d%sZ" % (4 + second // 60, second % 60, part)


def linux(when, cpu, usage=64 << 20, v2=True, **more):
    detail = {"anon": 1, "inactive_file": 1 << 20} if v2 else {"cache": 2 << 20, "inactive_file": 1 << 20}
    line = {"read": when, "cpu_stats": {"cpu_usage": {"total_usage": cpu}, "online_cpus": 4},
            "memory_stats": {"usage": usage, "stats": detail},
            "blkio_stats": {"io_service_bytes_recursive": None}}
    if not v2:
        line["cpu_stats"]["cpu_usage"]["percpu_usage"] = [cpu]
    line.update(more)
    return json.dumps(line, separators=(",", ":")), 0


def windows(i, cpu, memory=100 << 20, restarts=0, **more):
    line = {"read": at(i, ".5%06d" % (i * 7)), "preread": at(i), "num_procs": 4,
            "cpu_stats": {"cpu_usage": {"total_usage": cpu, "usage_in_kernelmode": cpu // 3}},
            "memory_stats": {"commitbytes": 2 * memory, "commitpeakbytes": 3 * memory, "privateworkingset": memory},
            "storage_stats": {"read_count_normalized": i, "read_size_bytes": 4096 * i, "write_size_bytes": 512 * i},
            "networks": {"5ac1b2": {"rx_bytes": 1000 * i, "rx_packets": 10 * i, "tx_bytes": 333 * i,
                                    "tx_packets": 3 * i, "rx_dropped": i, "rx_errors": 2 * i}}}
    line.update(more)
    return json.dumps(line, separators=(",", ":")), restarts


def scenarios():
    yield "a recorded stream with a restart in place", dict(restarts=True), every(5, recorded(
        "stats-linux-restart.jsonl", 6))
    yield "the same of a container without a restart policy", dict(), every(4, recorded("stats-linux-restart.jsonl", 6))
    yield "the same with the host's network and a short ring", dict(network=False, ring=4, processors=3), every(
        7, recorded("stats-linux-restart.jsonl"))
    yield "cgroup v2", dict(processors=4), every(3, [linux(at(i), 10 ** 9 * i, (64 + i) << 20, blkio_stats={
        "io_service_bytes_recursive": [{"op": "read", "value": 10 * i}, {"op": "Write", "value": 7 * i},
                                       {"op": "read", "value": 1}]}) for i in range(8)])
    yield "time that stands still, goes back and jumps", dict(), every(9, [
        linux(at(s), c) for s, c in ((1, 0), (2, 10 ** 9), (2, 3 * 10 ** 9), (1, 4 * 10 ** 9), (60, 5 * 10 ** 9),
                                     (61, 4 * 10 ** 9), (62, 6 * 10 ** 9))])
    yield "numbers near the end of 64 bits", dict(), every(3, [
        linux(at(i), 2 ** 62, networks={"eth0": dict.fromkeys(NET, v)}) for i, v in enumerate(
            (2 ** 63 - 2048, 2 ** 63, 2 ** 63 + 4096))])
    yield "CPU use beyond belief", dict(processors=1), every(2, [linux(at(0), 0), linux(at(0, ".000000001"), 10 ** 12)])
    yield "lines of no use in between", dict(), every(6, [
        linux(at(0), 0), linux("0001-01-01T00:00:00Z", 0), linux(at(1), 10 ** 8),
        linux(at(2), 5, memory_stats={}), linux(at(3), 3 * 10 ** 8, v2=False), linux(at(4), 4 * 10 ** 8)])
    yield "one sample is none", dict(), every(1, [linux(at(i), i * 10 ** 9) for i in range(3)])
    yield "network that comes later", dict(), every(3, [
        linux(at(i), i * 10 ** 8, networks={"eth0": {"rx_bytes": i * 100}} if i > 1 else {}) for i in range(6)])
    yield "Windows", dict(windows=True, processors=4), every(5, [windows(i, 2500000 * i) for i in range(1, 13)])
    yield "Windows, restarted in place", dict(windows=True, processors=64, restarts=True), every(4, [
        windows(i, 9000000 * i) for i in range(1, 6)] + [windows(i, 5000000 * (i - 5), restarts=1, networks={
            "n": {"rx_bytes": i - 6, "rx_errors": i}}) for i in range(6, 11)])


def literal(value):
    return "NULL" if value is None else json.dumps(value if isinstance(value, str) else json.dumps(
        value, separators=(",", ":")))


def main():
    print("/* metrics_vectors.h - written by metrics_oracle.py; not to be changed by hand. */")
    print("/* clang-format off */")
    rows = []
    for i, (name, options, steps) in enumerate(scenarios()):
        c = Container(**options)
        print("static const struct step steps_%d[] = {" % i)
        for step in steps:
            if step is PUBLISH:
                print("    { NULL, 0, false, %s }," % literal(c.publish()))
            else:
                print("    { %s, %d, %s, NULL }," % (literal(step[0]), step[1], "true" if c.add(*step) else "false"))
        print("};")
        flags = ["true" if f else "false" for f in (c.windows, c.network, c.policy)]
        rows.append("    { \"%s\", { %s, %d, %s, %s, 0, %d }, steps_%d, EA_COUNT(steps_%d) }," % (
            name, flags[0], c.processors, flags[1], flags[2], c.size, i, i))
    print("static const struct scenario scenarios[] = {\n%s\n};" % "\n".join(rows))
    print("/* clang-format on */")


if __name__ == "__main__":
    main()
