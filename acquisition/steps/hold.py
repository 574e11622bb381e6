"""Voltage clamp at a potential, recorded without gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.commands import hold_command, ttl_pulses

if TYPE_CHECKING:
    from acquisition.bench import Bench
    from protocols.steps import Hold


def hold(step: Hold, bench: Bench) -> None:
    """Hold, as one gap-free sweep, with test pulses meanwhile."""
    command, ttl = hold_command(step, bench.rate), ttl_pulses(step, bench.rate)
    trial = bench.play(command, label=f"hold {step.voltage}", kind="hold", ttl=ttl)
    bench.judge(trial, step.require)
