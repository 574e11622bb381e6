"""What one process could not put to rest, and what the next one says of it."""

from dataclasses import replace

import pytest

from acquisition.guardian.claim import claimed, left_on
from acquisition.guardian.telling import told
from acquisition.guardian.watch import Known, rest
from acquisition.rest import put_to_rest
from config.loading import rig_from_text
from drivers.build import Absent, open_devices
from drivers.clock import DemandClock
from protocols.errors import HardwareError
from tests.rig_faults.lab import RIGS, rig, run

DRUG = "steps:\n  - apply: {solution: blocker}\n  - hold: {voltage: -60 mV, for: 1 s}\n"
DID_NOT_CLOSE = "valve 3 ('drug') did not close"


class Stuck:
    """A valve whose closing never arrives, until it is let go."""

    def __init__(self, instrument):
        self._instrument, self._act = instrument, instrument._act
        instrument._act = lambda heard: None if heard == "AT0V-3" else self._act(heard)

    def let_go(self):
        self._instrument._act = self._act


def at_once(text, known):
    return rest(rig_from_text(text, "rig.yaml"), known, -1.0, lambda left: None)


def test_a_valve_that_a_run_could_not_close_is_not_at_rest_for_its_guardian_until_it_shows(tmp_path):
    with rig(instruments=True) as built:
        stuck = []
        seen = run(built, tmp_path, DRUG, amid=lambda r: stuck.append(Stuck(r.valves.instrument)))
        assert f"NOT AT REST: ValveLink: {DID_NOT_CLOSE}" in seen.text
        known = Known(rested=(seen.text,))
        assert any(DID_NOT_CLOSE in words for words in at_once(built.text, known))
        assert any(DID_NOT_CLOSE in words for words in at_once(built.text, known)), "nor at its second try"
        assert [one.device for one in known.told if not one.at_rest] == ["perfusion"]
        stuck[0].let_go()
        assert at_once(built.text, known) == []
        assert built.valves.instrument.open == {1}
        stranger = Known()
        assert at_once(built.text, stranger) == []
        (valves,) = [one.words for one in stranger.told if one.device == "perfusion"]
        assert valves == "'control' was opened; that 'drug' closed was told, not seen: LOOK AT ITS LIGHT"


@pytest.fixture
def wired():
    return rig_from_text((RIGS / "simulated.yaml").read_text(encoding="utf-8"), "rig.yaml")


def test_what_could_not_be_done_is_kept_for_the_next_try_and_forgotten_by_the_next_run(wired, tmp_path):
    with claimed(wired, 4711, tmp_path) as claim:
        claim.leave([f"ValveLink: {DID_NOT_CLOSE}"])
        claim.run_is_over()
    assert left_on(wired, tmp_path) == (f"ValveLink: {DID_NOT_CLOSE}",)
    with claimed(wired, 4712, tmp_path):
        assert left_on(wired, tmp_path) == ()


def test_a_device_that_breaks_when_it_is_asked_how_it_was_left_is_not_at_rest(wired, monkeypatch):
    from acquisition.guardian import watch

    def broken():
        raise HardwareError("perfusion", "gone")

    with open_devices(wired, DemandClock(), simulate=True) as devices:
        devices.perfusion.selected = broken
        monkeypatch.setattr(watch, "devices_as_far_as_possible", lambda *_, **__: devices)
        known = Known()
        (words,) = rest(wired, known, -1.0, lambda left: None)
    assert words.startswith("perfusion: NOT AT REST: perfusion: gone.")


def test_ttl_lines_that_were_lowered_are_told_as_low(wired):
    with open_devices(wired, DemandClock(), simulate=True) as devices:
        lines = told(devices, wired, {}, put_to_rest(devices, wired.safe))
    assert all(one.at_rest for one in lines)
    assert next(one.line() for one in lines if one.device == "ttl") == f"ttl: {', '.join(wired.ttl)} low"


@pytest.mark.parametrize("wish", ["keep", "stop"])
def test_a_pump_that_is_away_is_missed_only_where_it_would_be_stopped(wired, wish):
    safe = wired.safe.model_copy(update={"pump": wish})
    rig_file = wired.model_copy(update={"safe": safe})
    with open_devices(wired, DemandClock(), simulate=True) as devices:
        away = replace(devices, pump=Absent("pump", HardwareError("pump", "no answer")))
        left = put_to_rest(away, safe)
        lines = told(away, rig_file, {"pump": "pump: no answer"}, left)
    assert [one.at_rest for one in lines if one.device == "pump"] == [wish == "keep"]
    assert left == ([] if wish == "keep" else ["pump: no answer"])
