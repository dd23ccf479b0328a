"""What is published of containers is what they use: against the kernel's own figures and the engine's.

Each source of statistics is forced in turn; both have to agree with the control group within 5 %.
"""
import calendar
import concurrent.futures
import json
import os
import signal
import time

import pytest

import plain_plane as pp
import steps
import wire
import world as worlds

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


@pytest.mark.parametrize("source", ["engine", "cgroup", "auto"])
def test_published_figures_are_those_of_the_control_group(world, plane, source):
    steps.joined(world, plane, ECSTOOLS_STATS_SOURCE=source)
    arn = steps.run(world, plane, container("burn", BURN, QUARTER), container("hold", HOLD),
                    container("web", steps.PAGE))
    ids = {n: steps.one_container(world, arn, n)["Id"] for n in ("burn", "hold", "web")}
    burn, hold, web = (Truth(world, ids[n]) for n in ("burn", "hold", "web"))
    address = world.inspect(ids["web"])["NetworkSettings"]["IPAddress"]
    told(world, plane, arn, "burn")  # the first one also covers the start
    engine = burn.engine()
    began, cpu = time.monotonic(), burn.cpu_ns()
    rx = web.engine()[3]
    for _ in range(30):
        world.get("http://%s:80/" % address)
    frame = next_frame(world, plane)
    took = time.monotonic() - began
    got = figures(frame)
    assert set(got) == {(arn, n) for n in ids}
    assert (frame["metadata"]["idle"], frame["metadata"]["fin"]) == (False, True)

    cpu_set = got[arn, "burn"]["cpuStatsSet"]
    average = cpu_set["sum"] / cpu_set["sampleCount"]
    true_cpu = (burn.cpu_ns() - cpu) / 1e9 / took * 100 / CPUS
    assert near(average, true_cpu), "published %r, control group %r" % (cpu_set, true_cpu)
    later = burn.engine()
    engine_cpu = (later[1] - engine[1]) / (later[0] - engine[0]) * 100 / CPUS
    assert near(average, engine_cpu), "published %r, engine %r" % (cpu_set, engine_cpu)
    assert 17 <= cpu_set["sampleCount"] <= 22, cpu_set

    memory = got[arn, "hold"]["memoryStatsSet"]
    true_memory = hold.memory_mib()
    assert true_memory > HOLD_BYTES / 2 ** 20
    assert near(memory["max"], true_memory, least=1), "published %r, control group %r" % (memory, true_memory)
    engine_memory = hold.engine()[2]
    assert near(memory["max"], engine_memory, least=1), "published %r, engine %r" % (memory, engine_memory)
    assert got[arn, "hold"]["cpuStatsSet"]["max"] < 1

    network = got[arn, "web"]["networkStatsSet"]
    assert rx <= network["rxBytes"]["max"] <= web.engine()[3]
    assert network["rxBytes"]["max"] - rx > 30 * 100, "the requests are in it"
    assert near(network["rxBytes"]["max"], web.engine()[3])
    assert network["rxBytesPerSecond"]["max"] > 100
    assert got[arn, "web"]["storageStatsSet"]["readSizeBytes"]["overflowMax"] == 0
    assert "restartStatsSet" not in got[arn, "web"]

    shown = view(world, arn)
    assert near(shown["burn"]["cpuPercent"], true_cpu, 0.5), shown["burn"]
    assert near(shown["hold"]["memoryUsedMib"], true_memory, least=1), shown["hold"]
    assert "statistics of a container come from the Docker Engine" not in world.agent_log()


def test_a_control_group_that_contradicts_the_engine_is_not_believed(world, plane):
    """As with a runtime that runs containers in virtual machines: the group around one tells little."""
    steps.joined(world, plane)
    arn = steps.run(world, plane, container("main", BURN, QUARTER))
    truth = Truth(world, steps.one_container(world, arn)["Id"])
    world.stop_agent()
    folder = os.path.join(world.dir, "run", "other-group")
    os.makedirs(folder)
    for name, text in {"cpuacct.usage": "5", "cpu.stat": "usage_usec 5", "memory.current": "0",
                       "memory.stat": "inactive_file 0", "io.stat": "", "cgroup.procs": ""}.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(text + "\n")
    place = "/sys/fs/cgroup%s/docker/%s" % ("" if truth.v2 else "/cpuacct", truth.id)
    seen = len(plane.sessions)
    world.agent = world.spawn(
        ["unshare", "--mount", "sh", "-c", "mount --bind /run/other-group %s && exec %s" % (
            place, os.path.join(worlds.OUT, "ecsagent"))], name="ecsagent", env=world.agent_environment(plane))
    world.wait("the next sessions", lambda: len(plane.sessions) >= seen + 2 and plane.tcs(), needs=[world.agent])
    world.wait("the doubt to be told", lambda: "tells something else" in world.agent_log(), 30, needs=[world.agent])
    next_frame(world, plane)
    began = truth.moment()
    cpu = figures(next_frame(world, plane))[arn, "main"]["cpuStatsSet"]
    assert near(cpu["sum"] / cpu["sampleCount"], truth.percent_since(began), 0.1), cpu


def asked(world, container_id, path):
    """What a container gets from the metadata endpoint; `path` begins with the name of its variable."""
    return json.loads(world.container_run(container_id, "sh", "-c", 'wget -qO- "$%s"' % path))


@pytest.mark.parametrize("source", ["engine", "cgroup"])
def test_a_container_reads_its_statistics_as_the_engine_tells_them(world, plane, source):
    """With control groups as the source, the engine is asked for those who ask, and for them alone."""
    steps.joined(world, plane, ECSTOOLS_STATS_SOURCE=source)
    arn = steps.run(world, plane, container("burn", BURN, QUARTER), container("web", steps.PAGE))
    burn, web = (steps.one_container(world, arn, n)["Id"] for n in ("burn", "web"))
    told(world, plane, arn, "burn")
    began = time.monotonic()
    mine = asked(world, burn, "ECS_CONTAINER_METADATA_URI/stats")
    assert time.monotonic() - began < 5
    if source == "cgroup":
        again = time.monotonic()
        asked(world, burn, "ECS_CONTAINER_METADATA_URI/stats")
        assert time.monotonic() - again < 1, "it is there by now"
    engine = world.docker_api("GET", "/containers/%s/stats?stream=0" % burn).json()
    assert set(mine) == set(engine) and mine["id"] == burn and mine["name"] == engine["name"]
    assert mine["memory_stats"]["limit"] == engine["memory_stats"]["limit"] == 256 << 20
    used = mine["cpu_stats"]["cpu_usage"]["total_usage"] - mine["precpu_stats"]["cpu_usage"]["total_usage"]
    whole = mine["cpu_stats"]["system_cpu_usage"] - mine["precpu_stats"]["system_cpu_usage"]
    assert 1 < 100 * used / whole < 25 / CPUS * 1.3, "CPU as tools reckon it: %r of %r" % (used, whole)

    address = world.inspect(web)["NetworkSettings"]["IPAddress"]
    both = asked(world, web, "ECS_CONTAINER_METADATA_URI_V4/task/stats")
    assert set(both) == {burn, web}
    before = both[web]["networks"]["eth0"]["rx_bytes"]

    def grown():
        world.get("http://%s:80/" % address)
        now = asked(world, web, "ECS_CONTAINER_METADATA_URI_V4/stats")
        return now["network_rate_stats"]["rx_bytes_per_sec"] > 10 and now["networks"]["eth0"]["rx_bytes"] > before
    world.wait("the rates", grown, 20, needs=[world.agent])
    steps.stop(world, plane, arn)
    assert world.get("http://127.0.0.1:51679/v4/none/stats").status == 404


def test_questions_that_wait_for_statistics_leave_room_for_credentials(world, plane):
    """The engine says nothing: who asks waits a while, only so many do, and all are answered."""
    steps.joined(world, plane, ECSTOOLS_STATS_SOURCE="cgroup", ECS_TASK_METADATA_RPS_LIMIT="1000,1000")
    credentials = pp.role_credentials()
    arn = steps.run(world, plane, roleCredentials=credentials)
    env = dict(e.split("=", 1) for e in world.inspect(steps.one_container(world, arn)["Id"])["Config"]["Env"])
    base = "http://127.0.0.1:51679"
    path = base + env["ECS_CONTAINER_METADATA_URI_V4"].split("169.254.170.2")[1] + "/stats"
    world.docker_proc.kill(signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            began = time.monotonic()

            def ask(_i):
                got = world.get(path)
                return got.status, got.text, time.monotonic() - began
            asked = [pool.submit(ask, i) for i in range(100)]
            world.wait("the first answers", lambda: sum(a.done() for a in asked) >= 68, 3, needs=[world.agent])
            before = time.monotonic()
            assert world.get(base + "/v2/credentials/" + credentials["credentialsId"]).status == 200
            assert time.monotonic() - before < 1
            answers = [a.result() for a in asked]
    finally:
        world.docker_proc.kill(signal.SIGCONT)
    assert {a[:2] for a in answers} == {(200, "{}")}
    late = [a[2] for a in answers if a[2] > 3]
    assert len(late) == 32 and max(late) < 5, late


def test_statistics_are_an_error_where_none_are_taken(world, plane):
    steps.joined(world, plane, ECS_DISABLE_METRICS="true")
    arn = steps.run(world, plane)
    main = steps.one_container(world, arn)["Id"]
    env = dict(e.split("=", 1) for e in world.inspect(main)["Config"]["Env"])
    path = env["ECS_CONTAINER_METADATA_URI_V4"].split("169.254.170.2")[1]
    got = world.get("http://127.0.0.1:51679%s/stats" % path)
    assert (got.status, json.loads(got.text)) == (500, "Unable to get container stats for: " + main)
    assert asked(world, main, "ECS_CONTAINER_METADATA_URI_V4/task/stats") == {main: {}}


def test_a_container_that_vanishes_is_told_no_longer(world, plane):
    steps.joined(world, plane)
    stays, goes = steps.run(world, plane), steps.run(world, plane)
    told(world, plane, goes)
    world.docker_api("DELETE", "/containers/%s?force=1" % steps.one_container(world, goes)["Id"])
    steps.reported(world, plane, goes, "STOPPED")
    next_frame(world, plane)  # may hold what came before
    assert set(figures(next_frame(world, plane))) == {(stays, "main")}
    assert "cpuPercent" in view(world, stays)["main"] and "cpuPercent" not in view(world, goes)["main"]
    steps.stop(world, plane, stays)
    next_frame(world, plane)
    assert next_frame(world, plane)["metadata"]["idle"], "nothing is watched any more"


@pytest.mark.parametrize("source", ["engine", "auto"])
def test_sampling_goes_on_after_the_engine_restarts(world, plane, source):
    steps.joined(world, plane, ECSTOOLS_STATS_SOURCE=source)
    before = steps.run(world, plane)
    told(world, plane, before)
    world.restart_docker()
    steps.reported(world, plane, before, "STOPPED", 60)
    after = steps.run(world, plane, timeout=60)
    cpu = told(world, plane, after)["cpuStatsSet"]
    assert cpu["sampleCount"] >= 1 and 0 <= cpu["min"] <= cpu["max"] <= 100, cpu


def test_an_in_place_restart_keeps_the_counters_going_up(world, plane):
    steps.joined(world, plane)
    script = "trap 'exit 3' TERM; while :; do :; done"
    policy = {"enabled": True, "ignoredExitCodes": [], "restartAttemptPeriod": 1}
    arn = steps.run(world, plane, container("main", script, QUARTER, restartPolicy=policy))
    first = told(world, plane, arn)
    assert first["restartStatsSet"] == {"restartCount": 0}
    world.docker("kill", "--signal", "KILL", steps.one_container(world, arn)["Id"])
    seen = len(frames(plane))

    def look():
        later = [figures(f).get((arn, "main")) for f in frames(plane)[seen:]]
        return [m for m in later if m and m["restartStatsSet"]["restartCount"] == 1]
    after, = world.wait("the restart to be told", look, 60, needs=[world.agent])
    assert 0 <= after["cpuStatsSet"]["min"] and after["cpuStatsSet"]["max"] <= 100, after["cpuStatsSet"]
    assert after["networkStatsSet"]["rxBytes"]["min"] >= first["networkStatsSet"]["rxBytes"]["max"]
    assert figures(next_frame(world, plane))[arn, "main"]["restartStatsSet"] == {"restartCount": 0}


def test_polling_takes_few_samples(world, plane):
    steps.joined(world, plane, ECSTOOLS_STATS_SOURCE="engine", ECS_POLL_METRICS="true",
                 ECS_POLLING_METRICS_WAIT_DURATION="5s")
    arn = steps.run(world, plane, container("main", BURN, QUARTER))
    truth = Truth(world, steps.one_container(world, arn)["Id"])
    told(world, plane, arn)
    began = truth.moment()
    cpu = figures(next_frame(world, plane))[arn, "main"]["cpuStatsSet"]
    assert 3 <= cpu["sampleCount"] <= 5, cpu
    assert near(cpu["sum"] / cpu["sampleCount"], truth.percent_since(began), 0.25), "a quarter may be of other seconds"


def test_metrics_switched_off_leave_the_session_idle(world, plane):
    steps.joined(world, plane, ECS_DISABLE_METRICS="true")
    arn = steps.run(world, plane)
    for _ in range(2):
        frame = next_frame(world, plane)
        assert frame["metadata"]["idle"] and "taskMetrics" not in frame
    assert "cpuPercent" not in view(world, arn)["main"]


def test_the_local_control_plane_takes_them(world):
    local = world.start_local()
    agent = world.start_agent(local)
    local.call("RegisterTaskDefinition", {"family": "sleeper", "containerDefinitions": [{
        "name": "main", "image": "busybox:latest", "cpu": 10, "memory": 32, "essential": True,
        "command": steps.sh(steps.TERM_WAIT)}]})
    ran = world.wait("the task to be placed", lambda: local.call("RunTask", {
        "cluster": local.cluster, "taskDefinition": "sleeper"})["tasks"], 30, needs=[agent])

    def look():
        instance, = world.get(local.base + "/local/v1/telemetry").json()["instances"]
        return (instance["lastMetrics"] or {}).get("taskMetrics")
    kept, = world.wait("the metrics to be kept", look, 60, needs=[agent])
    assert (kept["taskArn"], kept["taskDefinitionFamily"]) == (ran[0]["taskArn"], "sleeper")
    assert kept["containerMetrics"][0]["memoryStatsSet"]["sampleCount"] > 0
