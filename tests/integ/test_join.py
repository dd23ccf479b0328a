"""Joining a cluster from environment variables alone, and staying connected."""
import re
import signal

import pytest

import plain_plane as pp
import steps
import world as worlds

AGENT = worlds.OUT + "/ecsagent"


def test_the_agent_registers_and_connects_to_acs_and_tcs(world, plane):
    steps.joined(world, plane)
    tcs = world.wait("the TCS session", plane.tcs)
    register, = plane.of("RegisterContainerInstance")
    body = register.body
    assert body["cluster"] == "plain"
    assert "containerInstanceArn" not in body
    resources = {r["name"]: r for r in body["totalResources"]}
    assert list(resources) == ["CPU", "MEMORY", "PORTS", "PORTS_UDP"]
    assert resources["CPU"]["integerValue"] % 1024 == 0 and resources["CPU"]["integerValue"] > 0
    assert resources["MEMORY"]["integerValue"] > 256
    assert resources["PORTS"]["stringSetValue"] == ["22", "2375", "2376", "51678", "51679"]
    assert resources["PORTS_UDP"]["stringSetValue"] == []
    assert body["instanceIdentityDocument"] == plane.document
    attributes = {a["name"]: a.get("value") for a in body["attributes"]}
    assert attributes["ecs.os-type"] == "linux" and attributes["ecs.os-family"] == "LINUX"
    assert "com.amazonaws.ecs.capability.docker-remote-api.1.24" in attributes
    assert "com.amazonaws.ecs.capability.logging-driver.json-file" in attributes
    assert re.search(r"ECSTools/\d", register.headers["user-agent"])
    acs = plane.acs()
    assert acs.query["clusterArn"] == "plain" and acs.query["sendCredentials"] == "true"
    assert acs.query["agentVersion"] == "1.105.1"
    assert acs.query["dockerVersion"].startswith("DockerVersion: 2")
    assert tcs.query["dockerVersion"] == acs.query["dockerVersion"].split(": ")[1]
    assert len(plane.of("DiscoverPollEndpoint")) == 1
    world.wait("an idle metrics frame", lambda: [
        m for m in tcs.of("PublishMetricsRequest") if m["metadata"]["idle"] and m["metadata"]["fin"]], 25)


def test_the_task_role_capability_is_promised_once_the_endpoint_is_proven(world, plane):
    steps.joined(world, plane)
    name = "com.amazonaws.ecs.capability.task-iam-role"
    world.wait("the capability", lambda: name in [
        a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]])
    assert "169.254.170.2/32" in world.addresses()["lo"]


def test_without_the_setting_no_task_role_is_promised(world, plane):
    steps.joined(world, plane, ECS_ENABLE_TASK_IAM_ROLE=None)
    names = [a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]]
    assert "com.amazonaws.ecs.capability.task-iam-role" not in names


def test_credentials_of_the_instance_role_sign_every_call(world, plane):
    steps.joined(world, plane, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert {c.access_key for c in plane.calls} == {plane.role_key[0]}
    assert all(c.headers["x-amz-security-token"] == plane.role_key[2] for c in plane.calls)
    world.wait("a signed telemetry frame", lambda: plane.tcs().frames, 25)


def test_custom_attributes_and_tags_go_with_the_first_registration_only(world, plane):
    env = {"ECS_INSTANCE_ATTRIBUTES": '{"stack":"prod"}', "ECS_CONTAINER_INSTANCE_TAGS": '{"team":"web"}'}
    steps.joined(world, plane, **env)
    first = plane.of("RegisterContainerInstance")[0].body
    assert {"name": "stack", "value": "prod"} in first["attributes"]
    assert {"key": "team", "value": "web"} in first["tags"]
    world.stop_agent(signal.SIGTERM)
    arn = plane.instance_arn
    steps.joined(world, plane, **env)
    again = plane.of("RegisterContainerInstance")[-1].body
    assert again["containerInstanceArn"] == arn
    assert "stack" not in [a["name"] for a in again["attributes"]]


CLOSES = [
    ("1000", lambda s: s.close(1000), 1.5),
    ("1001", lambda s: s.close(1001), 1.5),
    ("1011", lambda s: s.close(1011), 1.5),
    ("TCP ends without a close frame", lambda s: s.fin(), 1.5),
    ("1008", lambda s: s.close(1008, "policy"), 5),
    ("TCP is reset", lambda s: s.reset(), 5),
]


@pytest.mark.parametrize("why,end,within", CLOSES, ids=[c[0] for c in CLOSES])
def test_an_ended_session_is_opened_again(world, plane, why, end, within):
    steps.joined(world, plane)
    first = plane.acs()
    end(first)
    world.wait("the session to end", lambda: not first.open, needs=[world.agent])
    second = world.wait("the next session", lambda: plane.acs() is not first and plane.acs(), 10,
                        needs=[world.agent])
    assert second.opened - first.ended < within, "reconnected after %.2f s" % (second.opened - first.ended)
    assert second.query["sendCredentials"] == "false"
    assert len(plane.of("DiscoverPollEndpoint")) == 1, "addresses are cached"
    assert len(plane.of("RegisterContainerInstance")) <= 2


def test_heartbeats_are_acknowledged_and_pings_answered(world, plane):
    steps.joined(world, plane)
    plane.acs().send("HeartbeatMessage", messageId="hb-1", healthy=True)
    world.wait("the heartbeat's ack", lambda: plane.acs().of("HeartbeatAckRequest") == [{"messageId": "hb-1"}])
    plane.acs().ping(b"abc")
    world.wait("the pong", lambda: plane.acs().pongs == 1)


def test_sigterm_ends_the_agent_within_a_second_and_leaves_containers_running(world, plane):
    agent = steps.joined(world, plane)
    arn = steps.run(world, plane)
    took = agent.end(signal.SIGTERM)
    assert took < 1.0, "took %.2f s" % took
    assert agent.status == 0
    assert steps.one_container(world, arn)["State"] == "running"


def test_the_control_plane_need_not_echo_all_attributes_for_a_readable_reason(world, plane):
    plane.drop_attributes = 1
    world.start_agent(plane)
    steps.wait_reason(world, "register", "attribute")
    assert world.agent.running


def test_inactive_instances_wait_with_the_reason_and_do_not_hammer(world, plane):
    tries = []
    plane.always["ACS"] = lambda call: (tries.append(call.at), pp.Reply(
        400, {"InactiveInstanceException": "The container instance is inactive"}))[1]
    world.start_agent(plane)
    steps.wait_reason(world, "acs", "inactive")
    world.holds("no second try", lambda: len(tries) == 1, 2)


def test_a_second_agent_on_the_same_data_directory_names_the_first(world, plane):
    first = steps.joined(world, plane)
    second = world.spawn([AGENT], name="second", env=world.agent_environment(plane))
    status = second.wait(10)
    assert status == 5
    assert re.search(r"\b%d\b" % first.pid, second.text()), second.text()
    assert "/var/lib/ecs/data" in second.text()
    assert first.running


def test_another_cluster_than_the_stored_one_ends_with_5_and_names_both(world, plane):
    steps.joined(world, plane)
    world.stop_agent(signal.SIGTERM)
    agent = world.start_agent(plane, ECS_CLUSTER="another")
    assert agent.wait(10) == 5
    text = agent.text()
    assert "plain" in text and "another" in text and "-Force" in text


def test_a_cluster_out_of_user_data_outlives_a_start_without_metadata(world, plane):
    plane.user_data = '{"ECSAgentConfiguration":{"Cluster":"plain"}}'
    steps.joined(world, plane, ECS_CLUSTER=None)
    assert plane.of("RegisterContainerInstance")[-1].body["cluster"] == "plain"
    world.stop_agent(signal.SIGTERM)
    plane.user_data = None
    steps.joined(world, plane, ECS_CLUSTER=None)
    assert plane.of("RegisterContainerInstance")[-1].body["cluster"] == "plain"


def test_the_state_of_another_ec2_instance_is_dropped_and_its_cluster_with_it(world, plane):
    steps.joined(world, plane)
    world.stop_agent(signal.SIGTERM)
    plane.instance_id = "i-0fedcba9876543210"
    steps.joined(world, plane, ECS_CLUSTER="another")
    again = plane.of("RegisterContainerInstance")[-1].body
    assert again["cluster"] == "another" and "containerInstanceArn" not in again
    assert "another EC2 instance" in world.agent_log()


def test_metadata_that_is_late_does_not_let_a_copied_machine_pass_for_its_original(world, plane):
    steps.joined(world, plane)
    world.stop_agent(signal.SIGTERM)
    plane.instance_id = "i-0fedcba9876543210"
    plane.always["IMDS"] = pp.error(503, "Late")
    agent = world.start_agent(plane)
    steps.wait_reason(world, "metadata", "i-", "whose state is here", agent=agent)
    del plane.always["IMDS"]
    world.wait("the ACS session", plane.acs, 20, needs=[agent])
    assert "containerInstanceArn" not in plane.of("RegisterContainerInstance")[-1].body


SETTINGS = [
    ("a list that is none", {"ECS_AVAILABLE_LOGGING_DRIVERS": "json-file"}, "ECS_AVAILABLE_LOGGING_DRIVERS"),
    ("an unknown log driver", {"ECS_AVAILABLE_LOGGING_DRIVERS": '["paper"]'}, "paper"),
    ("a map that is none", {"ECS_INSTANCE_ATTRIBUTES": "[1]"}, "ECS_INSTANCE_ATTRIBUTES"),
    ("a Docker endpoint of no known kind", {"DOCKER_HOST": "ftp://x"}, "DOCKER_HOST"),
]


@pytest.mark.parametrize("why,env,named", SETTINGS, ids=[s[0] for s in SETTINGS])
def test_settings_that_cannot_be_parsed_end_with_5_and_are_named(world, plane, why, env, named):
    agent = world.start_agent(plane, **env)
    assert agent.wait(10) == 5
    assert named in agent.text()


def test_a_setting_whose_feature_is_to_come_is_named_once(world, plane):
    steps.joined(world, plane, ECS_ENABLE_SPOT_INSTANCE_DRAINING="true")
    lines = [line for line in world.agent.text().splitlines() if "ECS_ENABLE_SPOT_INSTANCE_DRAINING" in line]
    assert len(lines) == 1 and "warn" in lines[0].lower()


def test_version_settings_and_health_modes_answer_without_joining(world, plane):
    _s, out, _e = world.run([AGENT, "-version"])
    assert "1.105.1" in out and re.search(r"\b\d+\.\d+\.\d+\b", out)
    _s, out, _e = world.run([AGENT, "-settings"], env=world.agent_environment(plane))
    assert "ECS_CLUSTER" in out and plane.key[1] not in out
    _s, out, _e = world.run([AGENT, "-ecs-attributes"], env=world.agent_environment(plane))
    assert "ecs.capability.container-ordering\n" in out and "ecs.os-type=linux\n" in out
    assert "task-eni" not in out
    status, _out, err = world.run([AGENT, "-k"], check=False)
    assert status == 5 and "AWS_CA_BUNDLE" in err
    assert world.run([AGENT, "-healthcheck"], check=False)[0] != 0
    steps.joined(world, plane)
    world.wait("the health check to pass", lambda: world.run(
        [AGENT, "-healthcheck"], check=False)[0] == 0)


@pytest.mark.parametrize("outpost", [None, "arn:aws:outposts:us-west-2:123456789012:outpost/op-1"])
def test_an_instance_on_an_outpost_says_so(world, plane, outpost):
    plane.outpost = outpost
    steps.joined(world, plane)
    told = {a["name"]: a.get("value") for a in plane.of("RegisterContainerInstance")[0].body["attributes"]}
    assert told.get("ecs.outpost-arn") == outpost


def test_the_log_file_may_have_a_level_of_its_own(world, plane):
    file = "/var/log/ecs/own.log"
    steps.joined(world, plane, ECS_LOGFILE=file, ECS_LOGLEVEL="info", ECS_LOGLEVEL_ON_INSTANCE="warn",
                 ECS_CLUSTRE="x")
    world.stop_agent(signal.SIGTERM)
    _s, out, _e = world.run(["cat", file])
    assert "ECS_CLUSTRE is not a setting" in out
    assert "level=info" not in out


def test_introspection_tells_metadata_and_tasks(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane)
    meta = world.get("http://127.0.0.1:51678/v1/metadata").json()
    assert meta["Cluster"] == "plain" and meta["ContainerInstanceArn"] == plane.instance_arn
    assert meta["Version"].startswith("Amazon ECS Agent - v1.105.1 (")
    task, = world.get("http://127.0.0.1:51678/v1/tasks").json()["Tasks"]
    assert task["Arn"] == arn and task["KnownStatus"] == "RUNNING"
    container, = task["Containers"]
    assert container["DockerId"] == steps.one_container(world, arn)["Id"]


def test_secrets_are_never_logged(world, plane):
    credentials = pp.role_credentials()
    steps.joined(world, plane)
    arn = steps.run(world, plane, roleCredentials=credentials)
    steps.stop(world, plane, arn)
    world.stop_agent(signal.SIGTERM)
    text = world.agent_log()
    for secret in (plane.key[1], credentials["secretAccessKey"], credentials["sessionToken"],
                   plane.role_key[1], plane.role_key[2]):
        assert secret not in text
    files = world.data_files()
    assert files
    for file in files:
        with open(file, "rb") as f:
            data = f.read()
        for secret in (credentials["secretAccessKey"], credentials["sessionToken"]):
            assert secret.encode() not in data, "%s holds a secret" % file
