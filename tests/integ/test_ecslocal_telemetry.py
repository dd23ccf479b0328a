"""Telemetry taken by the local control plane: what is right is acknowledged and shown, what is wrong refused."""
import json
import uuid

from played import SMALL, Agent, define, run, task_of


def frame_of(socket, body, wrong=False, **more):
    headers = socket.sign(body.encode(), **more)
    lines = "".join("%s: %s\r\n" % (k, headers[k]) for k in sorted(headers))
    return lines + "\r\n" + (body + " " if wrong else body)


def publish(socket, kind, message, **more):
    socket.send_text(frame_of(socket, json.dumps({"type": kind, "message": message}), **more))


def metadata(agent, **more):
    return {"cluster": agent.cluster, "containerInstance": agent.arn, "messageId": str(uuid.uuid4()), "fin": True,
            **more}


def test_telemetry_is_acknowledged_and_shown(place, start):
    local = start()
    agent = Agent(place, local)
    define(local, containerDefinitions=[dict(SMALL, healthCheck={"command": ["CMD", "true"]})])
    (task,), _ = run(local)
    tcs = agent.tcs()
    assert tcs.status == 101
    publish(tcs, "PublishMetricsRequest", {"metadata": metadata(agent, idle=True), "timestamp": 1751303000.1})
    assert tcs.expect("AckPublishMetric")
    statistics = {"min": 0.5, "max": 1.5, "sampleCount": 2, "sum": 2.0}
    publish(tcs, "PublishMetricsRequest", {
        "metadata": metadata(agent, idle=False), "timestamp": 1751303020, "taskMetrics": [{
            "taskArn": task["taskArn"], "taskDefinitionFamily": "web", "taskDefinitionVersion": "1",
            "containerMetrics": [{"containerName": "main", "cpuStatsSet": statistics,
                                  "memoryStatsSet": statistics}]}]})
    assert tcs.expect("AckPublishMetric")
    for status in ("HEALTHY", "UNHEALTHY"):
        publish(tcs, "PublishHealthRequest", {
            "metadata": metadata(agent), "timestamp": 1751303020, "tasks": [{
                "taskArn": task["taskArn"], "taskDefinitionFamily": "web", "taskDefinitionVersion": "1",
                "containers": [{"containerName": "main", "healthStatus": status, "statusSince": 1751303019.5}]}]})
        assert tcs.expect("AckPublishHealth")
        told = task_of(local, task["taskArn"])
        assert (told["healthStatus"], told["containers"][0]["healthStatus"]) == (status, status)
    publish(tcs, "PublishInstanceStatusRequest", {
        "metadata": {"cluster": "MyCluster", "containerInstance": agent.arn, "requestId": str(uuid.uuid4())},
        "timestamp": 1, "statuses": [{"type": "ContainerRuntime", "status": "OK", "lastUpdated": 5.5,
                                      "lastStatusChange": 4}]})
    assert tcs.expect("AckPublishInstanceStatus")
    instance = local.call("DescribeContainerInstances", {
        "cluster": "MyCluster", "containerInstances": [agent.arn],
        "include": ["CONTAINER_INSTANCE_HEALTH"]})["containerInstances"][0]
    assert instance["healthStatus"] == {"overallStatus": "OK", "details": [
        {"type": "CONTAINER_RUNTIME", "status": "OK", "lastUpdated": 5.5, "lastStatusChange": 4.0}]}
    shown, = place.get(local.base + "/local/v1/telemetry").json()["instances"]
    assert (shown["metrics"], shown["health"], shown["status"]) == (2, 2, 1)
    assert shown["lastMetrics"]["taskMetrics"][0]["taskArn"] == task["taskArn"]


def test_telemetry_that_is_wrong_is_refused(place, start):
    local = start()
    agent = Agent(place, local)
    tcs = agent.tcs()
    publish(tcs, "PublishMetricsRequest", {"metadata": metadata(agent), "timestamp": "now"})
    assert "timestamp" in tcs.expect("BadRequestException")["message"]
    publish(tcs, "PublishMetricsRequest", {"timestamp": 1})
    assert "metadata" in tcs.expect("BadRequestException")["message"]
    publish(tcs, "PublishNothing", {})
    assert tcs.expect("BadRequestException")
    publish(tcs, "PublishMetricsRequest", {
        "metadata": dict(metadata(agent), containerInstance="somebody else"), "timestamp": 1})
    assert tcs.expect("ResourceValidationException")
    publish(tcs, "PublishMetricsRequest", {"metadata": metadata(agent, idle=True), "timestamp": 1}, wrong=True)
    assert "signature" in tcs.expect("InvalidParameterException")["message"]
    assert tcs.read() == ("close", 1008)
    plain = agent.tcs()
    plain.send("PublishMetricsRequest", {"metadata": metadata(agent, idle=True), "timestamp": 1})
    assert plain.expect("InvalidParameterException") and plain.read() == ("close", 1008)
    assert agent.tcs(key=("AKIANOBODY", "x", None)).status == 403
