"""The named pipe in trouble: away, busy, without an engine behind it. Never a spin, never a silence."""
import time

import steps
from test_console import iis, run


def test_a_death_while_the_pipe_is_away_is_reported_within_a_second_of_its_return(world, plane, engine):
    agent = steps.joined(world, plane)
    arns = [run(world, plane, iis(portMappings=[]), wait=False) for _ in range(5)]
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING")
    world.stop_relay()
    steps.wait_reason(world, "docker")
    log_before, cpu_before, begun = len(agent.text()), world.cpu_s(agent), time.monotonic()
    engine.die(engine.task(arns[2])[0], 7)
    world.holds("the agent runs and waits for the engine",
                lambda: agent.running and not plane.statuses(arns[2])[1:], 5)
    away_s = time.monotonic() - begun
    cpu = world.cpu_s(agent) - cpu_before
    assert cpu < 0.1, "%.2f s of CPU in %.1f s without a pipe" % (cpu, away_s)
    assert len(agent.text()) - log_before < 20000
    begun = time.monotonic()
    world.start_relay()
    there = time.monotonic()
    report = steps.reported(world, plane, arns[2], "STOPPED", 15)
    seen = time.monotonic()
    print("reported %.2f s after the pipe's return; %.3f s of CPU while it was away" % (seen - there, cpu))
    assert report["containers"][0]["exitCode"] == 7
    assert seen - there < 1
    for arn in arns[:2] + arns[3:]:
        assert plane.statuses(arn) == ["RUNNING"]
        steps.stop(world, plane, arn)


def test_without_a_pipe_the_agent_waits_and_names_it(world, plane, new_engine):
    agent = world.start_agent(plane)
    wait = steps.wait_reason(world, "docker", "pipe")
    assert "docker_engine" in wait["lastError"] and wait["nextTry"]
    assert not plane.of("RegisterContainerInstance")
    new_engine()
    world.wait("the ACS session", plane.acs, needs=[agent])


def test_a_pipe_with_nobody_behind_it_is_waited_for(world, plane):
    world.start_relay(port=1)
    agent = world.start_agent(plane)
    steps.wait_reason(world, "docker", agent=agent)
    cpu = world.cpu_s(agent)
    world.holds("the agent runs", lambda: agent.running, 3)
    assert world.cpu_s(agent) - cpu < 0.1


def test_a_busy_pipe_is_waited_for_and_not_an_error(world, plane, new_engine):
    engine = new_engine(relay=(4,))  # fewer ends than the agent would like to have
    steps.joined(world, plane)
    arns = [run(world, plane, iis(portMappings=[]), wait=False) for _ in range(3)]
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING", 60)
    assert len(engine.creates) == 3


def test_a_pipe_that_offers_its_ends_late_is_waited_for(world, plane, new_engine):
    engine = new_engine(relay=(255, 100))
    steps.joined(world, plane, timeout=60)
    arn = run(world, plane, iis(), wait=False)
    steps.reported(world, plane, arn, "RUNNING", 60)
    assert len(engine.creates) == 1


def test_an_event_stream_that_ends_is_opened_again_and_nothing_is_lost(world, plane, engine):
    steps.joined(world, plane)
    arn = run(world, plane, iis())
    streams = len(engine.of("GET", "/events"))
    engine.lose_streams()
    engine.die(engine.task(arn)[0], 3)
    assert steps.reported(world, plane, arn, "STOPPED", 10)["containers"][0]["exitCode"] == 3
    world.wait("a new stream", lambda: len(engine.of("GET", "/events")) > streams, needs=[world.agent])


def test_an_agent_stopped_while_the_pipe_is_away_ends_in_under_a_second(world, plane, engine):
    agent = steps.joined(world, plane)
    world.stop_relay()
    steps.wait_reason(world, "docker")
    world.tool("stop", str(world.status()["pid"]))
    asked = time.monotonic()  # what it takes Wine to begin the tool is not the agent's
    assert agent.wait(10) == 0 and agent.ended - asked < 1
