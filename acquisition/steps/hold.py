"""Voltage clamp at a potential, recorded without gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.commands import hold_command

if TYPE_CHECKING:
    from acquisition.bench import Bench
    from protocols.steps import Hold


def hold(step: Hold, bench: Bench) -> None:
    """Hold, as one gap-free sweep, with test pulses meanwhile."""
    trial = bench.play(hold_command(step, bench.rate), label=f"hold {step.voltage}", kind="hold")
    bench.judge(trial, step.require)
