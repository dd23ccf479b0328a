"""Volumes, links, restarts in place; and features that are withheld, which never start a task without them."""
import json

import pytest

import plain_plane as pp
import steps
import world as worlds

ENI = {"attachmentArn": "arn:aws:ecs:us-west-2:123456789012:attachment/a", "ec2Id": "eni-1",
       "macAddress": "02:00:00:00:00:02", "ipv4Addresses": [{"privateAddress": "10.0.0.2", "primary": True}],
       "subnetGatewayIpv4Address": "10.0.0.1/24"}
WITHHELD = [
    ("awsvpc", {}, {"networkMode": "awsvpc", "elasticNetworkInterfaces": [ENI]}, "ecs.capability.task-eni"),
    ("EFS", {}, {"volumes": [{"name": "v", "type": "efs", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]},
     "ecs.capability.efs"),
    ("ECS Exec", {"managedAgents": [{"name": "ExecuteCommandAgent", "properties": {}}]}, {}, "ecs.capability.execute-command"),
    ("faults", {}, {"enableFaultInjection": True}, "ecs.capability.fault-injection"),
    ("one process namespace for the task", {}, {"pidMode": "task"}, "ecs.capability.pid-ipc-namespace-sharing"),
]


@pytest.mark.parametrize("why,container,members,capability", WITHHELD, ids=[w[0] for w in WITHHELD])
def test_a_task_that_needs_a_withheld_feature_stops_with_its_name(world, plane, why, container, members, capability):
    steps.joined(world, plane)
    offered = [a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]]
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(**container), **members))
    if capability in offered:  # a promise: then it has to work
        steps.reported(world, plane, arn, "RUNNING")
        return
    stopped = steps.reported(world, plane, arn, "STOPPED")
    texts = [stopped["reason"]] + [c.get("reason", "") for c in stopped.get("containers", ())]
    assert any(capability in t for t in texts), texts
    assert not world.ecs_containers(arn)


def test_a_privileged_task_does_not_run_where_the_operator_wants_none(world, plane):
    steps.joined(world, plane, ECS_DISABLE_PRIVILEGED="true")
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(dockerConfig={"config": "{}", "version": "1.18", "hostConfig": json.dumps(
        {"NetworkMode": "bridge", "Privileged": True})})))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert "ECS_DISABLE_PRIVILEGED" in stopped["reason"]
    assert not world.ecs_containers(arn)


def test_withheld_capabilities_are_listed_with_their_reasons(world, plane):
    _s, out, _e = world.run([worlds.OUT + "/ecsagent", "-settings"], env=world.agent_environment(plane))
    assert "ecs.capability.task-eni" in out


def test_a_volume_of_the_task_is_shared_by_its_containers_and_named_for_it(world, plane):
    steps.joined(world, plane)
    mount = [{"sourceVolume": "data", "containerPath": "/data", "readOnly": False}]
    arn = steps.run(
        world, plane, steps.sleeper("writer", mountPoints=mount), steps.sleeper("reader", mountPoints=mount),
        volumes=[{"name": "data", "type": "docker", "dockerVolumeConfiguration": {"scope": "task", "driver": "local"}}])
    world.container_run(steps.one_container(world, arn, "writer")["Id"], "sh", "-c", "echo shared > /data/x")
    reader = steps.one_container(world, arn, "reader")["Id"]
    assert world.container_run(reader, "cat", "/data/x") == "shared\n"
    mounted, = world.inspect(reader)["Mounts"]
    assert mounted["Name"].startswith("ecs-plain-1-data-")
    steps.stop(world, plane, arn)


def test_an_empty_host_volume_is_a_place_of_its_own(world, plane):
    steps.joined(world, plane)
    mount = [{"sourceVolume": "scratch", "containerPath": "/scratch", "readOnly": False}]
    arn = steps.run(world, plane, steps.sleeper("one", mountPoints=mount), steps.sleeper("two", mountPoints=mount),
                    volumes=[{"name": "scratch", "host": {}}])
    world.container_run(steps.one_container(world, arn, "one")["Id"], "sh", "-c", "echo x > /scratch/x")
    assert world.container_run(steps.one_container(world, arn, "two")["Id"], "cat", "/scratch/x") == "x\n"
    steps.stop(world, plane, arn)


def test_a_shared_volume_that_does_not_exist_stops_the_task(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(
        arn, steps.sleeper(mountPoints=[{"sourceVolume": "v", "containerPath": "/v", "readOnly": False}]),
        volumes=[{"name": "v", "type": "docker", "dockerVolumeConfiguration": {
            "scope": "shared", "autoprovision": False, "driver": "local"}}]))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert stopped["reason"] and not world.ecs_containers(arn)


def test_links_and_volumes_from_reach_the_other_container(world, plane):
    steps.joined(world, plane)
    arn = steps.run(
        world, plane,
        pp.container("web", command=steps.sh(steps.PAGE)),
        steps.sleeper("client", links=["web:pages"]),
        steps.sleeper("sidecar", volumesFrom=[{"sourceContainer": "store", "readOnly": True}]),
        steps.sleeper("store", mountPoints=[{"sourceVolume": "etc", "containerPath": "/from", "readOnly": True}]),
        volumes=[{"name": "etc", "host": {"sourcePath": "/etc"}}])
    client = steps.one_container(world, arn, "client")["Id"]
    page = world.wait("the page over the link", lambda: world.container_run(client, "wget", "-qO-", "http://pages/"))
    assert "Congratulations" in page
    assert world.container_run(steps.one_container(world, arn, "sidecar")["Id"], "cat", "/from/hostname")
    stopped = steps.stop(world, plane, arn)
    assert {c["containerName"] for c in stopped["containers"]} == {"web", "client", "sidecar", "store"}


def test_a_restart_policy_restarts_the_same_container_without_a_report(world, plane):
    steps.joined(world, plane)
    script = ("n=$(cat /n 2>/dev/null || echo 0); echo $((n+1)) > /n; [ $n -gt 0 ] || exit 1; "
              + steps.TERM_WAIT)
    arn = steps.run(world, plane, pp.container(
        command=steps.sh(script), restartPolicy={"enabled": True, "ignoredExitCodes": [], "restartAttemptPeriod": 0}))

    def second_life():
        container = steps.one_container(world, arn)
        return container["State"] == "running" and world.container_run(container["Id"], "cat", "/n") == "2\n"
    world.wait("the second life", second_life)
    world.holds("no further report", lambda: plane.statuses(arn) == ["RUNNING"], 0.5)
    steps.stop(world, plane, arn)


def test_an_ignored_exit_code_is_not_restarted(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, pp.container(command=steps.sh("exit 7"), restartPolicy={
        "enabled": True, "ignoredExitCodes": [7], "restartAttemptPeriod": 0})))
    assert steps.reported(world, plane, arn, "STOPPED")["containers"][0]["exitCode"] == 7


def test_containers_stop_after_those_that_depend_on_them(world, plane):
    steps.joined(world, plane)
    slow = "trap 'sleep 1; exit 0' TERM; sleep 3600 & wait"
    arn = steps.run(world, plane,
                    pp.container("app", command=steps.sh(slow), dependsOn=[{"containerName": "db", "condition": "START"}]),
                    steps.sleeper("db"))
    steps.stop(world, plane, arn)
    app = world.inspect(steps.one_container(world, arn, "app")["Id"])["State"]
    db = world.inspect(steps.one_container(world, arn, "db")["Id"])["State"]
    assert app["FinishedAt"] < db["FinishedAt"]


def test_a_container_killed_for_its_memory_is_reported_so(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, pp.container(memory=16, command=["tail", "/dev/zero"])))
    container = steps.reported(world, plane, arn, "STOPPED", 40)["containers"][0]
    assert container["exitCode"] == 137
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_stopped_tasks_are_removed_after_the_clean_up_wait(world, plane):
    steps.joined(world, plane, ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION="1s")
    arn = steps.run(world, plane)
    kept = steps.run(world, plane)
    steps.stop(world, plane, arn)
    world.wait("the container to be removed", lambda: not world.ecs_containers(arn), 60, needs=[world.agent])
    assert world.ecs_containers(kept)
    listed = world.wait("the task to be forgotten", lambda: [t["Arn"] for t in world.get(
        "http://127.0.0.1:51678/v1/tasks").json()["Tasks"]] == [kept])
    assert listed


def test_environment_of_every_container_names_the_metadata_endpoints(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper(environment={"A": "1"}))
    env = dict(e.split("=", 1) for e in world.inspect(steps.one_container(world, arn)["Id"])["Config"]["Env"])
    endpoint = env["ECS_CONTAINER_METADATA_URI_V4"].rsplit("/", 1)[1]
    assert env["ECS_CONTAINER_METADATA_URI_V4"] == "http://169.254.170.2/v4/" + endpoint
    assert env["ECS_CONTAINER_METADATA_URI"] == "http://169.254.170.2/v3/" + endpoint
    assert env["ECS_AGENT_URI"] == "http://169.254.170.2/api/" + endpoint
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == plane.region
    assert env["A"] == "1" and "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" not in env
