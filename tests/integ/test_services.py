"""Services of the local control plane, driven by `aws ecs` against the real agent and engine."""
import pytest

import steps
import wire
from test_local import SLEEPER, connected, task_of


@pytest.fixture
def local(world):
    local = world.start_local()
    local.call("CreateCluster", {"clusterName": local.cluster})
    connected(world, local)
    local.call("RegisterTaskDefinition", SLEEPER)
    return local


def service_of(local, name="web"):
    return local.call("DescribeServices", {"cluster": local.cluster, "services": [name]})["services"][0]


def tasks_of(local, name="web", desired="RUNNING"):
    return local.call("ListTasks", {"cluster": local.cluster, "serviceName": name,
                                    "desiredStatus": desired})["taskArns"]


def create(local, name="web", count=1, **more):
    return local.call("CreateService", {"cluster": local.cluster, "serviceName": name, "taskDefinition": "sleeper",
                                        "desiredCount": count, **more})["service"]


def runs(world, local, count, name="web", timeout=40):
    def look():
        s = service_of(local, name)
        settled = s["runningCount"] == count and s["pendingCount"] == 0 and len(s["deployments"]) == 1
        return s if settled and len(tasks_of(local, name)) == count else None
    return world.wait("%s to run %d tasks" % (name, count), look, timeout, needs=[world.local_proc, world.agent])


def words(service):
    return [e["message"] for e in service["events"]]


def test_a_service_is_created_scaled_and_deleted_with_aws_ecs(world, local):
    made = local.aws("create-service", "--cluster", local.cluster, "--service-name", "web", "--task-definition",
                     "sleeper", "--desired-count", "1", "--tags", "key=team,value=a", "--propagate-tags", "SERVICE")
    assert (made["service"]["status"], made["service"]["desiredCount"]) == ("ACTIVE", 1)
    local.aws("wait", "services-stable", "--cluster", local.cluster, "--services", "web")
    assert local.aws("list-services", "--cluster", local.cluster)["serviceArns"] == [made["service"]["serviceArn"]]
    arn, = local.aws("list-tasks", "--cluster", local.cluster, "--service-name", "web")["taskArns"]
    task = local.call("DescribeTasks", {"cluster": local.cluster, "tasks": [arn], "include": ["TAGS"]})["tasks"][0]
    assert task["group"] == "service:web" and task["startedBy"].startswith("ecs-svc/")
    assert task["tags"] == [{"key": "team", "value": "a"}]

    local.aws("update-service", "--cluster", local.cluster, "--service", "web", "--desired-count", "3")
    s = runs(world, local, 3)
    assert words(s)[0] == "(service web) has reached a steady state."
    assert len(world.ecs_containers(all=False)) == 3
    local.aws("update-service", "--cluster", local.cluster, "--service", "web", "--desired-count", "1")
    runs(world, local, 1)
    assert tasks_of(local) == [arn], "the youngest ended"

    status, err = local.aws("delete-service", "--cluster", local.cluster, "--service", "web", check=False)
    assert status != 0 and "scaled above 0" in err
    cluster = local.call("DescribeClusters", {"clusters": [local.cluster]})["clusters"][0]
    assert cluster["activeServicesCount"] == 1
    gone = local.aws("delete-service", "--cluster", local.cluster, "--service", "web", "--force")["service"]
    assert gone["status"] == "DRAINING"
    local.aws("wait", "services-inactive", "--cluster", local.cluster, "--services", "web")
    assert tasks_of(local) == [] and local.aws("list-services", "--cluster", local.cluster)["serviceArns"] == []
    assert create(local)["status"] == "ACTIVE", "the name is free again"


def test_a_task_that_ends_is_replaced_and_a_killed_control_plane_goes_on(world, local):
    create(local)
    runs(world, local, 1)
    first, = tasks_of(local)
    local.call("StopTask", {"cluster": local.cluster, "task": first, "reason": "by hand"})
    world.wait("a new task", lambda: tasks_of(local) and tasks_of(local) != [first], 40, needs=[world.local_proc])
    runs(world, local, 1)
    second, = tasks_of(local)
    world.stop_local()
    steps_id = steps.one_container(world, second)["Id"]
    again = world.start_local()
    runs(world, again, 1)
    assert tasks_of(again) == [second] and steps.one_container(world, second)["Id"] == steps_id
    assert service_of(again)["events"], "events are kept"


def test_a_deployment_replaces_all_tasks_and_keeps_the_minimum(world, local):
    create(local, count=2)
    before = set(runs(world, local, 2) and tasks_of(local))
    other = {**SLEEPER, "containerDefinitions": [{**SLEEPER["containerDefinitions"][0], "cpu": 20}]}
    local.call("RegisterTaskDefinition", other)
    s = local.aws("update-service", "--cluster", local.cluster, "--service", "web", "--task-definition",
                  "sleeper")["service"]
    assert [d["status"] for d in s["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert s["taskDefinition"].endswith("sleeper:2")

    def look():
        s = service_of(local)
        assert s["runningCount"] >= 2, "no fewer than the minimum"
        return s if len(s["deployments"]) == 1 and s["runningCount"] == 2 else None
    world.wait("the deployment to end", look, 60, needs=[world.local_proc])
    after = tasks_of(local)
    assert not before & set(after) and {task_of(local, a)["taskDefinitionArn"][-1] for a in after} == {"2"}
    forced = local.call("UpdateService", {"cluster": local.cluster, "service": "web", "forceNewDeployment": True})
    assert len(forced["service"]["deployments"]) == 2
    runs(world, local, 2)
    assert not set(after) & set(tasks_of(local))


def test_what_fits_nowhere_is_told_once_and_placed_when_it_fits(world, local):
    create(local, "first", placementConstraints=[{"type": "distinctInstance"}])
    runs(world, local, 1, "first")
    local.call("UpdateService", {"cluster": local.cluster, "service": "first", "desiredCount": 2})
    s = world.wait("the event", lambda: (lambda s: s if "unable to place" in words(s)[0] else None)(
        service_of(local, "first")), 15, needs=[world.local_proc])
    assert "DistinctInstance" in words(s)[0]
    local.call("TagResource", {"resourceArn": s["serviceArn"], "tags": [{"key": "a", "value": "b"}]})
    assert words(service_of(local, "first")).count(words(s)[0]) == 1, "said once, however often it is tried"
    local.call("UpdateService", {"cluster": local.cluster, "service": "first", "placementConstraints": []})
    runs(world, local, 2, "first")


def test_a_task_that_dies_at_once_is_not_restarted_in_a_rush(world, local):
    dies = {"family": "dies", "containerDefinitions": [{
        "name": "main", "image": "busybox:latest", "cpu": 1, "memory": 8, "command": ["false"]}]}
    local.call("RegisterTaskDefinition", dies)
    create(local, "dies", taskDefinition="dies")
    world.wait("three starts", lambda: len(tasks_of(local, "dies", "STOPPED")) >= 3, 40, needs=[world.local_proc])
    started = sorted(task_of(local, a)["createdAt"] for a in tasks_of(local, "dies", "STOPPED"))
    assert started[1] - started[0] >= 1 and started[2] - started[1] >= 2, started
    local.call("DeleteService", {"cluster": local.cluster, "service": "dies", "force": True})


@pytest.mark.parametrize("params, error, word", [
    ({"desiredCount": -1}, "InvalidParameterException", "desiredCount"),
    ({"taskDefinition": "none"}, "ClientException", "not found"),
    ({"launchType": "FARGATE"}, "InvalidParameterException", "EC2"),
    ({"schedulingStrategy": "DAEMON"}, "InvalidParameterException", "REPLICA"),
    ({"serviceName": "a b"}, "InvalidParameterException", "Identifier"),
    ({"loadBalancers": [{"targetGroupArn": "x"}]}, "ClientException", "loadBalancers"),
    ({"deploymentConfiguration": {"maximumPercent": 50}}, "InvalidParameterException", "maximumPercent"),
    ({"placementStrategy": [{"type": "binpack", "field": "hue"}]}, "InvalidParameterException", "binpack"),
    ({"cluster": "none"}, "ClusterNotFoundException", "Cluster"),
])
def test_wrong_requests_are_refused_with_aws_names(world, local, params, error, word):
    with pytest.raises(wire.EcsError) as told:
        local.call("CreateService", {"cluster": local.cluster, "serviceName": "web", "desiredCount": 1,
                                     "taskDefinition": "sleeper", **params})
    assert told.value.code == error and word in str(told.value)
    assert local.call("ListServices", {"cluster": local.cluster})["serviceArns"] == []
