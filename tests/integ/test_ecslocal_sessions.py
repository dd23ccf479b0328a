"""The local control plane seen from an agent: payloads, acknowledgements, credentials, heartbeats, handshakes."""
import datetime
import json
import time
import uuid

import pytest

import wire
from played import EXECUTION, ROLE, SMALL, Agent, Socket, define, refused, run, task_of


def test_a_task_goes_from_payload_to_stopped(place, start):
    local = start()
    agent = Agent(place, local)
    assert agent.manifest["timeline"] == 1 and agent.manifest["tasks"] == []
    definition = define(
        local, networkMode="bridge", taskRoleArn=ROLE, executionRoleArn=EXECUTION,
        volumes=[{"name": "v"}, {"name": "d", "dockerVolumeConfiguration": {"scope": "task"}}],
        containerDefinitions=[dict(
            SMALL, memoryReservation=16, user="nobody", workingDirectory="/w", hostname="h",
            environment=[{"name": "A", "value": "1"}], command=["x"], entryPoint=["y"],
            portMappings=[{"containerPort": 80, "hostPort": 8080}], mountPoints=[
                {"sourceVolume": "v", "containerPath": "/v"}],
            dockerLabels={"l": "m"}, ulimits=[{"name": "nofile", "softLimit": 5, "hardLimit": 9}],
            logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "g"}},
            healthCheck={"command": ["CMD", "true"], "interval": 7},
            secrets=[{"name": "S", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/p"}],
            linuxParameters={"initProcessEnabled": True, "capabilities": {"add": ["SYS_TIME"]}},
            extraHosts=[{"hostname": "db", "ipAddress": "10.0.0.1"}], privileged=True,
            readonlyRootFilesystem=True)])
    assert {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.25"} in definition["requiresAttributes"]
    tasks, failures = run(local, overrides={"containerOverrides": [{
        "name": "main", "command": ["z"], "environment": [{"name": "B", "value": "2"}]}]})
    assert failures == [] and tasks[0]["lastStatus"] == "PENDING" and tasks[0]["desiredStatus"] == "RUNNING"
    arn = tasks[0]["taskArn"]

    payload = agent.acs.expect("PayloadMessage")
    assert payload["seqNum"] == 2 and payload["containerInstanceArn"] == agent.arn
    assert payload["clusterArn"].endswith(":cluster/MyCluster")
    task, = payload["tasks"]
    assert (task["arn"], task["desiredStatus"], task["family"], task["version"]) == (arn, "RUNNING", "web", "1")
    assert {v["name"]: v["type"] for v in task["volumes"]} == {"v": "host", "d": "docker"}
    container, = task["containers"]
    assert container["environment"] == {"AWS_EXECUTION_ENV": "AWS_ECS_EC2", "A": "1", "B": "2"}
    assert json.loads(container["overrides"]) == {"command": ["z"]} and container["command"] == ["x"]
    assert container["portMappings"] == [{"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}]
    assert container["logsAuthStrategy"] == "ExecutionRole" and container["healthCheckType"] == "docker"
    assert container["secrets"] == [{
        "name": "S", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/p", "region": "eu-west-1",
        "provider": "ssm", "type": "ENVIRONMENT_VARIABLE", "target": "CONTAINER"}]
    assert container["dockerConfig"]["version"] == "1.25"
    config = json.loads(container["dockerConfig"]["config"])
    assert (config["User"], config["WorkingDir"], config["Hostname"]) == ("nobody", "/w", "h")
    assert config["Labels"] == {"l": "m"}
    assert config["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 7000000000, "Timeout": 5000000000,
                                     "Retries": 3, "StartPeriod": 0}
    host = json.loads(container["dockerConfig"]["hostConfig"])
    assert host == {
        "NetworkMode": "bridge", "MemoryReservation": 16 << 20, "Privileged": True, "ReadonlyRootfs": True,
        "ExtraHosts": ["db:10.0.0.1"], "Ulimits": [{"Name": "nofile", "Soft": 5, "Hard": 9}],
        "LogConfig": {"Type": "awslogs", "Config": {"awslogs-group": "g"}}, "CapAdd": ["SYS_TIME"], "Init": True}
    for name, role in (("roleCredentials", ROLE), ("executionRoleCredentials", EXECUTION)):
        given = task[name]
        assert given["roleArn"] == role and given["accessKeyId"].startswith("LOCAL")
        key = (given["accessKeyId"], given["secretAccessKey"], given["sessionToken"])
        assert local.call("ListClusters", key=key)["clusterArns"]
    agent.ack(payload)

    agent.submit(arn, "PENDING", [{"containerName": "main", "imageDigest": "sha256:" + "a" * 64,
                                   "status": "PENDING"}])
    agent.submit(arn, "RUNNING", [{"containerName": "main", "runtimeId": "f" * 64, "status": "RUNNING",
                                   "networkBindings": [{"bindIP": "0.0.0.0", "containerPort": 80,
                                                        "hostPort": 8080, "protocol": "tcp"}]}],
                 pullStartedAt=1751303000.123, pullStoppedAt=1751303001.5)
    told = task_of(local, arn)
    assert told["lastStatus"] == "RUNNING" and told["pullStartedAt"] == 1751303000.123
    assert told["containers"][0]["networkBindings"][0]["hostPort"] == 8080
    instance = local.call("DescribeContainerInstances", {
        "cluster": "MyCluster", "containerInstances": [agent.arn]})["containerInstances"][0]
    left = {r["name"]: r for r in instance["remainingResources"]}
    assert (left["CPU"]["integerValue"], left["MEMORY"]["integerValue"]) == (2038, 4080)
    assert left["PORTS"]["stringSetValue"] == ["22", "51678", "8080"]
    assert instance["runningTasksCount"] == 1 and instance["agentConnected"] is True
    assert instance["versionInfo"] == {"agentVersion": "1.105.1", "agentHash": "0badc0de",
                                       "dockerVersion": "DockerVersion: 20.10.24"}

    local.call("StopTask", {"cluster": "MyCluster", "task": arn, "reason": "enough"})
    stop = agent.acs.expect("PayloadMessage")
    assert stop["seqNum"] == 3 and [t["desiredStatus"] for t in stop["tasks"]] == ["STOPPED"]
    assert "roleCredentials" not in stop["tasks"][0]
    agent.ack(stop)
    agent.submit(arn, "STOPPED", [{"containerName": "main", "status": "STOPPED", "exitCode": -1073741510}],
                 executionStoppedAt=1751303999)
    told = task_of(local, arn)
    assert (told["lastStatus"], told["stopCode"], told["stoppedReason"]) == ("STOPPED", "UserInitiated", "enough")
    assert told["containers"][0]["exitCode"] == -1073741510 and told["executionStoppedAt"] == 1751303999
    agent.submit(arn, "RUNNING", [{"containerName": "main", "status": "RUNNING"}])
    assert task_of(local, arn)["lastStatus"] == "STOPPED", "a late report never takes a state back"
    agent.acs.nothing(0.5)


def test_what_is_not_acknowledged_is_sent_again(place, start):
    local = start("--redeliver-s", "1")
    agent = Agent(place, local)
    define(local)
    (task,), _ = run(local)
    first = agent.acs.expect("PayloadMessage")
    assert agent.acs.expect("PayloadMessage") == first, "the same message, the same number"
    agent.acs.close()
    agent.connect(send_credentials=False)
    assert [t["taskArn"] for t in agent.manifest["tasks"]] == [task["taskArn"]]
    again = agent.acs.expect("PayloadMessage")
    assert again["seqNum"] > agent.manifest["timeline"] > first["seqNum"]
    assert again["messageId"] != first["messageId"]
    agent.ack(again)
    agent.acs.nothing(2)
    agent.acs.close()
    agent.connect(send_credentials=False)
    agent.acs.nothing(1.5)


def test_large_tasks_come_whole_and_in_several_payloads(place, start):
    local = start()
    agent = Agent(place, local)
    environment = [{"name": "V%d" % n, "value": "x\u00e9" * 200} for n in range(300)]
    define(local, containerDefinitions=[dict(SMALL, environment=environment)])
    tasks, _ = run(local, count=10)
    got, payloads = [], []
    while len(got) < 10:
        payload = agent.acs.expect("PayloadMessage", 20)
        payloads.append(payload)
        for task in payload["tasks"]:
            assert task["containers"][0]["environment"]["V299"] == "x\u00e9" * 200
            got.append(task["arn"])
    assert got == [t["taskArn"] for t in tasks] and len(payloads) > 1
    assert [p["seqNum"] for p in payloads] == list(range(2, 2 + len(payloads)))
    for payload in payloads:
        agent.ack(payload)
    agent.acs.nothing(0.3)


def test_credentials_are_renewed_before_they_expire(place, start):
    local = start("--credentials-s", "6", "--redeliver-s", "1")
    agent = Agent(place, local)
    define(local, taskRoleArn=ROLE, executionRoleArn=EXECUTION)
    (task,), _ = run(local)
    payload = agent.acs.expect("PayloadMessage")
    old = payload["tasks"][0]["roleCredentials"]
    agent.ack(payload)
    began = time.monotonic()
    renewed = {}
    for _ in range(2):
        message = agent.acs.expect("IAMRoleCredentialsMessage", 8)
        assert message["taskArn"] == task["taskArn"]
        renewed[message["roleType"]] = message["roleCredentials"]
        agent.ack_credentials(message["messageId"], message["roleCredentials"])
    assert time.monotonic() - began > 2, "not before a third of their life is left"
    assert set(renewed) == {"TaskApplication", "TaskExecution"}
    new = renewed["TaskApplication"]
    assert new["credentialsId"] == old["credentialsId"] and new["accessKeyId"] != old["accessKeyId"]

    def old_is_refused():
        key = (old["accessKeyId"], old["secretAccessKey"], old["sessionToken"])
        try:
            local.call("ListClusters", key=key)
        except wire.EcsError as e:
            return e.code == "ExpiredTokenException"
    place.wait("the old set to expire", old_is_refused, 10)
    assert local.call("ListClusters", key=(new["accessKeyId"], new["secretAccessKey"], new["sessionToken"]))


def test_credentials_that_are_not_acknowledged_come_as_a_fresh_set(place, start):
    local = start("--redeliver-s", "1")
    agent = Agent(place, local)
    define(local, taskRoleArn=ROLE)
    run(local)
    payload = agent.acs.expect("PayloadMessage")
    agent.ack(payload, credentials=False)
    message = agent.acs.expect("IAMRoleCredentialsMessage")
    agent.ack_credentials(message["messageId"], message["roleCredentials"])
    agent.acs.nothing(2)


def test_an_agent_that_has_just_started_gets_its_credentials_again(place, start):
    local = start()
    agent = Agent(place, local)
    define(local, taskRoleArn=ROLE)
    run(local)
    agent.ack(agent.acs.expect("PayloadMessage"))
    agent.acs.close()
    agent.connect(send_credentials=True)
    message = agent.acs.expect("IAMRoleCredentialsMessage")
    agent.ack_credentials(message["messageId"], message["roleCredentials"])
    agent.acs.close()
    agent.connect(send_credentials=False)
    agent.acs.nothing(1)


def test_tasks_that_should_not_run_are_named_after_a_manifest(place, start):
    local = start()
    agent = Agent(place, local)
    define(local)
    (wanted,), _ = run(local)
    agent.ack(agent.acs.expect("PayloadMessage"))
    stray = wanted["taskArn"][:-32] + "0" * 32
    candidates = [{"taskArn": a, "taskClusterArn": agent.manifest["clusterArn"], "desiredStatus": "STOPPED"}
                  for a in (wanted["taskArn"], stray)]
    agent.acs.send("TaskStopVerificationMessage", {"messageId": str(uuid.uuid4()), "stopCandidates": candidates})
    agent.acs.nothing(0.3)
    agent.acs.send("TaskStopVerificationMessage", {
        "messageId": agent.manifest["messageId"], "stopCandidates": candidates})
    answer = agent.acs.expect("TaskStopVerificationAck")
    assert answer["messageId"] == agent.manifest["messageId"]
    assert [t["taskArn"] for t in answer["stopTasks"]] == [stray]


def test_a_second_session_takes_the_place_of_the_first(place, start):
    local = start()
    agent = Agent(place, local)
    first = agent.acs
    agent.connect()
    assert first.read() == ("close", 1000)
    place.wait("the second to count as connected", lambda: place.get(
        local.base + "/local/v1/status").json()["agents"] == 1)
    found = local.call("DescribeContainerInstances", {
        "cluster": "MyCluster", "containerInstances": [agent.arn]})["containerInstances"][0]
    assert found["agentConnected"] is True
    agent.acs.close()
    place.wait("the end to be seen", lambda: local.call("DescribeContainerInstances", {
        "cluster": "MyCluster", "containerInstances": [agent.arn]})["containerInstances"][0][
            "agentConnected"] is False)


def test_heartbeats_must_be_answered(place, start):
    local = start("--heartbeat-s", "1")
    agent = Agent(place, local)
    for _ in range(4):
        body = agent.acs.read(5)
        assert body[0] == "HeartbeatMessage"
        agent.acs.send("HeartbeatAckRequest", {"messageId": body[1]["messageId"]})
    got = [agent.acs.read(5)[0] for _ in range(3)]
    assert got == ["HeartbeatMessage"] * 3
    assert agent.acs.read(5) == ("close", 1001)


def test_deregistration_ends_the_session_and_the_tasks(place, start):
    local = start()
    agent = Agent(place, local)
    define(local)
    (task,), _ = run(local)
    agent.ack(agent.acs.expect("PayloadMessage"))
    assert refused(local, "DeregisterContainerInstance", {
        "cluster": "MyCluster", "containerInstance": agent.arn}).code == "InvalidParameterException"
    gone = local.call("DeregisterContainerInstance", {
        "cluster": "MyCluster", "containerInstance": agent.arn, "force": True})["containerInstance"]
    assert gone["status"] == "INACTIVE"
    assert agent.acs.read()[0] == "InactiveInstanceException"
    assert agent.acs.read() == ("close", 1000)
    assert task_of(local, task["taskArn"])["lastStatus"] == "STOPPED"
    late = Socket(place, local, "/acs/ws", {"clusterArn": "MyCluster", "containerInstanceArn": agent.arn,
                                            "agentVersion": "1", "protocolVersion": "2"})
    assert late.status == 400 and list(late.body) == ["InactiveInstanceException"]
    assert refused(local, "RegisterContainerInstance", {
        "cluster": "MyCluster", "containerInstanceArn": agent.arn, "totalResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": 1},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 1}]}).code == "ClientException"


HANDSHAKES = [
    ("an unknown cluster", {"clusterArn": "nothing"}, {}, 400, "InvalidClusterException"),
    ("an unknown instance", {"containerInstanceArn": "arn:aws:ecs:us-west-2:0:container-instance/x/y"}, {}, 400,
     "InvalidInstanceException"),
    ("an old protocol", {"protocolVersion": "1"}, {}, 400, "BadRequestException"),
    ("no version", {"agentVersion": None}, {}, 400, "BadRequestException"),
    ("a wrong secret", {}, {"key": ("LOCALOPERATOR0000000", "wrong", None)}, 403, "AccessDeniedException"),
    ("an unknown key", {}, {"key": ("AKIANOBODY", "wrong", None)}, 403, "AccessDeniedException"),
    ("another region", {}, {"region": "eu-west-1"}, 403, "AccessDeniedException"),
    ("an old signature", {}, {"when": datetime.datetime(2026, 1, 1)}, 403, "AccessDeniedException"),
]


@pytest.mark.parametrize("why,query,more,status,error", HANDSHAKES, ids=[h[0] for h in HANDSHAKES])
def test_handshakes_that_are_refused(place, start, why, query, more, status, error):
    local = start()
    agent = Agent(place, local, connect=False)
    whole = {"clusterArn": "MyCluster", "containerInstanceArn": agent.arn, "agentVersion": "1.105.1",
             "protocolVersion": "2", "dockerVersion": "DockerVersion: 1+2 3", "sendCredentials": "true"}
    whole.update(query)
    got = Socket(place, local, "/acs/ws", {k: v for k, v in whole.items() if v is not None}, **more)
    assert got.status == status and list(got.body) == [error]
