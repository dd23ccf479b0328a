"""Tasks from payload to STOPPED, on a real engine, against the independent control plane."""
import json
import re
import uuid

import pytest

import plain_plane as pp
import steps


def digest_image(world):
    """simple-web through a real registry, so that it has a digest; answers its name."""
    world.start_registry()
    name = "127.0.0.1:5000/simple-web:latest"
    world.docker("tag", "simple-web:latest", name)
    world.docker("push", name)
    return name


def test_one_task_from_payload_to_stopped(world, plane):
    """Three reports, a page, role credentials from inside the container, a clean stop."""
    image = digest_image(world)
    steps.joined(world, plane)
    credentials = pp.role_credentials()
    arn = plane.task_arn()
    sent = plane.payload(pp.task(arn, pp.container(
        "web", image, [steps.PAGE], entryPoint=["sh", "-c"], overrides=None, cpu=100, memory=64,
        portMappings=[{"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}]),
        roleCredentials=credentials))
    running = steps.reported(world, plane, arn, "RUNNING")
    assert plane.acked(sent) == 1
    world.wait("the ack of the credentials", lambda: any(
        m == {"messageId": sent, "expiration": credentials["expiration"],
              "credentialsId": credentials["credentialsId"]}
        for m in plane.acs().of("IAMRoleCredentialsAckRequest")))

    pending = plane.submits(arn)[0]
    digest = pending["containers"][0]["imageDigest"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert pending == {"cluster": "plain", "task": arn, "status": "PENDING", "reason": "",
                       "containers": [{"containerName": "web", "status": "PENDING", "imageDigest": digest}]}
    docker = steps.one_container(world, arn, "web")
    seen, = running["containers"]
    assert seen["runtimeId"] == docker["Id"] and seen["imageDigest"] == digest
    assert seen["networkBindings"] == [
        {"bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 8080, "protocol": "tcp"}]
    assert re.fullmatch(r"/ecs-plain-1-web-[0-9a-f]{20}", docker["Names"][0])
    assert {k: v for k, v in docker["Labels"].items() if k.startswith("com.amazonaws.ecs.")} == {
        "com.amazonaws.ecs.task-arn": arn, "com.amazonaws.ecs.container-name": "web",
        "com.amazonaws.ecs.task-definition-family": "plain", "com.amazonaws.ecs.cluster": "plain",
        "com.amazonaws.ecs.task-definition-version": "1"}
    host = world.inspect(docker["Id"])["HostConfig"]
    assert (host["CpuShares"], host["Memory"]) == (100, 64 << 20)

    page = world.get("http://127.0.0.1:8080/")
    assert "Amazon ECS Sample App" in page.text and "Congratulations!" in page.text

    env = dict(e.split("=", 1) for e in world.inspect(docker["Id"])["Config"]["Env"])
    assert env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] == "/v2/credentials/" + credentials["credentialsId"]
    got = world.container_run(docker["Id"], "sh", "-c",
                              "wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    assert json.loads(got) == {
        "RoleArn": credentials["roleArn"], "AccessKeyId": credentials["accessKeyId"],
        "SecretAccessKey": credentials["secretAccessKey"], "Token": credentials["sessionToken"],
        "Expiration": credentials["expiration"]}
    assert list(json.loads(got)) == ["RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"]

    stopped = steps.stop(world, plane, arn)
    assert stopped["containers"][0]["exitCode"] == 0 and stopped["reason"] == ""
    assert stopped["executionStoppedAt"] > 1.7e9
    assert plane.statuses(arn) == ["PENDING", "RUNNING", "STOPPED"]
    gone = world.http("GET", "http://127.0.0.1:51679/v2/credentials/" + credentials["credentialsId"])
    assert gone.status == 400 and gone.json()["code"] == "InvalidIdInRequest"


def test_an_image_without_digest_is_not_reported_pending(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane)
    steps.stop(world, plane, arn)
    assert plane.statuses(arn) == ["RUNNING", "STOPPED"]


def test_a_real_pull_is_timed(world, plane):
    name = digest_image(world)
    world.docker("rmi", name)
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="default")
    arn = steps.run(world, plane, steps.sleeper(image=name))
    running = plane.submits(arn)[-1]
    assert running["pullStartedAt"] <= running["pullStoppedAt"]
    assert steps.one_container(world, arn)["Image"] == name


def test_a_redelivered_payload_is_acknowledged_again_and_starts_nothing(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    task = pp.task(arn, steps.sleeper(), roleCredentials=pp.role_credentials())
    sent = plane.payload(task)
    steps.reported(world, plane, arn, "RUNNING")
    first = steps.one_container(world, arn)["Id"]
    plane.payload(task, message_id=sent)
    world.wait("the second ack", lambda: plane.acked(sent) == 2)
    later = plane.payload(task)
    world.wait("the ack of the same task in another message", lambda: plane.acked(later) == 1)
    world.holds("one container and no new report", lambda: len(world.ecs_containers(arn)) == 1
                and plane.statuses(arn)[-1] == "RUNNING", 1)
    assert steps.one_container(world, arn)["Id"] == first
    steps.stop(world, plane, arn)


def test_a_stopped_task_is_not_started_again_by_a_late_copy(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane)
    steps.stop(world, plane, arn)
    sent = plane.payload(pp.task(arn, steps.sleeper()))
    world.wait("the ack", lambda: plane.acked(sent) == 1)
    world.holds("nothing runs", lambda: not world.ecs_containers(arn, all=False), 1)
    assert plane.statuses(arn)[-1] == "STOPPED"


def test_stopping_an_unknown_task_reports_it_stopped(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    sent = plane.payload(pp.task(arn, steps.sleeper(), desiredStatus="STOPPED"))
    steps.reported(world, plane, arn, "STOPPED")
    assert plane.acked(sent) == 1 and not world.ecs_containers(arn)


BAD_TASKS = [
    ("an override key of no meaning", {"overrides": '{"cpu":1}'}, {}),
    ("an override that is no JSON", {"overrides": ""}, {}),
    ("negative memory", {"memory": -1}, {}),
    ("a port beyond 65535", {"portMappings": [{"containerPort": 70000, "hostPort": 1, "protocol": "tcp"}]}, {}),
    ("a status of no meaning", {}, {"desiredStatus": "DANCING"}),
    ("a volume of no known type", {}, {"volumes": [{"name": "v", "type": "cloud"}]}),
]


@pytest.mark.parametrize("why,container,members", BAD_TASKS, ids=[b[0] for b in BAD_TASKS])
def test_one_bad_task_is_reported_stopped_and_the_others_run(world, plane, why, container, members):
    steps.joined(world, plane)
    bad, good = plane.task_arn(), plane.task_arn()
    sent = plane.payload(pp.task(bad, steps.sleeper(**container), **members), pp.task(good, steps.sleeper()))
    stopped = steps.reported(world, plane, bad, "STOPPED")
    assert stopped["reason"].startswith("UnrecogniedTaskError: Error loading task - ")
    steps.reported(world, plane, good, "RUNNING")
    assert plane.acked(sent) == 0, "the server must deliver it again"
    assert not world.ecs_containers(bad)


def test_circular_dependencies_stop_the_task_with_its_reason(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    a = steps.sleeper("a", dependsOn=[{"containerName": "b", "condition": "START"}])
    b = steps.sleeper("b", dependsOn=[{"containerName": "a", "condition": "START"}])
    sent = plane.payload(pp.task(arn, a, b))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert "cannot be resolved" in stopped["reason"] and arn in stopped["reason"]
    assert plane.acked(sent) == 1


def test_a_task_that_needs_a_withheld_feature_is_stopped_by_name_and_the_message_acked(world, plane):
    steps.joined(world, plane)
    arn, fine = plane.task_arn(), plane.task_arn()
    sent = plane.payload(
        pp.task(arn, steps.sleeper(firelensConfiguration={"type": "fluentbit"})),
        pp.task(fine, steps.sleeper()))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert "ecs.capability.firelens.fluentbit" in stopped["reason"]
    assert "main" in stopped["reason"] and not world.ecs_containers(arn)
    steps.reported(world, plane, fine, "RUNNING")
    assert plane.acked(sent) == 1


def test_the_exit_code_of_an_essential_container_ends_the_task(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(
        arn, pp.container("main", command=steps.sh("exit 3")),
        steps.sleeper("side", essential=False)))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    codes = {c["containerName"]: c.get("exitCode") for c in stopped["containers"]}
    assert codes["main"] == 3 and "side" in codes
    assert not world.ecs_containers(arn, all=False)


def test_a_helper_container_may_end_while_its_task_runs_on(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(), pp.container(
        "once", command=steps.sh("exit 0"), essential=False)))
    steps.reported(world, plane, arn, "RUNNING")
    world.wait("the helper to end", lambda: steps.one_container(world, arn, "once")["State"] == "exited")
    world.holds("the task runs", lambda: plane.statuses(arn)[-1] == "RUNNING", 0.5)
    stopped = steps.stop(world, plane, arn)
    assert {c["containerName"]: c["exitCode"] for c in stopped["containers"]} == {"main": 0, "once": 0}


CONDITIONS = [
    ("START", steps.TERM_WAIT, "running"),
    ("COMPLETE", "exit 4", "exited"),
    ("SUCCESS", "exit 0", "exited"),
]


@pytest.mark.parametrize("condition,script,state", CONDITIONS, ids=[c[0] for c in CONDITIONS])
def test_containers_start_after_what_they_depend_on(world, plane, condition, script, state):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(
        arn, steps.sleeper(dependsOn=[{"containerName": "first", "condition": condition}]),
        pp.container("first", command=steps.sh(script), essential=False)))
    steps.reported(world, plane, arn, "RUNNING")
    first = world.inspect(steps.one_container(world, arn, "first")["Id"])
    second = world.inspect(steps.one_container(world, arn)["Id"])
    assert first["State"]["Status"] == state
    moment = "StartedAt" if condition == "START" else "FinishedAt"
    assert first["State"][moment] < second["State"]["StartedAt"]
    steps.stop(world, plane, arn)


def test_a_failed_dependency_stops_the_task(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(
        arn, steps.sleeper(dependsOn=[{"containerName": "first", "condition": "SUCCESS"}]),
        pp.container("first", command=steps.sh("exit 9"), essential=False)))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    main = next(c for c in stopped["containers"] if c["containerName"] == "main")
    assert main["exitCode"] == 143 and main["reason"].startswith("CannotStartContainerError: ")


def test_a_healthy_dependency_is_waited_for(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    check = {"Healthcheck": {"Test": ["CMD-SHELL", "test -e /tmp/ok"], "Interval": 1000000000, "Retries": 20}}
    plane.payload(pp.task(
        arn, steps.sleeper(dependsOn=[{"containerName": "db", "condition": "HEALTHY"}]),
        steps.sleeper("db", healthCheckType="docker", dockerConfig={
            "config": json.dumps(check), "hostConfig": "{}", "version": "1.24"})))
    db = world.wait("the dependency to run", lambda: next(
        c for c in world.ecs_containers(arn, all=False) if c["Labels"][steps.NAME_LABEL] == "db"))
    world.holds("its dependent waits", lambda: len(world.ecs_containers(arn, all=False)) == 1, 1)
    world.container_run(db["Id"], "touch", "/tmp/ok")
    steps.reported(world, plane, arn, "RUNNING")
    steps.stop(world, plane, arn)


def test_a_missing_image_is_reported_with_dockers_words(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(image="127.0.0.1:1/nothing:here")))
    stopped = steps.reported(world, plane, arn, "STOPPED", 60)
    reason = stopped["containers"][0]["reason"]
    assert re.match(r"CannotPull(Container|ImageManifest)Error: ", reason), reason
    assert "127.0.0.1:1" in reason
    assert "exitCode" not in stopped["containers"][0]


def test_a_taken_host_port_stops_the_task_with_dockers_words(world, plane):
    world.spawn(["busybox", "httpd", "-f", "-p", "0.0.0.0:8081", "-h", "/etc"])
    world.wait("the other server", lambda: world.get("http://127.0.0.1:8081/hostname").status == 200)
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(
        portMappings=[{"containerPort": 80, "hostPort": 8081, "protocol": "tcp"}])))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    reason = stopped["containers"][0]["reason"]
    assert reason.startswith("CannotStartContainerError: Error response from daemon: ")
    assert "8081" in reason


def test_a_command_that_does_not_exist_is_named(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, pp.container(command=["/no/such/program"])))
    reason = steps.reported(world, plane, arn, "STOPPED")["containers"][0]["reason"]
    assert reason.startswith("CannotStartContainerError: ") and "/no/such/program" in reason


SHARES = [("none", 0, 2), ("less than the kernel takes", 1, 2), ("some", 512, 512)]


@pytest.mark.parametrize("why,cpu,shares", SHARES, ids=[s[0] for s in SHARES])
def test_cpu_shares_are_at_least_two(world, plane, why, cpu, shares):
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper(cpu=cpu))
    assert world.inspect(steps.one_container(world, arn)["Id"])["HostConfig"]["CpuShares"] == shares


def test_dynamic_host_ports_are_picked_and_reported(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, pp.container(
        command=steps.sh(steps.PAGE), portMappings=[{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}])))
    binding, = steps.reported(world, plane, arn, "RUNNING")["containers"][0]["networkBindings"]
    assert binding["hostPort"] >= 32768 and binding["containerPort"] == 80
    page = world.wait("the page", lambda: world.get("http://127.0.0.1:%d/" % binding["hostPort"]))
    assert "Congratulations" in page.text


def test_two_tasks_want_one_host_port_and_the_second_waits_for_the_first(world, plane):
    steps.joined(world, plane)
    ports = [{"containerPort": 80, "hostPort": 8082, "protocol": "tcp"}]
    first = steps.run(world, plane, steps.sleeper(portMappings=ports))
    second = plane.task_arn()
    sent = plane.payload(pp.task(second, steps.sleeper(portMappings=ports)))
    world.wait("the ack", lambda: plane.acked(sent) == 1)
    world.holds("the second task waits", lambda: not world.ecs_containers(second), 1)
    steps.stop(world, plane, first)
    steps.reported(world, plane, second, "RUNNING")


def test_ten_tasks_in_one_payload_run_and_stop(world, plane):
    steps.joined(world, plane)
    arns = [plane.task_arn() for _ in range(10)]
    sent = plane.payload(*[pp.task(a, steps.sleeper(cpu=2, memory=32)) for a in arns])
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING", 60)
    assert plane.acked(sent) == 1 and len(world.ecs_containers(all=False)) == 10
    plane.payload(*[pp.task(a, steps.sleeper(), desiredStatus="STOPPED") for a in arns])
    for arn in arns:
        assert steps.reported(world, plane, arn, "STOPPED", 60)["containers"][0]["exitCode"] == 0


def test_a_task_that_ignores_the_stop_signal_is_killed_after_its_own_limit(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane, pp.container(command=steps.sh("trap '' TERM; sleep 3600"), stopTimeout=1))
    assert steps.stop(world, plane, arn)["containers"][0]["exitCode"] == 137


def test_raw_docker_settings_and_mounts_reach_the_container(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper(
        environment={"GREETING": "héllo wörld"},
        mountPoints=[{"sourceVolume": "etc", "containerPath": "/host-etc", "readOnly": True}],
        dockerConfig={"version": "1.24", "config": json.dumps({"User": "nobody", "WorkingDir": "/tmp"}),
                      "hostConfig": json.dumps({"ReadonlyRootfs": True, "CapDrop": ["ALL"]})}),
        volumes=[{"name": "etc", "host": {"sourcePath": "/etc"}}])
    inside = world.container_run(
        steps.one_container(world, arn)["Id"], "sh", "-c",
        "id -un; pwd; echo $GREETING; cat /host-etc/hostname; touch /x 2>&1 || true")
    assert inside.splitlines()[:3] == ["nobody", "/tmp", "héllo wörld"]
    assert "Read-only file system" in inside
    steps.stop(world, plane, arn)


def test_refreshed_role_credentials_are_acknowledged_and_served(world, plane):
    steps.joined(world, plane)
    old = pp.role_credentials()
    arn = steps.run(world, plane, roleCredentials=old)
    new = dict(pp.role_credentials(), credentialsId=old["credentialsId"], expiration="2036-01-01T00:00:00Z")
    message = str(uuid.uuid4())
    plane.acs().send("IAMRoleCredentialsMessage", messageId=message, taskArn=arn,
                     taskClusterArn=plane.cluster_arn, roleType="TaskApplication", roleCredentials=new)
    world.wait("the ack", lambda: {"messageId": message, "expiration": new["expiration"],
                                   "credentialsId": new["credentialsId"]}
               in plane.acs().of("IAMRoleCredentialsAckRequest"))
    got = world.get("http://127.0.0.1:51679/v2/credentials/" + new["credentialsId"]).json()
    assert got["SecretAccessKey"] == new["secretAccessKey"]
    plane.acs().send("IAMRoleCredentialsMessage", messageId="unknown-task", taskArn=plane.task_arn(),
                     taskClusterArn=plane.cluster_arn, roleType="TaskApplication",
                     roleCredentials=pp.role_credentials())
    plane.acs().send("HeartbeatMessage", messageId="after")
    world.wait("the session to have read on", lambda: plane.acs().of("HeartbeatAckRequest"))
    assert plane.acked("unknown-task", "IAMRoleCredentialsAckRequest") == 0


CREDENTIAL_ROUTES = [
    ("/v2/credentials/unknown", 400, "InvalidIdInRequest", "CredentialsV2Request: Credentials not found"),
    ("/v2/credentials/", 400, "NoIdInRequest", "CredentialsV2Request: No Credential ID in the request"),
    ("/v1/credentials", 400, "NoIdInRequest", "CredentialsV1Request: No Credential ID in the request"),
    ("/v1/credentials?id=unknown", 400, "InvalidIdInRequest", "CredentialsV1Request: Credentials not found"),
]


@pytest.mark.parametrize("path,status,code,message", CREDENTIAL_ROUTES)
def test_the_credentials_endpoint_refuses_in_the_known_words(world, plane, path, status, code, message):
    steps.joined(world, plane)
    got = world.get("http://127.0.0.1:51679" + path)
    assert (got.status, got.headers["Content-Type"]) == (status, "application/json")
    assert got.body == ('{"code":"%s","message":"%s","HTTPErrorCode":%d}' % (code, message, status)).encode()


def test_the_credentials_endpoint_limits_each_caller_and_path(world, plane):
    steps.joined(world, plane, ECS_TASK_METADATA_RPS_LIMIT="1,3")
    got = [world.get("http://127.0.0.1:51679/v2/credentials/x") for _ in range(6)]
    assert [g.status for g in got[:3]] == [400, 400, 400] and got[-1].status == 429
    assert got[-1].text == "You have reached maximum request limit."
    assert world.get("http://127.0.0.1:51679/v2/credentials/y").status == 400


def test_the_audit_log_names_the_task_and_never_the_credentials(world, plane):
    steps.joined(world, plane)
    credentials = pp.role_credentials()
    arn = steps.run(world, plane, roleCredentials=credentials)
    container = steps.one_container(world, arn)
    world.container_run(container["Id"], "sh", "-c",
                        "wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    address = world.inspect(container["Id"])["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]

    def line():
        with open(world.dir + "/var/log/ecs/audit.log") as f:
            text = f.read()
        assert credentials["credentialsId"] not in text
        return next(row for row in text.splitlines() if arn in row)
    fields = world.wait("the audit line", line).split(" ")
    assert fields[1] == "200" and fields[2].startswith(address + ":"), "the true source address"
    assert fields[3] == '"/v2/credentials"' and "GetCredentials" in fields
    assert fields[-2:] == ["plain", plane.instance_arn]


def test_a_manifest_that_lacks_a_running_task_stops_it_after_verification(world, plane):
    steps.joined(world, plane)
    kept, lost = steps.run(world, plane), steps.run(world, plane)
    manifest = {"clusterArn": plane.cluster_arn, "containerInstanceArn": plane.instance_arn,
                "generatedAt": 1, "tasks": [{"taskArn": kept, "taskClusterArn": plane.cluster_arn,
                                             "desiredStatus": "RUNNING"}]}
    plane.acs().send("TaskManifestMessage", messageId="stale", timeline=1, **manifest)
    plane.acs().send("TaskManifestMessage", messageId="fresh", timeline=1000, **manifest)
    verify = world.wait("the verification", lambda: plane.acs().of("TaskStopVerificationMessage"))
    assert verify == [{"messageId": "fresh", "stopCandidates": [
        {"taskArn": lost, "taskClusterArn": plane.cluster_arn, "desiredStatus": "STOPPED"}]}]
    assert plane.acked("fresh") == 1 and plane.acked("stale") == 0
    plane.acs().send("TaskStopVerificationAck", messageId="other", generatedAt=1, stopTasks=[
        {"taskArn": kept, "taskClusterArn": plane.cluster_arn, "desiredStatus": "STOPPED"}])
    plane.acs().send("TaskStopVerificationAck", messageId="fresh", generatedAt=1, stopTasks=[
        {"taskArn": lost, "taskClusterArn": plane.cluster_arn, "desiredStatus": "STOPPED"}])
    steps.reported(world, plane, lost, "STOPPED")
    assert plane.statuses(kept)[-1] == "RUNNING"


def test_updates_are_refused_with_the_known_reason(world, plane):
    steps.joined(world, plane)
    for kind in ("StageUpdateMessage", "PerformUpdateMessage"):
        plane.acs().send(kind, messageId=kind, clusterArn=plane.cluster_arn,
                         containerInstanceArn=plane.instance_arn,
                         updateInfo={"location": "http://127.0.0.1/x", "signature": "0" * 64})
        nack = world.wait("the nack", lambda: next(
            m for m in plane.acs().of("NackRequest") if m["messageId"] == kind))
        assert nack["reason"] == "Updates are disabled"


def test_containers_of_others_are_never_touched(world, plane):
    others = [world.docker("run", "-d", "busybox", "sh", "-c", steps.TERM_WAIT).strip(),
              world.docker("run", "-d", "--label", steps.TASK_LABEL + "=" + plane.task_arn(),
                           "--label", steps.CLUSTER_LABEL + "=other", "busybox", "sh", "-c", steps.TERM_WAIT).strip()]
    steps.joined(world, plane)
    arn = steps.run(world, plane)
    steps.stop(world, plane, arn)
    world.stop_agent()
    steps.joined(world, plane)
    for other in others:
        assert world.inspect(other)["State"]["Running"]
