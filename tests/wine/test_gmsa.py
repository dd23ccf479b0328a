"""Group managed service accounts: from a task's credential spec to the body that a Windows daemon accepts, with
the files and the registry key that are made for it and gone with it."""
import json

import pytest

import plain_plane as pp
import plain_s3
import steps
import wine_world

FOLDER = "C:\\ProgramData\\docker\\credentialspecs"
KEY = "System\\CurrentControlSet\\Services\\AmazonECSCCGPlugin\\"
PLUGIN = "SYSTEM\\CurrentControlSet\\Control\\CCG\\COMClasses\\{859E1386-BDB4-49E8-85C7-3070B13920E1}"
SKIP = {"ZZZ_SKIP_DOMAIN_JOIN_CHECK_NOT_SUPPORTED_IN_PRODUCTION": "true"}
ROLE = {"credentialsId": "exec-1", "roleArn": "arn:aws:iam::123456789012:role/exec", "accessKeyId": "AKEXEC",
        "secretAccessKey": "execution/secret", "sessionToken": "execution/token", "expiration": "2035-01-01T00:00:00Z"}
SPEC = {"CmsPlugins": ["ActiveDirectory"], "DomainJoinConfig": {"Guid": "g"}, "ActiveDirectoryConfig": {
    "HostAccountConfig": {"PortableCcgVersion": "1", "PluginGUID": "{859E1386-BDB4-49E8-85C7-3070B13920E1}",
                          "PluginInput": json.dumps({"credentialArn": "arn:aws:secretsmanager:us-west-2:1:secret:ad"})}}}


def container(**members):
    return pp.container("web", image="microsoft/iis", cpu=100, memory=500,
                        dockerConfig={"config": "{}", "hostConfig": "{}", "version": "1.24"}, **members)


def task(arn, *containers, **members):
    made = pp.task(arn, *containers, **members)
    del made["networkMode"]
    return made


def run(world, plane, *containers, **members):
    arn = plane.task_arn()
    plane.payload(task(arn, *containers, **members))
    steps.reported(world, plane, arn, "RUNNING")
    return arn


def inside(name):
    return wine_world.PREFIX + "/drive_c/" + (FOLDER + "\\" + name).replace("\\", "/")[3:]


def put(world, name, data):
    world.run(["sh", "-c", "mkdir -p \"$(dirname '%s')\" && cat > '%s'" % (inside(name), inside(name))],
              input=data.encode())


def content(world, name):
    status, out, _err = world.run(["cat", inside(name)], check=False)
    return out if status == 0 else None


def key_values(world, arn):
    _status, text = world.tool("reg-list", KEY + arn, check=False)
    return dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)


def options(engine, at=-1):
    return engine.creates[at]["HostConfig"].get("SecurityOpt")


def test_a_file_of_dockers_folder_is_named_to_docker(world, plane, engine):
    engine.credential_specs.add("web.json")
    steps.joined(world, plane, **SKIP)
    told = [a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]]
    assert "ecs.capability.gmsa" in told and "ecs.capability.gmsa-domainless" not in told
    arn = run(world, plane, container(credentialSpecs=["credentialspec:file://web.json"]))
    assert options(engine) == ["credentialspec=file://web.json"] and not engine.refusals
    steps.stop(world, plane, arn)
    raw = json.dumps({"SecurityOpt": ["credentialspec:file://web.json"]})
    made = container()
    made["dockerConfig"]["hostConfig"] = raw
    run(world, plane, made)
    assert options(engine) == ["credentialspec=file://web.json"] and not engine.refusals


def test_without_a_domain_it_is_withheld_with_its_reason(world, plane, engine):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(task(arn, container(credentialSpecs=["credentialspec:file://web.json"])))
    reason = steps.reported(world, plane, arn, "STOPPED")["reason"]
    assert "needs ecs.capability.gmsa: this machine is not joined to a domain" in reason
    assert not engine.creates


def test_an_object_of_s3_becomes_a_file_and_goes_with_the_task(world, plane, engine):
    store = plain_s3.Store(world.net.listen("127.0.0.1", 0), {"AKEXEC": ("execution/secret", "execution/token")})
    try:
        object_arn = store.put("spec-bucket", "dir/web.json", b'{"spec":1}')
        steps.joined(world, plane, AWS_ENDPOINT_URL_S3=store.base, **SKIP)
        arn = plane.task_arn()
        name = "s3_%s_web.json" % arn.rsplit("/", 1)[1]
        engine.credential_specs.add(name)
        plane.payload(task(arn, container(credentialSpecs=["credentialspec:" + object_arn]),
                           executionRoleCredentials=ROLE))
        steps.reported(world, plane, arn, "RUNNING")
        assert options(engine) == ["credentialspec=file://" + name]
        assert content(world, name) == '{"spec":1}'
        steps.stop(world, plane, arn)
        world.wait("the file to be removed", lambda: content(world, name) is None)
        assert not store.violations
    finally:
        store.close()


def test_a_spec_from_elsewhere_without_a_role_is_refused_at_once(world, plane, engine):
    steps.joined(world, plane, **SKIP)
    arn = plane.task_arn()
    plane.payload(task(arn, container(credentialSpecs=["credentialspec:arn:aws:s3:::spec-bucket/web.json"])))
    reason = steps.reported(world, plane, arn, "STOPPED")["reason"]
    assert reason == ("ResourceInitializationError: resource cannot be initialized for task %s: container web needs the "
                      "credential spec credentialspec:arn:aws:s3:::spec-bucket/web.json, and the task has no execution "
                      "role" % arn)


@pytest.fixture
def plugin(world):
    world.run([wine_world.LOADER, "reg", "add", "HKLM\\" + PLUGIN, "/f"])
    yield
    world.run([wine_world.LOADER, "reg", "delete", "HKLM\\" + PLUGIN, "/f"], check=False)


def test_a_domainless_spec_gets_keys_that_follow_the_credentials_and_go_with_the_task(world, plane, engine, plugin):
    put(world, "web.json", json.dumps(SPEC))
    steps.joined(world, plane, ECS_GMSA_SUPPORTED="true", **SKIP)
    told = [a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]]
    assert "ecs.capability.gmsa-domainless" in told
    arn = plane.task_arn()
    name = "%s_web_web.json" % arn.rsplit("/", 1)[1]
    engine.credential_specs.add(name)
    plane.payload(task(arn, container(credentialSpecs=["credentialspecdomainless:file://web.json"]),
                       executionRoleCredentials=ROLE))
    steps.reported(world, plane, arn, "RUNNING")
    assert options(engine) == ["credentialspec=file://" + name]
    made = json.loads(content(world, name))
    given = json.loads(made["ActiveDirectoryConfig"]["HostAccountConfig"].pop("PluginInput"))
    assert given == {"credentialArn": "arn:aws:secretsmanager:us-west-2:1:secret:ad",
                     "regKeyPath": "HKEY_LOCAL_MACHINE\\" + KEY + arn}
    want = json.loads(json.dumps(SPEC))
    del want["ActiveDirectoryConfig"]["HostAccountConfig"]["PluginInput"]
    assert made == want
    assert key_values(world, arn) == {"AKID": "AKEXEC", "SKID": "execution/secret", "SESSIONTOKEN": "execution/token"}

    plane.acs().send("IAMRoleCredentialsMessage", messageId="fresh", taskArn=arn, taskClusterArn=plane.cluster,
                     roleType="TaskExecution", roleCredentials=dict(ROLE, secretAccessKey="newer/secret"))
    world.wait("the new credentials in the registry", lambda: key_values(world, arn)["SKID"] == "newer/secret")
    steps.stop(world, plane, arn)
    world.wait("key and file to be removed", lambda: not key_values(world, arn) and content(world, name) is None)
    assert content(world, "web.json") is not None
    assert "execution/secret" not in world.agent_log()
