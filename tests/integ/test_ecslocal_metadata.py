"""Instance metadata of the local control plane, registration with it, and who a role is."""
import json

import pytest

import wire
from played import ROLE, Agent, define, imds, imds_token, refused, register, run


def test_metadata_needs_a_session_token(place, start):
    local = start()
    assert imds(place, local, "meta-data/instance-id").status == 401
    assert imds(place, local, "meta-data/instance-id", headers={"X-aws-ec2-metadata-token": "1.x"}).status == 401
    for ttl, status in (("0", 400), ("21601", 400), ("x", 400), ("21600", 200)):
        got = imds(place, local, "api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": ttl})
        assert got.status == status
    assert imds(place, local, "api/token").status == 405
    token = imds_token(place, local)
    told = place.get(local.base + "/local/v1/status").json()
    assert imds(place, local, "meta-data/instance-id", headers=token).text == told["instanceId"]
    assert imds(place, local, "meta-data/nothing", headers=token).status == 404
    assert imds(place, local, "user-data", headers=token).status == 404
    mac = imds(place, local, "meta-data/mac", headers=token).text
    assert imds(place, local, "meta-data/network/interfaces/macs/%s/vpc-id" % mac, headers=token).status == 200


def test_keys_are_not_told_to_a_page_that_renamed_loopback(place, start):
    local = start()
    for path, method, status in (("/local/v1/status", "GET", 403), ("/latest/api/token", "PUT", 403)):
        for host, expected in (("evil.example:51670", status), ("127.evil.example", status),
                               ("localhost:51670", 200), ("127.0.0.1:51670", 200)):
            got = place.http(method, local.base + path, {
                "Host": host, "X-aws-ec2-metadata-token-ttl-seconds": "60"})
            assert got.status == expected, (path, host)


def test_the_instance_role_signs_and_the_document_registers(place, start):
    local = start()
    token = imds_token(place, local)
    role = imds(place, local, "meta-data/iam/security-credentials/", headers=token).text
    given = imds(place, local, "meta-data/iam/security-credentials/" + role, headers=token).json()
    assert given["Code"] == "Success"
    key = (given["AccessKeyId"], given["SecretAccessKey"], given["Token"])
    assert local.call("ListClusters", key=key) == {"clusterArns": []}
    assert refused(local, "ListClusters", {}, key=key[:2] + ("x" + key[2],)).code == "UnrecognizedClientException"
    assert refused(local, "ListClusters", {}, key=key[:2] + (None,)).code == "UnrecognizedClientException"
    assert refused(local, "ListClusters", {}, key=(key[0], "x", key[2])).code == "InvalidSignatureException"
    document = imds(place, local, "dynamic/instance-identity/document", headers=token).text
    signature = imds(place, local, "dynamic/instance-identity/signature", headers=token).text
    instance = register(local, identity=(document, signature), tags=[{"key": "k", "value": "v"}])
    assert instance["ec2InstanceId"] == json.loads(document)["instanceId"]
    assert instance["tags"] == [{"key": "k", "value": "v"}]
    names = {a["name"]: a.get("value") for a in instance["attributes"]}
    assert names["ecs.availability-zone"] == "us-west-2a" and names["ecs.os-type"] == "linux"
    with pytest.raises(wire.EcsError) as e:
        register(local, identity=(document.replace("us-west-2a", "us-west-2b"), signature))
    assert e.value.code == "ClientException"
    second = register(local, identity=(document, signature))
    listed = local.call("ListContainerInstances", {"cluster": "MyCluster"})["containerInstanceArns"]
    assert listed == [second["containerInstanceArn"]], "one EC2 instance is one container instance"


def test_a_registration_is_repeated_by_token_and_renewed_by_arn(place, start):
    local = start()
    first = register(local, clientToken="same")
    assert register(local, clientToken="same")["containerInstanceArn"] == first["containerInstanceArn"]
    local.call("PutAttributes", {"cluster": "MyCluster", "attributes": [
        {"name": "stack", "value": "prod", "targetId": first["containerInstanceArn"]}]})
    again = register(local, arn=first["containerInstanceArn"], capabilities=["ecs.capability.full-sync"])
    names = {a["name"] for a in again["attributes"]}
    assert again["containerInstanceArn"] == first["containerInstanceArn"]
    assert "stack" in names and "ecs.capability.container-ordering" not in names
    assert again["version"] > first["version"]


def test_a_cluster_must_exist_when_asked_so(place, start):
    local = start("--known-clusters-only", "--cluster", "one,two")
    assert len(local.call("ListClusters")["clusterArns"]) == 2
    with pytest.raises(wire.EcsError) as e:
        register(local, cluster="three")
    assert (e.value.code, e.value.message) == ("ClientException", "Cluster not found.")


def test_endpoints_are_told_as_the_agent_came_or_as_published(place, start):
    local = start()
    got = local.call("DiscoverPollEndpoint", {"cluster": "c", "containerInstance": "i", "zoneId": ""})
    assert got == {"endpoint": "http://127.0.0.1:51670/acs/", "telemetryEndpoint": "http://127.0.0.1:51670/tcs/"}
    place.stop_local()
    local = start("--public-url", "https://ecs.example:8443")
    got = local.call("DiscoverPollEndpoint", {"cluster": "c", "containerInstance": "i", "zoneId": ""})
    assert got["endpoint"] == "https://ecs.example:8443/acs/"


def test_a_role_knows_who_it_is(place, start):
    """STS GetCallerIdentity with the keys of a task's role."""
    local = start()
    agent = Agent(place, local)
    define(local, taskRoleArn=ROLE)
    (task,), _ = run(local)
    given = agent.acs.expect("PayloadMessage")["tasks"][0]["roleCredentials"]
    env = place.environment(AWS_ACCESS_KEY_ID=given["accessKeyId"], AWS_SECRET_ACCESS_KEY=given["secretAccessKey"],
                            AWS_SESSION_TOKEN=given["sessionToken"], AWS_DEFAULT_REGION=local.region,
                            AWS_EC2_METADATA_DISABLED="true")
    out = place.run(["/usr/bin/aws", "sts", "get-caller-identity", "--endpoint-url", local.base], env=env)[1]
    assert json.loads(out)["Arn"] == "arn:aws:sts::000000000000:assumed-role/web/" + \
        task["taskArn"].rsplit("/", 1)[1]
