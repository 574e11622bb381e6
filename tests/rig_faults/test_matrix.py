"""The fault matrix: what goes wrong on a rig, and what stands at its output, valves and pump afterwards.

Each row is one fault. After each run it is asserted, of the things themselves: the safe level of the mode that the
amplifier is in, the control solution, a pump that stands; that every sample that came is in the session file, as it
was; and that the message tells a person what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from acquisition.session.recovery import open_recovered
from drivers.multiclamp.table import Code
from protocols.sweeps import ClampMode
from tests.rig_faults.lab import rig, run

if TYPE_CHECKING:
    from collections.abc import Callable

HOLD = "steps:\n  - hold: {voltage: -60 mV, for: 2 s}\n"
DRUG = "steps:\n  - apply: {solution: blocker}\n  - hold: {voltage: -60 mV, for: 2 s}\n"
TWO = DRUG + "  - hold: {voltage: -65 mV, for: 1 s}\n"
BURSTS = (
    "steps:\n  - switch_to: {clamp: current, bridge: keep}\n"
    "  - series: {name: bursts, step: 300 pA, width: 150 ms, every: 5 s, before: 600 ms, after: 2 s, sweeps: 2}\n"
)
SAFE_VOLTS = {"voltage clamp": -3.5, "current clamp": 0.0, "zero current": 0.0}
"""-70 mV at 20 mV/V, no current; in I=0 what would be no current in current clamp."""
VOLTAGE, CURRENT, ZERO = (str(m) for m in ClampMode)


@dataclass(frozen=True)
class Row:
    """One fault."""

    name: str
    says: str
    """Part of what the person is told."""
    before: Callable[[Any], object] | None = None
    amid: Callable[[Any], object] | None = None
    steps: str = DRUG
    label: str = "hold"
    mode: str = VOLTAGE
    """In which the amplifier is afterwards."""
    volts: float | None = None
    """At the output; the safe level of `mode` if left out."""
    left: tuple[str, ...] = ()
    """What is NOT AT REST."""
    reason: str = "hardware failed"
    lines: tuple[str, ...] = ("control",)
    sweeps: int = 1
    """Recorded, the last of them incomplete."""
    logs: str = ""
    """Part of a fault that the session's log has, once; the run goes on."""

    def __str__(self):
        return self.name


def fault(call, code=0, **how):
    return lambda rig: rig.fault(call, code, **how)


def read(code, says, **how):
    return Row(f"read {code}", f"{says} (NI-DAQmx {code})", amid=fault("ReadBinaryI16", code, **how))


def write(code, says, **how):
    return Row(f"write {code}", f"{says} (NI-DAQmx {code})", amid=fault("WriteAnalogF64", code, **how))


def start(call, code, says):
    return Row(f"{call} {code}", f"{says} (NI-DAQmx {code})", before=fault(call, code), sweeps=0)


def lose(instrument, command):
    """Let one command not arrive."""
    act = instrument._act

    def once(heard):
        if heard == command:
            instrument._act = act
        else:
            act(heard)

    instrument._act = once


GONE = "is it plugged in and powered?"
CARD = (
    read(-201003, GONE),
    read(-200045, GONE),
    read(-88710, "was the card reset or unplugged?"),
    read(-88709, "the task was stopped from elsewhere"),
    read(-200088, "was the device server restarted?"),
    read(-200284, "its sample clock or start trigger does not come"),
    read(-200278, "more samples were asked for than the sweep has"),
    read(-200361, "fewer channels, a lower rate, or the card on a faster port", breaks=True),
    read(-200010, "fewer channels, a lower rate, or the card on a faster port", breaks=True),
    read(-200222, "a longer 'input_buffer', or less load on the computer", breaks=True),
    write(-200290, "this computer stalled for longer than the 'lead'"),
    write(-200292, "its sample clock does not come"),
    write(-200016, "a lower rate, or the card on a faster port", breaks=True),
    write(-200018, "the output converter ran empty: a lower rate", breaks=True),
    write(-200621, "a lower rate, or the card on a faster port", breaks=True),
    write(-200547, "more samples were written than the output's buffer holds"),
    write(-200561, "a level is beyond the output's range"),
    write(-201003, GONE),
    Row(
        "output runs dry: the computer stalls for 5 s",
        "this computer stalled for longer than the 'lead' (NI-DAQmx -200290)",
        amid=fault("WriteAnalogF64", stall=5.0),
    ),
    Row(
        "card gone for good",
        GONE,
        amid=fault("*", -201003, times=0),
        left=("Dev1: command output", "Dev1: valves"),
        mode=ZERO,
        volts=-3.0,
        lines=("drug",),
    ),
    Row(
        "device server gone",
        "the device server does not answer: is it running there, and do address, port and firewall agree?",
        amid=lambda rig: rig.disconnect(),
        left=("Dev1: command output", "Dev1: valves"),
        mode=ZERO,
        volts=-3.0,
        lines=("drug",),
    ),
    Row(
        "output cannot be written any more",
        GONE,
        amid=lambda rig: [rig.fault(call, -201003, times=0) for call in ("WriteAnalogF64", "WriteAnalogScalarF64")],
        left=("Dev1: command output",),
        mode=ZERO,
        volts=-3.0,
    ),
)
PREPARING = tuple(
    Row(f"{call} {code}", f"{says} (NI-DAQmx {code})", before=fault(call, code, nth=nth, times=9), left=left, mode=mode,
        sweeps=int(call == "StartTask"), steps=HOLD, volts=volts)
    for call, nth, code, says, left, mode, volts in (
        ("CfgSampClkTiming", 1, -200077, "ranges and terminals of the rig file with its manual", (), VOLTAGE, None),
        ("CfgSampClkTiming", 1, -89137, "close other programs that use the card", (), VOLTAGE, None),
        ("StartTask", 1, -50103, "close NI MAX's test panels and other programs that use it", (), VOLTAGE, None),
        ("StartTask", 2, -200462, "the output was started without samples", (), VOLTAGE, None),
    )
)  # fmt: skip
MULTICLAMP = (
    *(
        Row(f"telegraph after mode call, {code.name}", str(int(code)), steps=BURSTS, sweeps=0, label="none",
            before=lambda rig, code=code: rig.commander.fail(code, call="SetMode"))
        for code in Code if code is not Code.OK
    ),
    Row(
        "Commander quits in mid-sweep",
        "is MultiClamp Commander running?",
        amid=lambda rig: setattr(rig.commander, "is_running", False),
        left=("MultiClamp",),
    ),
    Row(
        "garbled telegraph",
        "is unknown",
        amid=lambda rig: setattr(rig.commander, "record", lambda _: b"\xff" * 256),
        left=("MultiClamp",),
        mode=ZERO,  # the switch itself works, and only the telegraph cannot confirm it
        volts=-3.5,
    ),
    Row(
        "wrong gain before the run",
        "correct the rig file or the amplifier. It is at I=0 now",
        before=lambda rig: next(iter(rig.commander.headstages.values())).set("PrimarySignalGain", 5.0),
        mode=ZERO,
        sweeps=0,
    ),
    Row(
        "gain turned in mid-sweep",
        "somebody has turned a gain since it was read",
        amid=lambda rig: rig.link.ask("amplifier.scales", mode=VOLTAGE, primary=2e-10),
    ),
    Row(
        "command's sensitivity turned in mid-sweep",
        "somebody has turned a gain since it was read: the scale of 'command' in voltage clamp is 100 mV/V, it was 20",
        amid=lambda rig: rig.link.ask("amplifier.scales", mode=VOLTAGE, command=0.1),
        volts=-0.7,
    ),
    Row(
        "command turned off in mid-sweep",
        "somebody has turned a gain since it was read: the scale of 'command' in voltage clamp is 0 mV/V, it was 20",
        amid=lambda rig: rig.link.ask("amplifier.scales", mode=VOLTAGE, command=0.0),
        mode=ZERO,  # no volt is -70 mV now
    ),
    Row(
        "external command off",
        "choose a sensitivity in Options > Gains",
        before=lambda rig: rig.link.ask("amplifier.scales", mode=CURRENT, command=0.0),
        steps=BURSTS,
        mode=ZERO,
        sweeps=0,
    ),
    Row(
        "turned to current clamp in mid-sweep",
        "it is in current clamp now",
        amid=lambda rig: rig.turn(ClampMode.CURRENT),
        mode=CURRENT,
    ),
    Row(
        "turned to I=0 in mid-sweep", "it is in zero current now", amid=lambda rig: rig.turn(ClampMode.ZERO), mode=ZERO
    ),
    Row(
        "turned to voltage clamp in a burst",
        "it is in voltage clamp now",
        amid=lambda rig: rig.turn(ClampMode.VOLTAGE),
        steps=BURSTS,
        label="bursts",
    ),
)  # fmt: skip
KNOBS = (
    Row("mode knob turned in mid-sweep", "it is in current clamp now", amid=lambda rig: rig.turn(ClampMode.CURRENT),
        mode=CURRENT),
    Row("mode telegraph between two positions", "mode telegraph", amid=lambda rig: rig.link.ask(
        "telegraph", pin="ai3", volts=5.0), left=("Axopatch",)),
    Row("gain telegraph between two steps", "gain telegraph", before=lambda rig: rig.link.ask(
        "telegraph", pin="ai2", volts=2.75), sweeps=0, left=("Axopatch",)),
    Row("gain knob turned in mid-sweep", "somebody has turned a gain", amid=lambda rig: rig.link.ask(
        "amplifier.scales", mode=VOLTAGE, primary=5e-11)),
    Row("nobody turns the knob", "asked to turn the mode knob", steps=BURSTS, sweeps=0),
)  # fmt: skip
VALVES = (
    Row(
        "digital lines reserved, once",
        "close NI MAX's test panels (NI-DAQmx -200587)",
        before=fault("WriteDigitalLines", -200587, nth=2),
        sweeps=0,
    ),
    Row(
        "digital lines refused for good",
        "close NI MAX's test panels (NI-DAQmx -200587)",
        before=fault("WriteDigitalLines", -200587, nth=2, times=0),
        sweeps=0,
        left=("perfusion",),
    ),
)
INSTRUMENTS = (
    Row("nothing", "all steps done", reason="finished"),
    Row("a valve that is stuck", "valve 3 ('drug') did not open", sweeps=0,
        before=lambda rig: rig.valves.instrument.plugged_in.discard(3)),
    Row("a valve's closing is lost on its line", "all steps done", reason="finished",
        amid=lambda rig: lose(rig.valves.instrument, "AT0V-3")),
    Row("valves unplugged in mid-sweep", "ValveLink", amid=lambda rig: rig.valves.unplug(), reason="hardware failed",
        left=("ValveLink",), lines=("drug",)),
    Row("pump unplugged in mid-sweep", "pump", amid=lambda rig: rig.pump.unplug(), reason="hardware failed",
        left=("pump",), logs="the pump does not answer any more, so nobody knows whether the bath gets solution"),
    Row("pump silent for a while", "all steps done", reason="finished", amid=lambda rig: setattr(
        rig.pump.faults, "mute", 1)),
    Row("pump answers garbage", "all steps done", reason="finished", amid=lambda rig: setattr(
        rig.pump.faults, "garble", 1)),
    Row("pump stalls", "all steps done", reason="finished", amid=lambda rig: rig.pump.instrument.stall(),
        logs="the bath gets no solution since"),
    Row("pump stalls in the first of two sweeps", "all steps done", reason="finished", steps=TWO, sweeps=2,
        amid=lambda rig: rig.pump.instrument.stall(), logs="the pump stands (its motor stalled"),
    Row("thermometer unplugged", "all steps done", reason="finished", amid=lambda rig: rig.thermometer.unplug(),
        steps=TWO, sweeps=2),
    Row("thermometer silent", "all steps done", reason="finished", amid=lambda rig: setattr(
        rig.thermometer.faults, "mute", 99), steps=TWO, sweeps=2),
    Row("thermometer answers garbage", "all steps done", reason="finished", amid=lambda rig: setattr(
        rig.thermometer.faults, "garble", 99), steps=TWO, sweeps=2),
    Row("card fails while instruments are there", GONE, amid=fault("ReadBinaryI16", -201003)),
)  # fmt: skip
UNPLUGGED_PUMP = "pump unplugged in mid-sweep"


def check(row, seen):
    """Assert what stands where, what is in the file, and what was said."""
    assert seen.finished.reason == row.reason, seen.text
    assert row.says in seen.text
    assert seen.mode == row.mode
    assert seen.volts == pytest.approx(SAFE_VOLTS[row.mode] if row.volts is None else row.volts, abs=2e-3)
    assert tuple(seen.lines) == row.lines
    assert seen.pumping is (row.name == UNPLUGGED_PUMP)
    assert seen.text.count("NOT AT REST") == len(row.left), seen.text
    for device in row.left:
        assert f"NOT AT REST: {device}" in seen.text


def check_kept(row, seen):
    """Assert that the session has every sample that came, as it came."""
    with open_recovered(seen.session) as session:
        assert len(session.sweeps) == row.sweeps
        assert all(session.is_intact(s.index) for s in session.sweeps)
        assert session.closed == row.reason
        assert session.log[-1].text.startswith(f"{row.reason}: ")
        assert session.log[-1].text.count("NOT AT REST") == len(row.left)
        assert sum(row.logs in e.text for e in session.log if e.kind == "fault") == 1 or not row.logs
        check_modes(row, session)
        check_gains(row, session)
        if row.sweeps and row.reason != "finished" and not seen.text.startswith("all steps done"):
            last = session.sweeps[-1]
            assert not last.complete
            assert last.reason
            assert last.n_samples >= 5_000 or row.amid is None


def check_modes(row, session):
    """Assert that the log has the mode at the end of each whole sweep, and what it was turned to in a broken one."""
    at_end = {e.data["sweep"]: e.data["after"] for e in session.log if e.kind == "mode_at_end"}
    assert all(at_end[s.index] == str(s.mode) for s in session.sweeps if s.complete)
    turned = [e.data["after"] for e in session.log if e.kind == "mode" and "looks" in e.data]
    if row.says.startswith("it is in"):
        assert turned == [row.mode]


def check_gains(row, session):
    """Assert that a gain turned in mid-sweep ended it there, and that the log says since when."""
    told = [e.data["time_in_sweep"] for e in session.log if e.kind == "gain"]
    if not row.says.startswith("somebody has turned a gain"):
        assert not told
        return
    (seconds,) = told
    assert seconds <= session.sweeps[-1].n_samples / session.sweeps[-1].rate < 0.6


SHORT_LEAD = ("lead: 12 s", "lead: 1 s")
"""With the shipped lead a sweep of two seconds is written before anything can happen to its output."""


def played(row, tmp_path, *, instruments=False):
    with rig(instruments=instruments, changes=[SHORT_LEAD]) as built:
        return run(built, tmp_path, row.steps, before=row.before, amid=row.amid, label=row.label)


@pytest.mark.parametrize("row", [*CARD, *PREPARING, *MULTICLAMP, *VALVES], ids=str)
def test_a_fault_of_card_amplifier_or_valves_leaves_the_rig_at_rest(row, tmp_path):
    seen = played(row, tmp_path)
    check(row, seen)
    check_kept(row, seen)


class Hands:
    """Turn what they are told at the board; for the filter, which the protocol wants otherwise than it is."""

    def __init__(self, rig):
        self._rig = rig

    def tell(self, text):
        if "filter" in text:
            corner = float(text.rpartition(" to ")[2].removesuffix(" kHz")) * 1e3
            self._rig.link.ask("amplifier.knobs", low_pass=corner)

    def confirm(self, text):
        return False


@pytest.mark.parametrize("row", KNOBS, ids=str)
def test_a_fault_of_an_amplifier_with_knobs_leaves_the_rig_at_rest(row, tmp_path):
    with rig(knobs=True, changes=[("beta: 1}", "beta: 1, turn_within: 1 s}")]) as built:
        seen = run(
            built, tmp_path, row.steps, before=row.before, amid=row.amid, label=row.label, hands=Hands(built),
            low_pass="5 kHz",
        )  # fmt: skip
    check(row, seen)
    check_kept(row, seen)


@pytest.mark.parametrize("row", INSTRUMENTS, ids=str)
def test_a_fault_of_an_instrument_leaves_the_rig_at_rest(row, tmp_path):
    seen = played(row, tmp_path, instruments=True)
    check(row, seen)
    check_kept(row, seen)
