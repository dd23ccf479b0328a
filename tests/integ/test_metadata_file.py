"""The file in each container that tells its task, ports and networks (ECS_ENABLE_CONTAINER_METADATA)."""
import json

import plain_plane as pp
import steps

ON = {"ECS_ENABLE_CONTAINER_METADATA": "true"}


def read(world, container_id):
    """The file as a user without rights in the container reads it, once it says READY."""
    def look():
        text = world.docker("exec", "-u", "1000:1000", container_id, "sh", "-c", "cat $ECS_CONTAINER_METADATA_FILE")
        found = json.loads(text)
        return found if found.get("MetadataFileStatus") == "READY" else None
    return world.wait("MetadataFileStatus READY", look)


def folders(world):
    return world.run(["sh", "-c", "cd /var/lib/ecs/data/metadata 2>/dev/null && find . -mindepth 2 | sort; true"])[1].split()


def test_a_container_reads_its_task_its_ports_and_its_address(world, plane):
    steps.joined(world, plane, **ON)
    arn = steps.run(world, plane, steps.sleeper(portMappings=[{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}]))
    container = steps.one_container(world, arn)
    told = read(world, container["Id"])
    seen = world.inspect(container["Id"])
    binding = plane.submits(arn)[-1]["containers"][0]["networkBindings"][0]
    assert told["TaskARN"] == arn and told["Cluster"] == plane.cluster
    assert told["ContainerInstanceARN"] and told["TaskDefinitionFamily"] == "plain" and told["ContainerName"] == "main"
    assert told["ContainerID"] == container["Id"] and told["ImageID"] == seen["Image"]
    assert told["DockerContainerName"] == seen["Name"] and told["ImageName"] == "busybox:latest"
    assert told["PortMappings"][0]["HostPort"] == binding["hostPort"] and told["PortMappings"][0]["ContainerPort"] == 80
    address = seen["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert told["Networks"] == [{"NetworkMode": "bridge", "IPv4Addresses": [address]}]
    assert told["HostPrivateIPv4Address"] == "10.0.0.10" and "HostPublicIPv4Address" not in told
    mount, = seen["Mounts"]
    assert not mount["RW"] and mount["Destination"].startswith("/opt/ecs/metadata/")
    steps.stop(world, plane, arn)


def test_it_goes_with_the_container_and_a_task_that_never_had_one_leaves_none(world, plane):
    steps.joined(world, plane, ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION="1s", **ON)
    arn = steps.run(world, plane, steps.sleeper())
    read(world, steps.one_container(world, arn)["Id"])
    assert folders(world)
    steps.stop(world, plane, arn)
    world.wait("the container's removal", lambda: not world.ecs_containers(arn))
    world.wait("the folder's removal", lambda: not folders(world))
    refused = plane.task_arn()
    plane.payload(pp.task(refused, steps.sleeper(dockerConfig={"version": "1.24", "config": "{}", "hostConfig": json.dumps(
        {"LogConfig": {"Type": "json-file", "Config": {"no-such-option": "1"}}})})))
    steps.reported(world, plane, refused, "STOPPED")
    world.wait("no folder of the refused task", lambda: not folders(world))


def test_a_killed_agent_says_ready_when_it_is_back_and_without_the_setting_there_is_no_file(world, plane):
    steps.joined(world, plane, **ON)
    arn = steps.run(world, plane, steps.sleeper())
    container = steps.one_container(world, arn)["Id"]
    read(world, container)
    world.stop_agent()
    path, = [m["Source"] for m in world.inspect(container)["Mounts"]]
    world.run(["sh", "-c", "echo '{}' > %s/ecs-container-metadata.json" % path])
    steps.joined(world, plane, **ON)
    assert read(world, container)["ContainerID"] == container
    steps.stop(world, plane, arn)
    world.stop_agent()
    steps.joined(world, plane)
    plain = steps.run(world, plane, steps.sleeper())
    seen = world.inspect(steps.one_container(world, plain)["Id"])
    assert not seen["Mounts"] and not [e for e in seen["Config"]["Env"] if e.startswith("ECS_CONTAINER_METADATA_FILE=")]
    steps.stop(world, plane, plain)


def test_user_data_may_ask_for_it(world, plane):
    plane.user_data = json.dumps({"ECSAgentConfiguration": {"ContainerMetadataEnabled": True}})
    steps.joined(world, plane)
    arn = steps.run(world, plane, steps.sleeper())
    assert read(world, steps.one_container(world, arn)["Id"])["HostPrivateIPv4Address"] == "10.0.0.10"
    steps.stop(world, plane, arn)
