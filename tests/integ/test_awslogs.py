"""Docker's awslogs driver with the execution role of the task."""
import json

import pytest

import plain_logs
import plain_plane as pp
import steps

CAPABILITY = "ecs.capability.execution-role-awslogs"
ENABLED = {"ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE": "true", "ECS_AVAILABLE_LOGGING_DRIVERS": '["json-file","awslogs"]'}


@pytest.fixture
def logs(world):
    s = plain_logs.Logs(world.net.listen("127.0.0.1", 0), {})
    yield s
    s.close()
    assert not s.violations, s.violations


def container(logs, stream, script, strategy="ExecutionRole"):
    options = {"awslogs-region": "us-west-2", "awslogs-group": "app", "awslogs-stream": stream,
               "awslogs-endpoint": logs.base}
    return pp.container(command=steps.sh(script), logsAuthStrategy=strategy, dockerConfig={
        "version": "1.24", "config": "{}", "hostConfig": json.dumps({"LogConfig": {"Type": "awslogs", "Config": options}})})


def role(logs):
    """Credentials of a role of the control plane, which the log service knows."""
    made = pp.role_credentials("execution")
    logs.keys[made["accessKeyId"]] = (made["secretAccessKey"], made["sessionToken"])
    return made


def offered(plane):
    return CAPABILITY in [a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]]


def promised(world, plane, **env):
    steps.joined(world, plane, **dict(ENABLED, **env))
    world.wait("the promise of " + CAPABILITY, lambda: offered(plane))


def test_log_lines_are_sent_with_the_execution_role_that_the_engine_asks_the_task_endpoint_for(world, plane, logs):
    promised(world, plane)
    execution, task_role = role(logs), pp.role_credentials("task")
    arn = steps.run(world, plane, container(logs, "main/1", "echo said to the world; " + steps.TERM_WAIT),
                    executionRoleCredentials=execution, roleCredentials=task_role)
    world.wait("the line", lambda: logs.streams.get(("app", "main/1")) == ["said to the world"])
    assert set(logs.by) == {execution["accessKeyId"]}
    told = world.inspect(steps.one_container(world, arn)["Id"])["HostConfig"]["LogConfig"]["Config"]
    assert told["awslogs-credentials-endpoint"] == "/v2/credentials/" + execution["credentialsId"]
    audit = world.run(["cat", "/var/log/ecs/audit.log"])[1]
    assert "GetCredentialsExecutionRole" in audit and execution["credentialsId"] not in audit
    assert execution["secretAccessKey"] not in world.agent_log()
    steps.stop(world, plane, arn)


def test_the_last_lines_of_a_container_that_ends_are_sent_after_the_agent_was_killed(world, plane, logs):
    promised(world, plane)
    arn = steps.run(world, plane, container(logs, "main/2", "trap 'echo the end; exit 0' TERM; while :; do sleep 0.1; done"),
                    executionRoleCredentials=role(logs))
    world.stop_agent()
    steps.joined(world, plane, **ENABLED)
    steps.stop(world, plane, arn)
    world.wait("the last line", lambda: logs.streams.get(("app", "main/2")) == ["the end"])


def test_a_task_without_the_role_does_not_start(world, plane, logs):
    promised(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, container(logs, "main/3", "true")))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert "the log driver is to use the task execution role, and the task has none" in json.dumps(stopped)
    assert not world.ecs_containers(arn) and not logs.streams


def test_without_the_setting_nothing_is_promised_and_such_a_task_is_refused_by_name(world, plane, logs):
    steps.joined(world, plane)
    arn = plane.task_arn()
    plane.payload(pp.task(arn, container(logs, "main/4", "true"), executionRoleCredentials=role(logs)))
    stopped = steps.reported(world, plane, arn, "STOPPED")
    assert CAPABILITY in json.dumps(stopped) and not offered(plane)
    assert not world.ecs_containers(arn) and not logs.streams
