"""What is published of containers is what they use: against the kernel's own figures and the engine's.

Each source of statistics is forced in turn; both have to agree with the control group within 5 %.
"""
import os
import time

import pytest

import steps
import world as worlds
from published import BURN, CPUS, HOLD, HOLD_BYTES, QUARTER, Truth, container, figures, near, next_frame, told, view


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
