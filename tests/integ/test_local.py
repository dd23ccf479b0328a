"""The local control plane: `aws ecs` drives it, the agent serves it, and it survives being killed."""
import datetime
import json
import signal

import pytest

import steps
import wire

DEFINITION = {
    "family": "simple-web",
    "taskRoleArn": "arn:aws:iam::123456789012:role/simpleWebRole",
    "containerDefinitions": [{
        "name": "simple-web", "image": "simple-web:latest", "cpu": 100, "memory": 500, "essential": True,
        "portMappings": [{"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}],
        "entryPoint": ["sh", "-c"], "command": [steps.PAGE]}]}
SLEEPER = {"family": "sleeper", "containerDefinitions": [{
    "name": "main", "image": "busybox:latest", "cpu": 10, "memory": 32, "essential": True,
    "command": ["sh", "-c", steps.TERM_WAIT]}]}


@pytest.fixture
def local(world):
    return world.start_local()


def connected(world, local, **env):
    """Starts the agent on the cluster and waits until the control plane says it is connected."""
    agent = world.start_agent(local, **env)

    def look():
        arns = local.call("ListContainerInstances", {"cluster": local.cluster})["containerInstanceArns"]
        found = local.call("DescribeContainerInstances", {"cluster": local.cluster, "containerInstances": arns})
        return next(i for i in found["containerInstances"] if i["agentConnected"])
    return world.wait("the agent to be connected", look, 30, needs=[agent])


def task_of(local, arn):
    return local.call("DescribeTasks", {"cluster": local.cluster, "tasks": [arn]})["tasks"][0]


def status_is(world, local, arn, status, timeout=40):
    return world.wait("task %s to be %s" % (arn, status), lambda: (
        lambda t: t if t["lastStatus"] == status else None)(task_of(local, arn)), timeout, needs=[world.local_proc])


def test_the_main_job_with_aws_ecs_as_the_client(world, local):
    """Cluster, task definition, task, page, role credentials, stop: as against AWS."""
    created = local.aws("create-cluster", "--cluster-name", local.cluster)["cluster"]
    assert (created["clusterName"], created["status"]) == (local.cluster, "ACTIVE")
    instance = connected(world, local)
    assert instance["status"] == "ACTIVE"
    assert {"name": "ecs.os-type", "value": "linux"} in instance["attributes"]
    defined = local.aws("register-task-definition", "--cli-input-json", json.dumps(DEFINITION))["taskDefinition"]
    assert (defined["family"], defined["revision"], defined["status"]) == ("simple-web", 1, "ACTIVE")

    ran = local.aws("run-task", "--cluster", local.cluster, "--task-definition", "simple-web")
    assert ran["failures"] == []
    arn = ran["tasks"][0]["taskArn"]
    assert ran["tasks"][0]["containerInstanceArn"] == instance["containerInstanceArn"]
    local.aws("wait", "tasks-running", "--cluster", local.cluster, "--tasks", arn)
    described = local.aws("describe-tasks", "--cluster", local.cluster, "--tasks", arn)["tasks"][0]
    assert described["lastStatus"] == "RUNNING" and described["startedAt"]
    assert described["containers"][0]["networkBindings"] == [
        {"bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 8080, "protocol": "tcp"}]
    page = world.get("http://127.0.0.1:8080/").text
    assert "Amazon ECS Sample App" in page and "Congratulations!" in page

    docker = steps.one_container(world, arn, "simple-web")
    got = json.loads(world.container_run(
        docker["Id"], "sh", "-c", "wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"))
    assert got["RoleArn"] == DEFINITION["taskRoleArn"] and got["AccessKeyId"].startswith("LOCAL")
    left = datetime.datetime.strptime(got["Expiration"], "%Y-%m-%dT%H:%M:%SZ") - datetime.datetime.utcnow()
    assert 3000 < left.total_seconds() <= 3605
    role = (got["AccessKeyId"], got["SecretAccessKey"], got["Token"])
    assert local.call("ListClusters", key=role)["clusterArns"], "credentials that it issued sign"

    local.aws("stop-task", "--cluster", local.cluster, "--task", arn, "--reason", "seen it")
    local.aws("wait", "tasks-stopped", "--cluster", local.cluster, "--tasks", arn)
    stopped = local.aws("describe-tasks", "--cluster", local.cluster, "--tasks", arn)["tasks"][0]
    assert stopped["containers"][0]["exitCode"] == 0 and stopped["stoppedReason"] == "seen it"
    assert local.aws("list-tasks", "--cluster", local.cluster)["taskArns"] == []
    assert local.aws("list-tasks", "--cluster", local.cluster, "--desired-status", "STOPPED")["taskArns"] == [arn]


def test_metadata_gives_the_agent_credentials_of_its_own(world, local):
    local.call("CreateCluster", {"clusterName": local.cluster})
    connected(world, local, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_DEFAULT_REGION=None)


def test_definitions_and_clusters_are_listed_and_removed(world, local):
    for name in ("one", "two"):
        local.call("CreateCluster", {"clusterName": name})
    arns = local.aws("list-clusters")["clusterArns"]
    assert {a.rsplit("/", 1)[1] for a in arns} >= {"one", "two"}
    assert local.call("DeleteCluster", {"cluster": "two"})["cluster"]["status"] == "INACTIVE"
    found = local.aws("describe-clusters", "--clusters", "one", "nothing")
    assert [c["clusterName"] for c in found["clusters"]] == ["one"]
    assert found["failures"][0]["reason"] == "MISSING"
    for _ in range(2):
        local.call("RegisterTaskDefinition", SLEEPER)
    listed = local.aws("list-task-definitions", "--family-prefix", "sleeper")["taskDefinitionArns"]
    assert [a.rsplit(":", 1)[1] for a in listed] == ["1", "2"]
    described = local.aws("describe-task-definition", "--task-definition", "sleeper")["taskDefinition"]
    assert described["revision"] == 2
    gone = local.aws("deregister-task-definition", "--task-definition", "sleeper:1")["taskDefinition"]
    assert gone["status"] == "INACTIVE"
    assert len(local.aws("list-task-definitions")["taskDefinitionArns"]) == 1


def test_attributes_of_instances_are_put_and_listed(world, local):
    local.call("CreateCluster", {"clusterName": local.cluster})
    instance = connected(world, local)["containerInstanceArn"]
    local.aws("put-attributes", "--cluster", local.cluster, "--attributes",
              "name=stack,value=prod,targetType=container-instance,targetId=" + instance)
    listed = local.aws("list-attributes", "--cluster", local.cluster, "--target-type", "container-instance",
                       "--attribute-name", "stack")["attributes"]
    assert [(a["name"], a["value"]) for a in listed] == [("stack", "prod")]


def test_start_task_and_deregistration_of_an_instance(world, local):
    local.call("CreateCluster", {"clusterName": local.cluster})
    instance = connected(world, local)["containerInstanceArn"]
    local.call("RegisterTaskDefinition", SLEEPER)
    arn = local.aws("start-task", "--cluster", local.cluster, "--task-definition", "sleeper",
                    "--container-instances", instance)["tasks"][0]["taskArn"]
    status_is(world, local, arn, "RUNNING")
    status, err = local.aws("deregister-container-instance", "--cluster", local.cluster,
                            "--container-instance", instance, check=False)
    assert status != 0 and "InvalidParameterException" in err, "tasks run on it"
    local.call("StopTask", {"cluster": local.cluster, "task": arn})
    status_is(world, local, arn, "STOPPED")
    gone = local.aws("deregister-container-instance", "--cluster", local.cluster,
                     "--container-instance", instance)["containerInstance"]
    assert gone["status"] == "INACTIVE"


def test_overrides_reach_the_container(world, local):
    local.call("CreateCluster", {"clusterName": local.cluster})
    connected(world, local)
    local.call("RegisterTaskDefinition", SLEEPER)
    overrides = {"containerOverrides": [{"name": "main", "command": ["sh", "-c", "exit $CODE"],
                                         "environment": [{"name": "CODE", "value": "6"}]}]}
    arn = local.aws("run-task", "--cluster", local.cluster, "--task-definition", "sleeper",
                    "--overrides", json.dumps(overrides))["tasks"][0]["taskArn"]
    assert status_is(world, local, arn, "STOPPED")["containers"][0]["exitCode"] == 6


def test_tasks_that_fit_nowhere_are_failures_with_aws_words(world, local):
    local.call("CreateCluster", {"clusterName": local.cluster})
    local.call("RegisterTaskDefinition", SLEEPER)
    with pytest.raises(wire.EcsError) as e:
        local.call("RunTask", {"cluster": local.cluster, "taskDefinition": "sleeper"})
    assert (e.value.code, e.value.message) == (
        "InvalidParameterException", "No Container Instances were found in your cluster.")
    connected(world, local)
    big = json.loads(json.dumps(SLEEPER))
    big["family"] = "big"
    big["containerDefinitions"][0]["memory"] = 1 << 21
    local.call("RegisterTaskDefinition", big)
    ran = local.call("RunTask", {"cluster": local.cluster, "taskDefinition": "big"})
    assert ran["tasks"] == [] and ran["failures"][0]["reason"] == "RESOURCE:MEMORY"


ERRORS = [
    ("an unknown cluster", ["list-tasks", "--cluster", "nothing"], "ClusterNotFoundException"),
    ("an unknown definition", ["describe-task-definition", "--task-definition", "nothing"], "ClientException"),
    ("a cluster name of wrong letters", ["create-cluster", "--cluster-name", "a b/c"], "InvalidParameterException"),
    ("an unknown task", ["stop-task", "--task", "0123456789abcdef0123456789abcdef"], "InvalidParameterException"),
    ("an unknown instance", ["deregister-container-instance", "--container-instance", "nothing"],
     "InvalidParameterException"),
]


@pytest.mark.parametrize("why,arguments,code", ERRORS, ids=[e[0] for e in ERRORS])
def test_wrong_input_gets_the_error_shape_that_aws_ecs_understands(world, local, why, arguments, code):
    local.call("CreateCluster", {"clusterName": "default"})
    status, err = local.aws(*arguments, check=False)
    assert status in (254, 255) and "(%s)" % code in err, err


RAW = [
    ("no JSON", "ListClusters", {"raw": b"{"}, "SerializationException"),
    ("text for a number", "ListClusters", {"params": {"maxResults": "ten"}}, "SerializationException"),
    ("a list for text", "DescribeTasks", {"params": {"cluster": ["x"], "tasks": []}}, "SerializationException"),
    ("a missing member", "RegisterTaskDefinition", {"params": {"family": "x"}}, "ClientException"),
    ("an operation that is none", "DanceTask", {}, "UnknownOperationException"),
    ("a wrong secret", "ListClusters", {"wrong": True}, "InvalidSignatureException"),
    ("a clock that is an hour off", "ListClusters", {"off": 3600}, "InvalidSignatureException"),
    ("an unknown key", "ListClusters", {"key": ("AKIANOBODY0000000000", "x", "token")}, "UnrecognizedClientException"),
]


@pytest.mark.parametrize("why,operation,how,code", RAW, ids=[r[0] for r in RAW])
def test_raw_calls_are_validated(world, local, why, operation, how, code):
    how = dict(how)
    if how.pop("wrong", None):
        how["key"] = (local.key[0], local.key[1] + "x", None)
    if "off" in how:
        how["when"] = datetime.datetime.utcnow() - datetime.timedelta(seconds=how.pop("off"))
    with pytest.raises(wire.EcsError) as e:
        local.call(operation, how.pop("params", {}), **how)
    assert e.value.code == code and e.value.message
    assert local.call("ListClusters") is not None


def test_an_unsigned_call_is_refused(world, local):
    got = world.http("POST", local.base + "/", {"Content-Type": "application/x-amz-json-1.1",
                                                "X-Amz-Target": wire.TARGET + "ListClusters"}, b"{}")
    assert got.status in (400, 403) and "Authentication" in got.json()["__type"]


def test_state_survives_kill_9_on_both_sides(world, local):
    local.call("CreateCluster", {"clusterName": local.cluster})
    instance = connected(world, local)["containerInstanceArn"]
    local.call("RegisterTaskDefinition", SLEEPER)
    arn = local.call("RunTask", {"cluster": local.cluster, "taskDefinition": "sleeper"})["tasks"][0]["taskArn"]
    status_is(world, local, arn, "RUNNING")
    container = steps.one_container(world, arn)["Id"]
    world.stop_local(signal.SIGKILL)
    world.start_local()
    assert task_of(local, arn)["lastStatus"] == "RUNNING"
    assert connected_again(world, local) == instance
    world.stop_agent(signal.SIGKILL)
    world.stop_local(signal.SIGKILL)
    world.start_local()
    assert connected(world, local)["containerInstanceArn"] == instance
    assert steps.one_container(world, arn)["Id"] == container
    local.call("StopTask", {"cluster": local.cluster, "task": arn})
    assert status_is(world, local, arn, "STOPPED")["containers"][0]["exitCode"] == 0


def connected_again(world, local):
    def look():
        arns = local.call("ListContainerInstances", {"cluster": local.cluster})["containerInstanceArns"]
        found = local.call("DescribeContainerInstances", {"cluster": local.cluster, "containerInstances": arns})
        return next(i["containerInstanceArn"] for i in found["containerInstances"] if i["agentConnected"])
    return world.wait("the agent to come back", look, 40, needs=[world.agent, world.local_proc])


def test_a_task_started_while_the_agent_is_away_runs_when_it_comes(world, local):
    local.call("CreateCluster", {"clusterName": local.cluster})
    connected(world, local)
    local.call("RegisterTaskDefinition", SLEEPER)
    first = local.call("RunTask", {"cluster": local.cluster, "taskDefinition": "sleeper"})["tasks"][0]["taskArn"]
    world.stop_agent(signal.SIGKILL)
    connected(world, local)
    status_is(world, local, first, "RUNNING")
    assert steps.one_container(world, first)


def test_only_loopback_is_served(world, local):
    listening = world.run(["sh", "-c", "cat /proc/net/tcp /proc/net/tcp6"])[1]
    port = "%04X" % int(local.base.rsplit(":", 1)[1])
    rows = [line.split()[1] for line in listening.splitlines() if ":" in line and line.split()[3] == "0A"]
    assert [r for r in rows if r.endswith(":" + port)] == ["0100007F:" + port]
