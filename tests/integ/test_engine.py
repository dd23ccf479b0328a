"""The task engine on a real Docker Engine: many tasks, chains, ports, volumes, restarts in place."""
import json
import signal

import plain_plane as pp
import steps


def again(world, plane, **env):
    """Starts the agent once more; waits for the session of the new process."""
    before = len(plane.sessions)
    agent = world.start_agent(plane, **env)
    world.wait("the next ACS session", lambda: len(plane.sessions) > before and plane.acs(), 20, needs=[agent])
    return agent


def many(world, plane, count, **members):
    """Sends `count` tasks in one payload and waits until all are reported RUNNING; answers their ARNs."""
    arns = [plane.task_arn() for _ in range(count)]
    plane.payload(*[pp.task(a, steps.sleeper(cpu=2, memory=8, **members)) for a in arns])
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING", 120)
    return arns


def stop_all(world, plane, arns):
    """Stops them in one payload; answers what was reported of each task's only container."""
    plane.payload(*[pp.task(a, steps.sleeper(), desiredStatus="STOPPED") for a in arns])
    return [steps.reported(world, plane, arn, "STOPPED", 120)["containers"][0] for arn in arns]


def each_once(world, plane, arns):
    """One container a task, all running, and nothing else was reported. An agent that was killed may tell
    again what it had told a moment before: the control plane takes that, and a lost report it would not."""
    running = {c["Labels"][steps.TASK_LABEL]: c["Id"] for c in world.ecs_containers(all=False)}
    assert sorted(running) == sorted(arns) and len(world.ecs_containers()) == len(arns)
    assert all(set(plane.statuses(arn)) == {"RUNNING"} for arn in arns)
    return running


def test_a_range_of_ports_gets_contiguous_host_ports_which_are_reported_and_answer(world, plane):
    steps.joined(world, plane, ECS_DYNAMIC_HOST_PORT_RANGE="40000-40020")
    offered = [a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]]
    assert "ecs.capability.network.container-port-range" in offered
    serve = "for p in 8000 8001 8002; do httpd -p $p -h /www; done; echo ok > /www/index.html; " + steps.TERM_WAIT
    arn = plane.task_arn()
    plane.payload(pp.task(arn, pp.container(command=steps.sh(serve), portMappings=[
        {"containerPortRange": "8000-8002", "protocol": "tcp"}, {"containerPort": 80, "hostPort": 0, "protocol": "udp"}])))
    bindings = steps.reported(world, plane, arn, "RUNNING")["containers"][0]["networkBindings"]
    assert {(b["protocol"], b.get("containerPortRange"), b.get("hostPortRange"), b.get("containerPort"), b.get("hostPort"))
            for b in bindings} == {("tcp", "8000-8002", "40000-40002", None, None), ("udp", None, None, 80, 40003)}
    for port in (40000, 40001, 40002):
        world.wait("port %d" % port, lambda: world.get("http://127.0.0.1:%d/" % port).text == "ok\n")
    second = plane.task_arn()
    plane.payload(pp.task(second, pp.container(command=steps.sh(serve), portMappings=[
        {"containerPortRange": "8000-8020", "protocol": "tcp"}])))
    container = steps.reported(world, plane, second, "STOPPED")["containers"][0]
    assert container["reason"] == "HostConfigError: 21 contiguous host ports are unavailable"
    steps.stop(world, plane, arn)


def test_fifty_tasks_in_one_payload_run_and_stop(world, plane):
    steps.joined(world, plane)
    arns = many(world, plane, 50)
    each_once(world, plane, arns)
    assert {c["exitCode"] for c in stop_all(world, plane, arns)} == {0}
    assert all(plane.statuses(arn) == ["RUNNING", "STOPPED"] for arn in arns)


def checked(script, start_period=0):
    """dockerConfig of a container with a health check that runs `script` twice a second."""
    check = {"Test": ["CMD-SHELL", script], "Interval": 500000000, "Timeout": 2000000000, "Retries": 3,
             "StartPeriod": start_period}
    return {"version": "1.24", "config": json.dumps({"Healthcheck": check}), "hostConfig": "{}"}


def test_a_chain_starts_in_order_through_all_conditions_and_stops_in_reverse(world, plane):
    """init ends well -> db becomes healthy -> migrate ends, however -> web runs -> app starts."""
    steps.joined(world, plane)
    mount = [{"sourceVolume": "d", "containerPath": "/d", "readOnly": False}]

    def after(name, condition):
        return [{"containerName": name, "condition": condition}]

    def step(name, script, **members):
        return pp.container(name, command=steps.sh("echo %s >> /d/order; %s" % (name, script)), mountPoints=mount,
                            **members)
    slow = "trap 'sleep 0.3; exit 0' TERM; sleep 3600 & wait"
    arn = steps.run(
        world, plane,
        step("app", slow, dependsOn=after("web", "START")),
        step("web", slow, dependsOn=after("migrate", "COMPLETE") + after("db", "START")),
        step("migrate", "exit 3", essential=False, dependsOn=after("db", "HEALTHY")),
        step("db", "sleep 1; touch /ready; " + slow, dependsOn=after("init", "SUCCESS"), healthCheckType="docker",
             dockerConfig=checked("test -e /ready")),
        step("init", "exit 0", essential=False),
        volumes=[{"name": "d", "type": "docker", "dockerVolumeConfiguration": {"scope": "task", "driver": "local"}}])
    ids = {n: steps.one_container(world, arn, n)["Id"] for n in ("app", "web", "migrate", "db", "init")}
    order = world.container_run(ids["app"], "cat", "/d/order").split()
    assert order == ["init", "db", "migrate", "web", "app"]
    stopped = steps.stop(world, plane, arn)
    assert {c["containerName"]: c["exitCode"] for c in stopped["containers"]} == {
        "app": 0, "web": 0, "db": 0, "migrate": 3, "init": 0}
    ended = {n: world.inspect(ids[n])["State"]["FinishedAt"] for n in ids}
    assert ended["app"] < ended["web"] < ended["db"]


def test_a_dependency_that_never_becomes_healthy_ends_the_task_after_its_start_timeout(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(
        arn, steps.sleeper("app", dependsOn=[{"containerName": "db", "condition": "HEALTHY"}]),
        steps.sleeper("db", healthCheckType="docker", dockerConfig=checked("false"), startTimeout=2)))
    containers = {c["containerName"]: c for c in steps.reported(world, plane, arn, "STOPPED")["containers"]}
    assert "container start timed out: db (condition HEALTHY)" in containers["app"]["reason"]
    assert containers["app"]["exitCode"] == 143 and "runtimeId" not in containers["app"]


def test_a_restart_policy_also_holds_for_an_exit_while_the_agent_was_down(world, plane):
    """Within the attempt period the exit is final, as it would have been with the agent there."""
    steps.joined(world, plane)
    script = "echo x >> /lives; trap 'exit 9' TERM; sleep 3600 & wait"

    def policy(period):
        return {"enabled": True, "ignoredExitCodes": [], "restartAttemptPeriod": period}
    lives = steps.run(world, plane, pp.container(command=steps.sh(script), restartPolicy=policy(0)))
    ends = steps.run(world, plane, pp.container(command=steps.sh(script), restartPolicy=policy(1800)))
    ids = [steps.one_container(world, a)["Id"] for a in (lives, ends)]
    world.stop_agent(signal.SIGKILL)
    for i in ids:
        world.docker("kill", "--signal", "TERM", i)
        world.wait("its end", lambda: not world.inspect(i)["State"]["Running"])
    again(world, plane)
    assert steps.reported(world, plane, ends, "STOPPED")["containers"][0]["exitCode"] == 9
    world.wait("the second life", lambda: world.container_run(ids[0], "cat", "/lives") == "x\nx\n")
    assert steps.one_container(world, lives)["Id"] == ids[0] and plane.statuses(lives) == ["RUNNING"]
    steps.stop(world, plane, lives)


def test_kill_9_with_twenty_tasks_loses_and_doubles_nothing(world, plane):
    steps.joined(world, plane)
    arns = many(world, plane, 20)
    before = each_once(world, plane, arns)
    world.stop_agent(signal.SIGKILL)
    again(world, plane)
    world.wait("the tasks to be known again", lambda: {t["KnownStatus"] for t in world.get(
        "http://127.0.0.1:51678/v1/tasks").json()["Tasks"]} == {"RUNNING"})
    assert each_once(world, plane, arns) == before
    assert {c["exitCode"] for c in stop_all(world, plane, arns)} == {0}


def test_kill_9_while_twenty_tasks_start_loses_and_doubles_nothing(world, plane):
    agent = steps.joined(world, plane)
    arns = [plane.task_arn() for _ in range(20)]
    tasks = [pp.task(a, steps.sleeper(cpu=2, memory=8)) for a in arns]
    sent = plane.payload(*tasks)
    world.wait("some to run", lambda: len(world.ecs_containers(all=False)) >= 5, 60, needs=[agent])
    world.stop_agent(signal.SIGKILL)
    acked = plane.acked(sent)
    again(world, plane)
    if not acked:
        plane.payload(*tasks, message_id=sent)
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING", 120)
    each_once(world, plane, arns)
    stop_all(world, plane, arns)


def test_containers_created_and_not_started_before_a_crash_are_found_and_started(world, plane):
    """The engine is stopped between the agent's creates and its starts; the agent dies meanwhile."""
    agent = steps.joined(world, plane)
    arns = [plane.task_arn() for _ in range(8)]
    sent = plane.payload(*[pp.task(a, steps.sleeper(cpu=2, memory=8)) for a in arns])
    world.wait("the ack", lambda: plane.acked(sent), needs=[agent])
    world.wait("a container that is created alone", lambda: any(
        c["State"] == "created" for c in world.ecs_containers()), needs=[agent])
    world.stop_agent(signal.SIGKILL)
    found = {c["Id"] for c in world.ecs_containers()}
    again(world, plane)
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING", 60)
    assert found <= set(each_once(world, plane, arns).values())
    stop_all(world, plane, arns)


def test_an_engine_restarted_under_twenty_tasks_has_each_end_reported_once(world, plane):
    steps.joined(world, plane)
    arns = many(world, plane, 20)
    world.restart_docker()
    for arn in arns:
        steps.reported(world, plane, arn, "STOPPED", 60)
    world.holds("no second report", lambda: all(
        plane.statuses(arn) == ["RUNNING", "STOPPED"] for arn in arns), 0.5)
    assert not world.ecs_containers(all=False)
    fresh = steps.run(world, plane)
    steps.stop(world, plane, fresh)


def test_an_engine_with_live_restore_restarted_under_twenty_tasks_keeps_them(world, plane):
    world.restart_docker_with("--live-restore")
    steps.joined(world, plane)
    arns = many(world, plane, 20)
    before = each_once(world, plane, arns)
    world.kill_docker()
    world.start_docker()
    world.wait("the agent to hear of it", lambda: "docker" not in steps.waits(world), needs=[world.agent])
    assert each_once(world, plane, arns) == before
    assert {c["exitCode"] for c in stop_all(world, plane, arns)} == {0}
    world.docker_args = []
    world.restart_docker()


def test_containers_removed_behind_the_agents_back_end_their_tasks_and_no_other(world, plane):
    steps.joined(world, plane)
    arns = many(world, plane, 6)
    ids = each_once(world, plane, arns)
    for arn in arns[:3]:
        world.docker("rm", "-f", ids[arn])
    for arn in arns[:3]:
        container = steps.reported(world, plane, arn, "STOPPED")["containers"][0]
        assert container["runtimeId"] == ids[arn]
    each_once(world, plane, arns[3:])
    stop_all(world, plane, arns[3:])


def cgroup(world, container_id, tree):
    """Folder of the group above a container's own in one tree of version 1, as seen in the world."""
    pid = world.inspect(container_id)["State"]["Pid"]
    _s, text, _e = world.run(["cat", "/proc/%d/cgroup" % pid])
    path, = [line.split(":", 2)[2] for line in text.splitlines() if tree in line.split(":")[1].split(",")]
    return "/sys/fs/cgroup/%s%s" % (tree, path.rsplit("/", 1)[0])


def test_limits_of_a_whole_task_hold_for_all_its_containers_and_go_with_it(world, plane):
    steps.joined(world, plane, ECS_TASK_PIDS_LIMIT="60")
    offered = [a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]]
    assert "ecs.capability.task-cpu-mem-limit" in offered
    arn = steps.run(world, plane, steps.sleeper("one", memory=0), steps.sleeper("two", memory=0), cpu=0.25, memory=48)
    ids = [steps.one_container(world, arn, n)["Id"] for n in ("one", "two")]
    folders = {tree: cgroup(world, ids[0], tree) for tree in ("cpu", "memory", "pids")}
    assert folders["memory"].endswith("/ecs/" + arn.rsplit("/", 1)[1])
    assert folders["memory"] == cgroup(world, ids[1], "memory"), "both below one group"

    def value(tree, file):
        return world.run(["cat", folders[tree] + "/" + file])[1].strip()
    assert (value("cpu", "cpu.cfs_quota_us"), value("cpu", "cpu.cfs_period_us")) == ("25000", "100000")
    assert value("memory", "memory.limit_in_bytes") == str(48 << 20) and value("pids", "pids.max") == "60"
    # neither container has a limit of its own, and together they may not have more than the task
    world.container_run(ids[1], "sh", "-c", "tail /dev/zero", check=False)
    assert int(value("memory", "memory.failcnt")) > 0
    steps.stop(world, plane, arn)
    assert world.run(["ls", folders["memory"]], check=False)[0] != 0, "the group goes with its task"


def test_a_container_with_more_memory_than_its_task_stops_the_task_by_name(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(memory=64), memory=48))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert "container main: memory of 64 MiB, above the task's 48 MiB" in stopped["reason"]


def test_without_task_limits_the_sizes_of_a_task_only_count_for_placement(world, plane):
    steps.joined(world, plane, ECS_ENABLE_TASK_CPU_MEM_LIMIT="false")
    offered = [a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]]
    assert "ecs.capability.task-cpu-mem-limit" not in offered
    arn = steps.run(world, plane, steps.sleeper(), cpu=0.25, memory=48)
    assert not world.inspect(steps.one_container(world, arn)["Id"])["HostConfig"]["CgroupParent"]
    steps.stop(world, plane, arn)


def shared(name, **config):
    return [{"name": name, "type": "docker", "dockerVolumeConfiguration": {
        "scope": "shared", "autoprovision": True, "driver": "local", **config}}]


def test_a_shared_volume_is_made_once_used_by_all_tasks_and_stays(world, plane):
    steps.joined(world, plane, ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION="1s")
    mount = [{"sourceVolume": "common", "containerPath": "/c", "readOnly": False}]
    volumes = shared("common", labels={"team": "a"})
    first = steps.run(world, plane, steps.sleeper(mountPoints=mount), volumes=volumes)
    world.container_run(steps.one_container(world, first)["Id"], "sh", "-c", "echo one > /c/x")
    second = steps.run(world, plane, steps.sleeper(mountPoints=mount), volumes=volumes)
    assert world.container_run(steps.one_container(world, second)["Id"], "cat", "/c/x") == "one\n"
    for arn in (first, second):
        steps.stop(world, plane, arn)
        world.wait("its clean-up", lambda: not world.ecs_containers(arn), needs=[world.agent])
    volume = world.docker_api("GET", "/volumes/common").json()
    assert volume["Labels"] == {"team": "a"}, "the volume outlives its tasks"
    world.docker("volume", "rm", "common")


def test_a_shared_volume_that_is_not_as_described_is_a_named_conflict_when_asked_for(world, plane):
    steps.joined(world, plane, ECS_SHARED_VOLUME_MATCH_FULL_CONFIG="true")
    world.docker("volume", "create", "--label", "team=a", "common")
    mount = [{"sourceVolume": "common", "containerPath": "/c", "readOnly": False}]
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(mountPoints=mount), volumes=shared("common", labels={"team": "b"})))
    assert steps.reported(world, plane, arn, "STOPPED")["reason"] == (
        "InvalidVolumeError: volume common: it exists already, and not as the task wants it: its label team is a, not b")
    assert not world.ecs_containers(arn)
    good = steps.run(world, plane, steps.sleeper(mountPoints=mount), volumes=shared("common", labels={"team": "a"}))
    steps.stop(world, plane, good)
    world.remove_containers()
    world.docker("volume", "rm", "common")


def test_everything_a_task_definition_says_beyond_the_basics_reaches_the_container(world, plane):
    """As the backend sends it: inside the raw texts of dockerConfig."""
    steps.joined(world, plane)
    host = {"Tmpfs": {"/t": "size=1m"}, "Ulimits": [{"Name": "nofile", "Soft": 77, "Hard": 99}],
            "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/mine", "CgroupPermissions": "rwm"}],
            "Sysctls": {"net.ipv4.ip_default_ttl": "33"}, "CapAdd": ["NET_ADMIN"], "CapDrop": ["CHOWN"],
            "SecurityOpt": ["no-new-privileges"], "Init": True, "ShmSize": 2 << 20,
            "ExtraHosts": ["somewhere:10.9.8.7"], "Dns": ["10.1.2.3"], "DnsSearch": ["example.net"],
            "MemoryReservation": 8 << 20, "MemorySwap": 64 << 20,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}}}
    config = {"Hostname": "named", "User": "0", "Tty": False, "StopSignal": "SIGTERM", "Labels": {"mine": "1"}}
    arn = steps.run(world, plane, steps.sleeper(dockerConfig={
        "version": "1.25", "config": json.dumps(config), "hostConfig": json.dumps(host)}))
    container = steps.one_container(world, arn)["Id"]
    inside = world.container_run(container, "sh", "-c", "; ".join([
        "grep ' /t ' /proc/mounts | grep -o size=1024k", "ulimit -n", "test -c /dev/mine && echo device",
        "cat /proc/sys/net/ipv4/ip_default_ttl", "grep NoNewPrivs /proc/1/status", "cat /proc/1/comm",
        "grep ' /dev/shm ' /proc/mounts | grep -o size=2048k", "grep -o 10.9.8.7 /etc/hosts", "cat /etc/resolv.conf",
        "hostname"]))
    words = inside.split()
    for word in ("size=1024k", "77", "device", "33", "size=2048k", "10.9.8.7", "10.1.2.3", "example.net", "named"):
        assert word in words, (word, inside)
    assert "NoNewPrivs: 1" in " ".join(words) and "docker-init" in inside
    told = world.inspect(container)
    assert told["HostConfig"]["CapAdd"] == ["NET_ADMIN"] and told["HostConfig"]["CapDrop"] == ["CHOWN"]
    assert told["HostConfig"]["LogConfig"] == host["LogConfig"] and told["Config"]["Labels"]["mine"] == "1"
    assert told["HostConfig"]["MemoryReservation"] == 8 << 20 and told["HostConfig"]["MemorySwap"] == 64 << 20
    steps.stop(world, plane, arn)


def test_log_drivers_are_promised_as_configured_and_a_bad_option_is_told_in_dockers_words(world, plane):
    steps.joined(world, plane, ECS_AVAILABLE_LOGGING_DRIVERS='["json-file","syslog","none","splunk"]')
    offered = {a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]}
    prefix = "com.amazonaws.ecs.capability.logging-driver."
    assert {a[len(prefix):] for a in offered if a.startswith(prefix)} == {
        "json-file", "syslog", "none", "splunk"}
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(dockerConfig={"version": "1.24", "config": "{}", "hostConfig": json.dumps(
        {"LogConfig": {"Type": "json-file", "Config": {"no-such-option": "1"}}})})))
    reason = steps.reported(world, plane, arn, "STOPPED")["containers"][0]["reason"]
    assert reason.startswith("CannotCreateContainerError: ") and "no-such-option" in reason


def test_an_image_pulled_up_front_that_does_not_exist_ends_the_task_while_its_dependency_still_runs(world, plane):
    world.start_registry()
    steps.joined(world, plane, ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT="true")
    arn = plane.task_arn()
    plane.payload(pp.task(
        arn, steps.sleeper("first", essential=False),
        steps.sleeper("app", image="127.0.0.1:5000/no-such:1",
                      dependsOn=[{"containerName": "first", "condition": "COMPLETE"}])))
    stopped = steps.reported(world, plane, arn, "STOPPED", 60)
    assert stopped["reason"].startswith("CannotPullImageManifestError: ") and "manifest unknown" in stopped["reason"]
