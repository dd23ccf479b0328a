"""The service AmazonECS in Wine's service control manager, from install to delete, by the real DLL."""
import os
import re
import time

import pytest

import wine_world
from test_console import iis, run

PROGRAM = "C:\\Program Files\\Amazon\\ECS"
SERVICE_KEY = "SYSTEM\\CurrentControlSet\\Services\\AmazonECS"
MACHINE_KEY = "SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
EVENT_KEY = "SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\AmazonECSAgent"
ABSENT, STOPPED, START_PENDING, STOP_PENDING, RUNNING = None, 1, 2, 3, 4


def dll(world, *words, timeout=90, **env):
    """One operation of the library, as a cmdlet does it; answers (exit code, output)."""
    status, out, err = world.run(
        [wine_world.LOADER, os.path.join(wine_world.WIN_OUT, "tests", "wine", "dll_tool.exe"),
         "Z:" + os.path.join(wine_world.WIN_OUT, "ecsagent.dll").replace("/", "\\"), *map(str, words)],
        env=world.environment(**env), timeout=timeout, check=False)
    return status, (out + err).replace("\r", "")


def query(world):
    """The service's state as the manager tells it; {} when there is none."""
    _s, out = world.tool("query", "AmazonECS")
    return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", out) if k != "error"}


def state(world):
    return query(world).get("state")


def settings(plane):
    """What an operator has in the shell that runs Initialize-ECSAgent."""
    return {"ECS_BACKEND_HOST": plane.base, "AWS_DEFAULT_REGION": plane.region,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": plane.base, "ECS_IMAGE_PULL_BEHAVIOR": "prefer-cached",
            "ECS_LOGLEVEL": "debug"}


@pytest.fixture
def installed(world, plane, engine):
    """The agent set up by the library and connected."""
    code, out = dll(world, "initialize", plane.cluster, 60, **settings(plane))
    assert code == 0, out + log(world)
    yield out
    dll(world, "uninstall")


@pytest.fixture(autouse=True)
def nothing_left(world):
    yield
    dll(world, "uninstall")
    world.wait("the service to be gone", lambda: state(world) is ABSENT)


def log(world):
    path = world.path(wine_world.PROGRAM_DATA + "\\log\\ecs-agent.log")
    if not os.path.exists(path):
        return ""
    with open(path) as f:
        return f.read()


def test_initialize_installs_starts_and_waits_until_connected(world, plane, engine, installed):
    assert "status state=6" in installed
    now = query(world)
    assert now["state"] == RUNNING and now["pid"] > 0
    assert now["accepts"] & 1 and now["accepts"] & 4 and now["accepts"] & 0x100, "stop, shutdown, preshutdown"
    assert plane.acs()
    assert run(world, plane, iis(), wait=False)
    world.wait("the task to run", lambda: engine.creates)


def test_what_is_registered_is_what_is_meant(world, plane, engine, installed):
    _s, out = world.tool("config", "AmazonECS")
    told = dict(line.partition("=")[::2] for line in out.splitlines())
    assert re.match(r'"C:\\Program Files\\Amazon\\ECS\\[\d.]+\\ecsagent\.exe" -windows-service$', told["path"])
    assert told["display"] == "Amazon ECS" and told["account"] == "LocalSystem"
    assert told["start"] == "2", "automatic"
    assert told["type"] == "16", "a process of its own"
    assert told["description"] and told["preshutdown_ms"] == "30000"
    assert told["depends"] == "", "Wine has no Docker service to depend on"
    assert "Environment" not in world.tool("reg-list", SERVICE_KEY)[1], "all places are the usual ones"


def test_a_dependency_is_registered(world, plane, engine):
    code, out = dll(world, "initialize", plane.cluster, 60, **settings(plane), ECSTOOLS_SERVICE_DEPENDS="Eventlog")
    assert code == 0, out
    # Wine keeps the list and leaves it out of what it tells of a service
    assert "DependOnService=Eventlog|" in world.tool("reg-list", SERVICE_KEY)[1]


EVENTS = [
    (0x40000064, "The Amazon ECS agent has started."), (0x40000065, "The Amazon ECS agent has ended."),
    (0x40000066, "This machine is registered"), (0x40000067, "Docker Engine answers."),
    (0x40000068, "has come"), (0x800000C8, "Something went wrong; the agent goes on."), (0x800000C9, "keeps trying"),
    (0xC000012C, "somebody must look at"),
    (0xC000012D, "The Amazon ECS agent cannot start."), (0xC000012E, "because it cannot go on"),
    (0xC000012F, "cannot be saved")]


def test_events_have_their_texts_in_the_registered_library(world, plane, engine, installed):
    told = dict(line.partition("=")[::2] for line in world.tool("reg-list", EVENT_KEY)[1].splitlines())
    assert re.match(r"C:\\Program Files\\Amazon\\ECS\\[\d.]+\\ecsagent\.dll$", told["EventMessageFile"])
    assert told["TypesSupported"] == "7"
    for number, text in EVENTS:
        _s, shown = world.tool("message", told["EventMessageFile"], hex(number), "detail=7 %1")
        assert text in shown and "detail=7 %1" in shown
    dll(world, "uninstall")
    assert "no key" in world.tool("reg-list", EVENT_KEY, check=False)[1]


def test_other_places_are_in_the_registration(world, plane, engine):
    places = {"ECSTOOLS_CONFIG": "C:\\Other\\ecs.config", "ECSTOOLS_RUNDIR": "C:\\Other\\run",
              "ECSTOOLS_PROGRAM_DIR": "C:\\Other Programs", "ECS_DATADIR": "C:\\Other\\data"}
    code, out = dll(world, "initialize", plane.cluster, 60, **settings(plane), **places)
    assert code == 0, out
    assert "Environment=ECSTOOLS_CONFIG=C:\\Other\\ecs.config|ECSTOOLS_RUNDIR=C:\\Other\\run|" in \
        world.tool("reg-list", SERVICE_KEY)[1]
    assert 'path="C:\\Other Programs\\' in world.tool("config", "AmazonECS")[1]
    assert os.path.exists(world.path("C:\\Other\\data\\ecsagent.db"))
    code, out = dll(world, "uninstall", **places)
    assert code == 0 and state(world) is ABSENT, out
    world.tool("clean", "C:\\Other")


def test_initialize_again_changes_nothing(world, plane, engine, installed):
    before = query(world)["pid"]
    code, out = dll(world, "initialize", plane.cluster, 60, **settings(plane))
    assert code == 0 and query(world)["pid"] == before
    code, out = dll(world, "initialize", plane.cluster, 60, "what-if", **settings(plane))
    assert code == 0 and "action" not in out


def program(world, file):
    return "%s\\%s\\%s" % (PROGRAM, version(world), file)


def version(world):
    return os.path.basename(os.path.dirname(re.search(r'path="([^"]+)"', world.tool("config", "AmazonECS")[1]).group(1).replace("\\", "/")))


def cut(world, path):
    world.run(["truncate", "-s", "4096", world.inside(path)])


def reg(world, key, *words):
    world.run([wine_world.LOADER, "reg", words[0], "HKLM\\" + key, *words[1:], "/f"])


# what somebody did to the installation, and whether he stopped the service first: Windows keeps running files
BREAKS = [
    ("another program is registered", False, lambda w, f: w.tool("change-path", "AmazonECS", "C:\\wrong.exe")),
    ("another program is registered, and it is stopped", True,
     lambda w, f: w.tool("change-path", "AmazonECS", "C:\\wrong.exe")),
    ("the path is not quoted", True,
     lambda w, f: w.tool("change-path", "AmazonECS", f("ecsagent.exe") + " -windows-service")),
    ("the registration is gone", True, lambda w, f: w.tool("delete", "AmazonECS")),
    ("the program is missing", True, lambda w, f: w.remove(f("ecsagent.exe"))),
    ("the library is missing", True, lambda w, f: w.remove(f("ecsagent.dll"))),
    ("the library is damaged", True, lambda w, f: cut(w, f("ecsagent.dll"))),
    ("the settings are missing", True, lambda w, f: w.remove(wine_world.PROGRAM_DATA + "\\ecs.config")),
    ("the logs' folder is missing", True, lambda w, f: w.tool("clean", wine_world.PROGRAM_DATA + "\\log")),
    ("its own environment names other settings", True,
     lambda w, f: reg(w, SERVICE_KEY, "add", "/v", "Environment", "/t", "REG_MULTI_SZ", "/d", "ECSTOOLS_CONFIG=C:\\none")),
    ("its events have no texts", False, lambda w, f: reg(w, EVENT_KEY, "delete")),
]


@pytest.mark.parametrize("why,stop,harm", BREAKS, ids=[b[0] for b in BREAKS])
def test_initialize_repairs_an_installation_and_it_runs_and_is_connected(world, plane, engine, installed, why, stop, harm):
    files = {name: program(world, name) for name in ("ecsagent.exe", "ecsagent.dll")}
    arn = run(world, plane, iis(), wait=False)
    world.wait("RUNNING", lambda: plane.statuses(arn) == ["RUNNING"])
    if stop:
        assert dll(world, "stop")[0] == 0
        world.wait("the session to end", lambda: not any(s.open for s in plane.sessions))
    harm(world, files.__getitem__)
    code, out = dll(world, "initialize", plane.cluster, 60, **settings(plane))
    assert code == 0 and "status state=6" in out, out + log(world)
    assert state(world) == RUNNING
    world.wait("the ACS session", plane.acs)
    told = world.tool("config", "AmazonECS")[1]
    assert 'path="%s" -windows-service' % files["ecsagent.exe"] in told and "display=Amazon ECS" in told
    assert "Environment" not in world.tool("reg-list", SERVICE_KEY)[1]
    assert files["ecsagent.dll"] in world.tool("reg-list", EVENT_KEY)[1]
    assert len(plane.registrations) == 1 and len(engine.creates) == 1, "same instance, same container"
    steps_stop(world, plane, arn)
    assert dll(world, "restart")[0] == 0, "and what is registered now can be started"


def test_a_service_that_an_administrator_disabled_is_not_enabled_behind_his_back(world, plane, engine, installed):
    assert dll(world, "stop")[0] == 0
    reg(world, SERVICE_KEY, "add", "/v", "Start", "/t", "REG_DWORD", "/d", "4")
    world.restart_wine()
    code, out = dll(world, "initialize", plane.cluster, 20, **settings(plane))
    assert code != 0 and "disabled" in out, out
    assert "start=4" in world.tool("config", "AmazonECS")[1] and state(world) == STOPPED
    reg(world, SERVICE_KEY, "add", "/v", "Start", "/t", "REG_DWORD", "/d", "2")
    world.restart_wine()
    assert dll(world, "initialize", plane.cluster, 60, **settings(plane))[0] == 0


def test_a_running_agent_that_nothing_is_wrong_with_is_asked_to_look_at_the_host_anew(world, plane, engine, installed):
    before = query(world)["pid"]
    code, out = dll(world, "initialize", plane.cluster, 60, **settings(plane))
    assert code == 0 and query(world)["pid"] == before, out
    assert "not asked for a repair" not in out and "the host's set-up is looked at anew" in log(world)


def test_stop_is_answered_at_once_and_leaves_containers(world, plane, engine, installed):
    arn = run(world, plane, iis(), wait=False)
    world.wait("RUNNING", lambda: plane.statuses(arn) == ["RUNNING"])
    begun = time.monotonic()
    code, out = dll(world, "stop")
    took = time.monotonic() - begun
    assert code == 0 and "status state=2" in out
    now = query(world)
    assert (now["state"], now["exit"], now["pid"]) == (STOPPED, 0, 0)
    assert took < 3, "%.1f s" % took
    assert engine.task(arn)[0].state == "running"
    world.wait("the session to end", lambda: not any(s.open for s in plane.sessions))
    code, out = dll(world, "start")
    assert code == 0, out
    world.wait("the ACS session", plane.acs, 30)
    assert len(plane.registrations) == 1
    steps_stop(world, plane, arn)


def steps_stop(world, plane, arn):
    plane.payload(dict(arn=arn, family="x", version="1", desiredStatus="STOPPED", containers=[iis()], volumes=[]))
    world.wait("STOPPED", lambda: "STOPPED" in plane.statuses(arn))


CONTROLS = [("stop", 1), ("preshutdown", 15)]


@pytest.mark.parametrize("why,code", CONTROLS, ids=[c[0] for c in CONTROLS])
def test_the_manager_may_stop_it_itself(world, plane, engine, installed, why, code):
    _s, out = world.tool("control", "AmazonECS", str(code), check=False)
    if why == "preshutdown" and "error" in out:
        # only the manager itself may send it: Windows refuses it from others, and so may Wine
        assert re.search(r"error (87|1052|5)\b", out), out
        return
    world.wait("STOPPED", lambda: state(world) == STOPPED, 10)
    assert query(world)["exit"] == 0
    assert "the agent has ended" in log(world)


def test_interrogate_echoes_the_state_and_unknown_controls_change_nothing(world, plane, engine, installed):
    assert "state=4" in world.tool("control", "AmazonECS", "4")[1]
    world.tool("control", "AmazonECS", "200", check=False)
    assert state(world) == RUNNING and plane.acs()


def test_restart_gives_a_new_process_that_connects(world, plane, engine, installed):
    before = query(world)["pid"]
    code, out = dll(world, "restart")
    assert code == 0, out
    assert query(world)["state"] == RUNNING and query(world)["pid"] != before
    world.wait("the ACS session", plane.acs, 30)


def test_a_wrong_setting_is_exit_code_5_for_the_manager_and_a_reason_for_the_operator(world, plane, engine, installed):
    dll(world, "stop")
    config = world.path(wine_world.PROGRAM_DATA + "\\ecs.config")
    with open(config) as f:
        text = f.read()
    with open(config, "w") as f:
        f.write(text + "ECS_INSTANCE_ATTRIBUTES={broken\n")
    code, out = dll(world, "start")
    assert code == 5 and "ECS_INSTANCE_ATTRIBUTES" in out, out
    now = query(world)
    assert (now["state"], now["exit"], now["specific"]) == (STOPPED, 1066, 5)
    with open(config, "w") as f:
        f.write(text)
    assert dll(world, "start")[0] == 0


def test_it_runs_before_docker_does_and_says_what_it_waits_for(world, plane, new_engine):
    code, out = dll(world, "initialize", plane.cluster, 3, **settings(plane))
    assert code == 1 and "Docker" in out, out
    assert state(world) == RUNNING, "the service stays and keeps trying"
    new_engine()
    world.wait("the ACS session", plane.acs, 30)


def reserved_mib(plane, most):
    """What was kept from tasks at the last registration, told by what is left of the memory."""
    resources = {r["name"]: r for r in plane.of("RegisterContainerInstance")[-1].body["totalResources"]}
    return most - resources["MEMORY"]["integerValue"]


def test_settings_of_the_registration_and_of_the_machine_reach_the_agent(world, plane, engine, installed):
    most = -reserved_mib(plane, 0)
    dll(world, "stop")
    with wine_world.RegistryValues(world, MACHINE_KEY, ECS_RESERVED_MEMORY="111", ECS_CLUSTER="an-old-cluster"):
        code, out = dll(world, "start")
        assert code == 0, out
        world.wait("the second registration", lambda: reserved_mib(plane, most) == 111, 30)
        assert plane.of("RegisterContainerInstance")[-1].body["cluster"] == plane.cluster, \
            "the settings file goes before the machine's variables"
        dll(world, "stop")
        world.run([wine_world.LOADER, "reg", "add", "HKLM\\" + SERVICE_KEY, "/v", "Environment", "/t",
                   "REG_MULTI_SZ", "/d", "ECS_RESERVED_MEMORY=222", "/f"])
        world.tool("start", "AmazonECS")  # as Start-Service does: the registration is not repaired
        world.wait("the third registration", lambda: reserved_mib(plane, most) == 222, 30)


def test_a_machine_set_up_by_variables_alone_is_served_as_the_reference_does(world, plane, engine, installed):
    most = -reserved_mib(plane, 0)
    dll(world, "stop")
    world.remove(wine_world.PROGRAM_DATA + "\\ecs.config")
    world.remove(wine_world.PROGRAM_DATA + "\\log\\ecs-agent.log")
    with wine_world.RegistryValues(world, MACHINE_KEY, **{**settings(plane), "ECS_CLUSTER": plane.cluster, "ECS_RESERVED_MEMORY": "333"}):
        world.tool("start", "AmazonECS")
        world.wait("the second registration", lambda: reserved_mib(plane, most) == 333, 30)
        assert log(world), "a service without a log setting logs to the usual file"


def test_an_argument_for_the_manager_is_refused_in_a_console(world, plane):
    status, out, err = world.run([wine_world.LOADER, os.path.join(wine_world.WIN_OUT, "ecsagent.exe"),
                                  "-windows-service"], check=False)
    assert status == 5 and "service control manager" in err


def test_uninstall_leaves_nothing_of_the_service_and_all_of_the_data_if_told_so(world, plane, engine, installed):
    code, out = dll(world, "uninstall", "what-if")
    assert "action Stop service: AmazonECS" in out and "action Remove service: AmazonECS" in out
    assert state(world) == RUNNING
    code, out = dll(world, "uninstall", "keep-data")
    assert code == 0, out
    world.wait("the service to be gone", lambda: state(world) is ABSENT)
    assert not os.path.exists(world.path(PROGRAM) + "/0.1.0/ecsagent.exe")
    assert os.path.exists(world.path(wine_world.PROGRAM_DATA + "\\data\\ecsagent.db"))
    code, out = dll(world, "uninstall")
    assert code == 0, "twice is fine: " + out
    assert not os.path.exists(world.path(wine_world.PROGRAM_DATA + "\\data"))
    assert "status state=1" in dll(world, "status")[1]
