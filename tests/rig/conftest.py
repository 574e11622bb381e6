"""The rig of the file given with --rig, opened anew for each test and put to rest after it."""

from pathlib import Path

import pytest

from acquisition.guardian import guarding
from acquisition.rest import put_to_rest
from config.loading import load_rig
from drivers.build import open_devices
from drivers.clock import WallClock
from protocols.sweeps import ClampMode

HOW = (
    "no rig: with a model cell on the headstage (never a cell), run 'pytest tests/rig --rig FILE -s'; "
    "docs/devices/ni_daq.md tells what to look at"
)


class AtTheTerminal:
    """The person who runs the tests with -s, and turns the knobs."""

    def tell(self, text):
        print(f"\n>>> {text}")  # noqa: T201  a person is asked

    def confirm(self, text):
        return input(f"\n>>> {text} [done: y] ").strip().lower() in ("y", "yes", "")


@pytest.fixture(scope="session")
def rig(request):
    file = request.config.getoption("--rig")
    return load_rig(Path(file)) if file else pytest.skip(HOW)


@pytest.fixture(scope="session")
def lease(request, rig, tmp_path_factory):
    """Return the lease of a guardian: if these tests are killed it puts the rig to rest.

    It waits without end while they live, because a person may be asked for something; Ctrl-C ends what hangs.
    """
    file, record = Path(request.config.getoption("--rig")), tmp_path_factory.mktemp("guardian") / "tests"
    with guarding(file, rig, record, open_devices(rig, WallClock())) as held, held.waiting("a test on the rig"):
        yield held


@pytest.fixture
def devices(rig, lease):
    """Return the open devices, in voltage clamp at the safe level."""
    with open_devices(rig, WallClock(), hands=AtTheTerminal()) as found:
        if found.amplifier.mode() is not ClampMode.VOLTAGE:
            found.amplifier.set_mode(ClampMode.ZERO)
            found.daq.park(float(rig.safe.voltage_clamp), found.amplifier.gains_in(ClampMode.VOLTAGE))
            found.amplifier.set_mode(ClampMode.VOLTAGE)
        lease.verified(found.amplifier.gains())
        found.daq.park(float(rig.safe.voltage_clamp), found.amplifier.gains())
        yield found
    # opened once more: the test may have closed or broken them
    with open_devices(rig, WallClock(), hands=AtTheTerminal()) as again:
        left = put_to_rest(again, rig.safe)
    lease.rested(left)
    assert left == []
