"""The Windows agent over https and wss, with a file of roots and with the machine's own store."""
import os

import pytest

import steps
import tls
from test_console import iis, run

HOST, PORT = "plane.test", 8443


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return tls.Authority(os.path.join(str(tmp_path_factory.mktemp("ca")), "ours"), "Our Test Root")


@pytest.fixture
def behind(world, plane, authority):
    """The control plane behind nginx; answers the variables that name it otherwise."""
    world.run(["sh", "-c", "grep -q plane.test /etc/hosts || echo '127.0.0.1 plane.test' >> /etc/hosts"])
    backend = plane.base
    nginx = tls.terminate(world, PORT, backend, authority.issue(HOST))
    plane.base = "https://%s:%d" % (HOST, PORT)
    plane.discover = {"endpoint": plane.base + "/acs/", "telemetryEndpoint": plane.base + "/tcs/"}
    yield {"AWS_EC2_METADATA_SERVICE_ENDPOINT": backend}
    nginx.end()


def windows_path(path):
    return "Z:" + path.replace("/", "\\")


def test_a_root_that_nobody_knows_is_refused_and_named(world, plane, engine, behind):
    world.start_agent(plane, **behind)
    steps.wait_reason(world, "register", "certificate", timeout=30)
    assert not plane.sessions and world.agent.running


def test_a_file_of_roots_is_honoured(world, plane, engine, behind, authority):
    steps.joined(world, plane, **behind, AWS_CA_BUNDLE=windows_path(authority.pem))
    arn = run(world, plane, iis())
    steps.stop(world, plane, arn)


def test_a_file_of_roots_that_is_not_there_is_a_setting_to_correct(world, plane, engine, behind):
    agent = world.start_agent(plane, **behind, AWS_CA_BUNDLE="C:\\absent.pem")
    assert agent.wait(20) in (1, 5)
    assert "AWS_CA_BUNDLE" in agent.text() or "absent.pem" in agent.text()


def test_a_root_of_the_machines_store_is_used(world, plane, engine, behind, authority):
    # Wine takes the roots of its host into the store of the machine.
    world.run(["sh", "-c", "cat %s >> /etc/ssl/certs/ca-certificates.crt" % authority.pem])
    world.restart_wine()
    steps.joined(world, plane, **behind)
