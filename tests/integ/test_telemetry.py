"""What telemetry says but for the figures: batches, health of containers and of the engine, and a peer that stalls."""
import json
import time

import plain_plane as pp
import steps
from published import figures, frames, next_frame

CHECKED = "if test -e /sick; then exit 1; fi; test -e /well || exit 1"


def checked(name="main", script=CHECKED):
    health = {"Test": ["CMD-SHELL", script], "Interval": 10 ** 9, "Timeout": 5 * 10 ** 9, "Retries": 1,
              "StartPeriod": 60 * 10 ** 9}
    return steps.sleeper(name, healthCheckType="docker", dockerConfig={
        "version": "1.24", "config": json.dumps({"Healthcheck": health}), "hostConfig": "{}"})


def health_of(plane, arn):
    """(status, since) of the task's container in each PublishHealthRequest so far."""
    return [(c["healthStatus"], c["statusSince"]) for m in plane.tcs().of("PublishHealthRequest")
            for t in m["tasks"] if t["taskArn"] == arn for c in t["containers"] if c["containerName"] == "main"]


def test_health_is_told_with_the_time_of_its_last_change(world, plane):
    steps.joined(world, plane)
    began = time.time()
    arn, plain = steps.run(world, plane, checked(), steps.sleeper("other", essential=False)), steps.run(world, plane)
    docker = steps.one_container(world, arn)["Id"]

    def becomes(status):
        return world.wait(status, lambda: [h for h in health_of(plane, arn) if h[0] == status], 50, needs=[world.agent])
    becomes("UNKNOWN")
    world.container_run(docker, "touch", "/well")
    since_healthy = becomes("HEALTHY")[0][1]
    world.container_run(docker, "touch", "/sick")
    sick = time.time()
    since_sick = becomes("UNHEALTHY")[0][1]
    assert began - 1 < since_healthy < sick + 1 and sick - 1 < since_sick < time.time()
    seen = len(health_of(plane, arn))
    world.wait("the next one", lambda: len(health_of(plane, arn)) > seen, 30)
    assert health_of(plane, arn)[-1] == ("UNHEALTHY", since_sick), "no change, no new time"
    for m in plane.tcs().of("PublishHealthRequest"):
        assert m["metadata"]["fin"] is True
        assert {t["taskArn"] for t in m["tasks"]} <= {arn}, "containers without a check are not in it"
        assert all(c["containerName"] == "main" for t in m["tasks"] for c in t["containers"])
    assert health_of(plane, plain) == []


def test_twelve_tasks_come_in_two_messages_and_a_switch_keeps_health_back(world, plane):
    steps.joined(world, plane, ECS_DISABLE_DOCKER_HEALTH_CHECK="true")
    arns = [plane.task_arn() for _ in range(12)]
    plane.payload(*(pp.task(a, checked()) for a in arns))
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING", 60)

    def batches():
        found = {}
        for m in frames(plane):
            found.setdefault(m["metadata"]["messageId"], []).append(m)
        return [b for b in found.values() if len({k[0] for m in b for k in figures(m)}) == 12]
    batch = world.wait("all in one publish", batches, 60, needs=[world.agent])[0]
    assert [(len(m["taskMetrics"]), m["metadata"]["fin"], m["metadata"]["idle"]) for m in batch] == [
        (10, False, False), (2, True, False)]
    assert plane.tcs().of("PublishHealthRequest") == []
    at = [seconds for kind, m, seconds in plane.tcs().frames if kind == "PublishMetricsRequest" and m["metadata"]["fin"]]
    steady = [b - a for a, b in zip(at[1:], at[2:])] or [20]
    assert all(abs(s - 20) < 2 for s in steady), "every 20 s: %r" % steady


def test_the_engines_health_is_told_after_a_heartbeat(world, plane):
    steps.joined(world, plane)

    def told():
        return [m["statuses"][0] for m in plane.tcs().of("PublishInstanceStatusRequest")]

    def becomes(status):
        return world.wait(status, lambda: [s for s in told() if s["status"] == status], 45, needs=[world.agent])[-1]
    first = becomes("INITIALIZING")
    assert first["type"] == "ContainerRuntime"
    plane.acs().send("HeartbeatMessage", messageId="one", healthy=True)
    well = becomes("OK")
    world.stop_docker()
    plane.acs().send("HeartbeatMessage", messageId="two", healthy=True)
    ill = becomes("IMPAIRED")
    assert ill["lastStatusChange"] > well["lastStatusChange"] >= first["lastStatusChange"]
    assert ill["lastUpdated"] >= ill["lastStatusChange"]
    world.holds("it is told once", lambda: len(told()) == 3, 22)


def test_a_peer_that_reads_nothing_delays_nobody(world, plane):
    """Credentials are answered as ever, memory stays where it was, and what waits arrives once."""
    steps.joined(world, plane)
    credentials = pp.role_credentials()
    arn = steps.run(world, plane, roleCredentials=credentials)
    next_frame(world, plane, 45)
    session, before = plane.tcs(), world.agent.rss_kib()
    session.hold(True)
    path = "http://127.0.0.1:51679/v2/credentials/" + credentials["credentialsId"]
    worst, began = 0, time.monotonic()
    while time.monotonic() - began < 45:
        asked = time.monotonic()
        assert world.get(path).status == 200
        worst = max(worst, time.monotonic() - asked)
        world.holds("the session", lambda: session.open, 0.4)
    assert worst < 1, worst
    assert world.agent.rss_kib() - before < 1024
    seen = len(frames(plane))
    session.hold(False)
    world.wait("what waited", lambda: len(frames(plane)) >= seen + 2, 10, needs=[world.agent])
    ids = [m["metadata"]["messageId"] for m in frames(plane)]
    assert len(ids) == len(set(ids)), "each once"
    assert any((arn, "main") in figures(m) for m in frames(plane)[seen:])
