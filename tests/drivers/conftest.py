"""The simulated rig, opened as the suite opens it."""

from contextlib import ExitStack

import pytest

from drivers.build import open_devices
from drivers.clock import DemandClock
from protocols.quantities import Duration
from tests.drivers.rehearsal import STILL, Rehearsal, rig_with


@pytest.fixture
def opened():
    """Return a function that opens the simulated rig; all that it opened is closed in the end."""
    with ExitStack() as stack:

        def open_rig(simulation=None, *, seed=1, changes=(), block=None):
            clock = DemandClock()
            rig = rig_with(simulation, changes=changes)
            if block is not None:  # past the rig file, which allows fewer lengths than a driver can do
                rig = rig.model_copy(update={"daq": rig.daq.model_copy(update={"block": Duration(block)})})
            devices = open_devices(rig, clock, seed=seed)
            return Rehearsal(stack.enter_context(devices), clock)

        yield open_rig


@pytest.fixture
def still():
    """Return settings without noise, drift and variability."""
    return dict(STILL)
