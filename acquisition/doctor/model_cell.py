"""A model cell on the headstage: its resistances and its capacitance must come out, by the analysis of every run."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis.analyser import Settings, analyse
from acquisition.doctor.finding import Finding, bad, ok
from acquisition.doctor.trial import SWITCH
from drivers.scales import differences
from protocols.errors import HardwareError, Refused
from protocols.quantities import Capacitance, Resistance
from protocols.sweeps import ClampMode, RecordedSweep, Sweep, SweepHeader
from protocols.waveforms import pulse_train

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.doctor.trial import Trial
    from drivers.clock import Clock

RATE = 100_000.0
"""Hz, or the card's limit: the transient of a model cell lasts a third of a millisecond."""
STEP, WIDTH, PULSES = -10e-3, 0.050, 20
TOLERANCES = {"Rs": 0.10, "Rm": 0.05, "Cm": 0.15}
"""Parts. The model cell's own parts are good to a few percent; stray capacitance adds some pF, and what is not
compensated in the pipette's place looks like a lower access resistance."""
WORDS = {"Rs": "access resistance", "Rm": "membrane resistance", "Cm": "capacitance"}
CURES = {
    "Rs": "switch series-resistance and whole-cell compensation off; is it the model cell's CELL position?",
    "Rm": "compare command and output scale with the amplifier: a factor of 5 or 10 is a wrong scale in the rig file",
    "Cm": "switch whole-cell compensation off, and set the output filter to 5 kHz or more",
}


@dataclass(frozen=True)
class ModelCell:
    """What the model cell is made of, SI."""

    access: float = 10e6
    membrane: float = 500e6
    capacitance: float = 33e-12

    @property
    def values(self) -> dict[str, float]:
        """By measure."""
        return {"Rs": self.access, "Rm": self.membrane, "Cm": self.capacitance}


def model_cell_of(text: str | None) -> ModelCell:
    """Return the model cell that is written as '10 MOhm, 500 MOhm, 33 pF'.

    Raises
    ------
    Refused
        It is written otherwise.
    """
    if text is None:
        return ModelCell()
    parts = [part.strip() for part in text.split(",")]
    try:
        access, membrane, capacitance = parts
        return ModelCell(
            float(Resistance.parse(access)), float(Resistance.parse(membrane)), float(Capacitance.parse(capacitance))
        )
    except ValueError as error:
        raise Refused(f"'{text}': write access, membrane and capacitance: '10 MOhm, 500 MOhm, 33 pF'") from error


def look_at_model_cell(trial: Trial, clock: Clock, expected: ModelCell) -> Iterator[Finding]:
    """Clamp the model cell to the safe potential, measure it, and put the rig to rest."""
    amplifier = trial.devices.amplifier
    before = amplifier.mode()
    trial.begin(amplifier.gains())
    try:
        _clamp(trial, clock)
        yield from judged(_measured(trial, clock), expected)
    finally:
        try:
            if before is not ClampMode.VOLTAGE:
                with trial.lease.waiting("a mode switch", SWITCH):
                    amplifier.set_mode(ClampMode.ZERO)
        finally:
            yield from trial.rest()


def judged(found: dict[str, float], expected: ModelCell) -> Iterator[Finding]:
    """Compare what was measured with what the model cell is made of."""
    for name, should in expected.values.items():
        value, tolerance = found[name], TOLERANCES[name]
        words = f"{_shown(name, value)}; the model cell has {_shown(name, should)} (give or take {tolerance:.0%})"
        if abs(value - should) <= tolerance * should:
            yield ok(WORDS[name], words)
        else:  # NaN as well: nothing was found
            yield bad(WORDS[name], words, CURES[name])


def _shown(name: str, value: float) -> str:
    if not np.isfinite(value):
        return "not measurable"
    return f"{value * 1e12:.1f} pF" if name == "Cm" else f"{value / 1e6:.4g} MOhm"


def _clamp(trial: Trial, clock: Clock) -> None:
    """Go to voltage clamp at the safe potential, through I=0, and verify scale factors."""
    amplifier, daq, level = trial.devices.amplifier, trial.devices.daq, float(trial.rig.safe.voltage_clamp)
    if amplifier.mode() is not ClampMode.VOLTAGE:
        with trial.lease.waiting("a mode switch", SWITCH):
            amplifier.set_mode(ClampMode.ZERO)
            daq.park(level, amplifier.gains_in(ClampMode.VOLTAGE))
            amplifier.set_mode(ClampMode.VOLTAGE)
    if wrong := differences(amplifier.gains(), amplifier.gains_in(ClampMode.VOLTAGE)):
        amplifier.set_mode(ClampMode.ZERO)
        raise HardwareError(amplifier.name, f"{wrong}; correct the rig file or the amplifier. It is at I=0 now")
    trial.begin(amplifier.gains())
    daq.park(level, amplifier.gains())
    clock.wait_until(clock.now() + amplifier.settle)


def _measured(trial: Trial, clock: Clock) -> dict[str, float]:
    """Play test pulses and return what a membrane test makes of them, SI."""
    daq, amplifier, level = trial.devices.daq, trial.devices.amplifier, float(trial.rig.safe.voltage_clamp)
    rate = daq.rate(min(RATE, float(trial.rig.daq.sampling_limit)))
    gains, every = amplifier.gains(), 4 * WIDTH
    command = pulse_train(rate, holding=level, duration=every * PULSES, amplitude=STEP, width=WIDTH, every=every)
    header = SweepHeader(
        sweep=Sweep(0, ClampMode.VOLTAGE, command),
        start=clock.now(),
        label="model cell",
        kind="membrane_test",
        run=1,
        condition="model cell",
        channels=daq.channels(gains),
        holding=level,
        amplifier=amplifier.state().as_mapping(),
    )
    blocks = []
    with closing(daq.play(header.sweep, gains)) as frames:
        for frame in frames:
            blocks.append(frame.counts)
            trial.lease.beat()
    counts = np.concatenate(blocks, axis=1)
    stored = {c.name: c.stored(row) for c, row in zip(header.channels, counts, strict=True)}
    made = analyse(RecordedSweep(header, stored), Settings(None))
    return {m.name: m.value for m in made}
