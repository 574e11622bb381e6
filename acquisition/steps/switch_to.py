"""Change of clamp mode, and the search for the bias that brings the cell to a potential."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from protocols.errors import Refused
from protocols.sweeps import ClampMode
from protocols.waveforms import Waveform, samples

if TYPE_CHECKING:
    from acquisition.bench import Bench
    from protocols.quantities import Resistance
    from protocols.steps import SwitchTo

AUTO = 30.0
"""Seconds that an amplifier's own procedure may take."""
LOOK = 1.0
"""Seconds recorded per look at the membrane potential."""
SETTLED = 0.5
"""Seconds at the end of a look over which the potential is averaged: several membrane time constants."""
FOLLOW = 0.8
"""Part of the error corrected per look; below 1, because sag makes the slow resistance smaller than the fast."""
FIRST_REACH = 0.5
"""The first correction is held back: the resistance it uses was measured in another mode."""


def switch_to(step: SwitchTo, bench: Bench) -> None:
    """Switch, set the bridge, and bias if asked for."""
    if step.clamp == "voltage":
        level = step.holding if step.holding is not None else bench.rig.safe.voltage_clamp
        if bench.mode is ClampMode.VOLTAGE:
            bench.park(float(level))
        else:
            bench.switch_mode(ClampMode.VOLTAGE, float(level))
        return
    if bench.mode is not ClampMode.CURRENT:
        bench.switch_mode(ClampMode.CURRENT, 0.0)
    set_bridge(step.bridge, bench)
    bench.state.max_bias = float(step.max_bias)
    if step.bias_to is not None:
        _bias(step, float(step.bias_to), bench)


def set_bridge(wish: str | Resistance, bench: Bench) -> None:
    """Balance the bridge as wished and log it."""
    amplifier = bench.devices.amplifier
    if wish == "keep":
        return
    if wish == "auto":
        with bench.lease.waiting("automatic bridge balance", AUTO):
            ohms = amplifier.auto_bridge()
    else:
        ohms = 0.0 if isinstance(wish, str) else float(wish)
        amplifier.set_bridge(ohms)
    if np.isnan(ohms):
        bench.log("bridge", "bridge balanced by hand; nothing tells its value", ohms=None)
    else:
        bench.log("bridge", f"bridge balance {ohms / 1e6:.1f} MOhm ({wish})", ohms=ohms)


def _bias(step: SwitchTo, target: float, bench: Bench) -> None:
    """Bring the cell to `target`, proportionally, never beyond the ceiling."""
    deadline = bench.clock.now() + step.within
    reach = FIRST_REACH
    while True:
        potential = _look(bench)
        _note_rest(potential, bench)
        error = target - potential
        if abs(error) <= step.tolerance:
            bench.log(
                "bias",
                f"bias {bench.state.level * 1e12:.0f} pA holds {potential * 1e3:.1f} mV",
                current=bench.state.level,
                potential=potential,
            )
            return
        wanted = bench.state.level + reach * error / bench.state.membrane_resistance
        reach = FOLLOW
        if abs(wanted) > step.max_bias or bench.clock.now() >= deadline:
            _give_up(step, potential, wanted, bench)
            return
        bench.park(wanted)


def _look(bench: Bench) -> float:
    """Record a second at the present bias and return the settled potential, V (median: spikes do not count)."""
    command = Waveform(bench.rate, samples(LOOK, bench.rate), bench.state.level)
    trial = bench.play(command, label="bias", kind="switch_to", keep=True)
    if trial.recorded is None:
        raise Refused("the bias sweep was not kept")
    settled = trial.recorded.primary[-samples(SETTLED, bench.rate) :]
    if np.isnan(settled).all():
        raise Refused("the samples by which the bias is chosen are lost: this computer did not fetch them in time")
    return float(np.nanmedian(settled))


def _note_rest(potential: float, bench: Bench) -> None:
    """Log what the cell is at without current: the first look after I=0, before any bias."""
    if bench.state.level == 0.0:
        bench.log("rest", f"resting potential {potential * 1e3:.1f} mV (no current)", potential=potential)


def _give_up(step: SwitchTo, potential: float, wanted: float, bench: Bench) -> None:
    text = (
        f"{step.bias_to} not reached: the cell is at {potential * 1e3:.1f} mV and would need about "
        f"{wanted * 1e12:.0f} pA (ceiling {step.max_bias})"
    )
    bench.act(step.if_not_reached, text)


def rebias(potential: float, target: float, within: float, at_most: float, bench: Bench) -> None:
    """Trim the bias after a sweep whose baseline was `potential`; called between sweeps only."""
    error = target - potential
    if not np.isfinite(error) or abs(error) <= within:
        return
    change = float(np.clip(FOLLOW * error / bench.state.membrane_resistance, -at_most, at_most))
    wanted = float(np.clip(bench.state.level + change, -bench.state.max_bias, bench.state.max_bias))
    if wanted == bench.state.level:
        return
    bench.park(wanted)
    bench.log("bias", f"bias {wanted * 1e12:.0f} pA (baseline was {potential * 1e3:.1f} mV)", current=wanted)
