"""The module against the real library, agent, control plane and Docker Engine, each test in a world of
tests/integ, with the results and the module's world of that suite."""
import importlib.util
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
INTEG = os.path.normpath(os.path.join(HERE, "..", "..", "integ"))
sys.path.insert(0, INTEG)

import results  # noqa: E402  (these need the path above)
from results import (pytest_collectreport, pytest_configure, pytest_runtest_makereport,  # noqa: E402, F401
                     pytest_sessionfinish)
from console import Console  # noqa: E402

_spec = importlib.util.spec_from_file_location("integ_conftest", os.path.join(INTEG, "conftest.py"))
_integ = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_integ)
shared_world = _integ.shared_world
results.keep_logs_in("psmodule-tests", "logs")


@pytest.fixture
def console(shared_world):
    """A PowerShell in the module's world; what a test has left running is gone before the next."""
    c = Console(shared_world)
    yield c
    c.end_all()
    shared_world.reset()
