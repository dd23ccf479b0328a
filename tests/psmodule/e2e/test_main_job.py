"""The main job, typed as the README has it."""
import json
import re

import registries
import steps

JOIN = """
Start-ECSLocalCluster
Initialize-ECSAgent -Cluster MyCluster -EnableIAMTaskRole
"""

SIMPLE_WEB = {
    "family": "simple-web",
    "containerDefinitions": [{
        "name": "web", "image": "simple-web:latest", "cpu": 100, "memory": 500, "essential": True,
        "portMappings": [{"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}],
        "entryPoint": ["sh", "-c"],
        "command": [steps.PAGE],
    }],
}


def run_simple_web(console, told):
    console.aws(told, "register-task-definition", "--cli-input-json", json.dumps(SIMPLE_WEB))
    started = console.aws(told, "run-task", "--cluster", "MyCluster", "--task-definition", "simple-web")
    arn = started["tasks"][0]["taskArn"]
    console.world.wait("the task to run", lambda: console.aws(
        told, "describe-tasks", "--cluster", "MyCluster", "--tasks", arn
    )["tasks"][0]["lastStatus"] == "RUNNING", 60)
    return arn


def test_two_lines_join_a_cluster_and_return_when_the_instance_is_connected(console):
    ran = console.run(JOIN + """
$agent = Get-ECSAgent
"state=$($agent.State) role=$($agent.TaskRoleReady) cluster=$($agent.Cluster) arn=$($agent.ContainerInstanceArn)"
"waits=$($agent.Waits.Length) connected=$($null -ne $agent.ConnectedSince) pid=$($agent.ProcessId -gt 0)"
exit $LASTEXITCODE
""")
    arns = console.aws(ran, "list-container-instances", "--cluster", "MyCluster")["containerInstanceArns"]
    assert len(arns) == 1
    assert "state=Connected role=True cluster=MyCluster arn=%s\n" % arns[0] in ran.out
    assert "waits=0 connected=True pid=True\n" in ran.out
    instance = console.aws(ran, "describe-container-instances", "--cluster", "MyCluster",
                           "--container-instances", arns[0])["containerInstances"][0]
    assert instance["agentConnected"] is True
    assert "com.amazonaws.ecs.capability.task-iam-role" in [a["name"] for a in instance["attributes"]]


def test_a_task_is_listed_with_its_container_and_port_and_stops(console):
    told = console.run(JOIN)
    arn = run_simple_web(console, told)
    ran = console.run("""
$task = Get-ECSAgentTask
"$($task.TaskArn) $($task.Family) $($task.Status) $($task.Containers[0].Name)=$($task.Containers[0].Status)"
"$($task.Containers[0].Ports[0]) $($task.Containers[0].Cpu) $($task.Containers[0].Memory)"
Get-ECSAgentTask
""")
    assert "%s simple-web RUNNING web=RUNNING\n8080->80/tcp 100 500\n" % arn in ran.out
    assert "Amazon ECS Sample App" in console.world.get("http://127.0.0.1:8080/").text
    console.aws(told, "stop-task", "--cluster", "MyCluster", "--task", arn)
    console.world.wait("the agent to tell that the task has stopped", lambda: console.value(
        "(Get-ECSAgentTask %s).Status" % arn) == "STOPPED", 60)


def test_a_pull_shows_how_far_it_is(console):
    world, image = console.world, "127.0.0.1:%d/big:1" % registries.SLOW_PORT
    world.start_registry()
    registries.random_image(world, "127.0.0.1:5000/big:1", 4)
    registries.slow_line(world, "200k")
    told = console.run(JOIN)
    console.aws(told, "register-task-definition", "--family", "big", "--container-definitions", json.dumps(
        [{"name": "main", "image": image, "memory": 32}]))
    console.aws(told, "run-task", "--cluster", "MyCluster", "--task-definition", "big")
    shown = world.wait("the pull to be shown", lambda: (lambda text: "layers, " in text and text)(
        console.value("(Get-ECSAgentTask).Containers[0].Activity")), 60)
    assert re.fullmatch("pulling %s: 1 of 2 layers, \\d+ of \\d+ KiB" % re.escape(image), shown), shown
    assert "main: pulling 1 of 2 layers" in console.run("Get-ECSAgentTask").out


def test_a_task_shows_what_it_uses_and_is_stopped_by_the_cmdlet(console):
    told = console.run(JOIN)
    arn = run_simple_web(console, told)
    console.world.wait("a sample", lambda: console.value(
        "$t = Get-ECSAgentTask; ($t.MemoryUsed -ge 0) -and ($t.CpuPercent -ge 0) -and $null -ne $t.CpuPercent") == "True", 30)
    console.world.wait("metrics to be accepted", lambda: console.value(
        "$a = Get-ECSAgent; $null -ne $a.LastMetrics -and $null -eq $a.MetricsReason") == "True", 40)
    ran = console.run("Get-ECSAgentTask | Stop-ECSAgentTask -WhatIf")
    assert "What if: Performing the operation \"Stop task\" on target \"%s\"" % arn in ran.out
    assert console.value("(Get-ECSAgentTask).DesiredStatus") == "RUNNING"
    ran = console.run("(Get-ECSAgentTask | Stop-ECSAgentTask -Confirm:$false -PassThru).DesiredStatus")
    assert ran.out == "STOPPED\n"
    console.world.wait("Amazon ECS to be told", lambda: console.aws(
        told, "describe-tasks", "--cluster", "MyCluster", "--tasks", arn)["tasks"][0]["lastStatus"] == "STOPPED", 60)
    ran = console.run("Stop-ECSAgentTask %s -WhatIf; Stop-ECSAgentTask %s -Confirm:$false" % (arn, arn))
    assert "What if" not in ran.out
    ran = console.run("try { Stop-ECSAgentTask nothing -Confirm:$false -ErrorAction Stop } "
                      "catch { $_.FullyQualifiedErrorId }\nStop-ECSAgent\n"
                      "try { Stop-ECSAgentTask nothing -Confirm:$false } catch { $_.FullyQualifiedErrorId }\n"
                      "try { Get-ECSAgentTask } catch { $_.FullyQualifiedErrorId }")
    assert ran.out == ("ECSNotFound,EcsTools.Cmdlets.StopEcsAgentTaskCommand\n"
                       "ECSUnreachable,EcsTools.Cmdlets.StopEcsAgentTaskCommand\n"
                       "ECSUnreachable,EcsTools.Cmdlets.GetEcsAgentTaskCommand\n")


def test_the_second_initialize_changes_nothing(console):
    console.run(JOIN)
    first = console.pids("ecsagent")
    arn = console.value("(Get-ECSAgent).ContainerInstanceArn")
    ran = console.run(JOIN + "Initialize-ECSAgent -Cluster MyCluster -EnableIAMTaskRole -WhatIf")
    assert "What if" not in ran.out
    assert console.pids("ecsagent") == first
    assert console.value("(Get-ECSAgent).ContainerInstanceArn") == arn


def test_whatif_on_a_fresh_machine_tells_the_plan_and_touches_nothing(console):
    before = console.snapshot()
    ran = console.run("Initialize-ECSAgent -Cluster MyCluster -EnableIAMTaskRole -Local -WhatIf\nexit $LASTEXITCODE")
    assert ran.out.count("What if: Performing the operation") >= 3
    assert console.snapshot() == before
    assert console.pids() == []


def test_stop_leaves_containers_alone_and_start_finds_them_again(console):
    told = console.run(JOIN)
    arn = run_simple_web(console, told)
    container = console.world.ecs_containers(arn)[0]["Id"]
    ran = console.run('"state=$((Stop-ECSAgent -PassThru).State)"; "now=$((Get-ECSAgent).State)"')
    assert ran.out == "state=Stopped\nnow=Stopped\n"
    assert console.pids("ecsagent") == []
    assert console.world.inspect(container)["State"]["Running"]
    console.run("Stop-ECSAgent; Start-ECSAgent; Start-ECSAgent")
    console.world.wait("the agent to connect", lambda: console.value("(Get-ECSAgent).State") == "Connected", 30)
    assert console.value("(Get-ECSAgentTask).Status") == "RUNNING"
    assert [c["Id"] for c in console.world.ecs_containers(arn)] == [container]


def test_restart_is_another_process_with_the_same_registration(console):
    console.run(JOIN)
    arn, first = console.value("(Get-ECSAgent).ContainerInstanceArn"), console.pids("ecsagent")
    console.run("Restart-ECSAgent")
    console.world.wait("the agent to connect", lambda: console.value("(Get-ECSAgent).State") == "Connected", 30)
    assert console.pids("ecsagent") != first
    assert console.value("(Get-ECSAgent).ContainerInstanceArn") == arn


def test_uninstall_takes_away_all_that_initialize_made(console):
    console.run(JOIN)
    console.run("Uninstall-ECSAgent -Confirm:$false; Stop-ECSLocalCluster -RemoveData")
    assert console.pids() == []
    assert console.value("(Get-ECSAgent).State") == "NotInstalled"
    assert "169.254.170.2/32" not in str(console.world.addresses())
    left = console.snapshot()
    assert [path for path, kind in left.items() if kind != "folder"] == []
    assert "over/etc/up/ecs" not in left


def test_the_local_cluster_keeps_its_state_over_a_stop(console):
    told = console.run(JOIN)
    console.run("Stop-ECSLocalCluster\nStop-ECSLocalCluster")
    assert console.pids("ecslocal") == []
    console.run("Start-ECSLocalCluster\nStart-ECSLocalCluster")
    clusters = console.aws(told, "list-clusters")["clusterArns"]
    assert [arn.split("/")[-1] for arn in clusters] == ["MyCluster"]
    console.world.wait("the agent to connect again", lambda: console.value("(Get-ECSAgent).State") == "Connected", 60)


def test_a_secret_of_the_local_cluster_reaches_a_container(console):
    told = console.run(JOIN)
    console.aws(told, "put-parameter", "--name", "greeting", "--type", "SecureString", "--value", "good day",
                service="ssm")
    console.aws(told, "register-task-definition", "--cli-input-json", json.dumps({
        "family": "greeter", "executionRoleArn": "arn:aws:iam::000000000000:role/reads", "containerDefinitions": [{
            "name": "main", "image": "simple-web:latest", "memory": 32, "command": ["sh", "-c", steps.TERM_WAIT],
            "secrets": [{"name": "GREETING", "valueFrom": "greeting"}]}]}))
    started = console.aws(told, "run-task", "--cluster", "MyCluster", "--task-definition", "greeter")
    arn = started["tasks"][0]["taskArn"]
    console.world.wait("the task to run", lambda: console.aws(
        told, "describe-tasks", "--cluster", "MyCluster", "--tasks", arn)["tasks"][0]["lastStatus"] == "RUNNING", 60)
    container = steps.one_container(console.world, arn)["Id"]
    assert console.world.container_run(container, "sh", "-c", "echo \"$GREETING\"") == "good day\n"
