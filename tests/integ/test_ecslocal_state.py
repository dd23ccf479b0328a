"""What the local control plane keeps, lists in pages and forgets."""
import os
import signal
import time

import pytest

import wire
from played import ECSLOCAL, ROLE, Agent, define, next_payload, refused, run, task_of


def test_what_was_answered_survives_a_kill(place, start):
    local = start()
    agent = Agent(place, local)
    define(local, taskRoleArn=ROLE)
    for n in range(5):
        tasks, _ = run(local, count=4)
        arns = [t["taskArn"] for t in tasks]
        place.stop_local(signal.SIGKILL)
        local = start()
        listed = local.call("ListTasks", {"cluster": "MyCluster"})["taskArns"]
        assert set(arns) <= set(listed) and len(listed) == 4 * (n + 1)
        agent.local = local
        agent.connect()
        got = []
        while len(got) < len(arns):
            payload = agent.acs.expect("PayloadMessage") if n == 0 else next_payload(agent)
            got += [t["arn"] for t in payload["tasks"]]
            agent.ack(payload)
        assert sorted(got) == sorted(arns), "each unacknowledged task once, no other again"
        given = payload["tasks"][0]["roleCredentials"]
        key = (given["accessKeyId"], given["secretAccessKey"], given["sessionToken"])
        agent.acs.send("TaskStopVerificationMessage", {
            "messageId": agent.manifest["messageId"], "stopCandidates": [
                {"taskArn": arns[0][:-32] + "0" * 32, "taskClusterArn": agent.manifest["clusterArn"],
                 "desiredStatus": "STOPPED"}]})
        before = set(iter(lambda: agent.acs.read()[0], "TaskStopVerificationAck"))  # told after the acknowledgements
        assert before <= {"HeartbeatMessage", "IAMRoleCredentialsMessage"}, before
        place.stop_local(signal.SIGKILL)
        local = start()
        agent.local = local
        assert local.call("ListClusters", key=key)["clusterArns"], "issued keys outlive a restart"
        agent.connect(send_credentials=False)


def test_the_data_directory_belongs_to_one_process(place, start):
    local = start()
    folder = place.get(local.base + "/local/v1/status").json()["dataDir"]
    second = place.spawn([ECSLOCAL, "--data-dir", folder, "--port", "51999"], name="second")
    assert second.wait(10) == 5 and "in use by process" in second.text()
    with pytest.raises(Exception):
        place.get("http://127.0.0.1:51999/local/v1/status")
    assert place.local_proc.end(signal.SIGTERM) < 5 and place.local_proc.status == 0
    place.local_proc = None
    assert not os.path.exists(os.path.join(place.dir, folder.lstrip("/"), "ecslocal.pid"))


def test_arguments_that_are_wrong_end_with_five(place):
    for arguments in (["--port", "x"], ["--bind", "0.0.0.0", "--port", "0"], ["--account", "1"], ["--nothing"],
                      ["--region", "Not A Region"]):
        process = place.spawn([ECSLOCAL, "--data-dir", "/var/lib/ecs/wrong", *arguments], name="wrong")
        assert process.wait(10) == 5, process.text()


def test_stopped_tasks_are_forgotten_after_a_while(place, start):
    local = start("--keep-stopped-s", "1")
    agent = Agent(place, local)
    define(local)
    (task,), _ = run(local)
    agent.ack(agent.acs.expect("PayloadMessage"))
    agent.submit(task["taskArn"], "STOPPED", reason="CannotPullContainerError: no such image")
    told = task_of(local, task["taskArn"])
    assert (told["stopCode"], told["stoppedReason"]) == (
        "TaskFailedToStart", "CannotPullContainerError: no such image")
    place.wait("the task to be forgotten", lambda: local.call("DescribeTasks", {
        "cluster": "MyCluster", "tasks": [task["taskArn"]]})["failures"])
    with pytest.raises(wire.EcsError) as e:
        agent.submit(task["taskArn"], "STOPPED")
    assert e.value.code == "InvalidParameterException", "so that the agent drops the event"


def test_lists_come_in_pages(standing):
    names = ["page-%02d" % n for n in range(7)]
    for name in names:
        standing.call("CreateCluster", {"clusterName": name})
    got, token = [], None
    while True:
        page = standing.call("ListClusters", {"maxResults": 3, **({"nextToken": token} if token else {})})
        assert len(page["clusterArns"]) <= 3
        got += page["clusterArns"]
        token = page.get("nextToken")
        if not token:
            break
    assert [a.rsplit("/", 1)[1] for a in got] == names
    for name in names:
        standing.call("DeleteCluster", {"cluster": name})
    assert refused(standing, "ListClusters", {"maxResults": 101}).code == "InvalidParameterException"


def test_tags_are_put_told_and_taken_away(standing):
    cluster = standing.call("CreateCluster", {"clusterName": "tagged", "tags": [{"key": "a", "value": "1"}]})
    arn = cluster["cluster"]["clusterArn"]
    standing.call("TagResource", {"resourceArn": arn, "tags": [{"key": "b", "value": "2"}, {"key": "a", "value": "3"}]})
    told = standing.call("ListTagsForResource", {"resourceArn": arn})["tags"]
    assert told == [{"key": "a", "value": "3"}, {"key": "b", "value": "2"}]
    standing.call("UntagResource", {"resourceArn": arn, "tagKeys": ["a"]})
    assert standing.call("ListTagsForResource", {"resourceArn": arn})["tags"] == [{"key": "b", "value": "2"}]
    assert refused(standing, "TagResource", {"resourceArn": arn, "tags": [{"key": "aws:x", "value": ""}]}).code == \
        "InvalidParameterException"
    standing.call("DeleteCluster", {"cluster": "tagged"})


def test_protection_is_set_and_told(place, start):
    local = start()
    agent = Agent(place, local)
    define(local)
    (task,), _ = run(local)
    assert agent.acs.expect("PayloadMessage")
    got = local.call("UpdateTaskProtection", {"cluster": "MyCluster", "tasks": [task["taskArn"]],
                                              "protectionEnabled": True, "expiresInMinutes": 5})
    protected, = got["protectedTasks"]
    assert protected["protectionEnabled"] is True and 290 < protected["expirationDate"] - time.time() < 310
    got = local.call("GetTaskProtection", {"cluster": "MyCluster", "tasks": [task["taskArn"], "0" * 32]})
    assert got["protectedTasks"] == [protected] and got["failures"][0]["reason"] == "MISSING"
