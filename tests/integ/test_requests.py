"""What a task costs the Docker Engine in requests, written down between agent and engine."""
import json
import re

import pytest

import plain_plane as pp
import steps
from meter import LOOK, Meter, costs


@pytest.fixture
def meter(world):
    made = Meter(world)
    yield made
    world.stop_agent()
    made.close()


def error_answer(text):
    body = json.dumps({"message": text}).encode()
    return b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body), body)


def asked_for_one_task(world, plane, meter, **members):
    """The requests from payload to STOPPED, of an agent that has seen a task before."""
    steps.joined(world, plane, DOCKER_HOST=meter.HOST)
    steps.stop(world, plane, steps.run(world, plane))
    before = len(meter.requests)
    arn = steps.run(world, plane, steps.sleeper(**members))
    container = steps.one_container(world, arn)["Id"]
    stopped = steps.stop(world, plane, arn)
    assert stopped["containers"][0]["exitCode"] == 0
    return meter.of(container, before)


FIVE = ["GET /images/busybox:latest/json", "POST /containers/create", "POST /containers/ID/start", LOOK,
        "POST /containers/ID/stop"]


def test_a_task_of_one_container_costs_five_requests(world, plane, meter):
    """One look at the image, create, start, one look at what runs, stop; its end is told by the event stream."""
    costs(asked_for_one_task(world, plane, meter), *FIVE)


def test_one_with_a_published_port_costs_six(world, plane, meter):
    """Its end is looked at: only then Docker has given the port back, and another task may have it."""
    asked = asked_for_one_task(world, plane, meter, portMappings=[
        {"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}])
    costs(asked, *FIVE, LOOK)
    assert asked[-2:] == ["POST /containers/ID/stop", LOOK]


def test_a_container_that_ignores_the_signal_is_looked_at_after_it_was_killed(world, plane, meter):
    steps.joined(world, plane, DOCKER_HOST=meter.HOST)
    arn = steps.run(world, plane, pp.container(
        "main", command=steps.sh("trap '' TERM; while :; do sleep 1; done"), stopTimeout=2))
    container = steps.one_container(world, arn)["Id"]
    before = len(meter.requests)
    stopped = steps.stop(world, plane, arn)
    assert stopped["containers"][0]["exitCode"] == 137
    asked = meter.of(container, before)
    costs(asked, "POST /containers/ID/stop", LOOK)
    assert asked[-2:] == ["POST /containers/ID/stop", LOOK]


def test_a_port_can_be_taken_over_as_soon_as_its_task_is_told_to_have_stopped(world, plane, meter):
    """Ten times the same host port, each the moment after the one before was reported STOPPED."""
    steps.joined(world, plane, DOCKER_HOST=meter.HOST)
    port = {"portMappings": [{"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}]}
    for _ in range(10):
        arn = steps.run(world, plane, steps.sleeper(**port))
        steps.stop(world, plane, arn)


def test_a_digest_that_nobody_told_before_the_pull_is_read_from_the_pulled_image(world, plane, meter):
    """The look-up of the manifest fails each time; the pull does not, and costs what it costs otherwise."""
    world.start_registry()
    name = "127.0.0.1:5000/untold:1"
    world.docker("tag", "busybox:latest", name)
    pushed = world.docker("push", name)
    digest = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed).group(1)
    world.docker("rmi", name)
    meter.step_in = lambda what, body: error_answer("no manifest now") if what.startswith("GET /distribution/") else None
    steps.joined(world, plane, DOCKER_HOST=meter.HOST, ECS_IMAGE_PULL_BEHAVIOR="default")
    before = len(meter.requests)
    arn = steps.run(world, plane, steps.sleeper(image=name), timeout=90)
    asked = [what for _at, _done, what in meter.requests[before:] if what != "GET /events"]
    assert [what for what in asked if "/distribution/" not in what][:2] == [
        "POST /images/create", "GET /images/%s/json" % name], asked
    pending = plane.submits(arn)[0]
    assert pending["containers"] == [{"containerName": "main", "status": "PENDING", "imageDigest": digest}]
    assert plane.statuses(arn) == ["PENDING", "RUNNING"]
    assert plane.submits(arn)[-1]["containers"][0]["imageDigest"] == digest
    steps.stop(world, plane, arn)
    world.remove_containers()
    world.docker("rmi", name)


# ---- host ports that are taken between the agent's pick and the start ---------------------------------

class Thief:
    """Takes the host port of a container when its start is asked for, so many times."""

    def __init__(self, world, times):
        self.world, self.times, self.port, self.taken = world, times, None, []

    def __call__(self, what, body):
        if what == "POST /containers/create":
            bindings = json.loads(body)["HostConfig"]["PortBindings"]
            self.port = int(next(iter(bindings.values()))[0]["HostPort"])
        if re.fullmatch("POST /containers/[^/]+/start", what) and len(self.taken) < self.times:
            self.taken.append(self.port)
            self.world.spawn(["busybox", "httpd", "-f", "-p", "0.0.0.0:%d" % self.port, "-h", "/etc"])
            self.world.wait("the thief", lambda: self.world.get(
                "http://127.0.0.1:%d/hostname" % self.port).status == 200)


DYNAMIC = [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}]


@pytest.mark.parametrize("times", [1, 2])
def test_a_picked_port_that_is_taken_before_the_start_is_replaced(world, plane, meter, times):
    meter.step_in = thief = Thief(world, times)
    steps.joined(world, plane, DOCKER_HOST=meter.HOST, ECS_DYNAMIC_HOST_PORT_RANGE="41000-41099")
    before = len(meter.requests)
    arn = steps.run(world, plane, pp.container(command=steps.sh(steps.PAGE), portMappings=DYNAMIC))
    container = steps.one_container(world, arn)  # one and no more
    running = plane.submits(arn)[-1]["containers"][0]
    assert running["runtimeId"] == container["Id"] and "reason" not in running
    binding, = running["networkBindings"]
    assert binding["hostPort"] not in thief.taken and 41000 <= binding["hostPort"] <= 41099
    page = world.wait("the page", lambda: world.get("http://127.0.0.1:%d/" % binding["hostPort"]))
    assert "Congratulations" in page.text
    asked = [re.sub("/containers/[^/]{64}", "/containers/ID", what)
             for _at, _done, what in meter.requests[before:] if " /containers/" in what]
    again = ["POST /containers/create", "POST /containers/ID/start", "DELETE /containers/ID"]
    assert asked[:3 * times + 2] == again * times + again[:2]
    steps.stop(world, plane, arn)


def test_the_third_taken_port_stops_the_task_with_dockers_words(world, plane, meter):
    meter.step_in = thief = Thief(world, 3)
    steps.joined(world, plane, DOCKER_HOST=meter.HOST, ECS_DYNAMIC_HOST_PORT_RANGE="41000-41099")
    arn = steps.run(world, plane, steps.sleeper(portMappings=DYNAMIC), wait=False)
    reason = steps.reported(world, plane, arn, "STOPPED")["containers"][0]["reason"]
    assert reason.startswith("CannotStartContainerError: Error response from daemon: ") and str(thief.taken[2]) in reason
    assert len(set(thief.taken)) == 3
    steps.one_container(world, arn)


def test_a_port_of_the_definition_is_never_replaced(world, plane, meter):
    meter.step_in = Thief(world, 1)
    steps.joined(world, plane, DOCKER_HOST=meter.HOST)
    arn = steps.run(world, plane, steps.sleeper(portMappings=[
        {"containerPort": 80, "hostPort": 8083, "protocol": "tcp"}]), wait=False)
    reason = steps.reported(world, plane, arn, "STOPPED")["containers"][0]["reason"]
    assert reason.startswith("CannotStartContainerError: Error response from daemon: ") and "8083" in reason


def test_more_bindings_than_can_be_told_beside_a_range_are_refused_by_name(world, plane):
    steps.joined(world, plane, ECS_DYNAMIC_HOST_PORT_RANGE="41000-41999")
    ports = [{"containerPort": p, "hostPort": 0, "protocol": "tcp"} for p in range(1, 101)]
    arn = steps.run(world, plane, steps.sleeper(portMappings=ports + [
        {"containerPortRange": "8000-8001", "protocol": "tcp"}]), wait=False)
    container = steps.reported(world, plane, arn, "STOPPED")["containers"][0]
    assert container["reason"] == ("HostConfigError: 101 network bindings, more than the maximum of 100 that is "
                                   "supported with a container port range")
    assert not world.ecs_containers(arn)
