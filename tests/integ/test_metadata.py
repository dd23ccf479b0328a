"""The metadata endpoint as a container sees it, checked against what the Docker Engine says."""
import json

import pytest

import plain_plane as pp
import steps

ENDPOINT = "http://169.254.170.2"


def asks(world, docker, target):
    """wget from inside a container; `target` may hold its variables. Answers the parsed body."""
    return json.loads(world.container_run(docker["Id"], "sh", "-c", 'wget -qO- "%s"' % target))


def endpoint_id(world, docker):
    env = dict(e.split("=", 1) for e in world.inspect(docker["Id"])["Config"]["Env"])
    base, _, found = env["ECS_CONTAINER_METADATA_URI_V4"].rpartition("/")
    assert base == ENDPOINT + "/v4" and env["ECS_CONTAINER_METADATA_URI"] == ENDPOINT + "/v3/" + found
    return found


def to_ms(time):
    """A time of Docker's cut to milliseconds, trailing zeros gone."""
    whole, _, fraction = time.rstrip("Z").partition(".")
    fraction = fraction[:3].rstrip("0")
    return whole + ("." + fraction if fraction else "") + "Z"


def expected_container(inspected, cpu, memory):
    """The members that Docker knows, version 4."""
    state, settings = inspected["State"], inspected["NetworkSettings"]
    return {
        "DockerId": inspected["Id"], "DockerName": inspected["Name"].lstrip("/"),
        "Image": inspected["Config"]["Image"], "ImageID": inspected["Image"],
        "Labels": inspected["Config"]["Labels"],
        "CreatedAt": to_ms(inspected["Created"]), "StartedAt": to_ms(state["StartedAt"]),
        "Limits": {"CPU": cpu, "Memory": memory}, "Type": "NORMAL",
        "Networks": [{"NetworkMode": name, "IPv4Addresses": [n["IPAddress"]]}
                     for name, n in settings["Networks"].items()],
        "Ports": [{"ContainerPort": int(key.split("/")[0]), "Protocol": key.split("/")[1],
                   "HostPort": int(b["HostPort"]), "HostIp": b["HostIp"]}
                  for key, found in settings["Ports"].items() for b in found or []],
        "Volumes": [{"Source": m["Source"], "Destination": m["Destination"]} for m in inspected["Mounts"]],
        "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING"}


def test_a_container_reads_its_own_and_its_tasks_metadata(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper(
        "web", cpu=100, memory=64, portMappings=[{"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}],
        mountPoints=[{"sourceVolume": "etc", "containerPath": "/host-etc", "readOnly": True}],
        dockerConfig={"version": "1.24", "config": json.dumps({"Labels": {"team": "<blue>"}}),
                      "hostConfig": json.dumps({"LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}})}),
        steps.sleeper("side", cpu=0, memory=32, essential=False),
        volumes=[{"name": "etc", "host": {"sourcePath": "/etc"}}], cpu=0.25, memory=256, serviceName="front")
    web, side = (steps.one_container(world, arn, name) for name in ("web", "side"))

    v4 = asks(world, web, "$ECS_CONTAINER_METADATA_URI_V4")
    want = dict(expected_container(world.inspect(web["Id"]), 100, 64), Name="web",
                LogDriver="json-file", LogOptions={"max-size": "1m"})
    assert v4 == want
    assert v4["Labels"]["team"] == "<blue>" and v4["Labels"][steps.TASK_LABEL] == arn

    v3 = asks(world, web, "$ECS_CONTAINER_METADATA_URI")
    del want["LogDriver"], want["LogOptions"]
    want["Ports"] = [{k: v for k, v in p.items() if k != "HostIp"} for p in want["Ports"]]
    assert v3 == want

    other = dict(expected_container(world.inspect(side["Id"]), 2, 32), Name="side")
    for empty in ("Ports", "Volumes"):
        assert other.pop(empty) == []
    task = asks(world, side, "$ECS_CONTAINER_METADATA_URI_V4/task")
    assert task.pop("Containers") == [v4, other]
    assert task == {"Cluster": "plain", "TaskARN": arn, "Family": "plain", "Revision": "1",
                    "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING", "Limits": {"CPU": 0.25, "Memory": 256},
                    "AvailabilityZone": plane.region + "a", "LaunchType": "EC2", "ServiceName": "front",
                    "FaultInjectionEnabled": False}
    assert asks(world, web, "$ECS_CONTAINER_METADATA_URI/task")["Containers"] == [v3, other]
    assert asks(world, web, "$ECS_CONTAINER_METADATA_URI_V4/taskWithTags")["TaskARN"] == arn
    assert set(asks(world, web, "$ECS_CONTAINER_METADATA_URI_V4/task/stats")) == {web["Id"], side["Id"]}
    assert asks(world, web, "$ECS_CONTAINER_METADATA_URI_V4/associations/x") == {"Associations": None}
    steps.stop(world, plane, arn)


def test_metadata_outlives_the_agent_and_tells_of_a_container_that_ended(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper(), pp.container(
        "once", command=steps.sh("exit 0"), essential=False))
    main = steps.one_container(world, arn)
    before = world.wait("the short one to have ended", lambda: next(
        (t for t in [asks(world, main, "$ECS_CONTAINER_METADATA_URI_V4/task")]
         if t["Containers"][1]["KnownStatus"] == "STOPPED"), None))
    once = before["Containers"][1]
    state = world.inspect(once["DockerId"])["State"]
    assert once["ExitCode"] == 0 and once["FinishedAt"] == to_ms(state["FinishedAt"])
    world.stop_agent()
    steps.joined(world, plane)
    assert asks(world, main, "$ECS_CONTAINER_METADATA_URI_V4/task") == before
    steps.stop(world, plane, arn)


REFUSED = [
    ("/v3/unknown", 500, "V3 container metadata handler: unable to get container ID from request: "
                         "unable to get docker ID from v3 endpoint ID: unknown"),
    ("/v4/unknown", 404, "V4 container metadata handler: unable to get container ID from request: "
                         "unable to get docker ID from v3 endpoint ID: unknown"),
    ("/v4/unknown/task", 404, "V4 task metadata handler: unable to get task arn from request: "
                              "unable to get task Arn from v3 endpoint ID: unknown"),
    ("/v2/metadata", 400, "Unable to get task arn from request: unable to associate '127.0.0.1' with task"),
]


@pytest.mark.parametrize("path,status,words", REFUSED, ids=[r[0] for r in REFUSED])
def test_the_metadata_endpoint_refuses_in_the_known_words(world, plane, path, status, words):
    steps.joined(world, plane)
    got = world.get("http://127.0.0.1:51679" + path)
    assert (got.status, got.headers["Content-Type"]) == (status, "application/json")
    assert got.body == json.dumps(words).encode()
    assert got.headers["X-Rate-Limit-Limit"] == "40.00"


def test_tags_come_from_the_control_plane_at_each_question(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper())
    main = steps.one_container(world, arn)
    plane.tags = {arn: {"team": "<blue>"}, plane.instance_arn: {"rack": "7"}}
    v3, v4 = (asks(world, main, "$ECS_CONTAINER_METADATA_URI%s/taskWithTags" % v) for v in ("", "_V4"))
    for told in (v3, v4):
        assert told["TaskTags"] == {"team": "<blue>"} and told["ContainerInstanceTags"] == {"rack": "7"}
        assert "Errors" not in told
    assert "TaskTags" not in asks(world, main, "$ECS_CONTAINER_METADATA_URI_V4/task")
    plane.always["ListTagsForResource"] = pp.error(400, "AccessDeniedException", "no tags for you")
    denied = asks(world, main, "$ECS_CONTAINER_METADATA_URI_V4/taskWithTags")
    assert denied["TaskARN"] == arn and "TaskTags" not in denied
    assert [(e["ErrorField"], e["ErrorCode"], e["StatusCode"], e["ResourceARN"]) for e in denied["Errors"]] == [
        ("ContainerInstanceTags", "AccessDeniedException", 400, plane.instance_arn),
        ("TaskTags", "AccessDeniedException", 400, arn)]
    plane.always["ListTagsForResource"] = pp.Reply(hang=True)
    slow = asks(world, main, "$ECS_CONTAINER_METADATA_URI_V4/taskWithTags")
    assert len(slow["Errors"]) == 2 and slow["KnownStatus"] == "RUNNING"
    del plane.always["ListTagsForResource"]
    steps.stop(world, plane, arn)


def test_a_task_protects_itself_with_its_own_role(world, plane):
    role = pp.role_credentials()
    plane.keys[role["accessKeyId"]] = (role["secretAccessKey"], role["sessionToken"])
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper(), roleCredentials=role)
    found = endpoint_id(world, steps.one_container(world, arn))
    state = ENDPOINT + "/api/%s/task-protection/v1/state" % found

    def put(**body):
        return world.http("PUT", state, body=json.dumps(body).encode())

    assert world.get(state).json() == {"protection": {
        "ExpirationDate": None, "ProtectionEnabled": False, "TaskArn": arn}}
    assert put(ProtectionEnabled=True, ExpiresInMinutes=60).json() == {"protection": {
        "ExpirationDate": "2030-03-17T17:46:40.25Z", "ProtectionEnabled": True, "TaskArn": arn}}
    update, = plane.of("UpdateTaskProtection")
    assert update.body["expiresInMinutes"] == 60 and update.access_key == role["accessKeyId"]
    assert put(ProtectionEnabled=False).json()["protection"]["ProtectionEnabled"] is False
    refused = put(Enabled=True)
    assert refused.status == 400 and refused.json()["error"]["Code"] == "InvalidParameterException"
    assert world.http("DELETE", state).status == 405
    plane.always["GetTaskProtection"] = pp.error(400, "AccessDeniedException", "not this role")
    denied = world.get(state)
    assert denied.status == 400 and denied.json()["error"]["Code"] == "AccessDeniedException"
    plane.always["GetTaskProtection"] = pp.Reply(hang=True)
    late = world.get(state, timeout=10)
    assert late.status == 504 and late.json()["error"]["Code"] == "RequestCanceled"
    del plane.always["GetTaskProtection"]
    steps.stop(world, plane, arn)


def test_the_limit_counts_each_metadata_path_and_fault_injection_is_not_there(world, plane):
    steps.joined(world, plane, ECS_TASK_METADATA_RPS_LIMIT="1,3")
    arn = steps.run(world, plane)
    found = endpoint_id(world, steps.one_container(world, arn))
    base = "http://127.0.0.1:51679"
    got = [world.get("%s/v4/%s/task" % (base, found)) for _ in range(6)]
    assert [g.status for g in got[:3]] == [200, 200, 200] and got[-1].status == 429
    assert world.get("%s/v4/%s" % (base, found)).status == 200
    for path in ("/api/%s/fault/v1/network-latency/start", "/v4/%s/tasks"):
        answer = world.get(base + path % found)
        assert (answer.status, answer.text) == (404, "404 page not found\n")
