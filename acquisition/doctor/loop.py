"""From the command output through a cable to an input: gain, offset and delay of the card.

Nothing may hear the command meanwhile: the amplifier must be at I=0, and is looked at before, during and after.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.doctor.finding import Finding, bad, note, ok
from protocols.errors import ModeMismatch
from protocols.sweeps import ClampMode, Sweep
from protocols.waveforms import Pulse, Waveform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from acquisition.doctor.trial import Trial
    from config.rig import Rig
    from drivers.base import Amplifier, Gains

RATE, WIDTH = 20_000.0, 400
"""Hz, and samples per stair."""
STAIRS = (-0.9, 0.9, -0.45, 0.45)
"""Parts of what the rig's limits allow below and above the safe level."""
FOLLOWS = 0.2
"""Part by which a gain may differ from 1 in an input that follows the output at all; more is another signal."""
GAIN, OFFSET, DELAY = 1e-2, 10e-3, 1
"""Tolerances: a part, volts, samples. The card converts on the edge that also moves its output: one sample is right."""
WIRE = "wire the command output to an input with a T-piece, name it in the rig file: 'inputs: loop: {pin: ai6}'"
ZERO = "switch the amplifier to I=0 (by its program or its knob), and try again"


@dataclass(frozen=True)
class Path:
    """How an input follows the output."""

    name: str
    gain: float
    offset: float
    """V."""
    delay: int
    """Samples."""


def look_at_loop(trial: Trial) -> Iterator[Finding]:
    """Play stairs and find the input that follows; the output ends at rest."""
    amplifier = trial.devices.amplifier
    mode = amplifier.mode()
    gains = amplifier.gains()
    if mode is not ClampMode.ZERO or gains.command != 0:
        yield bad("loop", f"not played: the amplifier is in {mode} and would pass the stairs on to the cell", ZERO)
        return
    scale = amplifier.gains_in(ClampMode.VOLTAGE)
    trial.begin(gains)
    try:
        played, seen = _stairs(trial, scale)
    finally:
        yield from trial.rest(gains)
    yield from judged([p for name, row in seen.items() if (p := follow(name, played, row))], len(seen))


def judged(paths: list[Path], inputs: int) -> Iterator[Finding]:
    """Yield what is to be said of the inputs that follow the output."""
    if not paths:
        yield bad("loop", f"none of the {inputs} inputs follows the command output", WIRE)
    for p in paths:
        words = f"'{p.name}' follows: gain {p.gain:.5f}, offset {p.offset * 1e3:.2f} mV, delay {p.delay} samples"
        if abs(p.gain - 1) > GAIN or abs(p.offset) > OFFSET:
            yield bad("loop", words, "compare ranges and terminals with the rig file; calibrate the card (NI MAX)")
        elif not 0 <= p.delay <= DELAY:
            yield note("loop", words, "0 or 1 sample is usual: please tell us the card's name")
        else:
            yield ok("loop", words)


def follow(name: str, played: NDArray[np.float64], seen: NDArray[np.float64]) -> Path | None:
    """Return how `seen` (samples,) V follows `played`, (samples,) V; None if it does not."""
    delay = int(np.argmax(np.abs(np.diff(seen)))) - int(np.argmax(np.abs(np.diff(played))))
    if not 0 <= delay < WIDTH // 2:
        return None
    shifted, later = played[: len(played) - delay], seen[delay:]
    levels = np.unique(played)
    means = [later[shifted == level].mean() for level in levels]
    gain, offset = np.polyfit(levels, means, 1)
    return Path(name, float(gain), float(offset), delay) if abs(gain - 1) < FOLLOWS else None


def _stairs(trial: Trial, scale: Gains) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Play the stairs and return what was played and what each input saw, V at the connectors."""
    daq = trial.devices.daq
    command = stairs(trial.rig, daq.rate(min(RATE, float(trial.rig.daq.sampling_limit))))
    blocks = []
    with closing(daq.play(Sweep(0, ClampMode.VOLTAGE, command), scale)) as frames:
        for frame in frames:
            blocks.append(frame.counts)
            trial.lease.beat()
            _still_at_zero(trial.devices.amplifier)
    counts, seen = np.concatenate(blocks, axis=1), {}
    for row, channel in zip(counts, daq.channels(scale), strict=True):
        _, per_volt = scale.inputs.get(channel.name, ("V", 1.0))
        seen[channel.name] = channel.si(channel.stored(row)) / per_volt
    return command.values() / scale.command, seen


def stairs(rig: Rig, rate: float) -> Waveform:
    """Return the stairs: about the safe level, as far as the rig's limits and the output's range allow."""
    safe, limits = float(rig.safe.voltage_clamp), rig.limits.voltage
    reach = float(rig.outputs["command"].range) * float(rig.amplifier.voltage_clamp.command)
    down, up = safe - max(float(limits.low), -reach), min(float(limits.high), reach) - safe
    pulses = tuple(
        Pulse("step", WIDTH * (i + 1), WIDTH * (i + 2), part * (up if part > 0 else down))
        for i, part in enumerate(STAIRS)
    )
    return Waveform(rate, WIDTH * (len(STAIRS) + 2), safe, pulses)


def _still_at_zero(amplifier: Amplifier) -> None:
    found = amplifier.mode()
    if found is not ClampMode.ZERO:
        raise ModeMismatch(amplifier.name, f"it is in {found} now; the stairs were broken off")
