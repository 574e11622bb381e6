"""The amplifier's mode: verified by telegraph, and changed through I=0, where the cell cannot see the command move.

What is done in which order, and why, is in docs/safety.md and docs/decisions/0008-mode-switches.md.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.scales import differences
from protocols.errors import HardwareError, ModeMismatch
from protocols.plan import READING
from protocols.sweeps import ClampMode, Sweep
from protocols.waveforms import Waveform, samples

if TYPE_CHECKING:
    from acquisition.bench import Bench
    from drivers.base import Gains

SLOWEST_SWITCH = 120.0
"""Seconds that a mode switch may take: some amplifiers have a knob that a person must turn."""
PLAUSIBLE = (-120e-3, 60e-3)
"""V: beyond, there is no cell behind the electrode."""


@dataclass(frozen=True)
class Reading:
    """What the primary output said for a moment, at the standing command."""

    median: float
    """V or A; of all samples, so that a spike does not count."""
    sd: float
    unit: str

    def __str__(self) -> str:
        """Return it as it is written in the field."""
        factor, unit = (1e3, "mV") if self.unit == "V" else (1e12, "pA")
        return f"{self.median * factor:.1f} {unit} (SD {self.sd * factor:.2g})"


def read_amplifier(bench: Bench) -> None:
    """Take over mode and scale factors as telegraphed; see `Bench.read_amplifier`."""
    amplifier = bench.devices.amplifier
    bench.state.gains = gains = amplifier.gains()
    bench.lease.verified(gains)
    bench.vitals.mode = gains.mode
    if wrong := differences(gains, amplifier.gains_in(gains.mode)):
        _leave_to_zero(bench)
        raise HardwareError(amplifier.name, f"{wrong}; correct the rig file or the amplifier. It is at I=0 now")


def switch_mode(bench: Bench, mode: ClampMode, level: float) -> None:
    """Go to `mode` at `level`; see `Bench.switch_mode`."""
    amplifier, began = bench.devices.amplifier, bench.clock.now()
    times: dict[str, float] = {}
    with bench.lease.waiting("a mode switch", SLOWEST_SWITCH):
        _require(bench, bench.mode)
        before = _seen(bench)
        amplifier.set_mode(ClampMode.ZERO)
        times["zero_current"] = bench.clock.now() - began
        bench.devices.daq.park(level, amplifier.gains_in(mode))
        amplifier.set_mode(mode)
        times["entered"] = bench.clock.now() - began
        read_amplifier(bench)
        bench.state.level = level
        bench.clock.wait_until(bench.clock.now() + max(0.0, amplifier.settle - READING))
        after = _seen(bench)
        read_amplifier(bench)
        _require(bench, mode)
    times["settled"] = bench.clock.now() - began
    _require_a_cell(bench, after["reading"])
    bench.log(
        "mode",
        f"{before['mode']} to {mode} through I=0: {before['reading']} before, {after['reading']} after",
        **{"before": before["mode"], "after": after["mode"], "level": level, "seconds": times},
        at_start=before | {"reading": asdict(before["reading"])},
        at_end=after | {"reading": asdict(after["reading"])},
    )


def _seen(bench: Bench) -> dict[str, Any]:
    """Return what is written down of either side of a switch."""
    gains = bench.gains
    return {
        "mode": str(gains.mode),
        "level": bench.state.level,
        "reading": read_standing(bench),
        "gains": _scales(gains),
        "amplifier": bench.devices.amplifier.state().as_mapping(),
    }


def _scales(gains: Gains) -> dict[str, float]:
    """Return SI per volt, by name."""
    return {"command": gains.command, **{name: scale for name, (_, scale) in gains.inputs.items()}}


def read_standing(bench: Bench) -> Reading:
    """Return what the primary output says while the command stands: whole periods of 50 and of 60 Hz, not recorded."""
    daq, gains, rate = bench.devices.daq, bench.gains, bench.rate
    channels = daq.channels(gains)
    row = next(i for i, c in enumerate(channels) if c.name == "primary")
    look = Sweep(bench.state.sweeps, gains.mode, Waveform(rate, samples(READING, rate), bench.state.level))
    with closing(daq.play(look, gains)) as frames:
        counts = np.concatenate([frame.counts[row] for frame in frames])
    values = channels[row].si(channels[row].stored(counts))
    return Reading(float(np.median(values)), float(np.std(values)), channels[row].unit)


def _require(bench: Bench, mode: ClampMode) -> None:
    """Raise if somebody has turned the knob."""
    found = bench.devices.amplifier.mode()
    if found is not mode:
        raise ModeMismatch(bench.devices.amplifier.name, f"it is in {found} now; the run needs {mode}")


def _require_a_cell(bench: Bench, seen: Reading) -> None:
    """Leave the electrode to I=0 and raise if it shows a potential that no cell has."""
    low, high = PLAUSIBLE
    if seen.unit != "V" or low <= seen.median <= high:
        return
    _leave_to_zero(bench)
    words = (
        f"after the switch to current clamp it shows {seen}, and no cell is outside {low * 1e3:g} to {high * 1e3:g} mV:"
        " the cell is lost or the electrode is blocked. Look at seal, pipette and ground wire. It is at I=0 now"
    )
    raise HardwareError(bench.devices.amplifier.name, words)


def _leave_to_zero(bench: Bench) -> None:
    amplifier = bench.devices.amplifier
    amplifier.set_mode(ClampMode.ZERO)
    bench.state.gains = amplifier.gains()
