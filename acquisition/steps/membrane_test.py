"""Voltage clamp: resistances and capacitance from the mean of many test pulses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.commands import membrane_test_command

if TYPE_CHECKING:
    from acquisition.bench import Bench
    from protocols.steps import MembraneTest


def membrane_test(step: MembraneTest, bench: Bench) -> None:
    """Play the pulses at the present holding potential and look at what a good cell must show."""
    command = membrane_test_command(step, bench.rate, holding=bench.state.level)
    trial = bench.play(command, label="membrane test", kind="membrane_test")
    bench.log(
        "membrane_test",
        f"Ra {trial.value('Rs') / 1e6:.1f} MOhm, Rm {trial.value('Rm') / 1e6:.0f} MOhm, "
        f"Cm {trial.value('Cm') * 1e12:.0f} pF, holding {trial.value('I_hold') * 1e12:.0f} pA",
        **{name: trial.value(name) for name in ("Rs", "Rm", "Cm", "I_hold")},
    )
    bench.judge(trial, step.require)
