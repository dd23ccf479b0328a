"""The Windows agent and a real Docker Engine: named pipe, relay, dockerd. Transport and lifecycle; bodies are
test_console.py's. What the relay had to take out is printed and checked."""
import json
import os

import pytest

import plain_plane as pp
import steps
import wine_world
from linux_relay import LinuxRelay
from test_console import kill_agent


@pytest.fixture(scope="module")
def real_world(shared_world):
    shared_world.start_docker()
    shared_world.import_image("busybox:latest", "simple-web:latest")
    return shared_world


@pytest.fixture
def relay(real_world, world):
    made = LinuxRelay(world.net.listen("127.0.0.1", wine_world.RELAY_PORT), world.docker_socket,
                      os.path.join(world.logs, "relay-dropped.log"))
    world.start_relay()
    yield made
    world.stop_agent()
    world.stop_relay()
    made.close()
    print("taken out for Linux:", sorted(set(made.dropped)))
    for what in made.dropped:
        assert what.startswith(("HostConfig.CpuPercent", "HostConfig.NetworkMode")), what


def test_a_task_runs_on_a_real_engine_and_stops_when_told(world, plane, relay):
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper(memory=300), timeout=60)
    container = steps.one_container(world, arn)
    assert world.inspect(container["Id"])["State"]["Running"]
    stopped = steps.stop(world, plane, arn)
    assert stopped["containers"][0]["exitCode"] == 0
    assert any(d.startswith("HostConfig.CpuPercent") for d in relay.dropped)


def test_ten_tasks_in_one_payload_all_run_and_all_stop(world, plane, relay):
    steps.joined(world, plane)
    arns = [plane.task_arn() for _ in range(10)]
    plane.payload(*(pp.task(a, steps.sleeper(memory=260)) for a in arns))
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING", 90)
    plane.payload(*(pp.task(a, steps.sleeper(), desiredStatus="STOPPED") for a in arns))
    for arn in arns:
        steps.reported(world, plane, arn, "STOPPED", 90)


def test_an_exit_code_of_a_real_process_arrives(world, plane, relay):
    steps.joined(world, plane)
    arn = steps.run(world, plane, pp.container(command=steps.sh("exit 9"), memory=300), wait=False)
    stopped = world.wait("STOPPED", lambda: [b for b in plane.submits(arn) if b["status"] == "STOPPED"][0], 60)
    assert stopped["containers"][0]["exitCode"] == 9


def test_a_killed_agent_comes_back_to_its_running_container(world, plane, relay):
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper(memory=300), timeout=60)
    container = steps.one_container(world, arn)["Id"]
    kill_agent(world, plane)
    steps.joined(world, plane)
    steps.stop(world, plane, arn)
    assert steps.one_container(world, arn)["Id"] == container


def test_a_restarted_engine_is_found_again(world, plane, relay):
    agent = steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper(memory=300), timeout=60)
    world.restart_docker()
    assert steps.reported(world, plane, arn, "STOPPED", 60)
    later = steps.run(world, plane, steps.sleeper(memory=300), timeout=60)
    assert agent.running and steps.one_container(world, later)


def test_the_windows_control_plane_and_the_windows_agent_run_a_task_together(world, relay):
    local = world.start_windows_local()
    local.aws("create-cluster", "--cluster-name", local.cluster)
    agent = world.start_agent(local, ECS_ENABLE_TASK_IAM_ROLE="false", AWS_ACCESS_KEY_ID=None,
                              AWS_SECRET_ACCESS_KEY=None)
    world.wait("the instance to be connected", lambda: [
        i for i in local.aws("describe-container-instances", "--cluster", local.cluster, "--container-instances",
                             *local.aws("list-container-instances", "--cluster", local.cluster)
                             ["containerInstanceArns"])["containerInstances"] if i["agentConnected"]], 60,
        needs=[agent])
    definition = [{"name": "main", "image": "busybox:latest", "memory": 300, "cpu": 10, "essential": True,
                   "command": steps.sh(steps.TERM_WAIT)}]
    local.aws("register-task-definition", "--family", "sleeper", "--container-definitions", json.dumps(definition))
    task = local.aws("run-task", "--cluster", local.cluster, "--task-definition", "sleeper")["tasks"][0]["taskArn"]

    def status():
        return local.aws("describe-tasks", "--cluster", local.cluster, "--tasks", task)["tasks"][0]["lastStatus"]
    world.wait("RUNNING", lambda: status() == "RUNNING", 60, needs=[agent])
    assert steps.one_container(world, task)
    local.aws("stop-task", "--cluster", local.cluster, "--task", task)
    world.wait("STOPPED", lambda: status() == "STOPPED", 60, needs=[agent])
