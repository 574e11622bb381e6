"""The simulated rig, opened as the suite opens it."""

from contextlib import ExitStack

import pytest

from drivers.build import open_devices
from drivers.clock import DemandClock
from tests.drivers.rehearsal import STILL, Rehearsal, rig_with


@pytest.fixture
def opened():
    """Return a function that opens the simulated rig; all that it opened is closed in the end."""
    with ExitStack() as stack:

        def open_rig(simulation=None, *, seed=1, changes=()):
            clock = DemandClock()
            devices = open_devices(rig_with(simulation, changes=changes), clock, seed=seed)
            return Rehearsal(stack.enter_context(devices), clock)

        yield open_rig


@pytest.fixture
def still():
    """Return settings without noise, drift and variability."""
    return dict(STILL)
