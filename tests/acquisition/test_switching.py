"""A mode switch is looked at on both sides, and written down with what was found."""

import pytest

from protocols.sweeps import ClampMode
from tests.kit import RIG

BOTH_WAYS = """
steps:
  - hold: {voltage: -60 mV, for: 1 s}
  - switch_to: {clamp: current, bridge: keep}
  - switch_to: {clamp: voltage}
"""


def rig_with(old, new):
    text = RIG.read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new)


@pytest.fixture
def switches(rehearse):
    """Return the log's entries of a switch to current clamp and back."""
    return rehearse(BOTH_WAYS).tape.said("mode")


def test_holding_current_before_and_potential_after_are_written_down(switches):
    to_current, to_voltage = (e.data for e in switches)
    assert to_current["at_start"]["level"] == -60e-3
    reading = to_current["at_start"]["reading"]
    assert reading["unit"] == "A"
    assert abs(reading["median"]) < 500e-12
    assert 0 < reading["sd"] < 50e-12
    assert -80e-3 < to_current["at_end"]["reading"]["median"] < -50e-3
    assert to_voltage["at_start"]["reading"]["unit"] == "V"
    assert to_voltage["at_end"]["reading"]["unit"] == "A"


def test_scale_factors_and_settings_of_both_sides_are_written_down(switches):
    data = switches[0].data
    assert (data["before"], data["after"]) == ("voltage clamp", "current clamp")
    assert data["at_start"]["gains"]["command"] == 20e-3
    assert data["at_end"]["gains"] == pytest.approx({"command": 400e-12, "primary": 20e-3, "secondary": 1e-9})
    assert data["at_start"]["amplifier"]["low_pass"] == data["at_end"]["amplifier"]["low_pass"] == 4e3
    assert data["at_end"]["amplifier"]["bridge_balance"] == 0.0


def test_the_switch_is_timed_and_the_amplifier_has_its_time_to_settle(switches):
    for entry in switches:
        seconds = entry.data["seconds"]
        assert 0.1 <= seconds["zero_current"] <= seconds["entered"]
        assert seconds["settled"] - seconds["entered"] >= 0.5 - 1e-9


def test_the_log_says_in_the_fields_units_what_was_seen(switches):
    assert switches[0].text.startswith("voltage clamp to current clamp through I=0: ")
    assert " pA (SD " in switches[0].text
    assert " mV (SD " in switches[0].text


def test_the_looks_beside_a_switch_leave_no_sweep_in_the_file(rehearse):
    r = rehearse(BOTH_WAYS)
    assert [h.label for h in r.tape.headers] == ["hold -60 mV"]


def test_a_potential_that_no_cell_has_leaves_the_electrode_to_zero_current(rehearse):
    r = rehearse(BOTH_WAYS, rig=rig_with("population: ca1_young", "population: ca1_young\n  offset: 200 mV"))
    assert r.finished.reason == "hardware failed"
    assert "the cell is lost or the electrode is blocked. Look at seal, pipette and ground wire" in r.finished.text
    assert "no cell is outside -120 to 60 mV" in r.finished.text
    assert r.mode is ClampMode.ZERO
    assert r.output_volts == pytest.approx(0.0, abs=1e-3)
    assert not r.tape.said("mode")


def test_a_switch_begins_only_in_the_mode_that_the_run_is_in(rehearse):
    def turn(bench):
        before = bench.switch_mode

        def turned(mode, level):
            bench.devices.amplifier._set_mode(ClampMode.CURRENT)
            before(mode, level)

        bench.switch_mode = turned

    r = rehearse(BOTH_WAYS, before=turn)
    assert r.finished.reason == "hardware failed"
    assert "it is in current clamp now; the run needs voltage clamp" in r.finished.text
    assert r.output_volts == pytest.approx(0.0, abs=1e-3)


def test_a_gain_turned_while_the_amplifier_settles_is_found_at_the_switch(rehearse):
    def turn(bench):
        amplifier, wait = bench.devices.amplifier, bench.clock.wait_until

        def waited(moment):
            wait(moment)
            if amplifier.mode() is ClampMode.CURRENT:
                scales = amplifier.gains()
                amplifier.rescale(type(scales)(scales.mode, 5 * scales.command, scales.inputs))
                bench.clock.wait_until = wait

        honest = amplifier.gains_in(ClampMode.CURRENT)
        declared = amplifier.gains_in
        amplifier.gains_in = lambda mode: honest if mode is ClampMode.CURRENT else declared(mode)
        bench.clock.wait_until = waited

    r = rehearse(BOTH_WAYS, before=turn)
    assert "the scale of 'command' in current clamp is 2000 pA/V, rig file says 400 pA/V" in r.finished.text
    assert r.mode is ClampMode.ZERO


@pytest.mark.parametrize(("start", "volts"), [(ClampMode.CURRENT, -3.5), (ClampMode.ZERO, -3.5)])
def test_a_run_that_finds_another_mode_begins_in_voltage_clamp(rehearse, start, volts):
    def left_by_somebody(bench):
        bench.devices.amplifier._set_mode(start)
        bench.devices.daq._world.stand(volts)

    r = rehearse("steps:\n  - hold: {voltage: -60 mV, for: 1 s}\n", before=left_by_somebody)
    assert r.finished.reason == "finished"
    (entry,) = r.tape.said("mode")
    assert entry.data["before"] == str(start)
    assert entry.data["after"] == "voltage clamp"
    assert entry.data["at_start"]["level"] == 0.0
