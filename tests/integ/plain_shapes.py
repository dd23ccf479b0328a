"""What the messages of agents may hold, as tables of names and types, and how a message departs from them.

Facts: protocol notes on the ECS agent API 2014-11-13, ACS and TCS of agents up to 1.105. Own tables, so that the product
and its control plane cannot agree on a mistake.
"""


class Need:
    """A member that must be there."""

    def __init__(self, shape):
        self.shape = shape


NUM = (int, float)
RESOURCE = {"name": Need(str), "type": Need(str), "integerValue": int, "stringSetValue": [str],
            "longValue": int, "doubleValue": NUM}
BINDING = {"bindIP": str, "containerPort": int, "hostPort": int, "protocol": str,
           "containerPortRange": str, "hostPortRange": str}
CONTAINER = {"containerName": Need(str), "runtimeId": str, "imageDigest": str, "status": Need(str),
             "exitCode": int, "reason": str, "networkBindings": [BINDING]}
CALLS = {
    "DiscoverPollEndpoint": {"containerInstance": str, "cluster": str, "zoneId": Need(str)},
    "RegisterContainerInstance": {
        "cluster": Need(str), "instanceIdentityDocument": Need(str),
        "instanceIdentityDocumentSignature": Need(str), "totalResources": Need([RESOURCE]),
        "containerInstanceArn": str, "attributes": Need([{"name": Need(str), "value": str}]),
        "tags": [{"key": Need(str), "value": str}], "platformDevices": [{"id": str, "type": str}],
        "clientToken": Need(str)},
    "SubmitTaskStateChange": {
        "cluster": Need(str), "task": Need(str), "status": Need(str), "reason": Need(str),
        "containers": [CONTAINER], "pullStartedAt": NUM, "pullStoppedAt": NUM,
        "executionStoppedAt": NUM,
        "managedAgents": [{"containerName": Need(str), "managedAgentName": Need(str),
                           "status": Need(str), "reason": str}]},
    "SubmitAttachmentStateChanges": {
        "cluster": Need(str), "attachments": Need([{"attachmentArn": Need(str), "status": Need(str)}])},
    "UpdateContainerInstancesState": {
        "cluster": Need(str), "containerInstances": Need([str]), "status": Need(str)},
    "CreateCluster": {"clusterName": Need(str)},
    "ListTagsForResource": {"resourceArn": Need(str)},
    "GetTaskProtection": {"cluster": Need(str), "tasks": Need([str])},
    "UpdateTaskProtection": {"cluster": Need(str), "tasks": Need([str]), "protectionEnabled": Need(bool),
                             "expiresInMinutes": int},
}
ACK = {"cluster": Need(str), "containerInstance": Need(str), "messageId": Need(str)}
ACS_OUT = {
    "AckRequest": ACK,
    "NackRequest": dict(ACK, reason=Need(str)),
    "HeartbeatAckRequest": {"messageId": str},  # absent when the heartbeat had none
    "IAMRoleCredentialsAckRequest": {"messageId": Need(str), "expiration": Need(str),
                                     "credentialsId": Need(str)},
    "TaskStopVerificationMessage": {
        "messageId": Need(str),
        "stopCandidates": Need([{"taskArn": Need(str), "taskClusterArn": Need(str),
                                 "desiredStatus": Need(str)}])},
}
ULONG = {k: Need(int) for k in ("min", "max", "sampleCount", "sum", "overflowMin", "overflowMax",
                                "overflowSum")}
UDOUBLE = {"min": Need(NUM), "max": Need(NUM), "sampleCount": Need(int), "sum": Need(NUM)}
SIMPLE = {"min": Need(NUM), "max": Need(NUM), "sampleCount": Need(int), "sum": Need(NUM)}
NETWORK = {**{k: Need(ULONG) for k in ("rxBytes", "rxDropped", "rxErrors", "rxPackets", "txBytes",
                                       "txDropped", "txErrors", "txPackets")},
           "rxBytesPerSecond": UDOUBLE, "txBytesPerSecond": UDOUBLE}
TCS_OUT = {
    "PublishMetricsRequest": {
        "metadata": Need({"cluster": Need(str), "containerInstance": Need(str), "idle": Need(bool),
                          "messageId": Need(str), "fin": Need(bool)}),
        "taskMetrics": [{
            "taskArn": Need(str), "taskDefinitionFamily": Need(str),
            "taskDefinitionVersion": Need(str),
            "containerMetrics": Need([{
                "containerName": Need(str), "cpuStatsSet": Need(SIMPLE),
                "memoryStatsSet": Need(SIMPLE),
                "storageStatsSet": {"readSizeBytes": ULONG, "writeSizeBytes": ULONG},
                "networkStatsSet": NETWORK, "restartStatsSet": {"restartCount": Need(int)}}])}],
        "timestamp": Need(NUM)},
    "PublishHealthRequest": {
        "metadata": Need({"cluster": Need(str), "containerInstance": Need(str),
                          "messageId": Need(str), "fin": Need(bool)}),
        "tasks": Need([{
            "taskArn": Need(str), "taskDefinitionFamily": Need(str),
            "taskDefinitionVersion": Need(str),
            "containers": Need([{"containerName": Need(str), "healthStatus": Need(str),
                                 "statusSince": Need(NUM)}])}]),
        "timestamp": Need(NUM)},
    "PublishInstanceStatusRequest": {
        "metadata": Need({"cluster": Need(str), "containerInstance": Need(str),
                          "requestId": Need(str)}),
        "statuses": Need([{"type": Need(str), "status": Need(str), "lastUpdated": Need(NUM),
                           "lastStatusChange": Need(NUM)}]),
        "timestamp": Need(NUM)},
}
TCS_ANSWER = {"PublishMetricsRequest": "AckPublishMetric", "PublishHealthRequest": "AckPublishHealth",
              "PublishInstanceStatusRequest": "AckPublishInstanceStatus"}
ACS_QUERY = {"agentHash", "agentVersion", "clusterArn", "containerInstanceArn", "dockerVersion",
             "protocolVersion", "seqNum", "sendCredentials"}
TCS_QUERY = {"agentHash", "agentVersion", "cluster", "containerInstance", "dockerVersion"}
RANK = {"PENDING": 1, "RUNNING": 2, "STOPPED": 3}


def mismatches(shape, value, path=""):
    """All that does not fit, as sentences."""
    if isinstance(shape, Need):
        shape = shape.shape
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return ["%s: object expected" % path]
        found = ["%s.%s: unknown member" % (path, k) for k in value if k not in shape]
        for name, inner in shape.items():
            if name in value:
                found += mismatches(inner, value[name], path + "." + name)
            elif isinstance(inner, Need):
                found.append("%s.%s: missing" % (path, name))
        return found
    if isinstance(shape, list):
        if not isinstance(value, list):
            return ["%s: list expected" % path]
        return [m for i, v in enumerate(value) for m in mismatches(shape[0], v, "%s[%d]" % (path, i))]
    if isinstance(value, bool) and shape is not bool or not isinstance(value, shape):
        return ["%s: %r is not of the right type" % (path, value)]
    return []
