"""Fixtures of the tests under Wine."""
import pytest

import wine_world  # first: it tells where the modules of tests/integ are
import results
from results import (plane, pytest_collectreport, pytest_configure, pytest_runtest_makereport,  # noqa: F401
                     pytest_sessionfinish)
from windows_engine import Engine

results.keep_logs_in("wine-logs")


@pytest.fixture(scope="module")
def shared_world(request):
    w = wine_world.WineWorld(request.module.__name__)
    try:
        yield w
    finally:
        w.close()


@pytest.fixture
def world(shared_world):
    """The module's world with nothing of an earlier test in it."""
    yield shared_world
    shared_world.reset()


@pytest.fixture
def new_engine(world):
    """Makes the Windows-flavoured engine behind the named pipe; options as those of Engine."""
    made = []

    def make(relay=(), **options):
        engine = Engine(world.net.listen("127.0.0.1", wine_world.RELAY_PORT), **options)
        engine.add_image("microsoft/iis:latest", "windows/servercore:ltsc2022")
        made.append(engine)
        world.start_relay(*relay)
        return engine
    yield make
    world.stop_agent()
    world.stop_relay()
    for engine in made:
        engine.close()
        assert not engine.violations, "a Windows daemon would drop this without a word: %s" % engine.violations


@pytest.fixture
def engine(new_engine):
    return new_engine()
