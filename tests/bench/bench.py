"""Takes the figures and prints one table. Nothing is asserted on a clock: a row that misses its
target says by how much. README.md tells what each row is and how far to trust it."""
import argparse
import os
import shutil
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integ"))

import plain_plane as pp  # noqa: E402
import steps  # noqa: E402
import tls  # noqa: E402
import world as worlds  # noqa: E402

import endpoint  # noqa: E402
import measure  # noqa: E402
import metrics  # noqa: E402
import simulator  # noqa: E402
import windows  # noqa: E402
from bare import Bare, body_of  # noqa: E402
from lean_plane import LeanPlane  # noqa: E402

MANY = 50
SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"
PHASES = ("start", "tls", "pairs", "many", "restart", "idle", "metrics", "creds", "sim", "windows", "sizes")
WIDTHS = (1, 2, 4, 6, 8, 12, 16)


def say(text):
    print("%7.1f s  %s" % (time.monotonic() - BEGIN, text), file=sys.stderr, flush=True)


def sleeper():
    return pp.container(command=["sh", "-c", steps.TERM_WAIT], cpu=2, memory=16)


class Bench:
    def __init__(self, options):
        self.o = options
        self.table = measure.Table()
        self.world = worlds.World("bench")
        self.world.start_docker()
        self.world.import_image("busybox:latest")
        self.plane = LeanPlane(self.world)
        self.bare = None
        self.load = measure.Load(self.world)

    def close(self):
        self.world.stop_agent()
        self.plane.close()
        self.world.close()

    # ---- steps -------------------------------------------------------------------------------------

    def start_agent(self, **env):
        """Starts the agent. Answers (seconds to the register call, seconds to the ACS session)."""
        registered, connected = len(self.plane.registered), len(self.plane.connected)
        before = time.monotonic()
        self.world.start_agent(self.plane, **{"ECS_LOGLEVEL": None, **env})
        self.plane.until("the ACS session", lambda: len(self.plane.connected) > connected)
        self.world.wait("the session to be open", self.plane.acs)
        return self.plane.registered[registered] - before, self.plane.connected[connected] - before

    def fresh(self, **env):
        """An engine without containers and an agent without memories."""
        self.world.reset()
        return self.start_agent(**env)

    def run_tasks(self, n):
        """n tasks in one payload. Answers (their ARNs, seconds to the ack, seconds to the last RUNNING)."""
        arns = [self.plane.task_arn() for _ in range(n)]
        message, sent = self.plane.send_tasks([pp.task(a, sleeper()) for a in arns])
        running = self.plane.all_reported(arns, "RUNNING") - sent
        return arns, self.plane.acked_at(message) - sent, running

    def stop_tasks(self, arns):
        """Answers the seconds until the last STOPPED."""
        _message, sent = self.plane.send_tasks([pp.task(a, sleeper(), desiredStatus="STOPPED") for a in arns])
        return self.plane.all_reported(arns, "STOPPED") - sent

    def agent_cpu(self):
        return measure.run_time_s(self.world.agent)

    def need_bare(self):
        """The bare client: its create body asks for what the agent's own containers have."""
        if self.bare is None:
            arns, _ack, _running = self.run_tasks(1)
            self.bare = Bare(self.world, body_of(self.world, steps.one_container(self.world, arns[0])["Id"]))
            self.stop_tasks(arns)

    # ---- process start -----------------------------------------------------------------------------

    def phase_start(self):
        say("process start, %d times" % self.o.starts)
        spawn = []
        for _ in range(self.o.starts):
            before = time.monotonic()
            self.world.spawn(["/bin/true"], name="true").wait()
            spawn.append(time.monotonic() - before)
        first, again, cpu = [], [], []
        for _ in range(self.o.starts):
            first.append(self.fresh())
            self.world.stop_agent(signal.SIGTERM)
            again.append(self.start_agent())
            cpu.append(self.agent_cpu())
        for what, rows in (("new instance", first), ("known instance", again)):
            for i, goal in enumerate(("registered", "registered and ACS connected")):
                values = [r[i] for r in rows]
                self.table.add("process start -> %s (%s)" % (goal, what), measure.spread(values, " s"),
                               "0.27 s" if i == 0 else "0.35 s", "< 0.1 s", measure.median(values), 0.1)
        self.table.add("  of that, start of a process by the bench (/bin/true)", measure.spread(spawn, " s"))
        self.table.add("process start: agent CPU until connected", measure.spread([c * 1e3 for c in cpu], " ms", 1))

    # ---- over TLS ----------------------------------------------------------------------------------

    def phase_tls(self):
        """What an instance at AWS has: three TLS peers and the system's whole list of roots."""
        say("process start over https and wss, %d times" % self.o.starts)
        host, port, plain = "plane.test", 8443, self.plane.base
        authority = tls.Authority(os.path.join(self.world.dir, "ca"), "Root of the bench")
        bundle = os.path.join(self.world.dir, "roots.pem")
        with open(bundle, "wb") as out:
            for part in (SYSTEM_ROOTS, authority.pem):
                with open(part, "rb") as f:
                    out.write(f.read())
        self.world.run(["sh", "-c", "echo '127.0.0.1 %s' >>/etc/hosts" % host])
        server = tls.terminate(self.world, port, plain, authority.issue(host))
        self.plane.move("https://%s:%d" % (host, port))
        env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": plain, "AWS_CA_BUNDLE": bundle}
        connected, cpu = [], []
        for _ in range(self.o.starts):
            connected.append(self.fresh(**env)[1])
            self.world.wait("the TCS session", self.plane.tcs)
            cpu.append(self.agent_cpu())
        time.sleep(20)
        rss = self.world.agent.rss_kib() / 1024
        self.world.stop_agent(signal.SIGTERM)
        server.end()
        self.plane.move(plain)
        self.table.add("over TLS: process start -> registered and ACS connected", measure.spread(connected, " s"))
        self.table.add("over TLS: agent CPU until ACS and TCS are connected", measure.spread(cpu, " s"))
        self.table.add("over TLS: resident memory 20 s after the start", "%.1f MiB" % rss, "", "< 8 MiB", rss, 8)

    # ---- one task ----------------------------------------------------------------------------------

    def phase_pairs(self):
        say("one task against create+start, %d pairs" % self.o.pairs)
        self.fresh()
        self.need_bare()
        conn = self.bare.conn()
        up, down, acks, agent_up, bare_up, agent_down, bare_down, cpu = ([] for _ in range(8))
        for i in range(self.o.pairs):
            before_cpu = self.agent_cpu()
            order = ("agent", "bare") if i % 2 == 0 else ("bare", "agent")
            for who in order:
                if who == "agent":
                    arns, ack, running = self.run_tasks(1)
                else:
                    before = time.monotonic()
                    container = self.bare.create_start(conn)
                    bare_running = time.monotonic() - before
            for who in order:
                if who == "agent":
                    stopped = self.stop_tasks(arns)
                else:
                    before = time.monotonic()
                    self.bare.stop(conn, container)
                    bare_stopped = time.monotonic() - before
            cpu.append(self.agent_cpu() - before_cpu)
            up.append(running / bare_running)
            down.append(stopped / bare_stopped)
            acks.append(ack)
            agent_up.append(running)
            bare_up.append(bare_running)
            agent_down.append(stopped)
            bare_down.append(bare_stopped)
        add, spread, median = self.table.add, measure.spread, measure.median
        add("one task: payload -> RUNNING / bare create+start", spread(up, " x"), "1.28 x", "<= 1.05 x", median(up), 1.05)
        add("  agent / bare", "%s / %s" % (spread(agent_up, " s"), spread(bare_up, " s")))
        add("one task: payload -> STOPPED / bare stop", spread(down, " x"), "1.10 x", "<= 1.05 x", median(down), 1.05)
        add("  agent / bare", "%s / %s" % (spread(agent_down, " s"), spread(bare_down, " s")))
        add("one task: payload -> ack", spread([a * 1e3 for a in acks], " ms", 1))
        add("one task: agent CPU, start and stop", spread([c * 1e3 for c in cpu], " ms", 1))
        add("  CPU of the bare client for one request (ping)", "%.3f ms" % (self.bare.overhead_s() * 1e3))
        self.bare.idle.put(conn)

    # ---- many tasks --------------------------------------------------------------------------------

    def bare_phased(self, create, start, stop):
        """All creates, then all starts, then all stops, each at a width. Seconds of each."""
        b = self.bare
        before = self.work()
        c, ids = b.each(lambda conn, _i: b.create(conn), range(MANY), create)
        s, _ = b.each(b.start, ids, start)
        between = self.work()
        t, _ = b.each(b.stop, ids, stop)
        self.bare_work = before, between, self.work()
        b.each(b.remove, ids, 4)
        return c, s, t

    def bare_joined(self, width, stop):
        """Each worker creates and starts. Seconds for that and for the stops."""
        b = self.bare
        before = self.work()
        up, ids = b.each(lambda conn, _i: b.create_start(conn), range(MANY), width)
        between = self.work()
        down, _ = b.each(b.stop, ids, stop)
        self.bare_work = before, between, self.work()
        b.each(b.remove, ids, 4)
        return up, down

    def sweep(self):
        """The bare client at each width; answers its best: (how to start, width(s), width to stop)."""
        found = {}
        for i in range(self.o.sweeps):
            for width in self.o.widths if i % 2 == 0 else reversed(self.o.widths):
                c, s, t = self.bare_phased(width, width, width)
                j, t2 = self.bare_joined(width, width)
                row = (c, s, j, min(t, t2))
                found[width] = [min(pair) for pair in zip(row, found.get(width, row))]
                say("bare %2d-way: create %.2f  start %.2f  create+start by one worker %.2f  stop %.2f s" % (
                    width, *row))
        rows = [(width, *found[width]) for width in self.o.widths]
        print("\nbare Docker API, %d containers, best seconds of %d by concurrency" % (MANY, self.o.sweeps))
        print("  width   create    start   create+start by one worker     stop")
        for row in rows:
            print("  %5d %8.2f %8.2f %28.2f %8.2f" % row)
        best = [min(rows, key=lambda r: r[i])[0] for i in (1, 2, 3, 4)]
        phased = min(r[1] for r in rows) + min(r[2] for r in rows)
        joined = min(r[3] for r in rows)
        how = ("joined", best[2]) if joined <= phased else ("phased", best[0], best[1])
        print("  best: start %s, stop %d-way" % (
            "%d-way, create+start by one worker" % how[1] if how[0] == "joined" else
            "creates %d-way, then starts %d-way" % how[1:], best[3]), flush=True)
        return how, best[3]

    def bare_best(self, how, stop):
        """Seconds to start and to stop, the engine's CPU for either."""
        if how[0] == "joined":
            up, down = self.bare_joined(how[1], stop)
        else:
            c, s, down = self.bare_phased(how[1], how[2], stop)
            up = c + s
        return up, down, self.bare_work[1] - self.bare_work[0], self.bare_work[2] - self.bare_work[1]

    def work(self):
        return measure.world_cpu_s(self.world)

    def phase_many(self):
        say("%d tasks in one payload: sweep of the bare client" % MANY)
        self.fresh()
        self.need_bare()
        how, stop = self.sweep()
        up, down, acks, starts, stops, cpu_up, cpu_down, growth, bare_up, bare_down = ([] for _ in range(10))
        work_up, work_down, floor = [], [], []
        for i in range(self.o.rounds):
            self.fresh()
            self.run_settled()
            order = ("agent", "bare") if i % 2 == 0 else ("bare", "agent")
            for who in order:
                if who == "bare":
                    b_up, b_down, b_work_up, b_work_down = self.bare_best(how, stop)
                    continue
                idle, cpu0, work0 = self.world.agent.rss_kib(), self.agent_cpu(), self.work()
                arns, ack, running = self.run_tasks(MANY)
                cpu1, full, work1 = self.agent_cpu(), self.world.agent.rss_kib(), self.work()
                stopped = self.stop_tasks(arns)
                cpu2, work2 = self.agent_cpu(), self.work()
                for c in self.world.ecs_containers():
                    self.world.docker_api("DELETE", "/containers/%s?force=1&v=1" % c["Id"])
            say("round %d: agent %.2f and %.2f s, bare %.2f and %.2f s, ack %.3f s, CPU %.3f + %.3f s, RSS %d -> %d KiB" % (
                i + 1, running, stopped, b_up, b_down, ack, cpu1 - cpu0, cpu2 - cpu1, idle, full))
            for values, value in ((up, running / b_up), (down, stopped / b_down), (acks, ack), (starts, running),
                                  (stops, stopped), (cpu_up, cpu1 - cpu0), (cpu_down, cpu2 - cpu1),
                                  (growth, (full - idle) / MANY), (bare_up, b_up), (bare_down, b_down),
                                  (work_up, (work1 - work0 - cpu1 + cpu0) / b_work_up),
                                  (work_down, (work2 - work1 - cpu2 + cpu1) / b_work_down),
                                  (floor, b_work_up / os.cpu_count() / b_up)):
                values.append(value)
        add, spread, median = self.table.add, measure.spread, measure.median
        add("%d tasks: all RUNNING / bare best" % MANY, spread(up, " x"), "0.99 x (8-way)", "<= 0.95 x", median(up), 0.95)
        add("  agent / bare", "%s / %s" % (spread(starts, " s", 2), spread(bare_up, " s", 2)))
        add("  the engine's CPU for it, agent's / bare's", spread(work_up, " x"))
        add("  least possible: the bare starts' CPU, spread over all processors, / bare best", spread(floor, " x"))
        add("%d tasks: all STOPPED / bare best" % MANY, spread(down, " x"), "1.25 x (8-way)", "<= 0.95 x", median(down), 0.95)
        add("  agent / bare", "%s / %s" % (spread(stops, " s", 2), spread(bare_down, " s", 2)))
        add("  the engine's CPU for it, agent's / bare's", spread(work_down, " x"))
        add("%d tasks: payload -> ack (after the commit)" % MANY, spread([a * 1e3 for a in acks], " ms", 1), "820 ms",
            "< 50 ms", median(acks), 0.05)
        add("%d tasks: agent CPU to start them" % MANY, spread(cpu_up, " s"), "0.76 s")
        both = [a + b for a, b in zip(cpu_up, cpu_down)]
        add("%d tasks: agent CPU to start and stop them" % MANY, spread(both, " s"), "1.25 s", "< 0.15 s", median(both), 0.15)
        add("memory growth per running task", spread(growth, " KiB", 1), "350 KiB", "< 32 KiB", median(growth), 32)

    def run_settled(self):
        """One task through, so that what is made once is there before something is measured."""
        arns, _ack, _running = self.run_tasks(1)
        self.stop_tasks(arns)

    # ---- kill -9 -----------------------------------------------------------------------------------

    def phase_restart(self):
        """Resynced: the end of a container that stopped while nobody watched is reported."""
        say("kill -9 with 20 tasks, %d times" % self.o.kills)
        self.fresh()
        self.need_bare()
        arns, _ack, _running = self.run_tasks(20)
        conn = self.bare.conn()
        rows = []
        for i in range(self.o.kills):
            lost = arns[(i * 7) % 20]
            container = steps.one_container(self.world, lost)["Id"]
            self.world.stop_agent(signal.SIGKILL)
            self.bare.stop(conn, container)
            before = time.monotonic()
            registered, connected = self.start_agent()
            resynced = self.plane.all_reported([lost], "STOPPED") - before
            rows.append((registered, connected, resynced))
        took = self.world.agent.end(signal.SIGTERM)
        self.table.add("SIGTERM with 20 tasks -> ended", "%.3f s" % took, "", "< 1 s", took, 1)
        for i, (goal, reference) in enumerate((("registered", "0.29 s"), ("ACS connected", "1.19 s"),
                                               ("end of a task meanwhile reported", ""))):
            values = [r[i] for r in rows]
            self.table.add("kill -9 with 20 tasks: start -> %s" % goal, measure.spread(values, " s"), reference,
                           "< 0.15 s", measure.median(values), 0.15)

    # ---- at rest -----------------------------------------------------------------------------------

    def rest(self, seconds):
        """Waits, with a heartbeat each minute as the control plane sends it. Agent CPU seconds a minute."""
        cpu, begin = self.agent_cpu(), time.monotonic()
        beat = begin + 30
        while time.monotonic() < begin + seconds:
            time.sleep(max(0, min(beat, begin + seconds) - time.monotonic()))
            if time.monotonic() >= beat:
                beat += 60
                self.plane.acs().send("HeartbeatMessage", messageId="beat-%d" % int(beat))
        return (self.agent_cpu() - cpu) / (time.monotonic() - begin) * 60

    def phase_idle(self):
        say("at rest: 60 s, then %d s" % self.o.rest)
        self.fresh()
        self.rest(60)
        rss = self.world.agent.rss_kib() / 1024
        self.table.add("resident memory idle, 60 s after the start", "%.1f MiB" % rss, "50 MiB", "< 8 MiB", rss, 8)
        cpu = self.rest(self.o.rest)
        self.table.add("agent CPU at rest (over %d s)" % self.o.rest, "%.4f s a minute" % cpu, "0.04 s", "< 0.02 s", cpu, 0.02)
        say("at rest with %d tasks: %d s" % (MANY, self.o.rest_tasks))
        self.run_tasks(MANY)
        docker = self.world.docker_proc
        cpu, docker_cpu = self.rest(10), measure.run_time_s(docker)
        cpu = self.rest(self.o.rest_tasks)
        docker_cpu = (measure.run_time_s(docker) - docker_cpu) / self.o.rest_tasks * 60
        rss = self.world.agent.rss_kib() / 1024
        self.table.add("agent CPU with %d tasks at rest (over %d s)" % (MANY, self.o.rest_tasks),
                       "%.4f s a minute (dockerd %.2f s)" % (cpu, docker_cpu), "1.0 s (dockerd 3.9 s)")
        self.table.add("resident memory with %d tasks" % MANY, "%.1f MiB" % rss, "67 MiB")

    # ---- statistics --------------------------------------------------------------------------------

    def phase_metrics(self):
        metrics.phase(self, say)

    # ---- credentials endpoint ----------------------------------------------------------------------

    def phase_creds(self):
        say("credentials endpoint: %d requests kept alive, %d connections" % (self.o.requests, self.o.requests // 4))
        self.fresh(ECS_TASK_METADATA_RPS_LIMIT="1000000,1000000")
        credentials = pp.role_credentials()
        arn = self.plane.task_arn()
        self.plane.send_tasks([pp.task(arn, sleeper(), roleCredentials=credentials)])
        self.plane.all_reported([arn], "RUNNING")
        path = "/v2/credentials/" + credentials["credentialsId"]
        agent = endpoint.Target(self.world, 51679, path, self.agent_cpu)
        there = endpoint.Target(self.world, 80, path, self.agent_cpu, "169.254.170.2")
        body = agent.body()
        nginx = endpoint.nginx(self.world, path, body)
        for what, fresh, reference in (("kept alive", False, "103 us"), ("a new connection each", True, "207 us")):
            n = self.o.requests // (4 if fresh else 1)
            ours, linked, theirs = agent.load(n, fresh), there.load(n, fresh), nginx.load(n, fresh)
            self.table.add("credentials endpoint: agent CPU a request (%s)" % what,
                           "%.0f us, at 169.254.170.2 %.0f us; %.0f requests/s (nginx, a file: %.0f us, %.0f)" % (
                               ours.cpu_us, linked.cpu_us, ours.rate, theirs.cpu_us, theirs.rate), reference)

    # ---- simulator, Windows ------------------------------------------------------------------------

    def phase_sim(self):
        simulator.phase(self, say)

    def phase_windows(self):
        windows.phase(self, say)

    # ---- sizes -------------------------------------------------------------------------------------

    def phase_sizes(self):
        out = os.path.dirname(worlds.OUT)
        for folder, files in (("linux", ("libecsagent.so", "ecsagent", "ecslocal")),
                              ("windows", ("ecsagent.dll", "ecsagent.exe", "ecslocal.exe")),
                              ("module", ("ECSTools.dll",))):
            for file in files:
                path = os.path.join(out, folder, file)
                if not os.path.exists(path):
                    continue
                size = os.path.getsize(path) / 1e6
                reference = {"libecsagent.so": "88 MB", "ecsagent.dll": "89.7 MB"}.get(file, "")
                judged = {"target": "< 2.5 MB", "value": size, "limit": 2.5} if reference else {}
                self.table.add("size of %s/%s" % (folder, file), "%.2f MB" % size, reference, **judged)


def main():
    p = argparse.ArgumentParser(prog="tests/bench/run.sh", description="The agent's figures, as one table.")
    p.add_argument("--only", metavar="PHASE", nargs="+", choices=PHASES, default=PHASES, help=" ".join(PHASES))
    p.add_argument("--pairs", type=int, default=24, help="interleaved pairs of one task (24)")
    p.add_argument("--starts", type=int, default=11, help="process starts (11)")
    p.add_argument("--rounds", type=int, default=5, help="rounds of %d tasks (5)" % MANY)
    p.add_argument("--widths", type=int, nargs="+", default=WIDTHS, help="concurrencies of the sweep")
    p.add_argument("--sweeps", type=int, default=2, help="passes of the sweep, up and down in turn (2)")
    p.add_argument("--kills", type=int, default=7, help="kills with 20 tasks (7)")
    p.add_argument("--rest", type=int, default=120, help="seconds at rest without tasks (120; 300 for a figure to quote)")
    p.add_argument("--rest-tasks", type=int, default=60, help="seconds at rest with tasks (60)")
    p.add_argument("--metrics-counts", type=int, nargs="+", default=(0, 50, 100, 200), help="containers with statistics")
    p.add_argument("--metrics-seconds", type=int, default=60, help="seconds for each of them and each source (60)")
    p.add_argument("--sim", type=int, default=20, help="seconds of simulated worlds (20)")
    p.add_argument("--wine-rounds", type=int, default=5, help="agents under Wine (5)")
    p.add_argument("--requests", type=int, default=20000, help="requests to the credentials endpoint (20000)")
    options = p.parse_args()
    bench = Bench(options)
    try:
        try:
            for name in PHASES:
                if name in options.only:
                    getattr(bench, "phase_" + name)()
        finally:  # what was measured before a failure is worth its time too
            if bench.table.rows:
                print()
                bench.table.print()
                print("machine: %s" % bench.load.text(), flush=True)
    except BaseException:
        kept = os.path.join(worlds.ROOT, "build", "out", "bench-logs")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(bench.world.logs, kept)
        print("logs: " + kept, file=sys.stderr)
        raise
    finally:
        bench.close()


BEGIN = time.monotonic()
if __name__ == "__main__":
    main()
