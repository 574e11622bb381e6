"""The pipette watched by test pulses: in the bath, at the membrane, on the cell. Before a protocol, or in a pause.

Each stage is one sweep without gaps, a minute long at most and then the next one, so that seal and access resistance
are in the file without anybody asking for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquisition.analysis.voltage_clamp import WATCHED
from acquisition.controls import StageOver
from protocols.sweeps import ClampMode
from protocols.waveforms import lies_within, pulse_train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquisition.bench import Bench
    from acquisition.controls import Stage

LONGEST = 60.0
"""Seconds."""


@dataclass(frozen=True)
class Pulses:
    """How a stage watches."""

    size: float
    """V."""
    width: float
    """Seconds. Charging a cell takes 50 ms; a pipette has no such wait."""
    every: float
    is_at_zero: bool = False
    """Held at 0 mV, where a pipette in the bath draws no current; otherwise at the rig's safe potential."""


HOW: Mapping[Stage, Pulses] = {
    "bath": Pulses(5e-3, 0.020, 0.2, is_at_zero=True),
    "patch": Pulses(5e-3, 0.020, 0.2),
    "cell": Pulses(-5e-3, 0.050, 0.25),
    "monitor": Pulses(-5e-3, 0.050, 1.0),
}


def watch(bench: Bench) -> None:
    """Play test pulses as long as the person wishes; the command is then where it was before."""
    before = bench.state.level
    if bench.controls.stage is None:
        return
    if bench.mode is not ClampMode.VOLTAGE:
        _refuse(f"the pipette is watched in voltage clamp only; the cell is in {bench.mode}", bench)
        return
    try:
        while (stage := bench.controls.stage) is not None:
            _play(stage, bench)
    finally:
        bench.controls.watching(None)
        bench.park(before)


def _play(stage: Stage, bench: Bench) -> None:
    how, limits = HOW[stage], bench.rig.limits.voltage
    level = 0.0 if how.is_at_zero else float(bench.rig.safe.voltage_clamp)
    command = pulse_train(
        bench.rate, holding=level, duration=LONGEST, amplitude=how.size, width=how.width, every=how.every
    )
    if how.is_at_zero and bench.state.runs:
        _refuse(f"'{stage}' holds at 0 mV, which is for a pipette without a cell, before the protocol begins", bench)
        return
    if not lies_within(command.extremes, (float(limits.low), float(limits.high))):
        _refuse(f"'{stage}' would leave the rig's limits of voltage", bench)
        return
    bench.controls.watching(stage)
    try:
        bench.play(command, label=stage, kind=WATCHED)
    except StageOver:
        bench.log("note", f"pipette watched: {stage}")
    bench.controls.watching(None)
    bench.controls.check_between_sweeps()


def _refuse(why: str, bench: Bench) -> None:
    bench.log("note", f"no test pulses: {why}")
    bench.controls.watch_pipette(None)
