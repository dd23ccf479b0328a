"""Statistics that containers ask the metadata endpoint for: as the engine tells them, and never at others' cost."""
import concurrent.futures
import json
import signal

import pytest

import plain_plane as pp
import steps
from published import BURN, CPUS, QUARTER, container, told


def asked(world, container_id, path):
    """What a container gets from the metadata endpoint; `path` begins with the name of its variable."""
    return json.loads(world.container_run(container_id, "sh", "-c", 'wget -qO- "$%s"' % path))


@pytest.mark.parametrize("source", ["engine", "cgroup"])
def test_a_container_reads_its_statistics_as_the_engine_tells_them(world, plane, source):
    """With control groups as the source, the engine is asked for those who ask, and for them alone."""
    steps.joined(world, plane, ECSTOOLS_STATS_SOURCE=source)
    arn = steps.run(world, plane, container("burn", BURN, QUARTER), container("web", steps.PAGE))
    burn, web = (steps.one_container(world, arn, n)["Id"] for n in ("burn", "web"))
    told(world, plane, arn, "burn")
    mine = asked(world, burn, "ECS_CONTAINER_METADATA_URI/stats")
    engine = world.docker_api("GET", "/containers/%s/stats?stream=0" % burn).json()
    assert set(mine) == set(engine) and mine["id"] == burn and mine["name"] == engine["name"]
    assert mine["memory_stats"]["limit"] == engine["memory_stats"]["limit"] == 256 << 20
    used = mine["cpu_stats"]["cpu_usage"]["total_usage"] - mine["precpu_stats"]["cpu_usage"]["total_usage"]
    whole = mine["cpu_stats"]["system_cpu_usage"] - mine["precpu_stats"]["system_cpu_usage"]
    assert 1 < 100 * used / whole < 25 / CPUS * 1.3, "CPU as tools reckon it: %r of %r" % (used, whole)

    address = world.inspect(web)["NetworkSettings"]["IPAddress"]
    both = asked(world, web, "ECS_CONTAINER_METADATA_URI_V4/task/stats")
    assert set(both) == {burn, web}
    before = both[web]["networks"]["eth0"]["rx_bytes"]

    def grown():
        world.get("http://%s:80/" % address)
        now = asked(world, web, "ECS_CONTAINER_METADATA_URI_V4/stats")
        return now["network_rate_stats"]["rx_bytes_per_sec"] > 10 and now["networks"]["eth0"]["rx_bytes"] > before
    world.wait("the rates", grown, 20, needs=[world.agent])
    steps.stop(world, plane, arn)
    assert world.get("http://127.0.0.1:51679/v4/none/stats").status == 404


def test_questions_that_wait_for_statistics_leave_room_for_credentials(world, plane):
    """The engine says nothing: who asks waits a while, only so many do, and all are answered."""
    steps.joined(world, plane, ECSTOOLS_STATS_SOURCE="cgroup", ECS_TASK_METADATA_RPS_LIMIT="1000,1000")
    credentials = pp.role_credentials()
    arn = steps.run(world, plane, roleCredentials=credentials)
    env = dict(e.split("=", 1) for e in world.inspect(steps.one_container(world, arn)["Id"])["Config"]["Env"])
    base = "http://127.0.0.1:51679"
    path = base + env["ECS_CONTAINER_METADATA_URI_V4"].split("169.254.170.2")[1] + "/stats"
    world.docker_proc.kill(signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            def ask(_i):
                got = world.get(path)
                return got.status, got.text
            answers = [pool.submit(ask, i) for i in range(100)]
            world.wait("all but those that wait", lambda: sum(a.done() for a in answers) >= 68, needs=[world.agent])
            assert world.get(base + "/v2/credentials/" + credentials["credentialsId"]).status == 200
            assert sum(a.done() for a in answers) == 68, "32 wait while credentials are told"
            assert {a.result() for a in answers} == {(200, "{}")}
    finally:
        world.docker_proc.kill(signal.SIGCONT)


def test_statistics_are_an_error_where_none_are_taken(world, plane):
    steps.joined(world, plane, ECS_DISABLE_METRICS="true")
    arn = steps.run(world, plane)
    main = steps.one_container(world, arn)["Id"]
    env = dict(e.split("=", 1) for e in world.inspect(main)["Config"]["Env"])
    path = env["ECS_CONTAINER_METADATA_URI_V4"].split("169.254.170.2")[1]
    got = world.get("http://127.0.0.1:51679%s/stats" % path)
    assert (got.status, json.loads(got.text)) == (500, "Unable to get container stats for: " + main)
    assert asked(world, main, "ECS_CONTAINER_METADATA_URI_V4/task/stats") == {main: {}}
