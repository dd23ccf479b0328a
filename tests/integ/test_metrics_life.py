"""Published figures while containers come and go: none of what has vanished, none lost by a restart."""
import pytest

import steps
from published import QUARTER, container, figures, frames, next_frame, told, view


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


def test_metrics_switched_off_leave_the_session_idle(world, plane):
    steps.joined(world, plane, ECS_DISABLE_METRICS="true")
    arn = steps.run(world, plane)
    for _ in range(2):
        frame = next_frame(world, plane)
        assert frame["metadata"]["idle"] and "taskMetrics" not in frame
    assert "cpuPercent" not in view(world, arn)["main"]
