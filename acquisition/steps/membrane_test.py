"""Voltage clamp: resistances and capacitance from the mean of many test pulses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from protocols.commands import membrane_test_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquisition.bench import Bench
    from protocols.steps import MembraneTest

SHOWN = (
    ("Rs", "Ra {:.1f} MOhm", 1e-6),
    ("Rm", "Rm {:.0f} MOhm", 1e-6),
    ("Cm", "Cm {:.0f} pF", 1e12),
    ("I_hold", "holding {:.0f} pA", 1e12),
)
"""Measures, how the log shows them, and the factor from SI."""


def membrane_test(step: MembraneTest, bench: Bench) -> None:
    """Play the pulses at the present holding potential and look at what a good cell must show."""
    command = membrane_test_command(step, bench.rate, holding=bench.state.level)
    trial = bench.play(command, label="membrane test", kind="membrane_test")
    values = {name: trial.value(name) for name, _, _ in SHOWN}
    bench.log("membrane_test", _words(values), **values)
    bench.judge(trial, step.require)


def _words(values: Mapping[str, float]) -> str:
    """Return 'Ra 12.4 MOhm, Rm 105 MOhm, Cm 331 pF, holding -29 pA', without what was not measured."""
    known = [form.format(factor * values[name]) for name, form, factor in SHOWN if math.isfinite(values[name])]
    return ", ".join(known) or "nothing could be measured"
