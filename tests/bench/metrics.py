"""What statistics cost: the agent's and the engine's CPU against the number of containers and the source.

The same containers are there for every source: the agent is started anew between two measurements.
"""
import os
import signal
import time

import measure

ENGINE = ("dockerd", "containerd", "containerd-shim")  # as the kernel cuts them, by prefix
SOURCES = (("streams", {"ECSTOOLS_STATS_SOURCE": "engine"}), ("auto", {}), ("off", {"ECS_DISABLE_METRICS": "true"}))
SETTLE_S = 12


def engine_s(world):
    """CPU seconds of the engine with its helpers, one of which it has for each container."""
    total = 0
    for pid in os.listdir(world.procfs):
        if not pid.isdigit():
            continue
        try:
            with os.fdopen(os.open(pid + "/comm", os.O_RDONLY, dir_fd=world.procfs)) as f:
                if not f.read().startswith(ENGINE):
                    continue
            tasks = os.open(pid + "/task", os.O_RDONLY, dir_fd=world.procfs)
        except FileNotFoundError:  # ended meanwhile
            continue
        try:
            for tid in os.listdir(tasks):
                with os.fdopen(os.open(tid + "/schedstat", os.O_RDONLY, dir_fd=tasks)) as f:
                    total += int(f.read().split()[0])
        except FileNotFoundError:
            continue
        finally:
            os.close(tasks)
    return total / 1e9


def fit(xs, ys):
    """Least squares: (at 0, for each container)."""
    n, mx, my = len(xs), sum(xs) / len(xs), sum(ys) / len(ys)
    if n < 2:
        return my, 0.0
    slope = sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)
    return my - slope * mx, slope


def take(bench, env, seconds):
    """(agent CPU, engine CPU) in seconds a minute, and MiB resident, of a new agent."""
    bench.world.stop_agent(signal.SIGTERM)
    bench.start_agent(**env)
    bench.world.wait("the TCS session", bench.plane.tcs)
    bench.rest(SETTLE_S)
    began, engine = time.monotonic(), engine_s(bench.world)
    agent = bench.rest(seconds)
    engine = (engine_s(bench.world) - engine) / (time.monotonic() - began) * 60
    return agent, engine, bench.world.agent.rss_kib() / 1024


def phase(bench, say):
    seconds, counts = bench.o.metrics_seconds, sorted(bench.o.metrics_counts)
    bench.fresh()
    rows, running = {}, 0
    for n in counts:
        while running < n:
            more = min(50, n - running)
            bench.run_tasks(more)
            running += more
        for source, env in SOURCES:
            rows[n, source] = take(bench, env, seconds)
            say("metrics: %3d containers, %-7s: agent %.3f, engine %.3f s a minute, %.1f MiB" % (
                n, source, *rows[n, source]))
    print("\nstatistics: CPU seconds a minute by containers and source (%d s each)" % seconds)
    print("  containers   source    agent   engine   resident")
    for n in counts:
        for source, _env in SOURCES:
            print("  %10d  %7s %8.3f %8.3f %6.1f MiB" % (n, source, *rows[n, source]))
    for source, _env in SOURCES:
        parts = [fit(counts, [rows[n, source][i] for n in counts]) for i in range(3)]
        print("  fit, %-7s  agent %.3f + %.4f n, engine %.3f + %.4f n s a minute, resident %.1f + %.4f n MiB" % (
            (source,) + tuple(x for pair in parts for x in pair)))
    if 50 in counts:
        agent, engine, rss = rows[50, "auto"]
        streams = rows[50, "streams"]
        both = (agent + engine) / (streams[0] + streams[1])
        add = bench.table.add
        add("50 containers: agent CPU with statistics", "%.3f s a minute" % agent, "0.98 s", "< 0.4 s", agent, 0.4)
        add("50 containers: agent + engine, against 50 streams", "%.3f x (%.2f / %.2f s a minute)" % (
            both, agent + engine, streams[0] + streams[1]), "4.9 s a minute", "<= 0.333 x", both, 1 / 3)
        add("50 containers: resident memory with statistics", "%.1f MiB" % rss, "67 MiB", "< 12 MiB", rss, 12)
