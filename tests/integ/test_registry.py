"""Images from real registries: logins, Amazon ECR, platforms, slow and dying ones, on a real engine."""
import base64
import json
import os
import re
import signal

import pytest

import plain_plane as pp
import registries
import steps
import wire

SECRET = "pass/word+with:colons"
ECR_SECRET = "pass/word+for=ecr"
DOCKERCFG = json.dumps({"https://" + registries.NAME: {
    "auth": base64.b64encode(("puller:" + SECRET).encode()).decode(), "email": "x@example.com"}})
DOCKER = json.dumps({registries.NAME: {"username": "puller", "password": SECRET}})


@pytest.fixture(scope="module")
def authority(shared_world):
    return registries.prepare(shared_world)


@pytest.fixture
def locked(world, authority):
    """A registry with TLS and a login, which has registry.test:5443/app:1; answers that name."""
    registries.start(world, authority, "puller", SECRET)
    name = registries.NAME + "/app:1"
    registries.push(world, "busybox:latest", name, "puller", SECRET)
    yield name
    forget(world, name)


def forget(world, *names):
    for name in names:
        world.docker("rmi", "-f", name, check=False)


def activity(world):
    """What the agent says that its containers wait for: the member of its control channel."""
    told = wire.unix_http(os.path.join(world.dir, "run/ecs/control.sock"), "GET", "/v1/tasks").json()
    return [c["activity"] for t in told["tasks"] for c in t["containers"] if "activity" in c]


def pulls_since(world, since):
    """Names that the engine pulled since then, by its own events."""
    now = world.run(["date", "+%s"])[1].strip()
    out = world.docker("events", "--since", since, "--until", str(int(now) + 1), "--filter", "event=pull",
                       "--format", "{{.ID}}")
    return out.split()


def now(world):
    return world.run(["date", "+%s.%N"])[1].strip()


def stopped(world, plane, arn, timeout=60):
    """The last report of a task that could not start; answers its reason as the container tells it."""
    body = steps.reported(world, plane, arn, "STOPPED", timeout)
    return body["containers"][0]["reason"]


# ---- logins that the operator configured -------------------------------------------------------------

@pytest.mark.parametrize("kind,data", [("dockercfg", DOCKERCFG), ("docker", DOCKER)],
                         ids=["dockercfg", "docker"])
def test_a_configured_login_opens_a_registry_with_tls(world, plane, locked, kind, data):
    agent = steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="always", ECS_ENGINE_AUTH_TYPE=kind,
                         ECS_ENGINE_AUTH_DATA=data)
    arn = steps.run(world, plane, steps.sleeper(image=locked))
    assert plane.statuses(arn) == ["PENDING", "RUNNING"]  # the digest came from the registry
    steps.stop(world, plane, arn)
    assert SECRET not in agent.text() and "YXV0aA" not in agent.text()
    assert base64.b64encode(("puller:" + SECRET).encode()).decode() not in agent.text()


@pytest.mark.parametrize("why,image,auth,words", [
    ("a wrong password", None, {"ECS_ENGINE_AUTH_TYPE": "docker", "ECS_ENGINE_AUTH_DATA": json.dumps(
        {registries.NAME: {"username": "puller", "password": "wrong/secret"}})}, ["unauthorized"]),
    ("no login", None, {}, ["no basic auth credentials|unauthorized|authentication required"]),
    ("a login for another registry", None, {"ECS_ENGINE_AUTH_TYPE": "docker", "ECS_ENGINE_AUTH_DATA": json.dumps(
        {"other.test:5443": {"username": "puller", "password": SECRET}})}, [
            "no basic auth credentials|unauthorized|authentication required"]),
    ("an image that does not exist", registries.NAME + "/none:1", {
        "ECS_ENGINE_AUTH_TYPE": "docker", "ECS_ENGINE_AUTH_DATA": DOCKER}, ["manifest unknown|not found"]),
])
def test_what_keeps_an_image_away_is_named(world, plane, locked, why, image, auth, words):
    agent = steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="always", **auth)
    arn = steps.run(world, plane, steps.sleeper(image=image or locked), wait=False)
    reason = stopped(world, plane, arn)
    assert reason.startswith("CannotPullImageManifestError: "), reason
    for word in words:
        assert re.search(word, reason), reason
    assert "wrong/secret" not in agent.text() and SECRET not in agent.text()


def test_a_registry_whose_certificate_nobody_trusts_is_named(world, plane, locked):
    world.run(["mv", "/etc/docker/certs.d", "/etc/docker/certs.away"])
    world.before_close.append(lambda: world.run(["mv", "/etc/docker/certs.away", "/etc/docker/certs.d"]))
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="always", ECS_ENGINE_AUTH_TYPE="docker",
                 ECS_ENGINE_AUTH_DATA=DOCKER)
    arn = steps.run(world, plane, steps.sleeper(image=locked), wait=False)
    assert "certificate" in stopped(world, plane, arn)


# ---- Amazon ECR ----------------------------------------------------------------------------------------

def ecr_local(world, password=ECR_SECRET):
    return world.start_local("--registry", "https://" + registries.NAME, "--log-level", "debug",
                             ECSLOCAL_REGISTRY_PASSWORD=password)


def local_task(local, family, image):
    """Registers and runs one task of one container; answers its ARN."""
    local.aws("register-task-definition", "--family", family, "--container-definitions", json.dumps(
        [dict(name="main", image=image, memory=32, command=steps.sh(steps.TERM_WAIT))]))
    return local.aws("run-task", "--cluster", local.cluster, "--task-definition", family)["tasks"][0]["taskArn"]


def local_agent(world, local):
    agent = world.start_agent(local, ECS_IMAGE_PULL_BEHAVIOR="always")
    world.wait("the agent to join", lambda: local.aws(
        "list-container-instances", "--cluster", local.cluster)["containerInstanceArns"], needs=[agent])
    return agent


def local_stopped(world, local, arn, timeout=60):
    """The task as ecslocal describes it once it has stopped."""
    def look():
        task, = local.aws("describe-tasks", "--cluster", local.cluster, "--tasks", arn)["tasks"]
        return task["lastStatus"] == "STOPPED" and task
    return world.wait("%s to stop" % arn, look, timeout, needs=[world.agent])


def test_ecr_logins_are_given_out_by_ecslocal_and_taken_by_the_registry(world, authority):
    """As a user would: `aws ecr` for the login, `docker push`, then tasks that pull by role."""
    registries.start(world, authority, "AWS", ECR_SECRET)
    local = ecr_local(world)
    aws = ["/usr/bin/aws", "ecr", "--endpoint-url", local.base]
    got = json.loads(world.run(aws + ["get-authorization-token", "--output", "json"], env=local.environment())[1])
    login, = got["authorizationData"]
    assert base64.b64decode(login["authorizationToken"]).decode() == "AWS:" + ECR_SECRET
    assert login["proxyEndpoint"] == "https://" + registries.NAME
    password = world.run(aws + ["get-login-password"], env=local.environment())[1].strip()
    name = registries.NAME + "/app:1"
    registries.push(world, "busybox:latest", name, "AWS", password)

    agent = local_agent(world, local)
    role = "arn:aws:iam::000000000000:role/pull"
    for family, more in (("instance", []), ("execution", ["--execution-role-arn", role])):
        local.aws("register-task-definition", "--family", family, *more, "--container-definitions", json.dumps(
            [dict(name="main", image=name, memory=32, command=steps.sh(steps.TERM_WAIT))]))
        local.aws("run-task", "--cluster", local.cluster, "--task-definition", family, "--count", "3")

        def all_run():
            arns = local.aws("list-tasks", "--cluster", local.cluster, "--family", family)["taskArns"]
            tasks = local.aws("describe-tasks", "--cluster", local.cluster, "--tasks", *arns)["tasks"]
            assert [t["lastStatus"] for t in tasks] == ["RUNNING"] * 3, tasks
            return True
        world.wait("three tasks of %s to run" % family, all_run, 60, needs=[agent])
    calls = [line for line in world.local_proc.text().splitlines() if "call=GetAuthorizationToken" in line]
    by_agent = calls[2:]  # the first two were `aws`
    assert len(by_agent) == 2, calls  # one a role, however many tasks
    assert "role/pull" not in by_agent[0] and "assumed-role/pull/" in by_agent[1], by_agent
    assert ECR_SECRET not in agent.text() and ECR_SECRET not in world.local_proc.text()
    forget(world, name)


def test_a_login_that_the_registry_refuses_is_named_and_fetched_again(world, authority):
    registries.start(world, authority, "AWS", ECR_SECRET)
    registries.push(world, "busybox:latest", registries.NAME + "/app:1", "AWS", ECR_SECRET)
    local = ecr_local(world, "not/the/secret")
    local_agent(world, local)
    arn = local_task(local, "refused", registries.NAME + "/app:1")
    text = local_stopped(world, local, arn)["containers"][0]["reason"]
    assert text.startswith("CannotPullImageManifestError: ") and "unauthorized" in text
    assert world.local_proc.text().count("call=GetAuthorizationToken") > 1  # not the same refused one again


@pytest.mark.parametrize("why,data,words", [
    ("nobody answers", {"endpointOverride": "http://127.0.0.1:9", "useExecutionRole": False}, "GetAuthorizationToken"),
    ("no execution role", {"useExecutionRole": True}, "engine ecr credentials: not found"),
    ("no address", {"endpointOverride": "ftp://x", "useExecutionRole": False}, "registry login"),
])
@pytest.mark.parametrize("behavior", ["always", "default"])
def test_without_a_login_of_ecr_the_task_ends_by_its_name(world, plane, behavior, why, data, words):
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR=behavior)
    arn = steps.run(world, plane, steps.sleeper(image="registry.test:1/x:1", registryAuthentication={
        "type": "ecr", "ecrAuthData": dict(data, registryId="123456789012", region="us-west-2")}), wait=False)
    reason = stopped(world, plane, arn)
    assert reason.startswith("CannotPullECRContainerError: ") and words in reason, reason
    assert world.agent_log().count("image step again") == 0  # not tried again


# ---- platforms -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("why,platforms,text", [
    ("another architecture", [{"os": "linux", "architecture": "s390x"}], "linux/s390x"),
    ("another system", [{"os": "windows", "architecture": "amd64", "os.version": "10.0.17763.5122"}],
     "windows/amd64 10.0.17763.5122"),
    ("a list without ours", [{"os": "linux", "architecture": "ppc64le"},
                             {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1"}],
     "linux/ppc64le, windows/amd64 10.0.20348.1"),
])
@pytest.mark.parametrize("behavior", ["always", "default", "prefer-cached"])
def test_an_image_of_another_platform_is_refused_before_a_layer_is_asked_for(
        world, plane, behavior, why, platforms, text):
    world.start_registry()
    made = registries.Handmade(world, "foreign")
    if len(platforms) == 1:
        made.image("1", **platforms[0])
    else:
        made.list("1", *platforms)
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR=behavior)
    since = now(world)
    arn = steps.run(world, plane, steps.sleeper(image=made.name + ":1"), wait=False)
    reason = stopped(world, plane, arn)
    machine = world.docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}").strip()
    assert reason == "CannotPullContainerError: the image is for %s, this host is %s" % (text, machine)
    assert pulls_since(world, since) == [] and "image pull begins" not in world.agent_log()


def test_an_image_by_digest_is_judged_before_it_is_pulled_too(world, plane):
    world.start_registry()
    made = registries.Handmade(world, "foreign")
    digest = made.image("1", os="linux", architecture="s390x")[0]["digest"]
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="always")
    arn = steps.run(world, plane, steps.sleeper(image="%s@%s" % (made.name, digest)), wait=False)
    assert stopped(world, plane, arn).startswith("CannotPullContainerError: the image is for linux/s390x")
    assert "image pull begins" not in world.agent_log()


def test_a_local_image_runs_by_default_though_the_registry_has_a_foreign_one(world, plane):
    world.start_registry()
    made = registries.Handmade(world, "foreign")
    made.image("1", os="linux", architecture="s390x")
    world.docker("tag", "busybox:latest", made.name + ":1")
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="default")
    arn = steps.run(world, plane, steps.sleeper(image=made.name + ":1"))
    steps.stop(world, plane, arn)
    forget(world, made.name + ":1")


# ---- pull behaviours -----------------------------------------------------------------------------------

@pytest.mark.parametrize("behavior,pulls,alone", [
    ("default", True, "runs"), ("always", True, "stops"), ("once", False, "runs"),
    ("prefer-cached", False, "runs")])
def test_when_is_pulled_and_what_a_failed_pull_comes_to(world, plane, behavior, pulls, alone):
    """First task pulls; second one of the same image pulls by behaviour; third one has no registry."""
    world.start_registry()
    name = "127.0.0.1:5000/again:1"
    made = world.docker("create", "busybox:latest", "true").strip()
    world.docker("commit", "--change", "ENV AWS_REGION=eu-west-1", made, name)
    world.docker("rm", made)
    world.docker("push", name)
    forget(world, name)
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR=behavior)
    since = now(world)
    steps.run(world, plane, steps.sleeper(image=name))
    assert len(pulls_since(world, since)) == 1
    since = now(world)
    steps.run(world, plane, steps.sleeper(image=name))
    assert len(pulls_since(world, since)) == (1 if pulls else 0)
    world.registry.end()
    arn = steps.run(world, plane, steps.sleeper(image=name), wait=False)
    if alone == "runs":
        steps.reported(world, plane, arn, "RUNNING", 90)
        env = world.inspect(steps.one_container(world, arn)["Id"])["Config"]["Env"]
        assert [e for e in env if e.startswith("AWS_") and "REGION=" in e] == ["AWS_REGION=eu-west-1"]  # the image's own
    else:
        assert stopped(world, plane, arn, 90).startswith("CannotPullImageManifestError: ")
    world.remove_containers()
    forget(world, name)


# ---- slow and dying registries -------------------------------------------------------------------------

SLOW = "127.0.0.1:%d/big:1" % registries.SLOW_PORT


def big_image(world, mib=4, count=2):
    world.start_registry()
    registries.random_image(world, "127.0.0.1:5000/big:1", mib, count)


def test_a_pull_is_told_in_layers_and_bytes_while_it_goes_on(world, plane):
    big_image(world)
    registries.slow_line(world, "2m")
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="always")
    arn = steps.run(world, plane, steps.sleeper(image=SLOW), wait=False)
    seen = world.wait("the pull to be told", lambda: [a for a in activity(world) if " of 3 layers, " in a and
                                                      not re.search(r"layers, 0 ", a)])
    assert re.fullmatch(r"pulling %s: \d of 3 layers, \d+ (of \d+ )?[KM]iB( so far)?" % re.escape(SLOW), seen[0]), seen
    steps.reported(world, plane, arn, "RUNNING", 60)
    assert activity(world) == []
    log = world.agent_log()
    assert sorted(re.findall(r'"image layer".* is="?([a-z ]+?)"? bytes=', log)) == [
        "already there", "complete", "complete", "downloaded", "downloaded"]
    assert log.count("image pulled") == 1
    world.remove_containers()
    forget(world, SLOW)


def test_twenty_tasks_of_one_image_pull_it_once(world, plane):
    big_image(world, count=1)
    registries.slow_line(world, "2m")
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="default")
    since = now(world)
    arns = [plane.task_arn() for _ in range(20)]
    plane.payload(*[pp.task(arn, pp.container(image=SLOW, cpu=1, memory=8, command=steps.sh(steps.TERM_WAIT)))
                    for arn in arns])
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING", 120)
    assert len(pulls_since(world, since)) == 1
    log = world.agent_log()
    assert log.count("image pull begins") == 1 and log.count("image pull joined") == 19
    world.remove_containers()
    forget(world, SLOW)


def killed_mid_pull(world, nginx):
    """Waits until a layer flows, then kills the line."""
    world.wait("a layer to flow", lambda: [a for a in activity(world) if re.search(r"layers, [1-9]", a)])
    nginx.kill(signal.SIGKILL)
    nginx.wait()


def test_a_registry_that_dies_under_a_pull_and_comes_back_is_got_over(world, plane):
    big_image(world, count=1)
    nginx = registries.slow_line(world, "400k")
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="always")
    arn = steps.run(world, plane, steps.sleeper(image=SLOW), wait=False)
    killed_mid_pull(world, nginx)
    registries.slow_line(world, "20m")
    steps.reported(world, plane, arn, "RUNNING", 120)
    world.remove_containers()
    forget(world, SLOW)


def test_a_registry_that_dies_under_a_pull_for_good_is_named(world, plane):
    before = world.docker_args
    world.restart_docker_with("--max-download-attempts", "1")
    world.before_close.append(lambda: world.restart_docker_with(*before))
    big_image(world, count=1)
    nginx = registries.slow_line(world, "400k")
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="always")
    arn = steps.run(world, plane, steps.sleeper(image=SLOW), wait=False)
    killed_mid_pull(world, nginx)
    reason = stopped(world, plane, arn, 120)
    assert reason.startswith("CannotPullContainerError: "), reason
    assert re.search("EOF|connection refused|reset", reason), reason
    assert activity(world) == []
