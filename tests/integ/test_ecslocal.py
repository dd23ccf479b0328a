"""The local control plane seen from an agent's side: sessions, acknowledgements, credentials, telemetry.

No agent and no engine: a few lines of own code play the agent, so that each message can be looked at,
held back or made wrong.
"""
import datetime
import glob
import gzip
import hashlib
import json
import os
import signal
import struct
import subprocess
import time
import urllib.parse
import uuid

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import wire
import world as worlds
import ws

ECSLOCAL = os.path.join(worlds.OUT, "ecslocal")
ROLE, EXECUTION = "arn:aws:iam::000000000000:role/app/web", "arn:aws:iam::000000000000:role/pull"
CAPABILITIES = ["ecs.capability.full-sync", "ecs.capability.container-ordering",
                "ecs.capability.container-health-check", "ecs.capability.execution-role-awslogs",
                "ecs.capability.execution-role-ecr-pull", "com.amazonaws.ecs.capability.ecr-auth",
                "com.amazonaws.ecs.capability.task-iam-role", "ecs.capability.docker-plugin.local",
                "com.amazonaws.ecs.capability.privileged-container",
                "com.amazonaws.ecs.capability.logging-driver.awslogs",
                "com.amazonaws.ecs.capability.logging-driver.json-file",
                "ecs.capability.secrets.ssm.environment-variables",
                "ecs.capability.secrets.asm.environment-variables"] + [
                    "com.amazonaws.ecs.capability.docker-remote-api.1.%d" % n for n in range(17, 31)]
SMALL = {"name": "main", "image": "busybox", "memory": 32, "cpu": 10}


@pytest.fixture(scope="module")
def place():
    """A world without an engine: its network is all that is needed."""
    w = worlds.World("ecslocal")
    yield w
    w.close()


@pytest.fixture
def start(place):
    """Starts `ecslocal` with arguments; each test has a state of its own."""
    folder = "/var/lib/ecs/" + uuid.uuid4().hex

    def go(*arguments, **more):
        place.local_proc = place.spawn(
            [ECSLOCAL, "--data-dir", folder, "--port", 51670, "--log-level", "debug", *arguments],
            name="ecslocal", env=place.environment(**more))
        local = worlds.Local(place, "http://127.0.0.1:51670")

        def answers():
            told = place.get(local.base + "/local/v1/status").json()
            local.key = (told["accessKeyId"], told["secretAccessKey"], None)
            return True
        place.wait("ecslocal to answer", answers, 15, needs=[place.local_proc])
        return local
    os.makedirs(os.path.join(place.dir, "var/lib/ecs"), exist_ok=True)
    yield go
    if place.local_proc:  # at the end it must go when asked, with agents connected or not
        place.local_proc.end(signal.SIGTERM, timeout=10)
        assert place.local_proc.status == 0, place.local_proc.text()[-3000:]
        place.local_proc = None


def imds(place, local, path, method="GET", headers=None):
    return place.http(method, local.base + "/latest/" + path, headers)


def imds_token(place, local):
    got = imds(place, local, "api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    assert got.status == 200
    return {"X-aws-ec2-metadata-token": got.text}


def register(local, cluster="MyCluster", cpu=2048, memory=4096, attributes=(), arn=None, identity=("", ""),
             capabilities=CAPABILITIES, **more):
    params = {
        "cluster": cluster, "instanceIdentityDocument": identity[0],
        "instanceIdentityDocumentSignature": identity[1], "clientToken": str(uuid.uuid4()),
        "totalResources": [{"name": "CPU", "type": "INTEGER", "integerValue": cpu},
                           {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
                           {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "51678"]},
                           {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []}],
        "attributes": [{"name": n} for n in capabilities] + [
            {"name": "ecs.os-type", "value": "linux"}] + list(attributes), **more}
    if arn:
        params["containerInstanceArn"] = arn
    return local.call("RegisterContainerInstance", params)["containerInstance"]


class Socket:
    """One websocket, blocking, that can lie."""

    def __init__(self, place, local, path, query, key=None, region=None, when=None):
        self.place = place
        self.url = local.base + path + "?" + urllib.parse.urlencode(sorted(query.items()),
                                                                    quote_via=urllib.parse.quote)
        self.key, self.region = key or local.key, region or local.region
        headers = self.sign(b"", when)
        self.sock = place.net.connect("127.0.0.1", 51670)
        target = self.url[len(local.base):]
        head = "GET %s HTTP/1.1\r\nHost: 127.0.0.1:51670\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n" % (
                   target, "".join("%s: %s\r\n" % kv for kv in headers.items()))
        self.sock.sendall(head.encode())
        self.got = b""
        while b"\r\n\r\n" not in self.got:
            self._more()
        top, self.got = self.got.split(b"\r\n\r\n", 1)
        self.status = int(top.split()[1])
        if self.status != 101:
            length = int(next(line for line in top.split(b"\r\n") if line.lower().startswith(b"content-length"))
                         .split(b":")[1])
            while len(self.got) < length:
                self._more()
            self.body = json.loads(self.got)
            self.sock.close()

    def sign(self, body, when=None):
        request = AWSRequest("GET", self.url, data=body)
        wire.SignAt(Credentials(*self.key), "ecs", self.region, when).add_auth(request)
        headers = dict(request.headers.items())
        headers["Host"] = "127.0.0.1:51670"
        return headers

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the connection has ended")
        self.got += data

    def _frame(self):
        while True:
            if len(self.got) >= 2:
                n, at = self.got[1] & 127, 2
                need = at + {126: 2, 127: 8}.get(n, 0)
                if len(self.got) >= need:
                    if n == 126:
                        n, = struct.unpack(">H", self.got[2:4])
                    elif n == 127:
                        n, = struct.unpack(">Q", self.got[2:10])
                    if len(self.got) >= need + n:
                        opcode, data = self.got[0] & 15, self.got[need:need + n]
                        self.got = self.got[need + n:]
                        return opcode, data
            self._more()

    def read(self, timeout=10):
        """The next message as (type, body), or ("close", code)."""
        self.sock.settimeout(timeout * worlds.SPEED)
        while True:
            opcode, data = self._frame()
            if opcode == ws.CLOSE:
                self.sock.sendall(ws.frame(ws.CLOSE, data[:2], mask=b"abcd"))
                return "close", struct.unpack(">H", data[:2])[0]
            if opcode == ws.TEXT:
                message = json.loads(data)
                return message["type"], message["message"]

    def expect(self, kind, timeout=10):
        """The next message of that type; heartbeats are answered on the way."""
        while True:
            got, body = self.read(timeout)
            if got == kind:
                return body
            if got == "HeartbeatMessage":
                self.send("HeartbeatAckRequest", {"messageId": body["messageId"]})
                continue
            raise AssertionError("expected %s, got %s %r" % (kind, got, body))

    def nothing(self, seconds, but=("HeartbeatMessage",)):
        """No message comes for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                got, body = self.read(max(0.01, (end - time.monotonic()) / worlds.SPEED))
            except TimeoutError:
                return
            assert got in but, (got, body)

    def send_text(self, text):
        self.sock.sendall(ws.frame(ws.TEXT, text.encode(), mask=b"\1\2\3\4"))

    def send(self, kind, body):
        self.send_text(json.dumps({"type": kind, "message": body}))

    def close(self):
        self.sock.close()


class Agent:
    """Registers and speaks as an agent does."""

    def __init__(self, place, local, cluster="MyCluster", connect=True, **more):
        self.place, self.local, self.cluster = place, local, cluster
        self.arn = register(local, cluster, **more)["containerInstanceArn"]
        self.acs = None
        if connect:
            self.connect()

    def connect(self, send_credentials=True, **more):
        query = {"agentHash": "0badc0de", "agentVersion": "1.105.1", "clusterArn": self.cluster,
                 "containerInstanceArn": self.arn, "dockerVersion": "DockerVersion: 20.10.24",
                 "protocolVersion": "2", "seqNum": "1", "sendCredentials": "true" if send_credentials else "false"}
        query.update(more)
        self.acs = Socket(self.place, self.local, "/acs/ws", {k: v for k, v in query.items() if v is not None})
        assert self.acs.status == 101, self.acs.body
        self.manifest = self.acs.expect("TaskManifestMessage")
        return self.acs

    def ack(self, payload, credentials=True):
        self.acs.send("AckRequest", {"cluster": payload["clusterArn"], "messageId": payload["messageId"],
                                     "containerInstance": payload["containerInstanceArn"]})
        for task in payload["tasks"] if credentials else ():
            for name in ("roleCredentials", "executionRoleCredentials"):
                if name in task:
                    self.ack_credentials(payload["messageId"], task[name])

    def ack_credentials(self, message_id, credentials):
        self.acs.send("IAMRoleCredentialsAckRequest", {
            "messageId": message_id, "expiration": credentials["expiration"],
            "credentialsId": credentials["credentialsId"]})

    def submit(self, task, status, containers=(), reason="", **more):
        return self.local.call("SubmitTaskStateChange", {
            "cluster": self.cluster, "task": task, "status": status, "reason": reason,
            "containers": list(containers), **more})

    def tcs(self, **more):
        return Socket(self.place, self.local, "/tcs/ws", {
            "agentHash": "0badc0de", "agentVersion": "1.105.1", "cluster": self.cluster,
            "containerInstance": self.arn, "dockerVersion": "20.10.24"}, **more)


def define(local, family="web", **more):
    body = {"family": family, "containerDefinitions": [SMALL], **more}
    return local.call("RegisterTaskDefinition", body)["taskDefinition"]


def run(local, definition="web", **more):
    got = local.call("RunTask", {"cluster": "MyCluster", "taskDefinition": definition, **more})
    return got["tasks"], got["failures"]


def task_of(local, arn, cluster="MyCluster"):
    return local.call("DescribeTasks", {"cluster": cluster, "tasks": [arn]})["tasks"][0]


def refused(local, operation, params, **more):
    with pytest.raises(wire.EcsError) as e:
        local.call(operation, params, **more)
    return e.value


# ---- tables -----------------------------------------------------------------------------------------

# Members of later versions of the API than the installed client's model, and of agents alone.
NEWER = {
    "RegisterTaskDefinition": {"enableFaultInjection", "volumes.configuredAtLaunch",
                               "containerDefinitions.restartPolicy", "containerDefinitions.credentialSpecs",
                               "containerDefinitions.portMappings.containerPortRange",
                               "containerDefinitions.versionConsistency", "volumes.s3filesVolumeConfiguration"},
    "ListTasks": {"daemonName"},
    "RunTask": {"clientToken", "volumeConfigurations"},
    "CreateService": {"deploymentConfiguration.alarms", "volumeConfigurations"},
    "UpdateService": {"deploymentConfiguration.alarms", "volumeConfigurations"},
    "StartTask": {"volumeConfigurations"},
    "DiscoverPollEndpoint": {"zoneId"},
    "RegisterContainerInstance": {"clientToken"},
    "SubmitTaskStateChange": {"containers.networkBindings.containerPortRange",
                              "containers.networkBindings.hostPortRange"},
    "SubmitContainerStateChange": {"networkBindings.containerPortRange", "networkBindings.hostPortRange"},
}


def compare(ours, model, shape, path, newer, bad):
    theirs = model["shapes"][shape]
    required = set(theirs.get("required", ()))
    for name in set(theirs["members"]) - set(ours):
        bad.append("%s%s: missing" % (path, name))
    for name, mine in ours.items():
        here = path + name
        if name not in theirs["members"]:
            if here not in newer:
                bad.append("%s: the model has none" % here)
            continue
        other = model["shapes"][theirs["members"][name]["shape"]]
        if mine["type"] != other["type"]:
            bad.append("%s: %s, not %s" % (here, mine["type"], other["type"]))
        if mine.get("required", False) != (name in required):
            bad.append("%s: required differs" % here)
        inner = other
        if other["type"] == "list":
            inner = model["shapes"][other["member"]["shape"]]
            if mine.get("item") != inner["type"]:
                bad.append("%s: list of %s, not of %s" % (here, mine.get("item"), inner["type"]))
        if set(inner.get("enum", ())) - set(mine.get("words", "").split("|")) and "words" in mine:
            bad.append("%s: words %s are missing" % (here, set(inner["enum"]) - set(mine["words"].split("|"))))
        if "enum" in inner and "words" not in mine:
            bad.append("%s: has no words" % here)
        if "members" in mine and inner["type"] == "structure":
            target = (other["member"] if other["type"] == "list" else theirs["members"][name])["shape"]
            compare(mine["members"], model, target, here + ".", newer, bad)


def test_tables_agree_with_the_model_of_the_installed_client():
    path = glob.glob("/usr/lib/python3/dist-packages/botocore/data/ecs/2014-11-13/service-2.json*")[0]
    with (gzip.open(path) if path.endswith(".gz") else open(path, "rb")) as f:
        model = json.load(f)
    ours = json.loads(subprocess.run([ECSLOCAL, "--shapes"], check=True, capture_output=True).stdout)
    assert len(ours) >= 31
    bad = []
    for operation, members in ours.items():
        found = []
        compare(members, model, model["operations"][operation]["input"]["shape"], "",
                NEWER.get(operation, set()), found)
        bad += ["%s %s" % (operation, x) for x in found]
    assert bad == []


# ---- sessions ---------------------------------------------------------------------------------------

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


# ---- telemetry --------------------------------------------------------------------------------------

def frame_of(socket, body, wrong=False, **more):
    headers = socket.sign(body.encode(), **more)
    lines = "".join("%s: %s\r\n" % (k, headers[k]) for k in sorted(headers))
    return lines + "\r\n" + (body + " " if wrong else body)


def publish(socket, kind, message, **more):
    socket.send_text(frame_of(socket, json.dumps({"type": kind, "message": message}), **more))


def metadata(agent, **more):
    return {"cluster": agent.cluster, "containerInstance": agent.arn, "messageId": str(uuid.uuid4()), "fin": True,
            **more}


def test_telemetry_is_acknowledged_and_shown(place, start):
    local = start()
    agent = Agent(place, local)
    define(local, containerDefinitions=[dict(SMALL, healthCheck={"command": ["CMD", "true"]})])
    (task,), _ = run(local)
    tcs = agent.tcs()
    assert tcs.status == 101
    publish(tcs, "PublishMetricsRequest", {"metadata": metadata(agent, idle=True), "timestamp": 1751303000.1})
    assert tcs.expect("AckPublishMetric")
    statistics = {"min": 0.5, "max": 1.5, "sampleCount": 2, "sum": 2.0}
    publish(tcs, "PublishMetricsRequest", {
        "metadata": metadata(agent, idle=False), "timestamp": 1751303020, "taskMetrics": [{
            "taskArn": task["taskArn"], "taskDefinitionFamily": "web", "taskDefinitionVersion": "1",
            "containerMetrics": [{"containerName": "main", "cpuStatsSet": statistics,
                                  "memoryStatsSet": statistics}]}]})
    assert tcs.expect("AckPublishMetric")
    for status in ("HEALTHY", "UNHEALTHY"):
        publish(tcs, "PublishHealthRequest", {
            "metadata": metadata(agent), "timestamp": 1751303020, "tasks": [{
                "taskArn": task["taskArn"], "taskDefinitionFamily": "web", "taskDefinitionVersion": "1",
                "containers": [{"containerName": "main", "healthStatus": status, "statusSince": 1751303019.5}]}]})
        assert tcs.expect("AckPublishHealth")
        told = task_of(local, task["taskArn"])
        assert (told["healthStatus"], told["containers"][0]["healthStatus"]) == (status, status)
    publish(tcs, "PublishInstanceStatusRequest", {
        "metadata": {"cluster": "MyCluster", "containerInstance": agent.arn, "requestId": str(uuid.uuid4())},
        "timestamp": 1, "statuses": [{"type": "ContainerRuntime", "status": "OK", "lastUpdated": 5.5,
                                      "lastStatusChange": 4}]})
    assert tcs.expect("AckPublishInstanceStatus")
    instance = local.call("DescribeContainerInstances", {
        "cluster": "MyCluster", "containerInstances": [agent.arn],
        "include": ["CONTAINER_INSTANCE_HEALTH"]})["containerInstances"][0]
    assert instance["healthStatus"] == {"overallStatus": "OK", "details": [
        {"type": "CONTAINER_RUNTIME", "status": "OK", "lastUpdated": 5.5, "lastStatusChange": 4.0}]}
    shown, = place.get(local.base + "/local/v1/telemetry").json()["instances"]
    assert (shown["metrics"], shown["health"], shown["status"]) == (2, 2, 1)
    assert shown["lastMetrics"]["taskMetrics"][0]["taskArn"] == task["taskArn"]


def test_telemetry_that_is_wrong_is_refused(place, start):
    local = start()
    agent = Agent(place, local)
    tcs = agent.tcs()
    publish(tcs, "PublishMetricsRequest", {"metadata": metadata(agent), "timestamp": "now"})
    assert "timestamp" in tcs.expect("BadRequestException")["message"]
    publish(tcs, "PublishMetricsRequest", {"timestamp": 1})
    assert "metadata" in tcs.expect("BadRequestException")["message"]
    publish(tcs, "PublishNothing", {})
    assert tcs.expect("BadRequestException")
    publish(tcs, "PublishMetricsRequest", {
        "metadata": dict(metadata(agent), containerInstance="somebody else"), "timestamp": 1})
    assert tcs.expect("ResourceValidationException")
    publish(tcs, "PublishMetricsRequest", {"metadata": metadata(agent, idle=True), "timestamp": 1}, wrong=True)
    assert "signature" in tcs.expect("InvalidParameterException")["message"]
    assert tcs.read() == ("close", 1008)
    plain = agent.tcs()
    plain.send("PublishMetricsRequest", {"metadata": metadata(agent, idle=True), "timestamp": 1})
    assert plain.expect("InvalidParameterException") and plain.read() == ("close", 1008)
    assert agent.tcs(key=("AKIANOBODY", "x", None)).status == 403


# ---- instance metadata ------------------------------------------------------------------------------

def test_metadata_needs_a_session_token(place, start):
    local = start()
    assert imds(place, local, "meta-data/instance-id").status == 401
    assert imds(place, local, "meta-data/instance-id", headers={"X-aws-ec2-metadata-token": "1.x"}).status == 401
    for ttl, status in (("0", 400), ("21601", 400), ("x", 400), ("21600", 200)):
        got = imds(place, local, "api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": ttl})
        assert got.status == status
    assert imds(place, local, "api/token").status == 405
    token = imds_token(place, local)
    told = place.get(local.base + "/local/v1/status").json()
    assert imds(place, local, "meta-data/instance-id", headers=token).text == told["instanceId"]
    assert imds(place, local, "meta-data/nothing", headers=token).status == 404
    assert imds(place, local, "user-data", headers=token).status == 404
    mac = imds(place, local, "meta-data/mac", headers=token).text
    assert imds(place, local, "meta-data/network/interfaces/macs/%s/vpc-id" % mac, headers=token).status == 200


def test_keys_are_not_told_to_a_page_that_renamed_loopback(place, start):
    local = start()
    for path, method, status in (("/local/v1/status", "GET", 403), ("/latest/api/token", "PUT", 403)):
        for host, expected in (("evil.example:51670", status), ("127.evil.example", status),
                               ("localhost:51670", 200), ("127.0.0.1:51670", 200)):
            got = place.http(method, local.base + path, {
                "Host": host, "X-aws-ec2-metadata-token-ttl-seconds": "60"})
            assert got.status == expected, (path, host)


def test_the_instance_role_signs_and_the_document_registers(place, start):
    local = start()
    token = imds_token(place, local)
    role = imds(place, local, "meta-data/iam/security-credentials/", headers=token).text
    given = imds(place, local, "meta-data/iam/security-credentials/" + role, headers=token).json()
    assert given["Code"] == "Success"
    key = (given["AccessKeyId"], given["SecretAccessKey"], given["Token"])
    assert local.call("ListClusters", key=key) == {"clusterArns": []}
    assert refused(local, "ListClusters", {}, key=key[:2] + ("x" + key[2],)).code == "UnrecognizedClientException"
    assert refused(local, "ListClusters", {}, key=key[:2] + (None,)).code == "UnrecognizedClientException"
    assert refused(local, "ListClusters", {}, key=(key[0], "x", key[2])).code == "InvalidSignatureException"
    document = imds(place, local, "dynamic/instance-identity/document", headers=token).text
    signature = imds(place, local, "dynamic/instance-identity/signature", headers=token).text
    instance = register(local, identity=(document, signature), tags=[{"key": "k", "value": "v"}])
    assert instance["ec2InstanceId"] == json.loads(document)["instanceId"]
    assert instance["tags"] == [{"key": "k", "value": "v"}]
    names = {a["name"]: a.get("value") for a in instance["attributes"]}
    assert names["ecs.availability-zone"] == "us-west-2a" and names["ecs.os-type"] == "linux"
    with pytest.raises(wire.EcsError) as e:
        register(local, identity=(document.replace("us-west-2a", "us-west-2b"), signature))
    assert e.value.code == "ClientException"
    second = register(local, identity=(document, signature))
    listed = local.call("ListContainerInstances", {"cluster": "MyCluster"})["containerInstanceArns"]
    assert listed == [second["containerInstanceArn"]], "one EC2 instance is one container instance"


def test_a_registration_is_repeated_by_token_and_renewed_by_arn(place, start):
    local = start()
    first = register(local, clientToken="same")
    assert register(local, clientToken="same")["containerInstanceArn"] == first["containerInstanceArn"]
    local.call("PutAttributes", {"cluster": "MyCluster", "attributes": [
        {"name": "stack", "value": "prod", "targetId": first["containerInstanceArn"]}]})
    again = register(local, arn=first["containerInstanceArn"], capabilities=["ecs.capability.full-sync"])
    names = {a["name"] for a in again["attributes"]}
    assert again["containerInstanceArn"] == first["containerInstanceArn"]
    assert "stack" in names and "ecs.capability.container-ordering" not in names
    assert again["version"] > first["version"]


def test_a_cluster_must_exist_when_asked_so(place, start):
    local = start("--known-clusters-only", "--cluster", "one,two")
    assert len(local.call("ListClusters")["clusterArns"]) == 2
    with pytest.raises(wire.EcsError) as e:
        register(local, cluster="three")
    assert (e.value.code, e.value.message) == ("ClientException", "Cluster not found.")


def test_endpoints_are_told_as_the_agent_came_or_as_published(place, start):
    local = start()
    got = local.call("DiscoverPollEndpoint", {"cluster": "c", "containerInstance": "i", "zoneId": ""})
    assert got == {"endpoint": "http://127.0.0.1:51670/acs/", "telemetryEndpoint": "http://127.0.0.1:51670/tcs/"}
    place.stop_local()
    local = start("--public-url", "https://ecs.example:8443")
    got = local.call("DiscoverPollEndpoint", {"cluster": "c", "containerInstance": "i", "zoneId": ""})
    assert got["endpoint"] == "https://ecs.example:8443/acs/"


# ---- placement --------------------------------------------------------------------------------------

def test_strategies_and_constraints_choose_the_instance(place, start):
    local = start()
    one = Agent(place, local, memory=1000, attributes=[{"name": "rack", "value": "a"}])
    two = Agent(place, local, memory=2000, attributes=[{"name": "rack", "value": "b"}])
    define(local, "small")
    where = lambda tasks: sorted(t["containerInstanceArn"] for t in tasks)
    tasks, failures = run(local, "small", count=4)
    assert failures == [] and where(tasks).count(one.arn) == 2, "spread by default"
    tasks, _ = run(local, "small", count=3, group="g1", placementStrategy=[{"type": "binpack", "field": "memory"}])
    assert where(tasks) == [one.arn] * 3, "the fuller one first"
    tasks, failures = run(local, "small", count=3, group="g2", placementConstraints=[{"type": "distinctInstance"}])
    assert len(tasks) == 2 and {f["arn"] for f in failures} == {one.arn, two.arn}
    tasks, _ = run(local, "small", count=2, group="g3", placementConstraints=[
        {"type": "memberOf", "expression": "attribute:rack == b and not (attribute:rack in [a, c])"}])
    assert where(tasks) == [two.arn] * 2
    tasks, failures = run(local, "small", placementConstraints=[
        {"type": "memberOf", "expression": "attribute:rack =~ c.*"}])
    assert tasks == [] and len(failures) == 2 and "placement constraint" in failures[0]["reason"]
    assert refused(local, "RunTask", {"cluster": "MyCluster", "taskDefinition": "small", "placementConstraints": [
        {"type": "memberOf", "expression": "attribute:rack =="}]}).code == "InvalidParameterException"
    listed = local.call("ListContainerInstances", {"cluster": "MyCluster", "filter": "attribute:rack == a"})
    assert listed["containerInstanceArns"] == [one.arn]


def test_reasons_for_which_a_task_fits_nowhere(place, start):
    local = start()
    agent = Agent(place, local, cpu=1024, memory=512)
    rows = [("RESOURCE:CPU", dict(SMALL, cpu=2000)), ("RESOURCE:MEMORY", dict(SMALL, memory=600)),
            ("RESOURCE:PORTS", dict(SMALL, portMappings=[{"containerPort": 80, "hostPort": 51678}])),
            ("ATTRIBUTE", dict(SMALL, logConfiguration={"logDriver": "splunk"}))]
    for reason, container in rows:
        define(local, "f", containerDefinitions=[container])
        tasks, failures = run(local, "f")
        assert tasks == [] and failures == [{"arn": agent.arn, "reason": reason}]
    define(local, "port", containerDefinitions=[
        dict(SMALL, portMappings=[{"containerPort": 80, "hostPort": 8080}])])
    tasks, failures = run(local, "port", count=2)
    assert len(tasks) == 1 and failures[0]["reason"] == "RESOURCE:PORTS"
    agent.acs.close()
    define(local, "web")
    place.wait("the end to be seen", lambda: run(local)[1] == [{"arn": agent.arn, "reason": "AGENT"}])
    local.call("UpdateContainerInstancesState", {
        "cluster": "MyCluster", "containerInstances": [agent.arn], "status": "DRAINING"})
    e = refused(local, "RunTask", {"cluster": "MyCluster", "taskDefinition": "web"})
    assert e.message == "No Container Instances were found in your cluster."
    got = local.call("StartTask", {"cluster": "MyCluster", "taskDefinition": "web",
                                   "containerInstances": [agent.arn, "0" * 32]})
    assert [f["reason"] for f in got["failures"]] == ["AGENT", "MISSING"]


def test_a_client_token_runs_a_task_once(place, start):
    local = start()
    agent = Agent(place, local)
    define(local)
    first, _ = run(local, clientToken="t1", count=2)
    again, _ = run(local, clientToken="t1", count=2)
    assert [t["taskArn"] for t in first] == [t["taskArn"] for t in again]
    assert run(local, clientToken="t2")[0][0]["taskArn"] not in [t["taskArn"] for t in first]
    assert len(agent.acs.expect("PayloadMessage")["tasks"]) == 2


DEFINITIONS = [
    ("no memory", [{"name": "a", "image": "i"}], {}, "memory"),
    ("no image", [{"name": "a", "memory": 32}], {}, "image"),
    ("no name", [{"image": "i", "memory": 32}], {}, "name"),
    ("the same name twice", [SMALL, SMALL], {}, "unique"),
    ("none essential", [dict(SMALL, essential=False)], {}, "essential"),
    ("more reserved than there is", [dict(SMALL, memoryReservation=64)], {}, "memory"),
    ("an unknown volume", [dict(SMALL, mountPoints=[{"sourceVolume": "v", "containerPath": "/v"}])], {}, "volume"),
    ("a dependency on itself", [dict(SMALL, dependsOn=[{"containerName": "main", "condition": "START"}])], {},
     "depends"),
    ("a circle", [dict(SMALL, dependsOn=[{"containerName": "b", "condition": "START"}]),
                  dict(SMALL, name="b", dependsOn=[{"containerName": "main", "condition": "START"}])], {}, "circle"),
    ("healthy without a check", [dict(SMALL, dependsOn=[{"containerName": "b", "condition": "HEALTHY"}]),
                                 dict(SMALL, name="b")], {}, "health check"),
    ("a check too often", [dict(SMALL, healthCheck={"command": ["CMD", "x"], "interval": 1})], {}, "interval"),
    ("a port too high", [dict(SMALL, portMappings=[{"containerPort": 70000}])], {}, "port"),
    ("host mode with another port", [dict(SMALL, portMappings=[{"containerPort": 80, "hostPort": 81}])],
     {"networkMode": "host"}, "match"),
    ("awsvpc", [SMALL], {"networkMode": "awsvpc"}, "awsvpc"),
    ("Fargate", [SMALL], {"requiresCompatibilities": ["FARGATE"]}, "EC2"),
    ("a family of wrong letters", [SMALL], {"family": "a b"}, "Family"),
    ("a processor size that is none", [SMALL], {"cpu": "much"}, "cpu"),
    ("App Mesh", [SMALL], {"proxyConfiguration": {"containerName": "main"}}, "not supported"),
    ("a graphics processor", [dict(SMALL, resourceRequirements=[{"type": "GPU", "value": "1"}])], {},
     "not supported"),
]


@pytest.fixture(scope="module")
def standing(place):
    """One control plane for tests that change nothing."""
    folder = "/var/lib/ecs/" + uuid.uuid4().hex
    os.makedirs(os.path.join(place.dir, "var/lib/ecs"), exist_ok=True)
    process = place.spawn([ECSLOCAL, "--data-dir", folder, "--port", 51671], name="ecslocal",
                          env=place.environment(ECSLOCAL_ACCESS_KEY_ID="AKIAOWN", ECSLOCAL_SECRET_ACCESS_KEY="own"))
    local = worlds.Local(place, "http://127.0.0.1:51671")
    local.key = ("AKIAOWN", "own", None)
    place.wait("ecslocal to answer", lambda: place.get(local.base + "/local/v1/status").status == 200, 15,
               needs=[process])
    yield local
    process.end(signal.SIGTERM)
    assert process.status == 0, process.text()[-3000:]


@pytest.mark.parametrize("why,containers,more,word", DEFINITIONS, ids=[d[0] for d in DEFINITIONS])
def test_task_definitions_that_are_refused(standing, why, containers, more, word):
    e = refused(standing, "RegisterTaskDefinition", {"family": "f", "containerDefinitions": containers, **more})
    assert e.code == "ClientException" and word in e.message, e
    assert standing.call("ListTaskDefinitions")["taskDefinitionArns"] == []


# ---- state ------------------------------------------------------------------------------------------

def test_what_was_answered_survives_a_kill(place, start):
    local = start()
    agent = Agent(place, local)
    define(local, taskRoleArn=ROLE)
    for n in range(5):
        tasks, _ = run(local, count=4)
        arns = [t["taskArn"] for t in tasks]
        place.stop_local(signal.SIGKILL)
        local = start()
        listed = local.call("ListTasks", {"cluster": "MyCluster"})["taskArns"]
        assert set(arns) <= set(listed) and len(listed) == 4 * (n + 1)
        agent.local = local
        agent.connect()
        got = []
        while len(got) < len(arns):
            payload = agent.acs.expect("PayloadMessage") if n == 0 else next_payload(agent)
            got += [t["arn"] for t in payload["tasks"]]
            agent.ack(payload)
        assert sorted(got) == sorted(arns), "each unacknowledged task once, no other again"
        given = payload["tasks"][0]["roleCredentials"]
        key = (given["accessKeyId"], given["secretAccessKey"], given["sessionToken"])
        place.wait("the acknowledgements to be taken", lambda: all(
            t["taskArn"] for t in local.call("DescribeTasks", {"cluster": "MyCluster", "tasks": arns})["tasks"]))
        agent.acs.nothing(0.3, but=("HeartbeatMessage", "IAMRoleCredentialsMessage"))
        place.stop_local(signal.SIGKILL)
        local = start()
        agent.local = local
        assert local.call("ListClusters", key=key)["clusterArns"], "issued keys outlive a restart"
        agent.connect(send_credentials=False)


def next_payload(agent):
    while True:
        kind, body = agent.acs.read()
        if kind == "PayloadMessage":
            return body
        assert kind in ("IAMRoleCredentialsMessage", "HeartbeatMessage"), (kind, body)


def test_the_data_directory_belongs_to_one_process(place, start):
    local = start()
    folder = place.get(local.base + "/local/v1/status").json()["dataDir"]
    second = place.spawn([ECSLOCAL, "--data-dir", folder, "--port", "51999"], name="second")
    assert second.wait(10) == 5 and "in use by process" in second.text()
    with pytest.raises(Exception):
        place.get("http://127.0.0.1:51999/local/v1/status")
    assert place.local_proc.end(signal.SIGTERM) < 5 and place.local_proc.status == 0
    place.local_proc = None
    assert not os.path.exists(os.path.join(place.dir, folder.lstrip("/"), "ecslocal.pid"))


def test_arguments_that_are_wrong_end_with_five(place):
    for arguments in (["--port", "x"], ["--bind", "0.0.0.0", "--port", "0"], ["--account", "1"], ["--nothing"],
                      ["--region", "Not A Region"]):
        process = place.spawn([ECSLOCAL, "--data-dir", "/var/lib/ecs/wrong", *arguments], name="wrong")
        assert process.wait(10) == 5, process.text()


def test_stopped_tasks_are_forgotten_after_a_while(place, start):
    local = start("--keep-stopped-s", "1")
    agent = Agent(place, local)
    define(local)
    (task,), _ = run(local)
    agent.ack(agent.acs.expect("PayloadMessage"))
    agent.submit(task["taskArn"], "STOPPED", reason="CannotPullContainerError: no such image")
    told = task_of(local, task["taskArn"])
    assert (told["stopCode"], told["stoppedReason"]) == (
        "TaskFailedToStart", "CannotPullContainerError: no such image")
    place.wait("the task to be forgotten", lambda: local.call("DescribeTasks", {
        "cluster": "MyCluster", "tasks": [task["taskArn"]]})["failures"])
    with pytest.raises(wire.EcsError) as e:
        agent.submit(task["taskArn"], "STOPPED")
    assert e.value.code == "InvalidParameterException", "so that the agent drops the event"


def test_lists_come_in_pages(standing):
    names = ["page-%02d" % n for n in range(7)]
    for name in names:
        standing.call("CreateCluster", {"clusterName": name})
    got, token = [], None
    while True:
        page = standing.call("ListClusters", {"maxResults": 3, **({"nextToken": token} if token else {})})
        assert len(page["clusterArns"]) <= 3
        got += page["clusterArns"]
        token = page.get("nextToken")
        if not token:
            break
    assert [a.rsplit("/", 1)[1] for a in got] == names
    for name in names:
        standing.call("DeleteCluster", {"cluster": name})
    assert refused(standing, "ListClusters", {"maxResults": 101}).code == "InvalidParameterException"


def test_tags_are_put_told_and_taken_away(standing):
    cluster = standing.call("CreateCluster", {"clusterName": "tagged", "tags": [{"key": "a", "value": "1"}]})
    arn = cluster["cluster"]["clusterArn"]
    standing.call("TagResource", {"resourceArn": arn, "tags": [{"key": "b", "value": "2"}, {"key": "a", "value": "3"}]})
    told = standing.call("ListTagsForResource", {"resourceArn": arn})["tags"]
    assert told == [{"key": "a", "value": "3"}, {"key": "b", "value": "2"}]
    standing.call("UntagResource", {"resourceArn": arn, "tagKeys": ["a"]})
    assert standing.call("ListTagsForResource", {"resourceArn": arn})["tags"] == [{"key": "b", "value": "2"}]
    assert refused(standing, "TagResource", {"resourceArn": arn, "tags": [{"key": "aws:x", "value": ""}]}).code == \
        "InvalidParameterException"
    standing.call("DeleteCluster", {"cluster": "tagged"})


def test_protection_is_set_and_told(place, start):
    local = start()
    agent = Agent(place, local)
    define(local)
    (task,), _ = run(local)
    assert agent.acs.expect("PayloadMessage")
    got = local.call("UpdateTaskProtection", {"cluster": "MyCluster", "tasks": [task["taskArn"]],
                                              "protectionEnabled": True, "expiresInMinutes": 5})
    protected, = got["protectedTasks"]
    assert protected["protectionEnabled"] is True and 290 < protected["expirationDate"] - time.time() < 310
    got = local.call("GetTaskProtection", {"cluster": "MyCluster", "tasks": [task["taskArn"], "0" * 32]})
    assert got["protectedTasks"] == [protected] and got["failures"][0]["reason"] == "MISSING"


def test_a_role_knows_who_it_is(place, start):
    """STS GetCallerIdentity with the keys of a task's role."""
    local = start()
    agent = Agent(place, local)
    define(local, taskRoleArn=ROLE)
    (task,), _ = run(local)
    given = agent.acs.expect("PayloadMessage")["tasks"][0]["roleCredentials"]
    env = place.environment(AWS_ACCESS_KEY_ID=given["accessKeyId"], AWS_SECRET_ACCESS_KEY=given["secretAccessKey"],
                            AWS_SESSION_TOKEN=given["sessionToken"], AWS_DEFAULT_REGION=local.region,
                            AWS_EC2_METADATA_DISABLED="true")
    out = place.run(["/usr/bin/aws", "sts", "get-caller-identity", "--endpoint-url", local.base], env=env)[1]
    assert json.loads(out)["Arn"] == "arn:aws:sts::000000000000:assumed-role/web/" + \
        task["taskArn"].rsplit("/", 1)[1]
