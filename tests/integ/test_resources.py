"""What tasks need fetched before they start: secrets of Secrets Manager and the Parameter Store."""
import base64
import json

import pytest

import registries
import steps
import wire

VALUE = "Kx7-plain-secret-9Qz"
OTHER = "Wv3-parameter-4Lm"
ROLE = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"


def definition(family="vault", **container):
    return {"family": family, "executionRoleArn": ROLE, "containerDefinitions": [{
        "name": "main", "image": "busybox:latest", "cpu": 10, "memory": 32, "essential": True,
        "command": ["sh", "-c", "env; " + steps.TERM_WAIT], **container}]}


@pytest.fixture
def local(world):
    return world.start_local()


def aws(local, *args, check=True):
    """`aws <service> <args>` against the local control plane."""
    status, out, err = local.world.run(
        ["/usr/bin/aws", *args, "--endpoint-url", local.base, "--output", "json"],
        env=local.environment(), check=check)
    return (json.loads(out) if out.strip() else None) if check else (status, err)


def joined(world, local, **env):
    local.call("CreateCluster", {"clusterName": local.cluster})
    world.start_agent(local, AWS_ENDPOINT_URL_SECRETS_MANAGER=local.base, AWS_ENDPOINT_URL_SSM=local.base, **env)
    world.wait("the agent to be connected", lambda: local.call(
        "ListContainerInstances", {"cluster": local.cluster})["containerInstanceArns"], needs=[world.agent])


def start(world, local, what):
    local.call("RegisterTaskDefinition", what)

    def placed():
        ran = local.call("RunTask", {"cluster": local.cluster, "taskDefinition": what["family"]})
        return ran["tasks"] and ran["tasks"][0]["taskArn"]
    return world.wait("the task to be placed", placed, needs=[world.agent])


def reaches(world, local, arn, status, timeout=40):
    def look():
        task = local.call("DescribeTasks", {"cluster": local.cluster, "tasks": [arn]})["tasks"][0]
        return task if task["lastStatus"] in (status, "STOPPED") else None
    task = world.wait("task %s to be %s" % (arn, status), look, timeout, needs=[world.agent, world.local_proc])
    assert task["lastStatus"] == status, task
    return task


def environment_of(world, arn):
    return dict(line.partition("=")[::2] for line in
                world.inspect(steps.one_container(world, arn)["Id"])["Config"]["Env"])


def assert_nowhere(world, *secrets):
    """None of the values is in a log or in a file that the agent or the control plane keeps."""
    kept = world.run(["sh", "-c", "find /var/lib/ecs /var/log/ecs -type f -exec cat {} + | base64"])[1]
    texts = [world.agent_log().encode(), world.local_proc.text().encode(), base64.b64decode(kept)]
    assert all(len(text) > 1000 for text in texts)
    for secret in secrets:
        assert not any(secret.encode() in text for text in texts), secret


def test_a_container_sees_secrets_and_nobody_else_does(world, local):
    whole = aws(local, "secretsmanager", "create-secret", "--name", "app/whole", "--secret-string", VALUE)["ARN"]
    keyed = aws(local, "secretsmanager", "create-secret", "--name", "keyed", "--secret-string",
                json.dumps({"user": "ann", "pin": 12345678901234567890}))["ARN"]
    aws(local, "secretsmanager", "put-secret-value", "--secret-id", "keyed", "--secret-string",
        json.dumps({"user": "bob"}))
    aws(local, "ssm", "put-parameter", "--name", "/app/p", "--type", "SecureString", "--value", OTHER)
    aws(local, "ssm", "put-parameter", "--name", "plain", "--type", "String", "--value", "two words")
    joined(world, local)
    names = ["/app/p", aws(local, "ssm", "get-parameter", "--name", "plain")["Parameter"]["ARN"]]
    arn = start(world, local, definition(environment=[{"name": "OWN", "value": "task"}], secrets=[
        {"name": "WHOLE", "valueFrom": whole}, {"name": "USER_NOW", "valueFrom": keyed + ":user::"},
        {"name": "USER_BEFORE", "valueFrom": keyed + ":user:AWSPREVIOUS:"},
        {"name": "PIN", "valueFrom": keyed + ":pin:AWSPREVIOUS:"},
        {"name": "PARAMETER", "valueFrom": names[0]}, {"name": "BY_ARN", "valueFrom": names[1]},
        {"name": "OWN", "valueFrom": "plain"}]))
    reaches(world, local, arn, "RUNNING")
    env = environment_of(world, arn)
    want = {"WHOLE": VALUE, "USER_NOW": "bob", "USER_BEFORE": "ann", "PIN": "12345678901234567890",
            "PARAMETER": OTHER, "BY_ARN": "two words", "OWN": "two words"}
    assert {k: env.get(k) for k in want} == want
    assert_nowhere(world, VALUE, OTHER)


def test_more_parameters_than_one_call_takes(world, local):
    for i in range(23):
        wire.aws_json_call(world.net, local.base, "ssm", "AmazonSSM.PutParameter",
                           {"Name": "p%d" % i, "Type": "String", "Value": "v%d" % i}, local.key, local.region)
    joined(world, local)
    arn = start(world, local, definition(secrets=[{"name": "P%d" % i, "valueFrom": "p%d" % i} for i in range(23)]))
    reaches(world, local, arn, "RUNNING")
    env = environment_of(world, arn)
    assert [env.get("P%d" % i) for i in range(23)] == ["v%d" % i for i in range(23)]


def test_a_log_option_comes_from_a_secret(world, local):
    secret = aws(local, "secretsmanager", "create-secret", "--name", "labels", "--secret-string", VALUE)["ARN"]
    joined(world, local)
    arn = start(world, local, definition(logConfiguration={
        "logDriver": "json-file", "options": {"max-file": "2"},
        "secretOptions": [{"name": "labels", "valueFrom": secret}]}))
    reaches(world, local, arn, "RUNNING")
    config = world.inspect(steps.one_container(world, arn)["Id"])
    assert config["HostConfig"]["LogConfig"]["Config"] == {"max-file": "2", "labels": VALUE}
    assert not any(VALUE in e for e in config["Config"]["Env"])
    assert_nowhere(world, VALUE)


MISSING = "arn:aws:secretsmanager:us-west-2:123456789012:secret:nothing"


@pytest.mark.parametrize("secrets,words", [
    ([{"name": "A", "valueFrom": MISSING}], ["AWS Secrets Manager in region us-west-2", MISSING, "can't find"]),
    ([{"name": "A", "valueFrom": "none"}, {"name": "B", "valueFrom": "/no/such"}],
     ["SSM Parameter Store in us-west-2", "invalid parameters: none,/no/such"]),
    ([{"name": "A", "valueFrom": MISSING + ":k"}], ["unexpected ARN format", MISSING + ":k"]),
], ids=["secret", "parameters", "malformed"])
def test_a_missing_secret_stops_the_task_with_its_name(world, local, secrets, words):
    joined(world, local)
    arn = start(world, local, definition(secrets=secrets))
    stopped = reaches(world, local, arn, "STOPPED")
    reason = stopped["stoppedReason"]
    assert reason.startswith("ResourceInitializationError: resource cannot be initialized for task " + arn), reason
    for word in words:
        assert word in reason
    assert not world.ecs_containers(arn)


def test_a_role_is_needed_and_the_instance_may_not_read(world, local):
    aws(local, "ssm", "put-parameter", "--name", "p", "--type", "String", "--value", OTHER)
    joined(world, local)
    what = definition(secrets=[{"name": "A", "valueFrom": "p"}])
    del what["executionRoleArn"]
    stopped = reaches(world, local, start(world, local, what), "STOPPED")
    assert "container main needs secrets, and the task has no execution role" in stopped["stoppedReason"]
    token = world.http("PUT", local.base + "/latest/api/token",
                       {"X-aws-ec2-metadata-token-ttl-seconds": "60"}).text
    base = local.base + "/latest/meta-data/iam/security-credentials/"
    name = world.http("GET", base, {"X-aws-ec2-metadata-token": token}).text.strip()
    got = world.http("GET", base + name, {"X-aws-ec2-metadata-token": token}).json()
    key = (got["AccessKeyId"], got["SecretAccessKey"], got["Token"])
    with pytest.raises(wire.EcsError) as refused:
        wire.aws_json_call(world.net, local.base, "ssm", "AmazonSSM.GetParameters", {"Names": ["p"]}, key, local.region)
    assert refused.value.code == "AccessDeniedException"


def test_after_a_crash_before_the_create_the_secret_is_fetched_again(world, local):
    secret = aws(local, "secretsmanager", "create-secret", "--name", "again", "--secret-string", VALUE)["ARN"]
    joined(world, local)
    first = {"name": "first", "image": "busybox:latest", "memory": 32, "essential": False,
             "command": ["sh", "-c", "while [ ! -f /go ]; do sleep 0.1; done"]}
    what = definition(secrets=[{"name": "S", "valueFrom": secret}],
                      dependsOn=[{"containerName": "first", "condition": "SUCCESS"}])
    what["containerDefinitions"].append(first)
    arn = start(world, local, what)
    gate = world.wait("the first container", lambda: steps.one_container(world, arn, "first")["State"] == "running"
                      and steps.one_container(world, arn, "first"))
    world.stop_agent()
    joined(world, local)
    world.container_run(gate["Id"], "touch", "/go")
    reaches(world, local, arn, "RUNNING")
    assert environment_of(world, arn)["S"] == VALUE
    assert_nowhere(world, VALUE)


def test_the_local_stores_are_strict(world, local):
    status, text = aws(local, "ssm", "get-parameter", "--name", "nothing", check=False)
    assert status != 0 and "ParameterNotFound" in text
    aws(local, "ssm", "put-parameter", "--name", "s", "--type", "SecureString", "--value", OTHER)
    status, text = aws(local, "ssm", "put-parameter", "--name", "s", "--type", "String", "--value", "x", check=False)
    assert status != 0 and "ParameterAlreadyExists" in text
    sealed = aws(local, "ssm", "get-parameters", "--names", "s", "gone")
    assert sealed["InvalidParameters"] == ["gone"] and OTHER not in json.dumps(sealed)
    opened = aws(local, "ssm", "get-parameter", "--name", "s", "--with-decryption")["Parameter"]
    assert (opened["Value"], opened["ARN"]) == (OTHER, "arn:aws:ssm:us-west-2:000000000000:parameter/s")
    aws(local, "ssm", "delete-parameter", "--name", "s")
    aws(local, "secretsmanager", "create-secret", "--name", "x", "--secret-string", VALUE)
    status, text = aws(local, "secretsmanager", "create-secret", "--name", "x", "--secret-string", VALUE, check=False)
    assert status != 0 and "ResourceExistsException" in text
    assert aws(local, "secretsmanager", "get-secret-value", "--secret-id", "x")["SecretString"] == VALUE
    aws(local, "secretsmanager", "delete-secret", "--secret-id", "x", "--force-delete-without-recovery")
    status, text = aws(local, "secretsmanager", "get-secret-value", "--secret-id", "x", check=False)
    assert status != 0 and "ResourceNotFoundException" in text
    with pytest.raises(wire.EcsError) as refused:
        wire.aws_json_call(world.net, local.base, "ssm", "AmazonSSM.GetParameters", {"Names": ["p"]},
                           (local.key[0], "wrong", None), local.region)
    assert refused.value.code == "InvalidSignatureException"


# ---- a registry's login in Secrets Manager ---------------------------------------------------------------

PASSWORD = "Rg5/word+with:colons"


@pytest.fixture(scope="module")
def authority(shared_world):
    return registries.prepare(shared_world)


@pytest.fixture
def locked(world, authority):
    """A registry with TLS and a login, which has registry.test:5443/app:1; answers that name."""
    registries.start(world, authority, "puller", PASSWORD)
    name = registries.NAME + "/app:1"
    registries.push(world, "busybox:latest", name, "puller", PASSWORD)
    yield name
    world.docker("rmi", "-f", name, check=False)


def test_an_image_is_pulled_with_the_login_of_a_secret(world, local, locked):
    secret = aws(local, "secretsmanager", "create-secret", "--name", "registry/login", "--secret-string",
                 json.dumps({"username": "puller", "password": PASSWORD}))["ARN"]
    joined(world, local, ECS_IMAGE_PULL_BEHAVIOR="always")
    arn = start(world, local, definition(image=locked, repositoryCredentials={"credentialsParameter": secret}))
    task = reaches(world, local, arn, "RUNNING")
    assert task["containers"][0]["imageDigest"].startswith("sha256:")  # from the registry, before the pull
    assert_nowhere(world, PASSWORD, base64.b64encode(PASSWORD.encode()).decode())


@pytest.mark.parametrize("why,value,words", [
    ("wrong password", {"username": "puller", "password": "not-it-7Hx"},
     ["CannotPullImageManifestError: ", "unauthorized"]),
    ("no password", {"username": "puller"}, [
        "ResourceInitializationError: ", "registry/login", "JSON object with username and password"]),
    ("no secret", None, ["ResourceInitializationError: ", "AWS Secrets Manager in region us-west-2", "can't find"]),
])
def test_a_login_that_does_not_open_the_registry_is_named(world, local, locked, why, value, words):
    secret = "arn:aws:secretsmanager:us-west-2:000000000000:secret:registry/none"
    if value:
        secret = aws(local, "secretsmanager", "create-secret", "--name", "registry/login", "--secret-string",
                     json.dumps(value))["ARN"]
    joined(world, local, ECS_IMAGE_PULL_BEHAVIOR="always")
    arn = start(world, local, definition(image=locked, repositoryCredentials={"credentialsParameter": secret}))
    stopped = reaches(world, local, arn, "STOPPED", 60)
    text = "%s %s" % (stopped.get("stoppedReason"), stopped["containers"][0].get("reason"))
    for word in words:
        assert word in text, text
    assert not world.ecs_containers(arn)
    assert_nowhere(world, "not-it-7Hx")
