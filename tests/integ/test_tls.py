"""The agent over https and wss, through nginx with a certificate authority of our own."""
import os

import pytest

import steps
import tls

HOST, PORT = "plane.test", 8443


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("ca"))
    return tls.Authority(os.path.join(folder, "ours"), "Our Test Root"), \
        tls.Authority(os.path.join(folder, "other"), "Somebody Else's Root")


@pytest.fixture
def behind(world, plane, authorities):
    """behind(certificate, ...) puts nginx before the plane; the agent is then told the https address."""
    world.run(["sh", "-c", "grep -q plane.test /etc/hosts || echo '127.0.0.1 plane.test' >> /etc/hosts"])
    backend = plane.base
    env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": backend, "AWS_CA_BUNDLE": authorities[0].pem}
    started = []

    def start(certificate, **more):
        started.append(tls.terminate(world, PORT, backend, certificate, **more))
        plane.base = "https://%s:%d" % (HOST, PORT)
        plane.discover = {"endpoint": plane.base + "/acs/", "telemetryEndpoint": plane.base + "/tcs/"}
        return env
    yield start
    for process in started:
        process.end()


def test_a_task_runs_over_https_and_wss(world, plane, behind, authorities):
    env = behind(authorities[0].issue(HOST))
    steps.joined(world, plane, **env)
    world.wait("the TCS session", plane.tcs, needs=[world.agent])
    arn = steps.run(world, plane)
    steps.stop(world, plane, arn)
    assert plane.acs().headers["host"] == "%s:%d" % (HOST, PORT)


WRONG = [
    ("a certificate for another host",
     lambda own, other: (own.issue("another.test"), {}), ["plane.test"]),
    ("an expired certificate",
     lambda own, other: (own.issue(HOST, -20, -1), {}), ["expired"]),
    ("a certificate that is not valid yet",
     lambda own, other: (own.issue(HOST, 5, 10), {}), ["clock"]),
    ("an unknown certificate authority",
     lambda own, other: (other.issue(HOST), {}), ["AWS_CA_BUNDLE"]),
    ("TLS 1.1",
     lambda own, other: (own.issue(HOST), {"protocols": "TLSv1.1", "ciphers": "ALL:@SECLEVEL=0"}), ["TLS 1.2"]),
]
told = {}


@pytest.mark.parametrize("why,make,words", WRONG, ids=[w[0] for w in WRONG])
def test_each_wrong_server_has_a_message_of_its_own(world, plane, behind, authorities, why, make, words):
    certificate, more = make(*authorities)
    env = behind(certificate, **more)
    agent = world.start_agent(plane, **env)
    message = steps.wait_reason(world, "register", *words)["lastError"]
    assert agent.running and not plane.calls
    assert message not in told.values(), "the same words as for %s" % told
    told[why] = message


def test_a_server_that_speaks_no_tls_is_named(world, plane):
    env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": plane.base}
    plane.expected = ["HTTP: "]
    plane.base = plane.base.replace("http:", "https:")
    world.start_agent(plane, **env)
    steps.wait_reason(world, "register", "TLS")


def test_a_host_without_scheme_means_https(world, plane, behind, authorities):
    env = behind(authorities[0].issue(HOST))
    steps.joined(world, plane, ECS_BACKEND_HOST="%s:%d" % (HOST, PORT), **env)


def test_a_wrong_certificate_on_the_websocket_alone_is_the_reason_of_acs(world, plane, behind, authorities):
    backend = plane.base
    env = behind(authorities[0].issue(HOST))
    second = tls.terminate(world, PORT + 1, backend, authorities[1].issue(HOST))
    plane.discover = {"endpoint": "https://%s:%d/acs/" % (HOST, PORT + 1),
                      "telemetryEndpoint": plane.base + "/tcs/"}
    world.start_agent(plane, **env)
    steps.wait_reason(world, "acs", "AWS_CA_BUNDLE")
    second.end()


def test_a_missing_bundle_of_roots_is_named(world, plane, behind, authorities):
    env = behind(authorities[0].issue(HOST))
    agent = world.start_agent(plane, **dict(env, AWS_CA_BUNDLE="/no/such/bundle.pem"))
    world.wait("the file to be named", lambda: "/no/such/bundle.pem" in agent.text())
