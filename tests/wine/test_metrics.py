"""Statistics of Windows containers: right figures, and few readings by the engine where its API allows it.

The engine's containers use half a processor and 100 MiB each; its counters run in units of 100 ns.
"""
import json

import pytest

import plain_plane as pp
import steps
from test_console import processors, run, iis


def container(name):
    return pp.container(name, **{"image": "microsoft/iis", "cpu": 100, "memory": 500,
                                 "dockerConfig": {"config": "{}", "hostConfig": "{}", "version": "1.18"}})


def published(plane, arn):
    """What was told of the task so far: a list of {container: metrics}."""
    return [{c["containerName"]: c for c in t["containerMetrics"]}
            for m in plane.tcs().of("PublishMetricsRequest") for t in m.get("taskMetrics", ()) if t["taskArn"] == arn]


def settled(world, plane, arn, count=2, timeout=70):
    return world.wait("metrics of the task", lambda: published(plane, arn)[count - 1:], timeout, needs=[world.agent])[0]


def check_figures(got, expect_samples):
    cpu, memory, storage, net = (got[k] for k in ("cpuStatsSet", "memoryStatsSet", "storageStatsSet", "networkStatsSet"))
    half = 50 / processors(None)
    assert cpu["sampleCount"] in expect_samples and memory["sampleCount"] == cpu["sampleCount"], cpu
    average = cpu["sum"] / cpu["sampleCount"]
    assert abs(average - half) < half * 0.05, "half of one processor, of the whole machine: %r" % cpu
    assert cpu["min"] <= average <= cpu["max"]
    assert (memory["min"], memory["max"], memory["sum"]) == (100, 100, 100 * memory["sampleCount"]), "private working set"
    assert (storage["readSizeBytes"]["max"], storage["writeSizeBytes"]["max"]) == (81920, 40960)
    assert (net["rxBytes"]["max"], net["txPackets"]["max"], net["rxBytesPerSecond"]["max"]) == (1000, 20, 0)


@pytest.mark.parametrize("how,options,env,samples,pace", [
    ("one-shot", {}, {}, range(3, 6), 0.2),
    ("stream", {"api": "1.40"}, {}, range(17, 23), 1),
    ("stream", {}, {"ECSTOOLS_STATS_SOURCE": "engine"}, range(17, 23), 1),
], ids=["auto", "auto, old engine", "engine"])
def test_figures_are_right_whatever_is_asked(world, plane, new_engine, how, options, env, samples, pace):
    engine = new_engine(**options)
    steps.joined(world, plane, **env)
    arn = run(world, plane, container("one"), container("two"))
    got = settled(world, plane, arn)
    assert set(got) == {"one", "two"}
    for name in got:
        check_figures(got[name], samples)
    ids = {c.id for c in engine.task(arn)}
    for container_id in ids:
        mine = [r for r in engine.readings if r[0] == container_id]
        assert {r[1] for r in mine} == {how}
        rate = (len(mine) - 1) / (mine[-1][2] - mine[0][2])
        assert rate < pace * 1.5, "readings a second: %r" % rate
    assert not engine.refusals


def test_statistics_are_asked_no_more_of_a_container_that_ended(world, plane, engine):
    steps.joined(world, plane)
    arn = run(world, plane, iis())
    settled(world, plane, arn, 1)
    engine.die(engine.task(arn)[0], 0)
    steps.reported(world, plane, arn, "STOPPED")
    asked = len(engine.readings)
    world.holds("no more readings", lambda: len(engine.readings) == asked, 7)


def test_a_container_reads_the_engines_object_with_the_reading_before(world, plane, engine):
    """One-shot answers have none; who reckons the use of CPU from two gets both."""
    steps.joined(world, plane)
    arn = run(world, plane, iis())
    made = engine.task(arn)[0]
    env = dict(e.split("=", 1) for e in made.body["Env"])
    path = env["ECS_CONTAINER_METADATA_URI_V4"].split("169.254.170.2")[1]
    got = json.loads(world.wait("the endpoint", lambda: world.get("http://127.0.0.1:51679%s/stats" % path),
                                needs=[world.agent]).text)
    assert got["id"] == made.id and not got["preread"].startswith("0001")
    assert got["memory_stats"]["privateworkingset"] == 100 << 20 and got["num_procs"] == engine.processors
    assert {"storage_stats", "num_procs", "networks"} <= set(got)
