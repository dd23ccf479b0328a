"""Where the local control plane places tasks, and which task definitions it refuses."""
import pytest

from played import SMALL, Agent, define, refused, run


def test_strategies_and_constraints_choose_the_instance(place, start):
    local = start()
    one = Agent(place, local, memory=1000, attributes=[{"name": "rack", "value": "a"}])
    two = Agent(place, local, memory=2000, attributes=[{"name": "rack", "value": "b"}])
    define(local, "small")
    where = lambda tasks: sorted(t["containerInstanceArn"] for t in tasks)
    tasks, failures = run(local, "small", count=4)
    assert failures == [] and where(tasks).count(one.arn) == 2, "spread by default"
    tasks, _ = run(local, "small", count=3, group="g1", placementStrategy=[{"type": "binpack", "field": "memory"}])
    assert where(tasks) == [one.arn] * 3, "the fuller one first"
    tasks, failures = run(local, "small", count=3, group="g2", placementConstraints=[{"type": "distinctInstance"}])
    assert len(tasks) == 2 and {f["arn"] for f in failures} == {one.arn, two.arn}
    tasks, _ = run(local, "small", count=2, group="g3", placementConstraints=[
        {"type": "memberOf", "expression": "attribute:rack == b and not (attribute:rack in [a, c])"}])
    assert where(tasks) == [two.arn] * 2
    tasks, failures = run(local, "small", placementConstraints=[
        {"type": "memberOf", "expression": "attribute:rack =~ c.*"}])
    assert tasks == [] and len(failures) == 2 and "placement constraint" in failures[0]["reason"]
    assert refused(local, "RunTask", {"cluster": "MyCluster", "taskDefinition": "small", "placementConstraints": [
        {"type": "memberOf", "expression": "attribute:rack =="}]}).code == "InvalidParameterException"
    listed = local.call("ListContainerInstances", {"cluster": "MyCluster", "filter": "attribute:rack == a"})
    assert listed["containerInstanceArns"] == [one.arn]


def test_reasons_for_which_a_task_fits_nowhere(place, start):
    local = start()
    agent = Agent(place, local, cpu=1024, memory=512)
    rows = [("RESOURCE:CPU", dict(SMALL, cpu=2000)), ("RESOURCE:MEMORY", dict(SMALL, memory=600)),
            ("RESOURCE:PORTS", dict(SMALL, portMappings=[{"containerPort": 80, "hostPort": 51678}])),
            ("ATTRIBUTE", dict(SMALL, logConfiguration={"logDriver": "splunk"}))]
    for reason, container in rows:
        define(local, "f", containerDefinitions=[container])
        tasks, failures = run(local, "f")
        assert tasks == [] and failures == [{"arn": agent.arn, "reason": reason}]
    define(local, "port", containerDefinitions=[
        dict(SMALL, portMappings=[{"containerPort": 80, "hostPort": 8080}])])
    tasks, failures = run(local, "port", count=2)
    assert len(tasks) == 1 and failures[0]["reason"] == "RESOURCE:PORTS"
    agent.acs.close()
    define(local, "web")
    place.wait("the end to be seen", lambda: run(local)[1] == [{"arn": agent.arn, "reason": "AGENT"}])
    local.call("UpdateContainerInstancesState", {
        "cluster": "MyCluster", "containerInstances": [agent.arn], "status": "DRAINING"})
    e = refused(local, "RunTask", {"cluster": "MyCluster", "taskDefinition": "web"})
    assert e.message == "No Container Instances were found in your cluster."
    got = local.call("StartTask", {"cluster": "MyCluster", "taskDefinition": "web",
                                   "containerInstances": [agent.arn, "0" * 32]})
    assert [f["reason"] for f in got["failures"]] == ["AGENT", "MISSING"]


def test_a_client_token_runs_a_task_once(place, start):
    local = start()
    agent = Agent(place, local)
    define(local)
    first, _ = run(local, clientToken="t1", count=2)
    again, _ = run(local, clientToken="t1", count=2)
    assert [t["taskArn"] for t in first] == [t["taskArn"] for t in again]
    assert run(local, clientToken="t2")[0][0]["taskArn"] not in [t["taskArn"] for t in first]
    assert len(agent.acs.expect("PayloadMessage")["tasks"]) == 2


DEFINITIONS = [
    ("no memory", [{"name": "a", "image": "i"}], {}, "memory"),
    ("no image", [{"name": "a", "memory": 32}], {}, "image"),
    ("no name", [{"image": "i", "memory": 32}], {}, "name"),
    ("the same name twice", [SMALL, SMALL], {}, "unique"),
    ("none essential", [dict(SMALL, essential=False)], {}, "essential"),
    ("more reserved than there is", [dict(SMALL, memoryReservation=64)], {}, "memory"),
    ("an unknown volume", [dict(SMALL, mountPoints=[{"sourceVolume": "v", "containerPath": "/v"}])], {}, "volume"),
    ("a dependency on itself", [dict(SMALL, dependsOn=[{"containerName": "main", "condition": "START"}])], {},
     "depends"),
    ("a circle", [dict(SMALL, dependsOn=[{"containerName": "b", "condition": "START"}]),
                  dict(SMALL, name="b", dependsOn=[{"containerName": "main", "condition": "START"}])], {}, "circle"),
    ("healthy without a check", [dict(SMALL, dependsOn=[{"containerName": "b", "condition": "HEALTHY"}]),
                                 dict(SMALL, name="b")], {}, "health check"),
    ("a check too often", [dict(SMALL, healthCheck={"command": ["CMD", "x"], "interval": 1})], {}, "interval"),
    ("a port too high", [dict(SMALL, portMappings=[{"containerPort": 70000}])], {}, "port"),
    ("host mode with another port", [dict(SMALL, portMappings=[{"containerPort": 80, "hostPort": 81}])],
     {"networkMode": "host"}, "match"),
    ("awsvpc", [SMALL], {"networkMode": "awsvpc"}, "awsvpc"),
    ("Fargate", [SMALL], {"requiresCompatibilities": ["FARGATE"]}, "EC2"),
    ("a family of wrong letters", [SMALL], {"family": "a b"}, "Family"),
    ("a processor size that is none", [SMALL], {"cpu": "much"}, "cpu"),
    ("App Mesh", [SMALL], {"proxyConfiguration": {"containerName": "main"}}, "not supported"),
    ("a graphics processor", [dict(SMALL, resourceRequirements=[{"type": "GPU", "value": "1"}])], {},
     "not supported"),
]


@pytest.mark.parametrize("why,containers,more,word", DEFINITIONS, ids=[d[0] for d in DEFINITIONS])
def test_task_definitions_that_are_refused(standing, why, containers, more, word):
    e = refused(standing, "RegisterTaskDefinition", {"family": "f", "containerDefinitions": containers, **more})
    assert e.code == "ClientException" and word in e.message, e
    assert standing.call("ListTaskDefinitions")["taskDefinitionArns"] == []
