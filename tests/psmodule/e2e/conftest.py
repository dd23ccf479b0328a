"""The module against the real library, agent, control plane and Docker Engine, each test in a world of
tests/integ: fixtures and the count of results are the same."""
import importlib.util
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
INTEG = os.path.normpath(os.path.join(HERE, "..", "..", "integ"))
sys.path.insert(0, INTEG)

_spec = importlib.util.spec_from_file_location("integ_conftest", os.path.join(INTEG, "conftest.py"))
_integ = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_integ)
_integ.KEPT = os.path.join(_integ.worlds.ROOT, "build", "out", "psmodule-tests", "logs")

pytest_configure = _integ.pytest_configure
pytest_runtest_makereport = _integ.pytest_runtest_makereport
pytest_collectreport = _integ.pytest_collectreport
pytest_sessionfinish = _integ.pytest_sessionfinish
shared_world = _integ.shared_world

from console import Console  # noqa: E402  (needs the path above)


@pytest.fixture
def console(shared_world):
    """A PowerShell in the module's world; what a test has left running is gone before the next."""
    c = Console(shared_world)
    yield c
    c.end_all()
    shared_world.reset()
