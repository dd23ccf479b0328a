"""Crashes and restarts: nothing acknowledged is lost, nothing is done twice."""
import signal

import pytest

import plain_plane as pp
import steps


def again(world, plane, **env):
    """Starts the agent once more; waits for the session of the new process."""
    before = len(plane.sessions)
    agent = world.start_agent(plane, **env)
    world.wait("the next ACS session", lambda: len(plane.sessions) > before and plane.acs(), 20, needs=[agent])
    return agent


def test_a_killed_agent_comes_back_to_the_same_container(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane)
    container = steps.one_container(world, arn)["Id"]
    instance = plane.instance_arn
    world.stop_agent(signal.SIGKILL)
    assert world.inspect(container)["State"]["Running"]
    again(world, plane)
    assert plane.of("RegisterContainerInstance")[-1].body["containerInstanceArn"] == instance
    assert plane.acs().query["sendCredentials"] == "true", "a new process asks for credentials"
    task, = world.get("http://127.0.0.1:51678/v1/tasks").json()["Tasks"]
    assert (task["Arn"], task["KnownStatus"]) == (arn, "RUNNING")
    assert steps.one_container(world, arn)["Id"] == container
    assert set(plane.statuses(arn)) == {"RUNNING"}, "a report of the last moment may be told again, nothing else"
    assert steps.stop(world, plane, arn)["containers"][0]["exitCode"] == 0


MOMENTS = ["once the payload is sent", "once the payload is acknowledged", "once the container is there",
           "once the container runs", "before RUNNING is answered"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_crash_at_any_moment_loses_and_doubles_nothing(world, plane, moment):
    agent = steps.joined(world, plane)
    if moment == MOMENTS[4]:
        plane.script["SubmitTaskStateChange"].append(pp.HANG)
    arns = [plane.task_arn() for _ in range(3)]
    tasks = [pp.task(a, steps.sleeper(cpu=2)) for a in arns]
    sent = plane.payload(*tasks)
    condition = {
        MOMENTS[0]: lambda: True,
        MOMENTS[1]: lambda: plane.acked(sent),
        MOMENTS[2]: lambda: world.ecs_containers(arns[0]),
        MOMENTS[3]: lambda: world.ecs_containers(arns[0], all=False),
        MOMENTS[4]: lambda: not plane.script["SubmitTaskStateChange"],
    }[moment]
    world.wait(moment, condition, needs=[agent])
    world.stop_agent(signal.SIGKILL)
    acked = plane.acked(sent)
    again(world, plane)
    if not acked:  # what the server does with a payload that nobody acknowledged
        plane.payload(*tasks, message_id=sent)
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING")
        assert steps.one_container(world, arn)["State"] == "running"
    world.wait("the ack", lambda: plane.acked(sent))
    for arn in arns:
        steps.stop(world, plane, arn)
        assert len(world.ecs_containers(arn)) == 1


def test_a_crash_while_stopping_still_stops(world, plane):
    agent = steps.joined(world, plane)
    arn = steps.run(world, plane, pp.container(
        command=steps.sh("trap 'sleep 1; exit 7' TERM; sleep 3600 & wait")))
    container = steps.one_container(world, arn)["Id"]
    sent = plane.payload(pp.task(arn, steps.sleeper(), desiredStatus="STOPPED"))
    world.wait("the ack", lambda: plane.acked(sent), needs=[agent])
    world.stop_agent(signal.SIGKILL)
    again(world, plane)
    stopped = steps.reported(world, plane, arn, "STOPPED", 40)
    assert stopped["containers"][0]["runtimeId"] == container
    assert stopped["containers"][0]["exitCode"] == 7


def test_a_container_that_ended_while_the_agent_was_away_is_reported(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane, pp.container(command=steps.sh("trap 'exit 5' TERM; sleep 3600 & wait")))
    container = steps.one_container(world, arn)["Id"]
    world.stop_agent(signal.SIGKILL)
    world.docker("kill", "--signal", "TERM", container)
    world.wait("the container to end", lambda: not world.inspect(container)["State"]["Running"])
    again(world, plane)
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert stopped["containers"][0]["exitCode"] == 5


def test_a_container_that_was_removed_while_the_agent_was_away_is_reported(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane)
    world.stop_agent(signal.SIGKILL)
    world.docker("rm", "-f", steps.one_container(world, arn)["Id"])
    again(world, plane)
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert stopped["containers"][0]["reason"].startswith("ContainerVanishedError: ")
    assert not world.ecs_containers(arn)


def test_a_report_that_was_not_answered_is_sent_by_the_next_process(world, plane):
    agent = steps.joined(world, plane)
    arn = steps.run(world, plane)
    plane.always["SubmitTaskStateChange"] = pp.error(500, "ServerException")
    plane.payload(pp.task(arn, steps.sleeper(), desiredStatus="STOPPED"))
    world.wait("the container to end", lambda: not world.ecs_containers(arn, all=False), needs=[agent])
    world.stop_agent(signal.SIGKILL)
    del plane.always["SubmitTaskStateChange"]
    again(world, plane)
    assert steps.reported(world, plane, arn, "STOPPED")["containers"][0]["exitCode"] == 0


def test_credentials_of_a_restored_task_answer_503_until_they_are_sent_again(world, plane):
    steps.joined(world, plane)
    credentials = pp.role_credentials()
    arn = steps.run(world, plane, roleCredentials=credentials)
    world.stop_agent(signal.SIGKILL)
    again(world, plane)
    url = "http://127.0.0.1:51679/v2/credentials/" + credentials["credentialsId"]
    early = world.get(url)
    assert (early.status, early.json()["code"]) == (503, "CredentialsUninitialized")
    plane.payload(pp.task(arn, steps.sleeper(), roleCredentials=credentials))
    world.wait("the credentials", lambda: world.get(url).status == 200)
    assert world.get(url).json()["AccessKeyId"] == credentials["accessKeyId"]
    assert len(world.ecs_containers(arn)) == 1


def test_the_manifest_number_outlives_the_process(world, plane):
    steps.joined(world, plane)
    arn = steps.run(world, plane)
    manifest = {"clusterArn": plane.cluster_arn, "containerInstanceArn": plane.instance_arn, "generatedAt": 1}
    plane.acs().send("TaskManifestMessage", messageId="m1", timeline=50, tasks=[
        {"taskArn": arn, "taskClusterArn": plane.cluster_arn, "desiredStatus": "RUNNING"}], **manifest)
    world.wait("the ack", lambda: plane.acked("m1"))
    world.stop_agent(signal.SIGKILL)
    again(world, plane)
    plane.acs().send("TaskManifestMessage", messageId="m2", timeline=50, tasks=[], **manifest)
    plane.acs().send("HeartbeatMessage", messageId="after")
    world.wait("the session to have read on", lambda: plane.acs().of("HeartbeatAckRequest"))
    assert not plane.acked("m2") and not plane.acs().of("TaskStopVerificationMessage")


def test_twenty_kills_in_a_row_leave_one_container_a_task(world, plane):
    steps.joined(world, plane)
    arns = [plane.task_arn() for _ in range(4)]
    tasks = [pp.task(a, steps.sleeper(cpu=2)) for a in arns]
    for i in range(20):
        try:
            plane.payload(*tasks, message_id="m")
        except LookupError:
            pass  # between two sessions: the next round sends it
        seen = len(plane.sessions)
        world.agent.kill(signal.SIGKILL)
        world.agent.wait()
        world.start_agent(plane)
        if i % 3 == 0:
            world.wait("a session", lambda: len(plane.sessions) > seen and plane.acs(), needs=[world.agent])
    world.wait("a session", plane.acs, needs=[world.agent])
    plane.payload(*tasks, message_id="m")
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING")
        assert steps.one_container(world, arn)["State"] == "running"
