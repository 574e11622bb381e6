"""What a protocol asks of an amplifier whose knobs a person turns is said before anything is opened."""

import pytest

from config.fit import BY_HAND, CORNERS, WITHOUT_ZERO, fit, notes
from config.loading import load_rig, rig_from_text
from drivers.build import DRIVERS
from drivers.telegraphs import tables, telegraphs_of
from protocols.loading import protocol_from_text
from protocols.sweeps import ClampMode
from tests.kit import HEAD, RIG, ROOT

AXOPATCH = (ROOT / "config" / "rigs" / "ni_axopatch.yaml").read_text(encoding="utf-8")
STEPS = "steps:\n  - switch_to: {clamp: current, bias_to: -60 mV, max_bias: 100 pA, bridge: keep}\n"


def protocol(steps=STEPS, low_pass="5 kHz"):
    return protocol_from_text(HEAD.replace("low_pass: 4 kHz", f"low_pass: {low_pass}") + steps, "p")


def rig(*change):
    return rig_from_text(AXOPATCH.replace(*change) if change else AXOPATCH, "r")


def test_a_protocol_that_leaves_the_knobs_to_the_person_fits():
    assert fit(protocol(), rig()) == []
    (told,) = notes(protocol(), rig())
    assert "set the output filter to 5 kHz; the telegraph confirms it" in told


@pytest.mark.parametrize("written", ["bridge: auto", "if_not_reached: ask"], ids=["asked for", "left out"])
def test_an_automatic_bridge_is_refused(written):
    (words,) = fit(protocol(STEPS.replace("bridge: keep", written)), rig())
    assert "set by hand: write 'bridge: keep'" in words


def test_an_automatic_bridge_in_finish_is_refused():
    (words,) = fit(protocol(STEPS + STEPS.replace("steps", "finish").replace("keep", "auto")), rig())
    assert "set by hand" in words


def test_a_filter_that_the_knob_has_not_is_refused_where_it_is_telegraphed():
    (words,) = fit(protocol(low_pass="4 kHz"), rig())
    assert "has 1, 2, 5, 10, 100 kHz" in words


def test_a_filter_that_nothing_telegraphs_is_the_persons_business():
    untold = rig("frequency: frequency", "frequency: null")
    assert fit(protocol(low_pass="4 kHz"), untold) == []
    assert "nothing telegraphs it, so you will be asked" in notes(protocol(low_pass="4 kHz"), untold)[0]


def test_a_switch_that_no_telegraph_could_confirm_is_refused_in_either_part():
    old = rig("beta: 1}", "beta: 1, model: axopatch_200a}")
    (words,) = fit(protocol(), old)
    assert "cannot switch modes: no position for I=0 is known" in words
    assert len(fit(protocol(STEPS + STEPS.replace("steps", "finish")), old)) == 2


def test_a_protocol_in_voltage_clamp_alone_fits_an_amplifier_without_a_known_i0():
    stays = "steps:\n  - switch_to: {clamp: voltage}\n  - hold: {voltage: -60 mV, for: 2 s}\n"
    assert fit(protocol(stays), rig("beta: 1}", "beta: 1, model: axopatch_200a}")) == []


def test_the_amplifiers_without_i0_are_those_of_the_tables():
    found = {k for k, t in tables().items() if t.mode and not t.mode.leading_to(ClampMode.ZERO)}
    assert set(WITHOUT_ZERO) == found


def test_an_output_that_no_protocol_drives_is_told():
    more = ("  command: {pin: ao0, range: 10 V}", "  command: {pin: ao0}\n  light: {pin: ao1}\n")
    assert "stand at 0 V: light" in notes(protocol(), rig(*more))[-1]


def test_other_amplifiers_are_told_nothing():
    simulated = load_rig(RIG)
    assert fit(protocol(STEPS.replace("keep", "auto"), low_pass="4 kHz"), simulated) == []
    assert notes(protocol(), simulated) == []


def test_the_corners_are_those_of_the_telegraph_tables():
    told = {m: f.hertz for m in tables() if (f := telegraphs_of(m).frequency) is not None}
    assert {m: tuple(h) for m, h in told.items()} == dict(CORNERS)
    assert set(BY_HAND) <= set(DRIVERS["amplifier"])
