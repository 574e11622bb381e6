"""What a protocol asks of an amplifier whose knobs a person turns is said before anything is opened."""

import pytest

from config.amplifiers import TelegraphedOptions
from config.fit import fit, load_fitting, notes, plan_for
from config.knobs import CORNERS, WITHOUT_ZERO, corner_of
from config.loading import load_rig, rig_from_text
from config.ni import options_of
from config.telegraphs import BY_HAND, COMMANDS, REACH
from drivers.build import DRIVERS
from drivers.telegraphs import tables, telegraphs_of
from protocols.errors import InvalidFile
from protocols.loading import protocol_from_text
from protocols.sweeps import ClampMode
from tests.kit import HEAD, RIG, ROOT

AXOPATCH = (ROOT / "config" / "rigs" / "ni_axopatch.yaml").read_text(encoding="utf-8")
STEPS = "steps:\n  - switch_to: {clamp: current, bias_to: -60 mV, max_bias: 100 pA, bridge: keep}\n"
HOLD = "steps:\n  - switch_to: {clamp: voltage}\n  - hold: {voltage: -60 mV, for: 2 s}\n"


def protocol(steps=STEPS, low_pass="5 kHz"):
    return protocol_from_text(HEAD.replace("low_pass: 4 kHz", f"low_pass: {low_pass}") + steps, "p")


def rig(*change):
    return rig_from_text(AXOPATCH.replace(*change) if change else AXOPATCH, "r")


def test_a_protocol_that_leaves_the_knobs_to_the_person_fits():
    assert fit(protocol(), rig()) == []
    (told,) = notes(protocol(), rig())
    assert "set the output filter to 5 kHz; the telegraph confirms it" in told


@pytest.mark.parametrize("written", ["bridge: auto", "if_not_reached: ask"], ids=["asked for", "left out"])
def test_an_automatic_bridge_becomes_the_persons_and_that_is_told(written):
    asked = protocol(STEPS.replace("bridge: keep", written))
    assert fit(asked, rig()) == []
    assert "no program can balance this bridge; you will be asked" in notes(asked, rig())[-1]


@pytest.mark.parametrize(("wanted", "corner"), [("4 kHz", "5 kHz"), ("1.5 kHz", "2 kHz"), ("2 kHz", "2 kHz")])
def test_a_filter_that_the_knob_has_not_becomes_the_next_above_and_that_is_told(wanted, corner):
    asked = protocol(low_pass=wanted)
    assert fit(asked, rig()) == []
    assert str(corner_of(asked, rig())) == corner
    told = notes(asked, rig())
    assert f"set the output filter to {corner}; the telegraph confirms it" in told[0]
    assert (f"low-pass of {wanted}" in " ".join(told[1:])) is (wanted != corner)
    assert plan_for(asked, rig()).summary[2:] == tuple(f"note: {words}" for words in told)


def test_a_filter_above_the_knobs_last_position_is_refused():
    old = rig_from_text(
        AXOPATCH.replace("beta: 1}", "beta: 1, model: axopatch_200a}").replace("100 kHz", "200 kHz"), "r"
    )
    fast = HEAD.replace("sampling: 20 kHz", "sampling: 200 kHz").replace("low_pass: 4 kHz", "low_pass: 60 kHz")
    assert any(
        "has 1, 2, 5, 10, 50 kHz; write one of these" in words
        for words in fit(protocol_from_text(fast + HOLD, "p"), old)
    )


def test_a_next_position_that_the_sampling_would_fold_is_refused_where_it_stands_in_the_protocol(tmp_path):
    path, on = tmp_path / "p.yaml", tmp_path / "r.yaml"
    path.write_text(HEAD.replace("low_pass: 4 kHz", "low_pass: 6 kHz") + STEPS, encoding="utf-8")
    on.write_text(AXOPATCH, encoding="utf-8")
    with pytest.raises(InvalidFile, match="10 kHz, the next above 6 kHz, is not below half") as caught:
        load_fitting(path, on)
    assert [p.line for p in caught.value.problems] == [HEAD[: HEAD.index("low_pass")].count("\n") + 1]


def test_a_filter_that_nothing_telegraphs_is_asked_for_by_a_position_that_the_knob_has():
    untold = rig("frequency: frequency", "frequency: none")
    assert fit(protocol(low_pass="4 kHz"), untold) == []
    assert "output filter to 5 kHz; nothing telegraphs it, so you will be asked" in notes(protocol(), untold)[0]


def test_a_filter_outside_the_amplifier_is_the_rig_files_business():
    outside = rig("frequency: frequency", "low_pass: 4 kHz")
    assert str(corner_of(protocol(low_pass="4 kHz"), outside)) == "4 kHz"


@pytest.mark.parametrize("telegraph", ["gain", "mode", "frequency", "capacitance"])
def test_a_telegraph_that_is_not_wired_is_written_as_none_and_null_is_refused(telegraph):
    old = f"{telegraph}: {telegraph}"
    made = rig(
        f"options: {{{old}" if telegraph == "gain" else old,
        f"options: {{{telegraph}: none" if telegraph == "gain" else f"{telegraph}: none",
    )
    assert getattr(options_of("amplifier", TelegraphedOptions, made.amplifier.options), telegraph) is None
    with pytest.raises(InvalidFile, match=f"write '{telegraph}: none' if this telegraph is not wired"):
        rig_from_text(AXOPATCH.replace(f"{old},", f"{telegraph}: null,"), "r")


def test_a_switch_that_no_telegraph_could_confirm_is_refused_in_either_part():
    old = rig("beta: 1}", "beta: 1, model: axopatch_200a}")
    (words,) = fit(protocol(), old)
    assert "cannot switch modes: no position for I=0 is known" in words
    assert len(fit(protocol(STEPS + STEPS.replace("steps", "finish")), old)) == 2
    assert fit(protocol(), rig("mode: mode, ", "model: axopatch_200a, mode: none, ")) == []


def test_a_protocol_in_voltage_clamp_alone_fits_an_amplifier_without_a_known_i0():
    assert fit(protocol(HOLD), rig("beta: 1}", "beta: 1, model: axopatch_200a}")) == []


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


def test_reach_and_commands_are_those_of_the_telegraph_tables():
    assert {m: pytest.approx(t.reach) for m, t in tables().items()} == dict(REACH)
    told = {m: t.command for m, t in tables().items() if t.command is not None}
    assert {m: (c.voltage_clamp, c.current_clamp) for m, c in told.items()} == dict(COMMANDS)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("gain: gain,", "gain: gian,", "options: {gain", "no input is named 'gian'; did you mean 'gain'?"),
        ("pin: ai2, range: 10 V", "pin: ai2, range: 5 V", "options: {gain", "goes to 6.5 V, and 'gain' reads 5 V"),
        ("driver: axopatch200b", "driver: telegraphed", "options: {gain", "'model' is missing"),
        ("beta: 1}", "beta: 1, model: axopatch_200c}", "options: {gain", "no amplifier is known as 'axopatch_200c'"),
        ("command: 20 mV/V", "command: 50 mV/V", "voltage_clamp: {", "is 20 mV/V or 100 mV/V with beta = 1"),
        ("beta: 1}", "beta: 0.1}", "current_clamp: {", "is 20 nA/V with beta = 0.1"),
        ("driver: nidaqmx", "driver: simulated", "driver: simulated", "Rehearse with --simulate"),
    ],
)  # fmt: skip
def test_wrong_wiring_of_an_amplifier_with_knobs_is_found_in_the_rig_file(old, new, line, words):
    text = AXOPATCH.replace(old, new, 1)
    with pytest.raises(InvalidFile) as caught:
        rig_from_text(text, "r")
    (found,) = [p for p in caught.value.problems if words in p.message]
    assert line in text.splitlines()[found.line - 1]


def test_an_address_of_no_kind_that_we_know_is_found_in_the_rig_file():
    text = (ROOT / "config" / "rigs" / "ni_simulated.yaml").read_text(encoding="utf-8")
    with pytest.raises(InvalidFile, match="'servd://' is no kind of address; did you mean 'served'"):
        rig_from_text(text.replace("served://", "servd://"), "r")
