"""The test world itself: what it gives to the tests, and that nothing of it stays."""
import glob
import os
import signal
import subprocess

import pytest

import world as worlds

PAGE = ("sh", "-c", "echo hello from a container > /www/index.html; "
        "trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait")


def machine_addresses():
    return subprocess.run(["ip", "-4", "addr", "show"], stdout=subprocess.PIPE, check=True).stdout


def test_a_container_serves_a_page_on_a_published_port(world):
    world.docker("run", "-d", "-p", "8080:80", "simple-web", *PAGE)
    page = world.wait("the page", lambda: world.get("http://127.0.0.1:8080/"))
    assert (page.status, page.text) == (200, "hello from a container\n")


def test_a_bridge_container_reaches_the_task_endpoint_address_on_loopback(world):
    assert "169.254.170.2/32" not in world.addresses()["lo"]
    world.run(["ip", "addr", "add", "169.254.170.2/32", "dev", "lo"])
    world.spawn(["busybox", "httpd", "-f", "-p", "169.254.170.2:80", "-h", "/etc"])
    container = world.docker("run", "-d", "busybox", *PAGE).strip()
    seen = world.wait("the endpoint inside the container", lambda: world.container_run(
        container, "wget", "-qO-", "http://169.254.170.2/hostname"))
    assert seen


def test_the_machine_outside_sees_nothing_of_a_world(world):
    before = machine_addresses()
    world.run(["ip", "addr", "add", "169.254.170.2/32", "dev", "lo"])
    world.run(["sh", "-c", "mkdir -p /etc/ecs /var/lib/ecs /run/ecs && echo x > /etc/ecs/ecs.config"])
    assert machine_addresses() == before
    assert not os.path.exists("/etc/ecs/ecs.config")
    assert world.run(["cat", "/etc/ecs/ecs.config"])[1] == "x\n"


def test_a_crashed_engine_loses_no_running_container_with_live_restore(world):
    world.restart_docker_with("--live-restore")
    container = world.docker("run", "-d", "busybox", *PAGE).strip()
    pid = world.inspect(container)["State"]["Pid"]
    world.kill_docker()
    assert pid in world.pids()
    world.start_docker()
    state = world.inspect(container)["State"]
    assert state["Running"] and state["Pid"] == pid
    world.restart_docker_with()


def test_a_crashed_engine_ends_its_containers_when_it_comes_back(world):
    container = world.docker("run", "-d", "busybox", *PAGE).strip()
    world.kill_docker()
    world.start_docker()
    state = world.inspect(container)["State"]
    assert not state["Running"]


def test_a_hanging_engine_does_not_answer_until_it_goes_on(world):
    world.hang_docker()
    with pytest.raises(TimeoutError):
        world.docker_api("GET", "/_ping", timeout=0.3)
    world.unhang_docker()
    world.wait_docker()


def test_a_failed_wait_names_the_condition_and_the_last_words_of_the_daemons(world):
    world.spawn(["sh", "-c", "echo 'what I last said'; exec sleep 60"], name="talker")
    with pytest.raises(worlds.WaitFailed) as e:
        world.wait("the sky to fall", lambda: False, timeout=0.3)
    assert "for the sky to fall" in str(e.value)
    assert "what I last said" in str(e.value) and "dockerd.log" in str(e.value)


def test_a_wait_ends_at_once_when_a_needed_process_has_ended(world):
    p = world.spawn(["sh", "-c", "exit 3"], name="short")
    with pytest.raises(worlds.Ended, match="short ended with 3"):
        world.wait("nothing", lambda: False, needs=[p])


def test_exit_codes_and_signals_of_processes_are_told(world):
    assert world.spawn(["sh", "-c", "exit 5"]).wait() == 5
    p = world.spawn(["sleep", "60"])
    p.end(signal.SIGTERM)
    assert p.status == -signal.SIGTERM
    assert world.run(["sh", "-c", "cat; echo e >&2"], input=b"in") == (0, "in", "e\n")


def test_a_closed_world_leaves_nothing_behind():
    w = worlds.World("gone")
    w.start_docker()
    w.import_image("busybox:latest")
    w.docker("run", "-d", "busybox", *PAGE)
    w.spawn(["sh", "-c", "setsid sleep 1000 & exec sleep 1000"])
    outside = w.init.pid
    folder, name = w.dir, w.name
    with open("/proc/%d/task/%d/children" % (outside, outside)) as f:
        children = f.read().split()
    w.close()
    assert not os.path.exists(folder)
    assert not any(os.path.exists("/proc/" + pid) for pid in children)
    assert not glob.glob("/sys/fs/cgroup/*/" + name) + glob.glob("/sys/fs/cgroup/" + name)
    with open("/proc/mounts") as f:
        assert name not in f.read()


def test_a_world_whose_test_process_is_killed_leaves_no_process():
    code = ("import sys; sys.path.insert(0, %r); import world, time; w = world.World(); "
            "w.start_docker(); print(w.init.pid, w.name, w.dir, flush=True); time.sleep(600)" % worlds.HERE)
    p = subprocess.Popen(["/usr/bin/python3", "-c", code], stdout=subprocess.PIPE, text=True)
    init, name, folder = p.stdout.readline().split()
    with open("/proc/%s/task/%s/children" % (init, init)) as f:
        inner = f.read().split()
    p.kill()
    p.wait()
    p.stdout.close()
    probe = worlds.World("probe")
    try:
        probe.wait("the world of the killed process to end",
                   lambda: not any(os.path.exists("/proc/" + i) for i in [init, *inner]))
        probe.wait("its control groups to go", lambda: not glob.glob("/sys/fs/cgroup/*/" + name))
    finally:
        probe.close()
    worlds.sweep()
    assert not os.path.exists(folder)


def test_processes_that_end_while_others_are_started_are_all_told(world):
    started = [world.spawn(["sh", "-c", "exit %d" % (i % 7)], name="many") for i in range(200)]
    for p in started:
        p.kill(signal.SIGCONT)
    assert [p.wait(10) for p in started] == [i % 7 for i in range(200)]
