"""The Windows build under Wine, before an engine that answers at once (tests/wine/windows_engine.py): seconds and CPU
are the agent's own. Wine's server is another process, whose CPU is not counted."""
import os
import re
import sys
import time

import measure
import plain_plane as pp
import world as worlds
from lean_plane import LeanPlane

sys.path.insert(0, os.path.join(worlds.ROOT, "tests", "wine"))

import wine_world  # noqa: E402
from windows_engine import Engine  # noqa: E402

TASKS = 20
NEEDED = ("ecsagent.exe", "ecsagent.dll", "tests/wine/pipe_relay.exe", "tests/wine/win_tool.exe")


def box():
    return pp.container(image="windows/servercore:ltsc2022", command=["cmd"], cpu=2, memory=300)


def a_task(arn, **members):
    made = pp.task(arn, box(), **members)
    del made["networkMode"]
    return made


class Round:
    """An agent without memories, connected."""

    def __init__(self, world, plane):
        self.world, self.plane = world, plane
        world.reset()
        self.engine = Engine(world.net.listen("127.0.0.1", wine_world.RELAY_PORT))
        self.engine.add_image("windows/servercore:ltsc2022")
        world.start_relay()
        sessions = len(plane.connected)
        before = time.monotonic()
        world.start_agent(plane, ECS_LOGLEVEL=None)
        plane.until("the ACS session", lambda: len(plane.connected) > sessions)
        self.connected = plane.connected[sessions] - before
        world.wait("the session to be open", plane.acs)

    def close(self):
        self.world.stop_agent()
        self.world.stop_relay()
        self.engine.close()
        self.world.wait("the session to end", lambda: not any(s.open for s in self.plane.sessions))

    def cpu(self):
        return measure.run_time_s(self.world.agent)

    def through(self, n):
        """Starts and stops n tasks; seconds to the ack."""
        arns = [self.plane.task_arn() for _ in range(n)]
        message, sent = self.plane.send_tasks([a_task(a) for a in arns])
        self.plane.all_reported(arns, "RUNNING")
        self.plane.send_tasks([a_task(a, desiredStatus="STOPPED") for a in arns])
        self.plane.all_reported(arns, "STOPPED")
        return self.plane.acked_at(message) - sent


def requests_since(engine, n):
    return [p for _m, p, _q, _b in engine.requests[n:] if not re.search(r"/events$", p)]


def phase(bench, say):
    rounds = bench.o.wine_rounds
    missing = [f for f in NEEDED if not os.path.exists(os.path.join(wine_world.WIN_OUT, f))]
    if missing:
        bench.table.add("under Wine", "not built: make TARGET=windows native test-bins")
        return
    say("the Windows build under Wine, %d times" % rounds)
    world = wine_world.WineWorld("wine-bench")
    connected, acks, cpu, asked = [], [], [], []
    try:
        plane = LeanPlane(world)
        for _ in range(rounds):
            r = Round(world, plane)
            connected.append(r.connected)
            r.through(1)
            n = len(r.engine.requests)
            r.through(1)
            asked.append(len(requests_since(r.engine, n)))
            before = r.cpu()
            acks.append(r.through(TASKS))
            cpu.append(r.cpu() - before)
            r.close()
        plane.close()
    finally:
        world.close()
    add, spread, median = bench.table.add, measure.spread, measure.median
    add("under Wine: process start -> ACS connected", spread(connected, " s"), "0.40 s", "< 0.2 s", median(connected), 0.2)
    add("under Wine: payload of %d tasks -> ack" % TASKS, spread([a * 1e3 for a in acks], " ms", 1), "310 ms", "< 50 ms",
        median(acks), 0.05)
    add("under Wine: own CPU to start and stop %d tasks" % TASKS, spread(cpu, " s"), "0.52 s", "< 0.1 s", median(cpu), 0.1)
    add("under Wine: engine requests of a task of one container", "%d" % max(asked), "13-16", "<= 6", max(asked), 6)
