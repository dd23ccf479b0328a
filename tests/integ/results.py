"""What every suite over worlds shares: the counted results, the logs of what failed, the strict control plane.

A conftest imports the hooks and fixtures by name and says where its logs are kept.
"""
import os
import re
import shutil

import pytest

import world as worlds
from plain_plane import Plane

counts = {"passed": 0, "failed": 0}
kept = None


def keep_logs_in(*parts):
    """Folder below build/out for the logs of failed tests."""
    global kept
    kept = os.path.join(worlds.ROOT, "build", "out", *parts)


def pytest_configure(config):
    worlds.sweep()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed or report.skipped:  # no test may be skipped: one that cannot run has failed
        counts["failed"] += 1
        name = re.sub(r"[^\w.-]+", "_", item.nodeid.split("/")[-1])
        for w in list(worlds._worlds):
            shutil.copytree(w.logs, os.path.join(kept, name, w.label), dirs_exist_ok=True)
    elif call.when == "call":
        counts["passed"] += 1


def pytest_collectreport(report):
    if report.failed:
        counts["failed"] += 1


def pytest_sessionfinish(session, exitstatus):
    worlds.close_all()
    path = os.environ.get("RESULT")
    if path:
        with open(path, "a") as f:
            f.write("%d %d\n" % (counts["passed"], counts["failed"]))


@pytest.fixture
def plane(world):
    """A strict control plane of our own in the world. A violation fails the test that caused it."""
    p = Plane(world.net.listen("127.0.0.1", 0), "")
    p.base = "http://127.0.0.1:%d" % p._listener.getsockname()[1]
    p.discover = {"endpoint": p.base + "/acs/", "telemetryEndpoint": p.base + "/tcs/"}
    yield p
    world.stop_agent()
    p.close()
    expected = getattr(p, "expected", ())
    left = [v for v in p.violations if not any(re.search(e, v) for e in expected)]
    assert not left, "violations of the protocol:\n  " + "\n  ".join(left)
