"""What somebody else has put where the agent keeps its settings and state. Wine shows a file of another user as
one of S-1-5-7; rights of folders are seen from outside as their mode, those of Administrators as the group's."""
import json

import pytest

import plain_plane as pp
import steps
import wine_world
from test_service import STOPPED, dll, installed, log, nothing_left, query, settings, state  # noqa: F401

CONFIG = wine_world.PROGRAM_DATA + "\\ecs.config"
DATA = wine_world.PROGRAM_DATA + "\\data"
SOMEBODY = "4711"


def put(world, path, text="", owner=SOMEBODY):
    world.run(["sh", "-c", 'mkdir -p "${1%/*}" && cat >"$1" && chown "$2" "$1"', "put", world.inside(path), owner], input=text.encode())


def folder(world, *paths, owner=SOMEBODY, mode="777"):
    for path in paths:
        world.run(["sh", "-c", 'mkdir -p "$1" && chown "$2" "$1" && chmod "$3" "$1"', "folder", world.inside(path), owner, mode])


def look(world, path):
    """Owner and mode as they are inside the world."""
    _s, out, _e = world.run(["stat", "-c", "%u %a", world.inside(path)])
    return out.strip()


def ours_alone(world, path):
    owner, mode = look(world, path).split()
    assert owner == "0" and mode[-1] == "0", (path, owner, mode)


@pytest.fixture(autouse=True)
def all_is_ours_again(world):
    yield
    world.run(["chown", "-R", "0", world.inside(wine_world.PROGRAM_DATA).rsplit("/", 1)[0]], check=False)


def refused(world, plane, *words):
    agent = world.start_agent(plane)
    assert agent.wait(20) == 5, agent.text()
    for word in words:
        assert word in agent.text(), agent.text()
    assert not plane.of("RegisterContainerInstance")


# ---- settings --------------------------------------------------------------------------------------

def test_a_settings_file_of_somebody_else_is_refused_with_5_and_its_owner(world, plane, engine):
    put(world, CONFIG, "ECS_CLUSTER=theirs\nECS_BACKEND_HOST=http://127.0.0.1:9\n")
    refused(world, plane, "ecs.config belongs to S-1-5-7, not to Administrators", "/setowner *S-1-5-32-544")
    put(world, CONFIG, "ECS_RESERVED_MEMORY=64\n", owner="0")
    steps.joined(world, plane)


def test_a_service_whose_settings_became_somebody_elses_ends_with_5_and_is_not_repaired_over_them(
        world, plane, engine, installed):
    dll(world, "stop")
    world.run(["chown", SOMEBODY, world.inside(CONFIG)])
    code, out = dll(world, "start")
    assert code == 5 and "ecs.config belongs to S-1-5-7" in out, out
    world.tool("start", "AmazonECS")  # as Start-Service does
    world.wait("the end of the service", lambda: query(world)["state"] == STOPPED, 20)
    assert (query(world)["exit"], query(world)["specific"]) == (1066, 5)
    code, out = dll(world, "initialize", plane.cluster, 30, **settings(plane))
    assert code == 5 and "ecs.config belongs to S-1-5-7" in out, out
    world.run(["chown", "0", world.inside(CONFIG)])
    code, out = dll(world, "initialize", plane.cluster, 60, **settings(plane))
    assert code == 0, out


# ---- folders ---------------------------------------------------------------------------------------

def test_empty_folders_that_a_user_made_before_become_the_agents_own(world, plane, engine):
    parent = wine_world.PROGRAM_DATA.rsplit("\\", 1)[0]
    folder(world, parent, wine_world.PROGRAM_DATA, DATA)
    steps.joined(world, plane)
    for path in (parent, wine_world.PROGRAM_DATA, DATA):
        ours_alone(world, path)


def test_a_folder_of_a_user_with_something_in_it_is_refused_by_name(world, plane, engine):
    folder(world, DATA)
    put(world, DATA + "\\ecsagent.db", "planted")
    refused(world, plane, "data belongs to S-1-5-7, who may have put anything there", "takeown /F", "/A /R")
    assert look(world, DATA + "\\ecsagent.db").startswith(SOMEBODY), "nothing was taken away unasked"
    world.run(["chown", "-R", "0", world.inside(DATA)])
    world.run(["rm", world.inside(DATA + "\\ecsagent.db")])
    steps.joined(world, plane)
    ours_alone(world, DATA)


def test_a_folder_above_the_data_counts_as_well(world, plane, engine):
    folder(world, DATA, owner="0", mode="700")
    put(world, DATA + "\\ours", owner="0")
    folder(world, wine_world.PROGRAM_DATA)
    refused(world, plane, "ECS belongs to S-1-5-7, who may put another folder in its place", "/setowner *S-1-5-32-544")


def test_an_open_folder_of_administrators_is_closed_and_what_others_put_there_is_found(world, plane, engine):
    folder(world, DATA, owner="0")
    put(world, DATA + "\\deep\\ecsagent.db", "planted")
    refused(world, plane, "ecsagent.db belongs to S-1-5-7")
    ours_alone(world, DATA)  # closed first, looked at then
    world.run(["rm", "-r", world.inside(DATA + "\\deep")])
    steps.joined(world, plane)


def test_what_lies_too_deep_to_be_looked_at_is_not_taken_for_clean(world, plane, engine):
    folder(world, DATA, owner="0")
    put(world, DATA + "\\d" * 18 + "\\ecsagent.db", "planted")
    refused(world, plane, "lies too deep to be looked into: remove it")
    world.run(["rm", "-r", world.inside(DATA + "\\d")])
    steps.joined(world, plane)


def test_initialize_makes_a_users_empty_folder_the_agents_own(world, plane, engine):
    folder(world, wine_world.PROGRAM_DATA)
    code, out = dll(world, "initialize", plane.cluster, 60, **settings(plane))
    assert code == 0, out + log(world)
    for name in ("", "\\data", "\\log", "\\run"):
        ours_alone(world, wine_world.PROGRAM_DATA + name)
    ours_alone(world, CONFIG)


def test_initialize_refuses_a_users_folder_with_something_in_it(world, plane, engine):
    put(world, wine_world.PROGRAM_DATA + "\\log\\theirs")
    folder(world, wine_world.PROGRAM_DATA + "\\log")
    folder(world, wine_world.PROGRAM_DATA)
    code, out = dll(world, "initialize", plane.cluster, 30, **settings(plane))
    assert code == 5 and "belongs to S-1-5-7, who may have put anything there" in out, out
    assert state(world) is None, "nothing was installed"


# ---- what containers read ----------------------------------------------------------------------------

def test_the_metadata_file_is_mounted_read_only_and_opens_nothing_else_of_the_agents(world, plane, engine):
    steps.joined(world, plane, ECS_ENABLE_CONTAINER_METADATA="true")
    arn = plane.task_arn()
    source = DATA + "\\metadata\\" + arn.split("/", 1)[1].replace("/", "\\") + "\\main"
    engine.folders.add(source.lower())
    steps.run(world, plane, pp.container(image="microsoft/iis", cpu=100, memory=500), arn=arn)
    body, = [c.body for c in engine.task(arn)]
    bind, = body["HostConfig"]["Binds"]
    mounted, inside = bind.split(":ro")[0].rsplit(":C:", 1)
    assert mounted == source and inside.startswith("\\ProgramData\\Amazon\\ECS\\metadata\\")
    assert "ECS_CONTAINER_METADATA_FILE=C:%s\\ecs-container-metadata.json" % inside in body["Env"]
    path = source + "\\ecs-container-metadata.json"
    told = world.wait("READY", lambda: (lambda f: f if f.get("MetadataFileStatus") else None)(
        json.loads(world.run(["cat", world.inside(path)])[1])))
    assert told["ContainerName"] == "main" and told["Networks"][0]["NetworkMode"] == "nat"
    ours_alone(world, DATA)
    steps.stop(world, plane, arn)
