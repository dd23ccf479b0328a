"""Fixtures of the whole-program tests."""
import pytest

import results
import world as worlds
from played import place, standing, start  # noqa: F401
from results import (plane, pytest_collectreport, pytest_configure, pytest_runtest_makereport,  # noqa: F401
                     pytest_sessionfinish)

results.keep_logs_in("integ-logs")


@pytest.fixture(scope="module")
def shared_world(request):
    """One world a module, its engine running and its images there."""
    w = worlds.World(request.module.__name__)
    try:
        w.start_docker()
        w.import_image("busybox:latest", "simple-web:latest")
        yield w
    finally:
        w.close()


@pytest.fixture
def world(shared_world):
    """The module's world with nothing of an earlier test in it."""
    w = shared_world
    yield w
    w.reset()
