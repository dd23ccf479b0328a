"""The metrics of the local control plane, asked for with `aws cloudwatch`: against the kernel's own figures,
and as what scaling decides by.

Points are made every few seconds here, not every minute as by default; what is in them is the same.
"""
import datetime
import json
import os
import time

import pytest

import steps
from test_local import connected
from published import BURN, CPUS, HOLD, HOLD_BYTES, QUARTER, Truth, near
from test_services import create, runs, tasks_of

STEP = 5  # seconds between points
NAMESPACE = "AWS/ECS"


@pytest.fixture
def local(world):
    local = world.start_local("--test-metric-period-s", str(STEP))
    local.call("CreateCluster", {"clusterName": local.cluster})
    connected(world, local)
    return local


@pytest.fixture
def bare(world):
    """Without an agent: for questions that need none."""
    return world.start_local()


def cloudwatch(local, *args, check=True):
    """`aws cloudwatch <args>`; answers the parsed output, or (status, standard error) with check=False."""
    status, out, err = local.world.run(
        ["/usr/bin/aws", "cloudwatch", *args, "--endpoint-url", local.base, "--output", "json"],
        env=local.environment(), check=check)
    return json.loads(out) if check else (status, err)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def ago(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def dimensions(local, service=None):
    found = ["Name=ClusterName,Value=" + local.cluster]
    return found + (["Name=ServiceName,Value=" + service] if service else [])


def query(local, name, service=None, stat="Average", ident="m", period=STEP):
    pairs = [{"Name": "ClusterName", "Value": local.cluster}]
    if service:
        pairs.append({"Name": "ServiceName", "Value": service})
    return {"Id": ident, "MetricStat": {"Metric": {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": pairs},
                                        "Period": period, "Stat": stat}}


def newest(local, *queries, span=60):
    """{id: (time, value)} of the newest points."""
    data = cloudwatch(local, "get-metric-data", "--start-time", ago(span), "--end-time", ago(-STEP),
                      "--metric-data-queries", json.dumps(queries))
    return {r["Id"]: (moment(r["Timestamps"][0]), r["Values"][0])
            for r in data["MetricDataResults"] if r["Values"]}


def published(world, local):
    """How many messages with metrics the agent has had acknowledged."""
    told = world.get(local.base + "/local/v1/telemetry").json()["instances"]
    return sum(i["metrics"] for i in told)


def next_publication(world, local):
    seen = published(world, local)
    world.wait("the next metrics", lambda: published(world, local) > seen, 30, needs=[world.agent, world.local_proc])


def window(world, local, groups, asked):
    """What was published next, and what the control groups used meanwhile: percent of the host, MiB."""
    before, began = sum(g.cpu_ns() for g in groups), time.monotonic()
    next_publication(world, local)
    true_cpu = (sum(g.cpu_ns() for g in groups) - before) / 1e9 / (time.monotonic() - began) / CPUS * 100
    true_memory = sum(g.memory_mib() for g in groups)
    seen = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=STEP)

    def look():
        found = newest(local, *asked)
        return found if "cpu" in found and found["cpu"][0] >= seen else None
    found = world.wait("the point of that time", look, 15, needs=[world.local_proc])
    return {k: v for k, (_when, v) in found.items()}, true_cpu, true_memory


def test_utilisation_of_a_service_is_what_its_control_group_used(world, local):
    """One task burns a quarter of a processor and holds known memory."""
    local.call("RegisterTaskDefinition", {"family": "busy", "containerDefinitions": [
        {"name": "burn", "image": "busybox:latest", "cpu": 512, "memory": 64, "command": steps.sh(BURN)},
        {"name": "hold", "image": "busybox:latest", "cpu": 128, "memory": 256, "memoryReservation": 64,
         "command": steps.sh(HOLD)}]})
    create(local, "busy", taskDefinition="busy")
    runs(world, local, 1, "busy")
    arn, = tasks_of(local, "busy")
    ids = [steps.one_container(world, arn, n)["Id"] for n in ("burn", "hold")]
    world.docker_api("POST", "/containers/%s/update" % ids[0], QUARTER)  # what a definition cannot say
    groups = [Truth(world, i) for i in ids]
    world.wait("the memory to be held", lambda: groups[1].memory_mib() > HOLD_BYTES / 2 ** 20, 30)
    instance = local.call("DescribeContainerInstances", {"cluster": local.cluster, "containerInstances": local.call(
        "ListContainerInstances", {"cluster": local.cluster})["containerInstanceArns"]})["containerInstances"][0]
    registered = {r["name"]: r.get("integerValue") for r in instance["registeredResources"]}
    asked = [query(local, "CPUUtilization", "busy", ident="cpu"),
             query(local, "CPUUtilization", "busy", "SampleCount", "tasks"),
             query(local, "MemoryUtilization", "busy", ident="memory"),
             query(local, "CPUUtilization", ident="hostcpu"), query(local, "MemoryUtilization", ident="hostmemory"),
             query(local, "CPUReservation", ident="heldcpu"), query(local, "MemoryReservation", ident="heldmemory")]
    next_publication(world, local)
    for last in (False, False, True):
        # The agent's 20 s and these are not exactly the same: on a busy machine one of several may be off.
        got, true_cpu, true_memory = window(world, local, groups, asked)
        if last or near(got["cpu"], true_cpu / 100 * registered["CPU"] / 640 * 100):
            break
    assert near(got["cpu"], true_cpu / 100 * registered["CPU"] / 640 * 100), (got, true_cpu)
    assert near(got["memory"], true_memory / 128 * 100, least=1.0), (got, true_memory)
    assert got["tasks"] == 1
    assert near(got["hostcpu"], true_cpu), (got, true_cpu)
    assert near(got["hostmemory"], true_memory / registered["MEMORY"] * 100, least=0.05), (got, true_memory)
    assert near(got["heldcpu"], 640 / registered["CPU"] * 100, 0.001), got
    assert near(got["heldmemory"], 128 / registered["MEMORY"] * 100, 0.001), got

    listed = cloudwatch(local, "list-metrics", "--namespace", NAMESPACE)["Metrics"]
    assert sorted((m["MetricName"], len(m["Dimensions"])) for m in listed) == [
        ("CPUReservation", 1), ("CPUUtilization", 1), ("CPUUtilization", 2),
        ("MemoryReservation", 1), ("MemoryUtilization", 1), ("MemoryUtilization", 2)]
    told = cloudwatch(local, "get-metric-statistics", "--namespace", NAMESPACE, "--metric-name", "CPUUtilization",
                      "--dimensions", *dimensions(local, "busy"), "--start-time", ago(600), "--end-time", ago(-60),
                      "--period", "1200", "--statistics", "Minimum", "Maximum", "Average", "SampleCount", "Sum")
    point, = told["Datapoints"]
    assert told["Label"] == "CPUUtilization" and point["Unit"] == "Percent"
    assert point["Minimum"] <= point["Average"] <= point["Maximum"] and point["SampleCount"] >= 2
    assert near(point["Sum"], point["Average"] * point["SampleCount"], 1e-6)


def test_points_end_with_the_agent_and_the_program(world, local):
    local.call("RegisterTaskDefinition", {"family": "calm", "containerDefinitions": [
        {"name": "main", "image": "busybox:latest", "cpu": 10, "memory": 32, "command": steps.sh(steps.TERM_WAIT)}]})
    create(local, "calm", taskDefinition="calm")
    runs(world, local, 1, "calm")
    ask = [query(local, "MemoryUtilization", "calm", ident="used"), query(local, "MemoryReservation", ident="held")]
    found = world.wait("both", lambda: (lambda f: f if len(f) == 2 else None)(newest(local, *ask)), 40,
                       needs=[world.local_proc])
    world.stop_agent()
    later = world.wait("a later reservation", lambda: (lambda f: f if f["held"][0] > found["held"][0] +
                                                       datetime.timedelta(seconds=2 * STEP) else None)(
        newest(local, *ask)), 30, needs=[world.local_proc])
    assert later.get("used", found["used"])[0] <= found["used"][0] + datetime.timedelta(seconds=20)
    world.stop_local()
    world.start_local()
    names = {m["MetricName"] for m in cloudwatch(local, "list-metrics")["Metrics"]}
    assert not names & {"CPUUtilization", "MemoryUtilization"}, "they live in memory"


LOAD = """
trap 'exit 0' TERM
while :; do
  if [ -e /load/on ]; then timeout -s KILL 0.4 sh -c 'while :; do :; done'; sleep 0.1; else sleep 0.5; fi
done
"""
TARGET = 50  # percent of what a task specifies

TRACKING = r"""
set -eu
end=$(date -u -d '+10 seconds' +%Y-%m-%dT%H:%M:%SZ)
begin=$(date -u -d '-25 seconds' +%Y-%m-%dT%H:%M:%SZ)
usage=$(aws cloudwatch get-metric-data --endpoint-url "$ENDPOINT" --start-time "$begin" --end-time "$end" \
  --metric-data-queries "[{\"Id\":\"cpu\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"AWS/ECS\",
    \"MetricName\":\"CPUUtilization\",\"Dimensions\":[{\"Name\":\"ClusterName\",\"Value\":\"$CLUSTER\"},
    {\"Name\":\"ServiceName\",\"Value\":\"$SERVICE\"}]},\"Period\":5,\"Stat\":\"Average\"}}]" \
  --query 'MetricDataResults[0].Values[0]' --output text)
[ "$usage" != None ] || exit 0
now=$(aws ecs describe-services --endpoint-url "$ENDPOINT" --cluster "$CLUSTER" --services "$SERVICE" \
  --query 'services[0].[desiredCount,runningCount]' --output text)
want=$(echo "$usage $now" | awk -v target="$TARGET" '{
  n = $3 * $1 / target; n = n > int(n) ? int(n) + 1 : int(n)
  if (n < 1) n = 1; if (n > 2) n = 2
  print $2 == $3 ? n : $2 }')   # while tasks start or end it waits
[ "$want" = "${now%%	*}" ] || aws ecs update-service --endpoint-url "$ENDPOINT" --cluster "$CLUSTER" \
  --service "$SERVICE" --desired-count "$want" --query service.desiredCount --output text
"""


def test_a_target_tracking_script_scales_a_service_out_and_in(world, local):
    """The script knows two commands: `aws cloudwatch get-metric-data` and `aws ecs update-service`."""
    load = "/var/lib/ecs/load"
    os.makedirs(world.dir + load, exist_ok=True)
    local.call("RegisterTaskDefinition", {"family": "load", "containerDefinitions": [
        {"name": "main", "image": "busybox:latest", "cpu": 128, "memory": 64, "command": steps.sh(LOAD),
         "mountPoints": [{"sourceVolume": "load", "containerPath": "/load"}]}],
        "volumes": [{"name": "load", "host": {"sourcePath": load}}]})
    create(local, "load", taskDefinition="load")
    runs(world, local, 1, "load")
    env = {**local.environment(), "ENDPOINT": local.base, "CLUSTER": local.cluster, "SERVICE": "load",
           "TARGET": str(TARGET)}

    def scaled_to(count):
        def look():
            world.run(["sh", "-c", TRACKING], env=env)
            s = local.call("DescribeServices", {"cluster": local.cluster, "services": ["load"]})["services"][0]
            return (s["desiredCount"], s["runningCount"]) == (count, count)
        world.wait("the service to have %d tasks" % count, look, 150, needs=[world.local_proc, world.agent])
    open(world.dir + load + "/on", "w").close()
    scaled_to(2)
    os.remove(world.dir + load + "/on")
    scaled_to(1)
    assert len(tasks_of(local, "load")) == 1


@pytest.mark.parametrize("args, error, word", [
    (["get-metric-statistics", "--period", "7", "--statistics", "Sum"], "InvalidParameterValue", "Period"),
    (["get-metric-statistics", "--period", "60", "--extended-statistics", "p99"], "InvalidParameterValue",
     "ExtendedStatistics"),
    (["get-metric-statistics", "--period", "60"], "InvalidParameterCombination", "Statistics"),
    (["get-metric-data", "--metric-data-queries", '[{"Id":"m","Expression":"a+b"}]'], "ValidationError", "Expression"),
    (["get-metric-data", "--metric-data-queries", "[]"], "ValidationError", "MetricDataQueries"),
])
def test_wrong_questions_are_refused_with_cloudwatch_names(bare, args, error, word):
    names = ["--namespace", NAMESPACE, "--metric-name", "CPUUtilization"] if args[0].endswith("statistics") else []
    status, err = cloudwatch(bare, *args, *names, "--start-time", ago(60), "--end-time", ago(0), check=False)
    assert status != 0 and "(%s)" % error in err and word in err, err


def test_who_may_ask_and_what_is_not_served(world, bare):
    key, bare.key = bare.key, ("AKIAUNKNOWN", "x", None)
    status, err = cloudwatch(bare, "list-metrics", check=False)
    assert status != 0 and "InvalidClientTokenId" in err
    bare.key = (key[0], "wrong", None)
    status, err = cloudwatch(bare, "list-metrics", check=False)
    assert status != 0 and "SignatureDoesNotMatch" in err
    bare.key = key
    status, err = cloudwatch(bare, "put-metric-data", "--namespace", "x", "--metric-name", "y", "--value", "1",
                             check=False)
    assert status != 0 and "InvalidAction" in err and "PutMetricData" in err
    plain = world.http("POST", bare.base + "/", {"Content-Type": "application/x-www-form-urlencoded"},
                       b"Action=ListMetrics&Version=2010-08-01")
    assert plain.status == 403 and "<Code>MissingAuthenticationToken</Code>" in plain.text


def test_json_is_spoken_as_well(world, bare):
    """Newer clients send AWS JSON 1.0 in place of forms."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    def ask(operation, params):
        body = json.dumps(params).encode()
        request = AWSRequest("POST", bare.base + "/", data=body, headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "GraniteServiceVersion20100801." + operation})
        SigV4Auth(Credentials(*bare.key), "monitoring", bare.region).add_auth(request)
        return world.http("POST", bare.base + "/", dict(request.headers.items()), body)
    got = ask("ListMetrics", {"Namespace": "AWS/EC2"})
    assert got.status == 200 and got.json() == {"Metrics": []}
    got = ask("GetMetricData", {"StartTime": 1, "EndTime": 2, "MetricDataQueries": []})
    assert got.status == 400 and got.json()["__type"].endswith("#ValidationError")
    got = ask("GetMetricStatistics", {})
    assert got.json()["__type"].endswith("#MissingRequiredParameterException")
    assert got.headers["x-amzn-query-error"] == "MissingParameter;Sender"
    assert ask("ListMetrics", {"Namespace": 1}).json()["__type"].endswith("#SerializationException")
