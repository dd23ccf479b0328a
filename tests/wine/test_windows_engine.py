"""The Windows-flavoured engine, checked before it checks anybody: it takes right bodies, and refuses wrong ones."""
import json

import pytest

import wire
import wine_world
from windows_engine import Engine

GOOD = {"Image": "microsoft/iis", "Cmd": ["ping"], "HostConfig": {"Memory": 1 << 30, "CpuPercent": 4, "CpuShares": 0}}


@pytest.fixture
def alone(world):
    """The engine without a pipe in front."""
    made = Engine(world.net.listen("127.0.0.1", wine_world.RELAY_PORT))
    made.add_image("microsoft/iis:latest")
    yield made
    made.close()


def call(world, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    return wire.http(world.net, method, "http://127.0.0.1:%d%s" % (wine_world.RELAY_PORT, path),
                     {"Content-Type": "application/json"} if data else None, data)


def create(world, **host):
    body = json.loads(json.dumps(GOOD))
    body["HostConfig"].update(host)
    return call(world, "POST", "/v1.24/containers/create?name=x", body)


def test_a_right_body_is_taken(world, alone):
    assert create(world).status == 201
    assert alone.creates == [GOOD] and not alone.violations


WRONG = [
    ({"MemoryReservation": 1}, "invalid option: Windows does not support MemoryReservation"),
    ({"MemorySwap": -1}, "does not support MemorySwap"),
    ({"MemorySwappiness": 60}, "does not support MemorySwappiness"),
    ({"OomKillDisable": True}, "does not support OomKillDisable"),
    ({"PidsLimit": 5}, "does not support PidsLimit"),
    ({"Ulimits": [{"Name": "nofile"}]}, "does not support Ulimits"),
    ({"CgroupParent": "/ecs"}, "does not support CgroupParent"),
    ({"CpuPeriod": 100000}, "does not support CPUPeriod"),
    ({"CpusetCpus": "0"}, "does not support CpusetCpus"),
    ({"BlkioWeight": 10}, "does not support BlkioWeight"),
    ({"KernelMemory": 1}, "does not support KernelMemory"),
    ({"CpuPercent": 101}, "range of CPUPercent is from 1 to 100"),
    ({"CpuShares": 20000, "CpuPercent": 0}, "range of CPUShares is from 1 to 10000"),
    ({"NanoCpus": 10 ** 9}, "Nano CPUs and CPU Percent cannot both be set"),
    ({"NanoCpus": 10 ** 9, "CpuPercent": 0, "CpuShares": 5}, "Nano CPUs and CPU Shares cannot both be set"),
    ({"NanoCpus": 3 * 10 ** 9, "CpuPercent": 0}, "range of CPUs is from 0.01 to 2.00"),
    ({"Privileged": True}, "Windows does not support privileged mode"),
    ({"ReadonlyRootfs": True}, "read-only mode"),
    ({"Tmpfs": {"/x": ""}}, "does not support tmpfs"),
    ({"Isolation": "jail"}, "invalid --isolation"),
    ({"LogConfig": {"Type": "syslogd", "Config": {}}}, "no log driver named"),
    ({"Binds": ["/data:/data"]}, "invalid volume specification"),
    ({"Binds": ["c:\\data:/data"]}, "invalid volume specification"),
    ({"Binds": ["c:\\data:c:\\"]}, "destination path cannot be"),
    ({"Binds": ["c:\\absent:c:\\app"]}, "bind source path does not exist"),
    ({"Binds": ["c:\\data:c:\\app:rx"]}, "invalid volume specification"),
    ({"Binds": ["c:\\app"]}, "invalid volume specification"),
    ({"Binds": ["\\\\.\\pipe\\docker_engine:c:\\app"]}, "not a valid pipe path"),
    ({"Memory": "1g"}, "cannot unmarshal"),
]


@pytest.mark.parametrize("host,text", WRONG, ids=[json.dumps(w[0])[:60] for w in WRONG])
def test_what_a_windows_daemon_refuses_is_refused(world, alone, host, text):
    answer = create(world, **host)
    assert answer.status == 400 and text in answer.json()["message"]
    assert not alone.creates


BINDS = ["c:\\data:c:\\app", "C:\\Data:C:\\App:ro", "name:d:\\x", "name:d:", "c:/data:c:/app",
         "\\\\.\\pipe\\docker_engine:\\\\.\\pipe\\docker_engine"]


@pytest.mark.parametrize("bind", BINDS)
def test_windows_binds_are_taken(world, alone, bind):
    assert create(world, Binds=[bind]).status == 201


def test_what_a_windows_daemon_ignores_is_listed(world, alone):
    assert create(world, Links=["a:b"], CapAdd=["NET_ADMIN"], PidMode="host", UsernsMode="host").status == 201
    assert alone.ignored == ["Links", "CapAdd", "PidMode", "UsernsMode"]


def test_a_member_that_no_daemon_knows_is_a_violation(world, alone):
    create(world, CPUPercent=4, Colour="red")
    assert len(alone.violations) == 2


def test_versions_out_of_its_range_are_refused(world, alone):
    assert "too old" in call(world, "GET", "/v1.23/info").json()["message"]
    assert "too new" in call(world, "GET", "/v1.99/info").json()["message"]
    assert call(world, "GET", "/v1.43/info").json()["OSType"] == "windows"
    assert call(world, "GET", "/version").json()["MinAPIVersion"] == "1.24"


def test_a_network_that_is_not_there_fails_the_start(world, alone):
    for mode, status in (("host", 404), ("bridge", 404), ("nat", 204), ("", 204)):
        made = create(world, NetworkMode=mode).json()["Id"]
        assert call(world, "POST", "/containers/%s/start" % made).status == status, mode
        assert call(world, "DELETE", "/containers/%s?force=1" % made).status == 204


def test_a_used_port_fails_the_start(world, alone):
    ids = []
    for name in ("a", "b"):
        body = dict(GOOD, HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}})
        ids.append(call(world, "POST", "/containers/create?name=" + name, body).json()["Id"])
    assert call(world, "POST", "/containers/%s/start" % ids[0]).status == 204
    assert "already exists" in call(world, "POST", "/containers/%s/start" % ids[1]).json()["message"]


def test_a_stopped_container_leaves_the_code_of_a_ctrl_c(world, alone):
    made = create(world).json()["Id"]
    call(world, "POST", "/containers/%s/start" % made)
    call(world, "POST", "/containers/%s/stop" % made)
    state = call(world, "GET", "/containers/%s/json" % made).json()["State"]
    assert state["Status"] == "exited" and state["ExitCode"] == 3221225786


def test_a_security_option_other_than_a_credential_spec_fails_the_start(world, alone):
    for option, text in (("seccomp=unconfined", "not supported"), ("credentialspec:file://x", "no equals sign"),
                         ("credentialspec=file://x.json", "does not exist")):
        made = create(world, SecurityOpt=[option]).json()["Id"]
        assert text in call(world, "POST", "/containers/%s/start" % made).json()["message"]
        call(world, "DELETE", "/containers/" + made)
