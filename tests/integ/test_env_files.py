"""Environment files from S3: what a container sees of them, and what stops its task."""
import pytest

import plain_plane as pp
import plain_s3
import steps

ROLE = {"credentialsId": "exec-1", "roleArn": "arn:aws:iam::123456789012:role/exec", "accessKeyId": "AKEXEC",
        "secretAccessKey": "execution/secret", "sessionToken": "execution/token", "expiration": "2035-01-01T00:00:00Z"}
HIDDEN = "Zq8-in-a-file-5Tr"


@pytest.fixture
def store(world):
    s = plain_s3.Store(world.net.listen("127.0.0.1", 0), {"AKEXEC": ("execution/secret", "execution/token")})
    yield s
    s.close()
    assert not s.violations, s.violations


def joined(world, plane, store):
    steps.joined(world, plane, AWS_ENDPOINT_URL_S3=store.base)


def files(*arns):
    return [{"value": a, "type": "s3"} for a in arns]


def environment_of(world, arn):
    return dict(line.partition("=")[::2] for line in
                world.inspect(steps.one_container(world, arn)["Id"])["Config"]["Env"])


def run(world, plane, **container):
    return steps.run(world, plane, steps.sleeper(**container), executionRoleCredentials=ROLE)


def refused(world, plane, **container):
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(**container), executionRoleCredentials=ROLE))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert not world.ecs_containers(arn)
    assert stopped["reason"].startswith("ResourceInitializationError: resource cannot be initialized for task " + arn)
    return stopped["reason"]


def test_files_are_merged_below_the_task_in_their_order(world, plane, store):
    first = store.put("first-bucket", "app/one file+more.env",
                      ("A=first\r\n# B=comment\nB=first\nSPACES= x \nURL=a=b=c\nHIDDEN=%s\nnothing\n=x" % HIDDEN).encode())
    second = store.put("other-bucket", "two.env", b"B=second\nC=second\nOWN=file\nAWS_REGION=mars\n", "eu-west-1")
    joined(world, plane, store)
    arn = run(world, plane, environmentFiles=files(first, second), environment={"OWN": "task"})
    env = environment_of(world, arn)
    want = {"A": "first", "B": "first", "SPACES": " x ", "URL": "a=b=c", "C": "second", "OWN": "task",
            "HIDDEN": HIDDEN, "AWS_REGION": "mars"}
    assert {k: env.get(k) for k in want} == want
    assert "nothing" not in env and "# B" not in env and "AWS_DEFAULT_REGION" not in env
    assert HIDDEN not in world.agent_log()
    kept = world.run(["sh", "-c", "grep -rlF %s /var/lib/ecs /var/log/ecs; true" % HIDDEN])[1]
    assert kept == ""


@pytest.mark.parametrize("data,words", [
    (None, ["s3://a-bucket/x.env", "NoSuchKey", "does not exist"]),
    (b"A=" + b"x" * 1100000, ["s3://a-bucket/x.env", "larger than 1048576 bytes"]),
    (b"A=1\nB=" + b"y" * 65536, ["line 2 is longer than 65536 bytes"]),
    (b"A=1\0\n", ["line 1 is not text in UTF-8"]),
], ids=["missing", "large", "long line", "binary"])
def test_a_file_that_cannot_be_used_stops_the_task_with_its_reason(world, plane, store, data, words):
    arn = store.put("a-bucket", "x.env", data)
    if data is None:
        del store.objects["a-bucket", "x.env"]
    joined(world, plane, store)
    reason = refused(world, plane, environmentFiles=files(arn))
    assert all(w in reason for w in words + ["environment file"]), reason


def test_every_failure_is_told(world, plane, store):
    store.put("a-bucket", "there", b"")
    joined(world, plane, store)
    reason = refused(world, plane, environmentFiles=files("arn:aws:s3:::a-bucket/gone", "arn:aws:s3:::no-bucket/x",
                                                          "not-an-arn"))
    for word in ("s3://a-bucket/gone", "NoSuchBucket", "'not-an-arn' is not the ARN of an object in S3"):
        assert word in reason


def test_a_busy_store_is_asked_again(world, plane, store):
    file = store.put("a-bucket", "x.env", b"A=late\n")
    store.busy = 2
    joined(world, plane, store)
    arn = run(world, plane, environmentFiles=files(file))
    assert environment_of(world, arn)["A"] == "late"
    assert len(store.asked) == 3
