"""Loop and model cell: what doctor commands, only when asked and allowed, and how it leaves the rig."""

import numpy as np
import pytest

from acquisition.doctor.finding import Verdict
from acquisition.doctor.loop import Path as Way
from acquisition.doctor.loop import follow, judged, stairs
from acquisition.doctor.model_cell import ModelCell, model_cell_of
from config.loading import load_rig
from drivers.clock import DemandClock
from drivers.multiclamp.amplifier import MultiClamp
from drivers.multiclamp.telegraph import TelegraphError
from drivers.simulated.ni.faults import Fault
from protocols.errors import Refused
from protocols.sweeps import ClampMode
from tests.doctor.kit import MODEL_CELL, examined, one, rig_file, served
from tests.kit import RIG

LOOP = ("  secondary: {pin: ai1, range: 10 V, terminal: DIFF}", "  secondary: {pin: ai1}\n  loop: {pin: ai6}")


def always(question):
    return True


def never(question):
    return False


@pytest.fixture
def looped(tmp_path):
    """Return a served board at I=0 with a cable from its output to 'loop'."""
    with served(tmp_path, LOOP) as board:
        board.board.preparation.wires.cables["ai6"] = "ao0"
        board.link.ask("amplifier.mode", mode="zero current")
        yield board


def turn_after(board, reads, mode):
    """Let somebody turn the amplifier to `mode` when its samples have been read `reads` times."""
    play, left = board.board.preparation.play, [reads]

    def played(*args):
        left[0] -= 1
        if left[0] == 0:
            board.board.preparation.amplifier.set_mode(mode)
        return play(*args)

    board.board.preparation.play = played


# --- the loop -----------------------------------------------------------------------------------------------------


def test_the_loop_is_found_and_measured_and_the_output_ends_at_rest(tmp_path, looped):
    found = one(looped.examined(tmp_path, loopback=True, agree=always), "Loop", "loop")
    assert found.verdict is Verdict.OK
    gain = float(found.found.split("gain ")[1].split(",")[0])
    assert found.found.startswith("'loop' follows")
    assert gain == pytest.approx(1.0, abs=1e-3)
    assert looped.board.levels["ao0"] == pytest.approx(0.0, abs=1e-3)
    assert looped.board.preparation.amplifier.mode() is ClampMode.ZERO
    assert not looped.board.tasks


def test_an_amplifier_that_falls_silent_during_the_stairs_leaves_no_level_at_the_output(tmp_path, looped, monkeypatch):
    said, left = MultiClamp.telegraph, [5]

    def falls_silent(amplifier):
        left[0] -= 1
        if left[0] < 0:
            raise TelegraphError("no telegraph: is MultiClamp Commander running?")
        return said(amplifier)

    monkeypatch.setattr(MultiClamp, "telegraph", falls_silent)
    sections = looped.examined(tmp_path, loopback=True, agree=always)
    told = [f.found for found in sections.values() for f in found]
    assert left[0] < 0
    assert any("NOT AT REST: MultiClamp" in words for words in told), told
    assert looped.board.levels["ao0"] == pytest.approx(0.0, abs=1e-3)


def test_without_a_cable_the_loop_is_said_to_be_open(tmp_path, looped):
    looped.board.preparation.wires.cables.clear()
    found = one(looped.examined(tmp_path, loopback=True, agree=always), "Loop", "loop")
    assert found.verdict is Verdict.BAD
    assert "none of the 3 inputs follows" in found.found


@pytest.mark.parametrize("mode", ["voltage clamp", "current clamp"])
def test_the_loop_is_refused_while_a_cell_could_hear_it(tmp_path, looped, mode):
    looped.link.ask("amplifier.mode", mode=mode)
    before = looped.board.levels["ao0"]
    found = one(looped.examined(tmp_path, loopback=True, agree=always), "Loop", "loop")
    assert found.verdict is Verdict.BAD
    assert f"the amplifier is in {mode}" in found.found
    assert looped.board.levels["ao0"] == before


@pytest.mark.parametrize(
    ("mode", "volts"), [(ClampMode.VOLTAGE, -3.5), (ClampMode.CURRENT, 0.0)], ids=["voltage", "current"]
)
def test_a_knob_turned_during_the_loop_breaks_it_off_and_the_output_goes_to_that_modes_rest(
    tmp_path, looped, mode, volts
):
    turn_after(looped, 2, mode)
    found = one(looped.examined(tmp_path, loopback=True, agree=always), "Loop", "loop")
    assert found.verdict is Verdict.BAD
    assert "broken off" in found.found
    assert looped.board.levels["ao0"] == pytest.approx(volts, abs=1e-3)


def test_nothing_is_commanded_without_a_yes(tmp_path, looped):
    before = (dict(looped.board.levels), looped.board.preparation.open)
    found = looped.examined(tmp_path, loopback=True, model_cell=ModelCell(), agree=never)
    assert one(found, "Loop", "loop").verdict is Verdict.BAD
    assert one(found, "Model cell", "model cell").verdict is Verdict.BAD
    assert (dict(looped.board.levels), looped.board.preparation.open) == before


def test_a_yes_to_one_trial_is_none_to_the_other(tmp_path, looped):
    found = looped.examined(tmp_path, loopback=True, model_cell=ModelCell(), agree=lambda q: "cable" in q)
    assert one(found, "Loop", "loop").verdict is Verdict.OK
    assert "nobody said yes" in one(found, "Model cell", "model cell").found


def test_stairs_stay_within_the_rigs_limits_and_the_outputs_reach():
    rig = load_rig(RIG)
    low, high = stairs(rig, 20_000.0).extremes
    assert float(rig.limits.voltage.low) < low < float(rig.safe.voltage_clamp) < high < float(rig.limits.voltage.high)


@pytest.mark.parametrize(("gain", "offset", "delay"), [(1.0, 0.0, 1), (1.02, 0.0, 0), (1.0, 0.05, 1), (1.0, 0.0, 7)])
def test_gain_offset_and_delay_come_out_of_noise(gain, offset, delay):
    played = np.repeat([-3.5, -5.0, 1.0, -4.0, 0.0, -3.5], 400)
    noise = np.random.default_rng(1).normal(0, 1e-3, len(played))
    seen = offset + gain * np.concatenate([np.full(delay, -3.5), played])[: len(played)] + noise
    found = follow("loop", played, seen)
    assert found.gain == pytest.approx(gain, abs=1e-3)
    assert found.offset == pytest.approx(offset, abs=1e-3)
    assert found.delay == delay


def test_another_signal_does_not_follow():
    played = np.repeat([-3.5, -5.0, 1.0, -4.0, 0.0, -3.5], 400)
    rng = np.random.default_rng(2)
    assert all(follow("x", played, rng.normal(0, 1, len(played))) is None for _ in range(20))


@pytest.mark.parametrize(
    ("way", "verdict"),
    [
        (Way("loop", 1.001, 1e-3, 1), Verdict.OK),
        (Way("loop", 1.02, 1e-3, 1), Verdict.BAD),
        (Way("loop", 1.0, 0.02, 1), Verdict.BAD),
        (Way("loop", 1.0, 0.0, 2), Verdict.NOTE),
    ],
)
def test_a_loop_is_judged(way, verdict):
    (found,) = judged([way], 1)
    assert found.verdict is verdict


# --- the model cell -----------------------------------------------------------------------------------------------

PARTS = ("access resistance", "membrane resistance", "capacitance")


def test_a_model_cell_is_recovered_on_the_simulated_rig(tmp_path):
    path = rig_file(tmp_path, more=MODEL_CELL)
    found = examined(tmp_path, path, model_cell=ModelCell(), agree=always, clock=DemandClock())
    assert [one(found, "Model cell", part).verdict for part in PARTS] == [Verdict.OK] * 3


def test_a_model_cell_is_recovered_through_nis_client_and_the_rig_ends_where_it_was(tmp_path):
    with served(tmp_path, more=MODEL_CELL) as board:
        board.link.ask("amplifier.mode", mode="zero current")
        found = board.examined(tmp_path, model_cell=ModelCell(), agree=always)
        assert [one(found, "Model cell", part).verdict for part in PARTS] == [Verdict.OK] * 3
        assert board.board.preparation.amplifier.mode() is ClampMode.ZERO
        assert board.board.levels["ao0"] == pytest.approx(0.0, abs=1e-3)
        assert board.board.preparation.open == ("control",)
        assert not board.board.tasks


def test_a_cell_that_is_no_model_cell_is_told_from_one(tmp_path):
    found = examined(tmp_path, model_cell=ModelCell(), agree=always, clock=DemandClock())
    assert one(found, "Model cell", "membrane resistance").verdict is Verdict.BAD


def test_a_wrong_gain_keeps_the_model_cell_from_being_clamped(tmp_path):
    with served(tmp_path, more=MODEL_CELL) as board:
        board.link.ask("amplifier.scales", mode="voltage clamp", primary=0.2e-9)
        found = one(board.examined(tmp_path, model_cell=ModelCell(), agree=always), "Model cell", "model cell")
        assert found.verdict is Verdict.BAD
        assert "It is at I=0 now" in found.found
        assert board.board.preparation.amplifier.mode() is ClampMode.ZERO


def test_a_card_that_fails_in_the_trial_leaves_the_output_at_rest(tmp_path):
    with served(tmp_path, more=MODEL_CELL) as board:
        board.board.faults.add(Fault("ReadBinaryI16", -201003, nth=30))
        found = one(board.examined(tmp_path, model_cell=ModelCell(), agree=always), "Model cell", "model cell")
        assert found.verdict is Verdict.BAD
        assert "-201003" in found.found
        assert board.board.levels["ao0"] == pytest.approx(-3.5, abs=2e-3)
        assert not board.board.tasks


def test_a_model_cell_is_written_with_its_units():
    assert model_cell_of("5 MOhm, 1 GOhm, 10 pF") == ModelCell(5e6, 1e9, 10e-12)
    assert model_cell_of(None) == ModelCell()
    for text in ("10 MOhm", "10, 500, 33", "10 MOhm, 33 pF, 500 MOhm"):
        with pytest.raises(Refused, match="write access, membrane and capacitance"):
            model_cell_of(text)
