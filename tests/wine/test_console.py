"""ecsagent.exe drops in: console mode, environment variables alone, the named pipe, a Windows-flavoured engine."""
import json
import os
import re
import signal
import time

import pytest

import plain_plane as pp
import steps
import wine_world
from meter import LOOK, costs

# The seed's windows-simple-iis task definition as its payload (endpoints-and-windows.md section 6.3).
IIS_COMMAND = ("New-Item -Path C:\\inetpub\\wwwroot\\index.html -Type file -Value '<html> <head> <title>Amazon ECS "
               "Sample App</title> <style>body {margin-top: 40px; background-color: #333;} </style> </head><body> "
               "<div style=color:white;text-align:center> <h1>Amazon ECS Sample App</h1> <h2>Congratulations!</h2> "
               "<p>Your application is now running on a container in Amazon ECS.</p>' -Force ; "
               "C:\\ServiceMonitor.exe w3svc")


def iis(**members):
    return pp.container("windows_sample_app", **{
        "image": "microsoft/iis", "cpu": 100, "memory": 500,
        "entryPoint": ["powershell", "-Command"], "command": [IIS_COMMAND],
        "portMappings": [{"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}],
        "dockerConfig": {"config": "{}", "hostConfig": "{}", "version": "1.18"}, **members})


def windows_task(arn, *containers, **members):
    made = pp.task(arn, *containers, family="windows-simple-iis", **members)
    del made["networkMode"]  # the definition has none
    made.update({k: v for k, v in members.items() if k == "networkMode"})
    return made


def run(world, plane, *containers, wait=True, arn=None, **members):
    arn = arn or plane.task_arn()
    plane.payload(windows_task(arn, *containers, **members))
    if wait:
        steps.reported(world, plane, arn, "RUNNING")
    return arn


def kill_agent(world, plane):
    """Wine's server closes a killed program's sockets a moment later: until then its session looks open."""
    world.stop_agent()
    world.wait("the session of the killed agent to end", lambda: not any(s.open for s in plane.sessions))


def processors(world):
    return len(os.sched_getaffinity(0))


# ---- joining ---------------------------------------------------------------------------------------

def test_it_registers_as_a_windows_instance_and_connects(world, plane, engine):
    steps.joined(world, plane)
    body = plane.of("RegisterContainerInstance")[0].body
    told = {a["name"]: a.get("value") for a in body["attributes"]}
    assert told["ecs.os-type"] == "windows"
    assert told["ecs.os-family"] == "windows", "Wine is no Windows Server: no family is claimed"
    assert "com.amazonaws.ecs.capability.docker-remote-api.1.24" in told
    assert "com.amazonaws.ecs.capability.logging-driver.awslogs" in told
    resources = {r["name"]: r for r in body["totalResources"]}
    assert resources["CPU"]["integerValue"] == 1024 * processors(world)
    assert set(resources["PORTS"]["stringSetValue"]) >= {"53", "135", "139", "445", "2375", "3389", "5985", "51678"}
    assert resources["PORTS_UDP"]["stringSetValue"] == []
    assert plane.acs().query["dockerVersion"] == "DockerVersion: 24.0.7"


def test_a_task_of_one_container_costs_five_requests_and_its_statistics(world, plane, engine):
    """One look at the image, create, start, one look at what runs, stop; its end is told by the event stream."""
    steps.joined(world, plane)
    box = pp.container(image="windows/servercore:ltsc2022", memory=300)
    steps.stop(world, plane, run(world, plane, box))
    before = len(engine.requests)
    steps.stop(world, plane, run(world, plane, box))
    asked = [re.sub(r"[0-9a-f]{64}", "ID", m + " " + re.sub(r"^/v1[.][0-9]+", "", p))
             for m, p, _q, _b in engine.requests[before:]]
    costs([a for a in asked if not a.endswith("/stats")],
          "GET /images/windows/servercore:ltsc2022/json", "POST /containers/create", "POST /containers/ID/start", LOOK,
          "POST /containers/ID/stop")


FAMILIES = [
    ("14393", "Server", "WINDOWS_SERVER_2016_FULL"), ("17763", "Server Core", "WINDOWS_SERVER_2019_CORE"),
    ("19041", "Server Core", "WINDOWS_SERVER_2004_CORE"), ("19042", "Server Core", "WINDOWS_SERVER_20H2_CORE"),
    ("20348", "Server", "WINDOWS_SERVER_2022_FULL"), ("26100", "Server Core", "WINDOWS_SERVER_2025_CORE"),
    ("20348", "Client", "windows"), ("99999", "Server", "windows")]


@pytest.mark.parametrize("build,kind,family", FAMILIES, ids=["%s %s" % f[:2] for f in FAMILIES])
def test_the_family_is_told_by_build_and_kind_of_installation(world, plane, engine, build, kind, family):
    with wine_world.RegistryValues(world, "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
                                   CurrentBuildNumber=build, CurrentBuild=build, InstallationType=kind):
        steps.joined(world, plane)
        told = {a["name"]: a.get("value") for a in plane.of("RegisterContainerInstance")[0].body["attributes"]}
        assert told["ecs.os-family"] == family and told["ecs.os-type"] == "windows"


def test_its_files_are_where_windows_keeps_them(world, plane, engine):
    log = wine_world.PROGRAM_DATA + "\\log\\ecs-agent.log"
    steps.joined(world, plane, ECS_LOGFILE=log)
    assert os.path.exists(world.path(wine_world.PROGRAM_DATA + "\\data\\ecsagent.db"))
    with open(world.path(log)) as f:
        assert "Docker Engine answers" in f.read()


def test_a_data_directory_deeper_than_the_usual_limit_of_windows_is_used(world, plane, engine):
    deep = wine_world.PROGRAM_DATA + "\\" + "\\".join(["a folder with a name of some length"] * 10) + "\\data"
    assert len(deep) > 260
    steps.joined(world, plane, ECS_DATADIR=deep)
    arn = run(world, plane, iis())
    kill_agent(world, plane)
    assert os.path.exists(world.path(deep + "\\ecsagent.db"))
    world.start_agent(plane, ECS_DATADIR=deep)
    world.wait("the session of the agent that found its state", plane.acs, 20)
    assert len(plane.registrations) == 1 and len(engine.creates) == 1
    steps.stop(world, plane, arn)
    world.stop_agent()
    world.run(["rm", "-rf", world.inside(wine_world.PROGRAM_DATA)])  # too deep for the tool that cleans up


def test_limits_of_a_whole_task_are_told_as_not_enforced_and_those_of_its_containers_count(world, plane, engine):
    _s, out, _e = world.run([wine_world.LOADER, os.path.join(wine_world.WIN_OUT, "ecsagent.exe"), "-settings"],
                            env=world.agent_environment(plane))
    line, = [x for x in out.splitlines() if x.startswith("ecs.capability.task-cpu-mem-limit")]
    assert "Windows has no limits for whole tasks" in line
    agent = steps.joined(world, plane, ECS_ENABLE_TASK_CPU_MEM_LIMIT="true")
    assert "ECS_ENABLE_TASK_CPU_MEM_LIMIT" in agent.text(), "no setting is without effect in silence"
    names = {a["name"] for a in plane.of("RegisterContainerInstance")[0].body["attributes"]}
    assert "ecs.capability.task-cpu-mem-limit" not in names
    run(world, plane, iis(), cpu=0.5, memory=700)
    body, = engine.creates
    assert not body["HostConfig"].get("CgroupParent") and body["HostConfig"]["Memory"] == 500 * 1024 * 1024
    assert not engine.refusals and not engine.ignored


def test_few_requests_are_made_of_the_engine(world, plane, engine):
    steps.joined(world, plane)
    at_start = len(engine.requests)
    assert at_start <= 8, [r[:2] for r in engine.requests]
    run(world, plane, iis())
    ours = [r[:2] for r in engine.requests[at_start:] if "/stats" not in r[1]]
    assert len(ours) <= 6, ours


# ---- the seed's task -------------------------------------------------------------------------------

def test_the_seeds_iis_task_is_exactly_the_body_that_a_windows_daemon_accepts(world, plane, engine):
    steps.joined(world, plane)
    arn = run(world, plane, iis())
    assert not engine.refusals and not engine.ignored
    body, = engine.creates
    env = dict(pair.split("=", 1) for pair in body.pop("Env"))
    identity = env.pop("ECS_CONTAINER_METADATA_URI").rsplit("/", 1)[1]
    assert re.match(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", identity)
    assert env == {"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/" + identity,
                   "ECS_AGENT_URI": "http://169.254.170.2/api/" + identity,
                   "AWS_REGION": plane.region, "AWS_DEFAULT_REGION": plane.region}
    assert body == {
        "Image": "microsoft/iis", "Entrypoint": ["powershell", "-Command"], "Cmd": [IIS_COMMAND],
        "ExposedPorts": {"80/tcp": {}}, "NetworkingConfig": {},
        "Labels": {"com.amazonaws.ecs.task-arn": arn, "com.amazonaws.ecs.container-name": "windows_sample_app",
                   "com.amazonaws.ecs.task-definition-family": "windows-simple-iis",
                   "com.amazonaws.ecs.task-definition-version": "1", "com.amazonaws.ecs.cluster": plane.cluster},
        "HostConfig": {"Binds": [], "Links": [], "VolumesFrom": [],
                       "PortBindings": {"80/tcp": [{"HostPort": "8080"}]},
                       "Memory": 500 * 1024 * 1024, "CpuShares": 0,
                       "CpuPercent": max(1, 100 * 100 // (1024 * processors(world)))}}


def test_running_and_stopped_are_reported_with_ports_and_exit_code(world, plane, engine):
    steps.joined(world, plane)
    arn = run(world, plane, iis())
    report = steps.reported(world, plane, arn, "RUNNING")
    container, = report["containers"]
    assert container["networkBindings"] == [
        {"bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 8080, "protocol": "tcp"}]
    assert container["runtimeId"] == engine.task(arn)[0].id
    stopped = steps.stop(world, plane, arn)
    assert stopped["containers"][0]["exitCode"] == -1073741510, "0xC000013A as ECS takes it"


CODES = [(0, 0), (1, 1), (0x7FFFFFFF, 0x7FFFFFFF), (0x80000000, -0x80000000), (3221225786, -1073741510),
         (4294967295, -1)]


@pytest.mark.parametrize("code,want", CODES, ids=[str(c[0]) for c in CODES])
def test_exit_codes_are_wrapped_to_32_bits_with_a_sign(world, plane, engine, code, want):
    steps.joined(world, plane)
    arn = run(world, plane, iis())
    engine.die(engine.task(arn)[0], code)
    assert steps.reported(world, plane, arn, "STOPPED")["containers"][0]["exitCode"] == want


def test_a_dynamic_port_is_reported_before_the_task_runs(world, plane, engine):
    steps.joined(world, plane)
    arn = run(world, plane, iis(portMappings=[{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}]))
    binding, = steps.reported(world, plane, arn, "RUNNING")["containers"][0]["networkBindings"]
    assert 49152 <= binding["hostPort"] <= 65535


# ---- bodies ----------------------------------------------------------------------------------------

def host_of(world, plane, engine, container, **members):
    steps.joined(world, plane)
    run(world, plane, container, **members)
    return engine.creates[-1]["HostConfig"]


def test_little_memory_is_raised_to_what_windows_needs(world, plane, engine):
    assert host_of(world, plane, engine, iis(memory=64))["Memory"] == 256 * 1024 * 1024


def test_no_cpu_is_one_percent_and_unbounded_when_asked_for(world, plane, engine):
    assert host_of(world, plane, engine, iis(cpu=0))["CpuPercent"] == 1
    kill_agent(world, plane)
    steps.joined(world, plane, ECS_ENABLE_CPU_UNBOUNDED_WINDOWS_WORKAROUND="true")
    run(world, plane, iis(cpu=0, portMappings=[]))
    assert engine.creates[-1]["HostConfig"]["CpuPercent"] == 0


def test_bridge_becomes_nat(world, plane, engine):
    made = iis(dockerConfig={"config": "{}", "hostConfig": json.dumps({"NetworkMode": "bridge"}), "version": "1.24"})
    assert host_of(world, plane, engine, made, networkMode="bridge")["NetworkMode"] == "nat"


def test_windows_paths_and_pipes_are_mounted(world, plane, engine):
    volumes = [{"name": "data", "host": {"sourcePath": "C:/Data/"}},
               {"name": "pipe", "host": {"sourcePath": "\\\\.\\pipe\\docker_engine"}}]
    made = iis(mountPoints=[{"sourceVolume": "data", "containerPath": "C:\\App\\Data", "readOnly": True},
                            {"sourceVolume": "pipe", "containerPath": "\\\\.\\pipe\\docker_engine"}])
    host = host_of(world, plane, engine, made, volumes=volumes)
    assert host["Binds"] == ["c:\\data:c:\\app\\data:ro", "\\\\.\\pipe\\docker_engine:\\\\.\\pipe\\docker_engine"]


REFUSED = [
    ("a memory reservation", {"MemoryReservation": 1 << 20}, "MemoryReservation"),
    ("a pid limit", {"PidsLimit": 100}, "PidsLimit"),
    ("ulimits", {"Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 1024}]}, "Ulimits"),
    ("privileges", {"Privileged": True}, "privileged"),
    ("a read-only root", {"ReadonlyRootfs": True}, "read-only"),
]


@pytest.mark.parametrize("why,host,word", REFUSED, ids=[r[0] for r in REFUSED])
def test_what_the_daemon_refuses_ends_the_task_with_its_words(world, plane, engine, why, host, word):
    steps.joined(world, plane)
    made = iis(dockerConfig={"config": "{}", "hostConfig": json.dumps(host), "version": "1.24"})
    arn = run(world, plane, made, wait=False)
    stopped = world.wait("STOPPED", lambda: [b for b in plane.submits(arn) if b["status"] == "STOPPED"][0],
                         needs=[world.agent])
    assert "CannotCreateContainerError" in stopped["containers"][0]["reason"]
    assert word in stopped["containers"][0]["reason"]


def test_a_credential_spec_is_refused_with_a_reason_and_never_pending_for_ever(world, plane, engine):
    steps.joined(world, plane)
    spec = "credentialspec:arn:aws:ssm:us-west-2:123456789012:parameter/spec"
    made = iis(dockerConfig={"config": "{}", "hostConfig": json.dumps({"SecurityOpt": [spec]}), "version": "1.24"})
    arn = run(world, plane, made, wait=False)
    stopped = world.wait("STOPPED", lambda: [b for b in plane.submits(arn) if b["status"] == "STOPPED"][0], 15,
                         needs=[world.agent])
    assert stopped["reason"] or stopped["containers"][0]["reason"]


# ---- an engine that is new, old, or slow ---------------------------------------------------------------

def test_an_engine_whose_oldest_version_is_1_44_is_used(world, plane, new_engine):
    engine = new_engine(version="29.0.1", api="1.52", min_api="1.44")
    steps.joined(world, plane)
    arn = run(world, plane, iis())
    create, = engine.of("POST", "/containers/create$")
    assert create.startswith("/v1.4") and create >= "/v1.44/"
    assert not engine.refusals
    steps.stop(world, plane, arn)


def test_an_image_is_pulled_over_the_pipe(world, plane, engine):
    engine.registry["contoso/app:1"] = "sha256:" + "ab" * 32
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="default")
    arn = run(world, plane, iis(image="contoso/app:1"))
    report = steps.reported(world, plane, arn, "RUNNING")
    assert engine.of("POST", "/images/create$") and report["pullStartedAt"] <= report["pullStoppedAt"]


@pytest.mark.parametrize("version", ["10.0.17763.5122", "10.0.26100.1"])
def test_an_image_for_another_build_of_windows_is_refused_before_it_is_pulled(world, plane, engine, version):
    engine.registry["contoso/old:1"] = "sha256:" + "cd" * 32
    engine.builds["contoso/old:1"] = version
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="default")
    arn = run(world, plane, iis(image="contoso/old:1"), wait=False)
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert stopped["containers"][0]["reason"] == (
        "CannotPullContainerError: the image is for windows/amd64 %s, this host is windows/amd64 10.0.20348" % version)
    assert not engine.of("POST", "/images/create$")
    engine.builds["contoso/old:1"] = "10.0.17763.5122"  # Hyper-V isolation runs older ones
    isolated = iis(image="contoso/old:1", portMappings=[])
    host = dict(json.loads(isolated["dockerConfig"]["hostConfig"]), Isolation="hyperv")
    isolated["dockerConfig"] = dict(isolated["dockerConfig"], hostConfig=json.dumps(host))
    run(world, plane, isolated)


def test_a_missing_image_is_named(world, plane, engine):
    steps.joined(world, plane, ECS_IMAGE_PULL_BEHAVIOR="default")
    arn = run(world, plane, iis(image="contoso/none:1"), wait=False)
    stopped = world.wait("STOPPED", lambda: [b for b in plane.submits(arn) if b["status"] == "STOPPED"][0], 90,
                         needs=[world.agent])
    assert "CannotPull" in stopped["containers"][0]["reason"]


# ---- the end -----------------------------------------------------------------------------------------

def pid_of(world):
    return world.wait("the agent's status", lambda: world.status()["pid"], needs=[world.agent])


def test_the_stop_event_ends_it_in_under_a_second(world, plane, engine):
    agent = steps.joined(world, plane)
    arn = run(world, plane, iis())
    world.tool("stop", str(pid_of(world)))
    asked = time.monotonic()  # what it takes Wine to begin the tool is not the agent's
    assert agent.wait(10) == 0
    assert agent.ended - asked < 1
    assert engine.task(arn)[0].state == "running", "containers keep running"


def test_ctrl_c_ends_it_in_under_a_second(world, plane, engine):
    agent = steps.joined(world, plane)
    # Wine turns this signal into CTRL_C_EVENT, on a thread that it makes in the process.
    assert agent.end(signal.SIGINT, 10) < 1
    assert agent.status == 0


def test_a_killed_agent_finds_its_tasks_again(world, plane, engine):
    steps.joined(world, plane)
    arn = run(world, plane, iis())
    kill_agent(world, plane)
    steps.joined(world, plane)
    steps.stop(world, plane, arn)
    assert len(engine.creates) == 1
    assert len(plane.registrations) == 1
