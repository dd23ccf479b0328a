"""What goes wrong around the agent: each trouble has a reason that can be read, and an end."""
import os
import signal

import pytest

import plain_plane as pp
import steps
import ws


# ---- Docker Engine ---------------------------------------------------------------------------------

def test_without_an_engine_the_agent_waits_and_says_for_what(world, plane):
    world.stop_docker()
    world.start_agent(plane)
    steps.wait_reason(world, "docker", "docker.sock")
    assert not plane.of("RegisterContainerInstance")
    world.start_docker()
    world.wait("the ACS session", plane.acs, needs=[world.agent])
    world.wait("the wait to end", lambda: "docker" not in steps.waits(world))


def test_a_hanging_engine_is_waited_for_with_its_reason(world, plane):
    world.hang_docker()
    world.start_agent(plane)
    steps.wait_reason(world, "docker", "time", timeout=30)
    world.unhang_docker()
    world.wait("the ACS session", plane.acs, 40, needs=[world.agent])


def test_an_engine_that_is_too_old_is_named(world, plane):
    world.stop_docker()
    old = world.fake_docker('{"Version":"1.8.3","ApiVersion":"1.20","MinAPIVersion":"1.12"}')
    world.start_agent(plane)
    steps.wait_reason(world, "docker", "1.20")
    assert world.agent.running and not plane.of("RegisterContainerInstance")
    old()


def test_a_restarted_engine_that_ends_containers_has_them_reported(world, plane):
    agent = steps.joined(world, plane)
    arn = steps.run(world, plane)
    world.restart_docker()
    stopped = steps.reported(world, plane, arn, "STOPPED", 40)
    assert "exitCode" in stopped["containers"][0]
    later = steps.run(world, plane)
    assert agent.running and steps.one_container(world, later)


def test_a_crashed_engine_with_live_restore_keeps_its_tasks(world, plane):
    world.restart_docker_with("--live-restore")
    world.before_close.append(lambda: world.restart_docker_with())
    agent = steps.joined(world, plane)
    arn = steps.run(world, plane)
    container = steps.one_container(world, arn)["Id"]
    world.kill_docker()
    steps.wait_reason(world, "docker")
    waiting = plane.task_arn()
    sent = plane.payload(pp.task(waiting, steps.sleeper()))
    world.wait("the ack of a task for later", lambda: plane.acked(sent), needs=[agent])
    world.start_docker()
    steps.reported(world, plane, waiting, "RUNNING")
    assert steps.one_container(world, arn)["Id"] == container
    assert plane.statuses(arn) == ["RUNNING"]
    steps.stop(world, plane, arn)
    steps.stop(world, plane, waiting)


def test_a_container_that_dies_while_the_engine_is_away_is_reported(world, plane):
    world.restart_docker_with("--live-restore")
    world.before_close.append(lambda: world.restart_docker_with())
    agent = steps.joined(world, plane)
    arn = steps.run(world, plane)
    pid = world.inspect(steps.one_container(world, arn)["Id"])["State"]["Pid"]
    world.kill_docker()
    world.run(["kill", "-9", str(pid)])
    world.wait("the process to end", lambda: pid not in world.pids())
    world.start_docker()
    assert steps.reported(world, plane, arn, "STOPPED", 40)
    assert agent.running


def test_an_engine_that_hangs_during_a_stop_loses_nothing(world, plane):
    agent = steps.joined(world, plane)
    arn = steps.run(world, plane)
    world.hang_docker()
    sent = plane.payload(pp.task(arn, steps.sleeper(), desiredStatus="STOPPED"))
    world.wait("the ack", lambda: plane.acked(sent), needs=[agent])
    plane.acs().send("HeartbeatMessage", messageId="alive")
    world.wait("the agent to go on meanwhile", lambda: plane.acs().of("HeartbeatAckRequest"))
    world.unhang_docker()
    assert steps.reported(world, plane, arn, "STOPPED", 40)["containers"][0]["exitCode"] == 0


# ---- the endpoint ----------------------------------------------------------------------------------

def test_an_unreachable_endpoint_is_named_and_tried_again(world, plane):
    agent = world.start_agent(plane, ECS_BACKEND_HOST="http://127.0.0.1:9")
    steps.wait_reason(world, "register", "127.0.0.1:9")
    assert agent.running
    world.stop_agent()
    world.start_agent(plane, ECS_BACKEND_HOST="http://no.such.host.test")
    steps.wait_reason(world, "register", "no.such.host.test")


ANSWERS = [
    ("500", pp.error(500, "ServerException", "something broke"), ["ServerException"]),
    ("503 with no body", pp.Reply(503, b""), ["503"]),
    ("throttled", pp.error(400, "ThrottlingException", "Rate exceeded"), ["Throttl"]),
    ("access denied", pp.error(400, "AccessDeniedException", "User is not authorized"), ["AccessDenied", "not authorized"]),
    ("invalid parameter", pp.error(400, "InvalidParameterException", "bad attribute"), ["InvalidParameter", "bad attribute"]),
    ("client exception", pp.error(400, "ClientException", "Cluster not found."), ["Cluster not found"]),
    ("garbage instead of HTTP", pp.Reply(raw=b"\x15\x03\x01\x00\x02\x02\x16"), []),
    ("HTML instead of JSON", pp.Reply(200, b"<html>proxy login</html>", {"Content-Type": "text/html"}), []),
    ("JSON without an ARN", pp.Reply(200, b'{"containerInstance":{}}'), ["containerInstanceArn"]),
    ("an answer that ends early", pp.Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), []),
    ("connection reset", pp.RESET, []),
    ("an expired signature", pp.error(400, "InvalidSignatureException",
                                      "Signature expired: 20200101T000000Z is now earlier than 20260101T000000Z"), ["clock"]),
    ("an unknown key", pp.error(400, "UnrecognizedClientException",
                                "The security token included in the request is invalid."), ["security token"]),
]


@pytest.mark.parametrize("why,reply,words", ANSWERS, ids=[a[0] for a in ANSWERS])
def test_a_refused_registration_is_a_readable_reason_and_never_the_end(world, plane, why, reply, words):
    plane.always["RegisterContainerInstance"] = reply
    agent = world.start_agent(plane)
    wait = steps.wait_reason(world, "register", *words, timeout=30)
    assert wait["lastError"] and wait["attempts"] >= 1
    assert agent.running
    del plane.always["RegisterContainerInstance"]
    assert wait["nextTry"], "the next try is told"


def test_a_registration_succeeds_once_the_endpoint_is_well(world, plane):
    for reply in (pp.error(500, "ServerException"), pp.RESET, pp.Reply(503, b"")):
        plane.script["RegisterContainerInstance"].append(reply)
    world.start_agent(plane)
    world.wait("the ACS session", plane.acs, 60, needs=[world.agent])


def test_a_slow_endpoint_is_waited_for(world, plane):
    plane.delays = {"RegisterContainerInstance": 3, "DiscoverPollEndpoint": 3, "SubmitTaskStateChange": 1}
    steps.joined(world, plane, timeout=30)
    assert len(plane.of("RegisterContainerInstance")) <= 2, "patience, not a second call"
    arn = steps.run(world, plane)
    steps.stop(world, plane, arn)
    assert plane.statuses(arn) == ["RUNNING", "STOPPED"]


HUNG = [
    ("the engine hangs", lambda w, p: w.hang_docker()),
    ("the registration hangs", lambda w, p: p.always.__setitem__("RegisterContainerInstance", pp.HANG)),
    ("the ACS handshake hangs", lambda w, p: p.always.__setitem__("ACS", pp.HANG)),
    ("instance metadata hangs", lambda w, p: p.always.__setitem__("IMDS", pp.HANG)),
]


@pytest.mark.parametrize("why,cause", HUNG, ids=[h[0] for h in HUNG])
def test_sigterm_is_obeyed_within_a_second_whatever_hangs(world, plane, why, cause):
    cause(world, plane)
    agent = world.start_agent(plane)
    world.wait("the agent to say what it waits for", lambda: steps.waits(world) or agent.text().count("\n") > 3,
               needs=[agent])
    took = agent.end(signal.SIGTERM)
    assert took < 1 and agent.status == 0, "took %.2f s, ended with %s" % (took, agent.status)


def test_sigterm_is_obeyed_within_a_second_while_a_report_hangs(world, plane):
    agent = steps.joined(world, plane)
    hung = []
    plane.always["SubmitTaskStateChange"] = lambda call: hung.append(call) or pp.HANG
    steps.run(world, plane, wait=False)
    world.wait("the report to hang", lambda: hung)
    assert agent.end(signal.SIGTERM) < 1 and agent.status == 0


def test_wrong_credentials_are_named_and_right_ones_later_are_taken(world, plane):
    plane.expected = ["signature"]
    agent = world.start_agent(plane, AWS_SECRET_ACCESS_KEY="not/the/secret")
    steps.wait_reason(world, "register", "InvalidSignature")
    assert agent.running and "not/the/secret" not in agent.text()
    plane.keys[plane.key[0]] = ("not/the/secret", None)
    world.wait("the ACS session", plane.acs, 60, needs=[agent])


def test_no_credentials_at_all_are_named(world, plane):
    plane.role_name = None  # an instance without a role
    world.start_agent(plane, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    steps.wait_reason(world, "credentials")
    assert world.agent.running


def test_without_metadata_the_instance_still_joins(world, plane):
    steps.joined(world, plane, timeout=60, AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:9")
    body = plane.of("RegisterContainerInstance")[0].body
    assert body["instanceIdentityDocument"] == "" and body["instanceIdentityDocumentSignature"] == ""


SUBMIT_TROUBLE = [
    ("500", pp.error(500, "ServerException")),
    ("throttled", pp.error(400, "ThrottlingException")),
    ("reset", pp.RESET),
    ("access denied", pp.error(400, "AccessDeniedException")),
    ("garbage", pp.Reply(raw=b"garbage\r\n\r\n")),
]


@pytest.mark.parametrize("why,reply", SUBMIT_TROUBLE, ids=[s[0] for s in SUBMIT_TROUBLE])
def test_a_report_is_repeated_until_it_is_taken(world, plane, why, reply):
    steps.joined(world, plane)
    plane.script["SubmitTaskStateChange"].extend([reply, reply])
    arn = steps.run(world, plane, timeout=40)
    assert not plane.script["SubmitTaskStateChange"]
    steps.stop(world, plane, arn)
    assert plane.statuses(arn) == ["RUNNING", "STOPPED"]


def test_a_report_that_is_invalid_for_good_is_dropped_and_the_next_is_sent(world, plane):
    steps.joined(world, plane)
    plane.script["SubmitTaskStateChange"].append(pp.error(400, "InvalidParameterException"))
    arn = steps.run(world, plane, wait=False)
    world.wait("the report to be refused", lambda: not plane.script["SubmitTaskStateChange"])
    steps.stop(world, plane, arn)
    assert plane.statuses(arn) == ["STOPPED"]


def test_one_task_that_cannot_be_reported_does_not_hold_up_another(world, plane):
    steps.joined(world, plane)
    stuck = plane.task_arn()

    def answer(call):
        return None if not hanging else hanging.pop() and pp.HANG
    hanging = [1]
    plane.always["SubmitTaskStateChange"] = answer
    plane.payload(pp.task(stuck, steps.sleeper()))
    world.wait("the first report to hang", lambda: not hanging)
    other = steps.run(world, plane)
    assert plane.statuses(other) == ["RUNNING"] and plane.statuses(stuck) == []


# ---- ACS and TCS ---------------------------------------------------------------------------------

def test_a_refused_acs_handshake_is_a_readable_reason(world, plane):
    plane.always["ACS"] = pp.Reply(403, {"AccessDeniedException": "not for you"})
    world.start_agent(plane)
    steps.wait_reason(world, "acs", "not for you")
    del plane.always["ACS"]
    world.wait("the ACS session", plane.acs, needs=[world.agent])
    world.wait("the wait to end", lambda: "acs" not in steps.waits(world))


def test_an_acs_handshake_with_a_wrong_key_is_refused(world, plane):
    plane.script["ACS"].append(pp.Reply(raw=b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                            b"Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"))
    plane.script["ACS"].append(pp.Reply(200, b"hello"))
    world.start_agent(plane)
    world.wait("the ACS session", plane.acs, needs=[world.agent])


def test_tasks_run_without_telemetry(world, plane):
    plane.always["TCS"] = pp.Reply(500, b"")
    steps.joined(world, plane)
    arn = steps.run(world, plane)
    steps.stop(world, plane, arn)
    assert "tcs" in steps.waits(world)


def text(data):
    return lambda s: s.send_text(data)


def raw(data):
    return lambda s: s.send_raw(data)


STAYS = [  # frames that are dropped while the session goes on
    ("no JSON", text("hello")),
    ("JSON cut short", text('{"type":"PayloadMessage","message":{"messageId":"x"')),
    ("an empty object", text("{}")),
    ("a list", text("[1,2,3]")),
    ("a number", text("12345678901234567890")),
    ("nesting of 100000 brackets", text("[" * 100000 + "]" * 100000)),
    ("an unknown type", text('{"type":"Party","message":{"messageId":"x"}}')),
    ("no type", text('{"message":{"messageId":"x"}}')),
    ("a type that is no text", text('{"type":7,"message":{}}')),
    ("a message that is no object", text('{"type":"PayloadMessage","message":"x"}')),
    ("tasks that are no list", text('{"type":"PayloadMessage","message":{"messageId":"bad","clusterArn":"c",'
                                    '"containerInstanceArn":"i","tasks":"none"}}')),
    ("a seqNum that is text", text('{"type":"PayloadMessage","message":{"messageId":"bad","clusterArn":"c",'
                                   '"containerInstanceArn":"i","seqNum":"5","tasks":[]}}')),
    ("a task that is null", text('{"type":"PayloadMessage","message":{"messageId":"bad","clusterArn":"c",'
                                 '"containerInstanceArn":"i","tasks":[null]}}')),
    ("a payload without ids", text('{"type":"PayloadMessage","message":{"tasks":[]}}')),
    ("a heartbeat without id", text('{"type":"HeartbeatMessage","message":{}}')),
    ("a NUL inside text", text('{"type":"PayloadMessage","message":{"messageId":"bad\\u0000x"}}')),
    ("half a surrogate", text('{"type":"HeartbeatMessage","message":{"messageId2":"\\ud800"}}')),
    ("an error message", text('{"ServerException":"we are sorry"}')),
    ("a binary frame", raw(ws.frame(ws.BINARY, b"\x00\x01\x02"))),
    ("an empty text frame", text("")),
    ("credentials without a task", text('{"type":"IAMRoleCredentialsMessage","message":{"messageId":"bad"}}')),
    ("a manifest of wrong types", text('{"type":"TaskManifestMessage","message":{"messageId":"bad","timeline":"9"}}')),
]
ENDS = [  # breaches of the protocol: the session may end, the next one works
    ("a reserved bit", raw(ws.frame(ws.TEXT, b"{}", rsv=4))),
    ("a masked frame", raw(ws.frame(ws.TEXT, b"{}", mask=b"abcd"))),
    ("an unknown opcode", raw(ws.frame(5, b"{}"))),
    ("a fragmented ping", raw(ws.frame(ws.PING, b"x", fin=False))),
    ("a continuation of nothing", raw(ws.frame(ws.CONT, b"{}"))),
    ("a frame said to be 2^62 bytes", raw(ws.frame(ws.TEXT, b"{}", length=1 << 62))),
    ("a frame cut short", lambda s: (s.send_raw(ws.frame(ws.TEXT, b"{", length=100)), s.fin())),
    ("text that is no UTF-8", raw(ws.frame(ws.TEXT, b'{"type":"\xff\xfe"}'))),
    ("a close frame of one byte", raw(ws.frame(ws.CLOSE, b"\x03"))),
    ("a message of 40 MB", text(b'{"type":"Party","message":"' + b"x" * (40 << 20) + b'"}')),
]


@pytest.mark.parametrize("why,send", STAYS, ids=[g[0] for g in STAYS])
def test_garbage_on_acs_is_dropped_and_the_session_goes_on(world, plane, why, send):
    agent = steps.joined(world, plane)
    session = plane.acs()
    send(session)
    session.send("HeartbeatMessage", messageId="after")
    world.wait("the heartbeat's ack", lambda: {"messageId": "after"} in session.of("HeartbeatAckRequest"),
               needs=[agent])
    assert plane.acs() is session and not plane.acked("bad")


@pytest.mark.parametrize("why,send", ENDS, ids=[g[0] for g in ENDS])
def test_after_a_breach_of_the_websocket_protocol_tasks_still_run(world, plane, why, send):
    agent = steps.joined(world, plane)
    first = plane.acs()
    send(first)

    def answered():
        session = plane.acs()
        if not session.of("HeartbeatAckRequest"):
            session.send("HeartbeatMessage", messageId="after")
        return session.of("HeartbeatAckRequest")
    world.wait("a session that answers", answered, 30, needs=[agent])
    steps.stop(world, plane, steps.run(world, plane))
    assert agent.rss_kib() < 100 << 10


def test_unknown_members_are_ignored_everywhere(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    sent = plane.payload(pp.task(arn, steps.sleeper(newThing={"a": [1, None]}, restartPolicy=None),
                                 newMember=[{}], trustedExecutionConfiguration={"isolationMode": "SHARED"}),
                         newTop={"x": 1})
    steps.reported(world, plane, arn, "RUNNING")
    assert plane.acked(sent) == 1


def test_a_payload_that_lacks_an_id_gets_no_ack(world, plane):
    steps.joined(world, plane)
    arn = plane.task_arn()
    sent = plane.payload(pp.task(arn, steps.sleeper()), clusterArn=None)
    plane.acs().send("HeartbeatMessage", messageId="after")
    world.wait("the session to have read on", lambda: plane.acs().of("HeartbeatAckRequest"))
    assert not plane.acked(sent) and not world.ecs_containers(arn)


# ---- ports, disk, memory -------------------------------------------------------------------------

def holder(world, address, port):
    other = world.spawn(["busybox", "httpd", "-f", "-p", "%s:%d" % (address, port), "-h", "/etc"], name="holder")
    world.wait("the holder of port %d" % port,
               lambda: world.get("http://%s:%d/hostname" % (address, port)).status == 200, needs=[other])
    return other


def test_a_taken_task_endpoint_withholds_the_capability_and_says_who_has_it(world, plane):
    world.run(["ip", "addr", "add", "169.254.170.2/32", "dev", "lo"])
    other = holder(world, "169.254.170.2", 80)
    steps.joined(world, plane)
    steps.wait_reason(world, "task-iam-role", "169.254.170.2")
    name = "com.amazonaws.ecs.capability.task-iam-role"

    def promised():
        return name in [a["name"] for a in plane.of("RegisterContainerInstance")[-1].body["attributes"]]
    assert not promised()
    other.end(signal.SIGKILL)
    world.wait("the capability once the port is free", promised, 100, needs=[world.agent])


def test_a_taken_introspection_port_is_no_reason_not_to_work(world, plane):
    other = holder(world, "127.0.0.1", 51678)
    steps.joined(world, plane)
    steps.stop(world, plane, steps.run(world, plane))
    other.end(signal.SIGKILL)
    world.wait("the port to be taken over", lambda: "introspection" not in steps.waits(world), 60,
               needs=[world.agent])


def test_a_full_disk_holds_back_the_ack_and_says_so_until_there_is_room(world, plane):
    data = "/var/lib/ecs/data"
    world.run(["mkdir", "-p", data])
    world.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", data])
    world.before_close.insert(0, lambda: world.run(["umount", "-l", data]))
    agent = steps.joined(world, plane)
    world.run(["sh", "-c", "dd if=/dev/zero of=%s/filler bs=4k 2>/dev/null; true" % data])
    arns, sent = [], []
    for _ in range(12):  # until what the log of the database had in reserve is used up
        arn = plane.task_arn()
        arns.append(arn)
        sent.append(plane.payload(pp.task(arn, steps.sleeper(cpu=2, memory=32, environment={"FILL": "x" * 60000}))))
        plane.acs().send("HeartbeatMessage", messageId="after-" + arn)
        world.wait("the session to have read on", lambda: {"messageId": "after-" + arn}
                   in plane.acs().of("HeartbeatAckRequest"), needs=[agent])
        if "store" in steps.waits(world):
            break
    steps.wait_reason(world, "store", "full")
    assert not plane.acked(sent[-1]), "what is not on disk is not acknowledged"
    assert not world.ecs_containers(arns[-1])
    world.run(["rm", data + "/filler"])
    world.wait("the ack once there is room", lambda: plane.acked(sent[-1]), 60, needs=[agent])
    for arn in arns:
        steps.reported(world, plane, arn, "RUNNING", 60)
    assert "store" not in steps.waits(world)


def test_a_damaged_state_file_is_refused_and_named(world, plane):
    steps.joined(world, plane)
    world.stop_agent(signal.SIGTERM)
    for file in world.data_files():
        if os.path.getsize(file) > 100 and not file.endswith(("lock", "key")):
            with open(file, "r+b") as f:
                f.write(b"this is no database" * 100)
    agent = world.start_agent(plane)
    assert agent.wait(15) == 5
    assert "/var/lib/ecs/data" in agent.text()
