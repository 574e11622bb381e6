"""One world, one time: what was asked for happens when the clock says, and the same every time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import Filling
from drivers.build import open_devices
from drivers.clock import DemandClock
from drivers.simulated import kernel
from drivers.simulated.settings import read_settings
from drivers.simulated.truth import burst
from protocols.sweeps import ClampMode
from protocols.waveforms import Pulse, Waveform, step_sweep
from tests.drivers.rehearsal import Rehearsal, rig_with

BLOCKER = {"control": Filling("ACSF"), "drug": Filling("blocker", "(Rac)-MEM 1003", 1e-6)}


def session(rehearsal, pauses=(0.3,)):
    """Return the bytes of some sweeps in both modes, with pauses between them."""
    recorded = [rehearsal.counts(Waveform(20e3, 2_000, -70e-3, (Pulse("step", 500, 1_500, -5e-3),)))]
    rehearsal.switch(ClampMode.CURRENT)
    for pause in pauses:
        rehearsal.wait(pause)
        recorded.append(rehearsal.counts(Waveform(20e3, 2_000, 0.0, (Pulse("step", 500, 1_500, 300e-12),))))
    return b"".join(c.tobytes() for c in recorded)


def test_the_same_seed_gives_the_same_bytes(opened):
    assert session(opened(seed=3)) == session(opened(seed=3))


def test_another_seed_gives_another_cell_and_other_noise(opened):
    assert session(opened(seed=3)) != session(opened(seed=4))
    alike = {"variability": "0 %"}
    assert session(opened(alike, seed=3)) != session(opened(alike, seed=4))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0, 2), min_size=1, max_size=6))
def test_looking_at_a_device_between_sweeps_changes_nothing(glances):
    """Time is caught up in whole samples, so it does not matter in how many portions."""
    sessions = []
    for look in (False, True):
        clock = DemandClock()
        with open_devices(rig_with(), clock) as devices:
            r = Rehearsal(devices, clock)
            r.hold(-70e-3, 0.01)
            for moment in sorted(glances):
                clock.wait_until(moment)
                if look:
                    devices.perfusion.select("control")
            clock.wait_until(2.5)
            sessions.append(r.counts(Waveform(20e3, 500, -70e-3)).tobytes())
    assert sessions[0] == sessions[1]


def test_a_drug_acts_after_the_dead_time_and_not_before(opened, still):
    """45 s of dead time; the two sessions differ in nothing but the line."""
    recorded = []
    for line in ("control", "drug"):
        r = opened(still)
        r.devices.perfusion.fill(BLOCKER)
        r.devices.perfusion.select(line)
        recorded.append(r.counts(Waveform(20e3, 20_000 * 60, -35e-3))[0])
    first = np.flatnonzero(recorded[0] != recorded[1])[0]
    assert 45.0 <= first / 20e3 < 50.0


def test_wash_in_takes_its_time_and_wash_out_much_longer(opened, still):
    r = opened({**still, "exchange": "20 s"})
    r.switch(ClampMode.CURRENT, 130e-12)
    r.wait(5.0)

    def slow_ahp():
        v = r.play(step_sweep(20e3, holding=130e-12, before=0.6, width=0.15, after=1.1, amplitude=260e-12))["primary"]
        r.wait(8.0)
        return v[15_000 + 19_000 : 15_000 + 21_000].mean() - v[1_800:11_800].mean()

    r.devices.perfusion.fill(BLOCKER)
    control = slow_ahp()
    r.devices.perfusion.select("drug")
    r.wait(45 + 30)
    arriving = slow_ahp()
    r.wait(400)
    blocked = slow_ahp()
    r.devices.perfusion.select("control")
    r.wait(45 + 400)
    washing = slow_ahp()
    assert control < arriving < blocked
    assert blocked / control < 0.6
    assert washing / control < 0.75


def test_a_recorded_slow_ahp_is_the_cells_own(opened):
    r = opened(seed=4)
    r.switch(ClampMode.CURRENT)
    r.devices.amplifier.auto_bridge()
    bias = 0.0
    for _ in range(6):
        bias += 0.8 * (-60e-3 - np.median(r.hold(bias, 1.0)["primary"][10_000:])) / 80e6
    r.wait(5.0)
    measured = []
    for _ in range(4):
        v = r.play(step_sweep(20e3, holding=bias, before=1.0, width=0.15, after=6.0, amplitude=250e-12))["primary"]
        measured.append(v[23_000 + 19_000 : 23_000 + 21_000].mean() - v[9_800:19_800].mean())
    true = burst(read_settings({}), 250e-12, seed=4).sahp
    assert np.mean(measured) == pytest.approx(true, abs=0.35e-3)


def test_time_that_is_not_recorded_is_lived_through(opened, still):
    r = opened(still)
    r.switch(ClampMode.CURRENT, 85e-12)
    r.wait(5.0)
    v = r.play(step_sweep(20e3, holding=85e-12, before=0.6, width=0.15, after=0.5, amplitude=300e-12))["primary"]
    baseline = v[1_800:11_800].mean()
    assert v[-1] - baseline < -2e-3
    r.wait(10.0)
    assert r.hold(85e-12, 0.1)["primary"].mean() == pytest.approx(baseline, abs=0.1e-3)


def test_a_sweep_takes_the_clock_as_long_as_it_lasts(opened):
    r = opened()
    r.wait(1.25)
    r.hold(-70e-3, 3.5)
    assert r.clock.now() == pytest.approx(4.75)


@pytest.mark.parametrize("rate", [5e3, 10e3, 44.1e3, 50e3, 100e3])
def test_the_rate_of_sampling_does_not_change_the_cell(opened, still, rate):
    potentials = []
    for r, hertz in ((opened(still), 20e3), (opened(still), rate)):
        r.switch(ClampMode.CURRENT, 100e-12)
        r.wait(2.0)
        command = step_sweep(hertz, holding=100e-12, before=0.1, width=0.15, after=0.3, amplitude=275e-12)
        v = r.play(command)["primary"]
        late = round(0.35 * hertz)
        potentials.append(v[late : late + round(0.1 * hertz)].mean())
    assert potentials[1] == pytest.approx(potentials[0], abs=0.1e-3)


def test_a_change_of_rate_between_sweeps_leaves_the_cell_where_it_was(opened, still):
    r = opened(still)
    r.switch(ClampMode.CURRENT, 100e-12)
    r.wait(3.0)
    before = r.hold(100e-12, 0.2, 20e3)["primary"][-100:].mean()
    after = r.hold(100e-12, 0.2, 50e3)["primary"]
    assert np.abs(after - before).max() < 0.1e-3


def test_run_down_takes_the_slow_ahp_away(opened, still):
    sizes = []
    for run_down in (None, "30 s"):
        r = opened({**still, "run_down": run_down})
        r.switch(ClampMode.CURRENT, 130e-12)
        r.wait(60.0)
        v = r.play(step_sweep(20e3, holding=130e-12, before=0.6, width=0.15, after=1.1, amplitude=260e-12))["primary"]
        sizes.append(v[34_000:36_000].mean() - v[1_800:11_800].mean())
    assert sizes[1] / sizes[0] < 0.6


def test_the_series_resistance_drifts_as_told(opened):
    r = opened({"noise": "no", "variability": "0 %", "series_resistance_drift": "10 %"})
    r.wait(60.0)
    r.switch(ClampMode.CURRENT)
    assert r.devices.amplifier.auto_bridge() == pytest.approx(12e6 * 1.10, rel=0.025)


def test_the_bath_wanders_slowly_around_30_degrees(opened):
    r = opened()
    readings = []
    for _ in range(100):
        r.wait(10.0)
        readings.append(r.devices.thermometer.read())
    assert all(29.85 < t < 30.15 for t in readings)
    assert np.ptp(readings) > 0.05


def test_synaptic_events_come_at_their_rate(opened):
    quiet, busy = (
        opened({"epsp_rate": rate, "variability": "0 %", "membrane_fluctuation": "0 pA"}).hold(-70e-3, 10.0)["primary"]
        for rate in (None, "20 Hz")
    )
    assert busy.std() > 1.5 * quiet.std()
    assert busy.mean() < quiet.mean()


def test_the_loop_compiles_where_nothing_can_be_cached(monkeypatch):
    """Frozen and read-only installations give numba no folder."""
    original = kernel.numba.njit

    def no_locator(function, *, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return original(function, **options)

    monkeypatch.setattr(kernel.numba, "njit", no_locator)
    assert kernel.compiled(lambda x: x + 1)(1) == 2
