"""Docker's disk nearly full: a loop-mounted data root of 160 MB, images of 40 MB from a real registry."""
import os
import time

import pytest

import plain_plane as pp
import steps
import world as worlds

REGISTRY = "127.0.0.1:5000/"
MB = 1000000
SETTINGS = {"ECSTOOLS_IMAGE_DISK_HIGH_PERCENT": "0", "ECSTOOLS_IMAGE_DISK_RESERVE_MIB": "20",
            "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION": "1s"}


def push(world, name, megabytes):
    """An image whose layer does not get smaller by compression."""
    world.import_image(REGISTRY + name + ":1", extra=[("data", 0o644, os.urandom(megabytes * MB))])
    world.docker("push", REGISTRY + name + ":1", timeout=120)
    world.docker("rmi", REGISTRY + name + ":1")


@pytest.fixture(scope="module")
def shared_world():
    w = worlds.World("test_engine_disk")
    try:
        w.start_docker()
        w.start_registry()
        for name, megabytes in (("a", 40), ("b", 40), ("huge", 170)):
            push(w, name, megabytes)
        w.stop_docker()
        root = w.dir + "/docker"
        w.run(["sh", "-c", "truncate -s 160M %s/disk && mkfs.ext4 -q -m 0 %s/disk && mount -o loop %s/disk %s"
               % (w.dir, w.dir, w.dir, root)])
        w.start_docker()
        w.import_image("busybox:latest")
        yield w
    finally:
        w.stop_agent()
        w.stop_docker()
        w.run(["umount", w.dir + "/docker"], check=False)
        w.close()


@pytest.fixture
def world(shared_world):
    w = shared_world
    yield w
    w.reset()
    w.run(["rm", "-f", w.dir + "/docker/filler"])
    w.docker("image", "prune", "-af")
    w.import_image("busybox:latest")




def leave_free(world, megabytes):
    """Fills the disk up but for so much."""
    status, out, _ = world.run(["sh", "-c", "stat -f -c '%%a %%S' %s/docker" % world.dir])
    blocks, size = map(int, out.split())
    world.run(["fallocate", "-l", str(blocks * size - megabytes * MB), world.dir + "/docker/filler"])


def images(world):
    return {t for i in world.docker_api("GET", "/images/json").json() for t in i["RepoTags"] or ()}


def used_once(world, plane, name):
    """A task with this image that ran and is forgotten: the image stays and nobody uses it."""
    arn = steps.run(world, plane, steps.sleeper(image=REGISTRY + name + ":1"), timeout=60)
    steps.stop(world, plane, arn)
    world.wait("its clean-up", lambda: not world.ecs_containers(arn), 30, needs=[world.agent])
    world.wait("it to be forgotten", lambda: not world.get("http://127.0.0.1:51678/v1/tasks").json()["Tasks"])


def test_an_image_that_cannot_fit_is_refused_by_name_before_the_disk_is_full(world, plane):
    steps.joined(world, plane, **SETTINGS)
    used_once(world, plane, "a")
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(image=REGISTRY + "huge:1")))
    reason = steps.reported(world, plane, arn, "STOPPED", 60)["containers"][0]["reason"]
    assert reason.startswith("CannotPullContainerError: insufficient disk space: image 127.0.0.1:5000/huge:1 needs at "
                             "least ") and "ECSTOOLS_IMAGE_DISK_RESERVE_MIB" in reason, reason
    assert REGISTRY + "a:1" in images(world), "nothing is removed for an image that no room would be enough for"
    assert not world.ecs_containers(arn)


LACKS = [("before the pull, by the layer's size", 52), ("in the middle of the pull, by Docker itself", 72)]


@pytest.mark.parametrize("why,megabytes", LACKS, ids=[x[0] for x in LACKS])
def test_an_unused_image_goes_for_a_pull_that_has_no_room_and_the_task_runs(world, plane, why, megabytes):
    """With prefer-cached too, and although the image that goes is minutes old."""
    steps.joined(world, plane, **SETTINGS)
    used_once(world, plane, "a")
    leave_free(world, megabytes)
    arn = steps.run(world, plane, steps.sleeper(image=REGISTRY + "b:1"), timeout=60)
    assert REGISTRY + "a:1" not in images(world)
    assert "no room for an image" in world.agent_log()
    steps.stop(world, plane, arn)


def test_an_excluded_image_stays_and_the_pull_is_refused_by_name(world, plane):
    steps.joined(world, plane, ECS_EXCLUDE_UNTRACKED_IMAGE=REGISTRY + "a:1", **SETTINGS)
    used_once(world, plane, "a")
    leave_free(world, 52)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, steps.sleeper(image=REGISTRY + "b:1")))
    reason = steps.reported(world, plane, arn, "STOPPED", 60)["containers"][0]["reason"]
    assert reason.startswith("CannotPullContainerError: insufficient disk space: ")
    assert REGISTRY + "a:1" in images(world)


def test_above_the_watermark_unused_images_go_after_a_pull(world, plane):
    steps.joined(world, plane, **{**SETTINGS, "ECSTOOLS_IMAGE_DISK_HIGH_PERCENT": "50",
                                  "ECSTOOLS_IMAGE_DISK_LOW_PERCENT": "45"})
    used_once(world, plane, "a")
    assert REGISTRY + "a:1" in images(world), "below the mark it stays"
    arn = steps.run(world, plane, steps.sleeper(image=REGISTRY + "b:1"), timeout=60)
    world.wait("the unused image to go", lambda: REGISTRY + "a:1" not in images(world), needs=[world.agent])
    assert REGISTRY + "b:1" in images(world), "the used one stays"
    disk = world.wait("the look that ends it", lambda: not (told := world.status()["dockerDisk"])["short"] and told)
    assert disk["totalBytes"] - disk["freeBytes"] < disk["totalBytes"] * 0.5
    steps.stop(world, plane, arn)


def test_what_is_nobodys_goes_for_a_pull_only_if_the_operator_wants_it(world, plane):
    """An image of 40 MB that the agent never pulled, a container that ended, and one that runs."""
    world.docker("pull", REGISTRY + "a:1")
    world.docker("run", "--name", "ended", "busybox:latest", "true")
    world.docker("run", "-d", "--name", "lives", "busybox:latest", "sleep", "3600")
    ended = time.time()
    leave_free(world, 52)
    world.wait("the clean-up wait of a second to be over", lambda: time.time() > ended + 1.5)
    steps.joined(world, plane, ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP="true", NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE="0s",
                 **SETTINGS)
    arn = steps.run(world, plane, steps.sleeper(image=REGISTRY + "b:1"), timeout=60)
    assert REGISTRY + "a:1" not in images(world) and "busybox:latest" in images(world)
    names = {n for c in world.containers() for n in c["Names"]}
    assert "/lives" in names and "/ended" not in names
    steps.stop(world, plane, arn)
    world.stop_agent()
    world.remove_containers()
    world.docker("rmi", REGISTRY + "b:1")
    world.run(["rm", "-f", world.dir + "/docker/filler"])
    world.docker("pull", REGISTRY + "a:1")
    leave_free(world, 52)
    steps.joined(world, plane, **SETTINGS)
    other = plane.task_arn()
    plane.payload(pp.task(other, steps.sleeper(image=REGISTRY + "b:1")))
    reason = steps.reported(world, plane, other, "STOPPED", 60)["containers"][0]["reason"]
    assert "insufficient disk space" in reason and REGISTRY + "a:1" in images(world)


@pytest.mark.parametrize("named", [False, True], ids=["nameless", "named by somebody"])
def test_an_image_whose_name_went_over_to_a_newer_one_goes_when_nobody_uses_it(world, plane, named):
    """`again:1` is pushed anew between two tasks: the first image is left behind, and no task will name it any more."""
    image = REGISTRY + "again:1"
    push(world, "again", 10)
    steps.joined(world, plane, **{**SETTINGS, "ECS_IMAGE_PULL_BEHAVIOR": "always", "ECSTOOLS_IMAGE_DISK_HIGH_PERCENT": "5",
                                  "ECSTOOLS_IMAGE_DISK_LOW_PERCENT": "1"})
    first = steps.run(world, plane, steps.sleeper(image=image), timeout=60)
    old = world.docker("image", "inspect", "-f", "{{.Id}}", image).strip()
    world.import_image("newer:1", extra=[("data", 0o644, os.urandom(10 * MB))])
    if named:
        world.docker("tag", image, "mine:1")
    world.docker("tag", "newer:1", image)
    world.docker("push", image, timeout=120)
    world.docker("rmi", image, "newer:1")
    second = steps.run(world, plane, steps.sleeper(image=image), timeout=60)
    assert world.docker("image", "inspect", "-f", "{{.Id}}", image).strip() != old
    assert old in world.docker("images", "-aq", "--no-trunc"), "its container is there"
    steps.stop(world, plane, first)
    world.wait("its clean-up", lambda: not world.ecs_containers(first), 30, needs=[world.agent])
    third = steps.run(world, plane, steps.sleeper(image=image), timeout=60)  # the disk is looked at after each pull
    if named:
        world.wait("the old one to be looked at", lambda: "it is called mine:1" in world.agent_log(), needs=[world.agent])
    else:
        world.wait("the old one to go", lambda: old not in world.docker("images", "-aq", "--no-trunc"), needs=[world.agent])
    assert ("mine:1" in images(world)) == named and image in images(world)
    steps.stop(world, plane, second)
    steps.stop(world, plane, third)
