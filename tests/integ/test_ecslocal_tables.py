"""The tables of the local control plane against the models of the installed client: names, types, required members."""
import glob
import gzip
import json
import subprocess

import pytest

from played import ECSLOCAL

# Members of later versions of the API than the installed client's model, and of agents alone.
NEWER = {
    "RegisterTaskDefinition": {"enableFaultInjection", "volumes.configuredAtLaunch",
                               "containerDefinitions.restartPolicy", "containerDefinitions.credentialSpecs",
                               "containerDefinitions.portMappings.containerPortRange",
                               "containerDefinitions.versionConsistency", "volumes.s3filesVolumeConfiguration"},
    "ListTasks": {"daemonName"},
    "RunTask": {"clientToken", "volumeConfigurations"},
    "CreateService": {"deploymentConfiguration.alarms", "volumeConfigurations"},
    "UpdateService": {"deploymentConfiguration.alarms", "volumeConfigurations"},
    "StartTask": {"volumeConfigurations"},
    "DiscoverPollEndpoint": {"zoneId"},
    "RegisterContainerInstance": {"clientToken"},
    "SubmitTaskStateChange": {"containers.networkBindings.containerPortRange",
                              "containers.networkBindings.hostPortRange"},
    "SubmitContainerStateChange": {"networkBindings.containerPortRange", "networkBindings.hostPortRange"},
}

WIRE = {"blob": "string"}  # as base64
# service: version of its model, the calls that are served (of ECS: at least so many)
SERVICES = {
    "ecs": ("2014-11-13", 31),
    "cloudwatch": ("2010-08-01", {"ListMetrics", "GetMetricStatistics", "GetMetricData"}),
    "secretsmanager": ("2017-10-17", {"CreateSecret", "PutSecretValue", "GetSecretValue", "DeleteSecret"}),
    "ssm": ("2014-11-06", {"PutParameter", "GetParameters", "GetParameter", "DeleteParameter"}),
    "ecr": ("2015-09-21", {"GetAuthorizationToken"}),
}


def compare(ours, model, shape, path, newer, bad):
    theirs = model["shapes"][shape]
    required = set(theirs.get("required", ()))
    for name in set(theirs["members"]) - set(ours):
        bad.append("%s%s: missing" % (path, name))
    for name, mine in ours.items():
        here = path + name
        if name not in theirs["members"]:
            if here not in newer:
                bad.append("%s: the model has none" % here)
            continue
        other = model["shapes"][theirs["members"][name]["shape"]]
        if mine["type"] != WIRE.get(other["type"], other["type"]):
            bad.append("%s: %s, not %s" % (here, mine["type"], other["type"]))
        if mine.get("required", False) != (name in required):
            bad.append("%s: required differs" % here)
        inner = other
        if other["type"] == "list":
            inner = model["shapes"][other["member"]["shape"]]
            if mine.get("item") != inner["type"]:
                bad.append("%s: list of %s, not of %s" % (here, mine.get("item"), inner["type"]))
        if set(inner.get("enum", ())) - set(mine.get("words", "").split("|")) and "words" in mine:
            bad.append("%s: words %s are missing" % (here, set(inner["enum"]) - set(mine["words"].split("|"))))
        if "enum" in inner and "words" not in mine:
            bad.append("%s: has no words" % here)
        if "members" in mine and inner["type"] == "structure":
            target = (other["member"] if other["type"] == "list" else theirs["members"][name])["shape"]
            compare(mine["members"], model, target, here + ".", newer, bad)


@pytest.mark.parametrize("service", SERVICES)
def test_tables_agree_with_the_model_of_the_installed_client(service):
    version, calls = SERVICES[service]
    path = glob.glob("/usr/lib/python3/dist-packages/botocore/data/%s/%s/service-2.json*" % (service, version))[0]
    with (gzip.open(path) if path.endswith(".gz") else open(path, "rb")) as f:
        model = json.load(f)
    ours = json.loads(subprocess.run([ECSLOCAL, "--shapes", service], check=True, capture_output=True).stdout)
    assert len(ours) >= calls if isinstance(calls, int) else set(ours) == calls
    bad = []
    for operation, tables in ours.items():
        for side, members in (tables if service == "cloudwatch" else {"input": tables}).items():
            found = []
            compare(members, model, model["operations"][operation][side]["shape"], "", NEWER.get(operation, set()),
                    found)
            bad += ["%s %s %s" % (operation, side, x) for x in found]
    assert bad == []
