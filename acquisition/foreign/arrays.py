"""The measures of a sweep in memory: of ours, or of samples from anywhere."""

from __future__ import annotations

import math
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, SupportsFloat, overload

import numpy as np

from acquisition.analysis import analyser
from acquisition.analysis.settings import Settings
from protocols.errors import Refused
from protocols.sweeps import STORED_STEP, Channel, ClampMode, RecordedSweep, Sweep, SweepHeader
from protocols.waveforms import Pulse, Waveform, samples

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from protocols.sweeps import Measurement

MOST_VOLTS = 1.0
"""No cell and no patch amplifier reaches this; a number beyond it is in millivolts."""
MOST_AMPERES = 1e-6
"""No patch amplifier reaches this; a number beyond it is in picoamperes."""
LEAST_RATE = 2000.0
"""Hz. An action potential lasts a millisecond; thresholds deserve 20 kHz."""
UNKNOWN = "command_unknown"
"""Flag of what needs the commanded current, where it was not given."""
EXAMPLE = "patchrig.analyse(voltage, rate=20000, step=(0.5, 0.65), current=200e-12)"


@overload
def analyse(sweep: RecordedSweep, settings: Settings, /) -> list[Measurement]: ...


@overload
def analyse(
    voltage: ArrayLike,
    /,
    settings: Settings | None = ...,
    *,
    rate: float,
    step: tuple[float, float],
    current: ArrayLike | None = ...,
    target_spikes: int | tuple[int, int] | None = ...,
    baseline: tuple[float, float] | None = ...,
) -> list[Measurement]: ...


def analyse(
    sweep: RecordedSweep | ArrayLike,
    /,
    settings: Settings | None = None,
    *,
    rate: float | None = None,
    step: tuple[float, float] | None = None,
    current: ArrayLike | None = None,
    target_spikes: int | tuple[int, int] | None = None,
    baseline: tuple[float, float] | None = None,
) -> list[Measurement]:
    """Return all measures of a sweep: one of a session, or the membrane potential from anywhere.

    Parameters
    ----------
    sweep : RecordedSweep, or (samples,), V
        A sweep of a session, which knows its step; then `settings` is needed and nothing else may be given.
        Or samples of the membrane potential in volts, with NaN where some were lost.
    settings
        What is wanted beside the standard measures; `Settings.of(session.protocol)` for a session.
    rate
        Samples per second.
    step
        When the current step begins and ends, in seconds from the first sample.
    current : float, A, or (samples,), A
        Size of the step, or its command or monitor: then the step's size is its median during the step less that
        before. Left out, what needs it (`I_step`, `bridge_residual`) is NaN with the flag `command_unknown`.
    target_spikes
        Action potentials that a good sweep has, such as 4 or (3, 4).
    baseline
        Its window, seconds from the step's start, such as (-0.14, -0.01); left out, (-0.51, -0.01).

    Returns
    -------
    list of Measurement
        SI. Windows in seconds from the first sample; a window that the samples do not fill gives no number.

    Raises
    ------
    Refused
        The numbers are not what they should be: in millivolts, of more than one sweep, with a step outside them.

    Examples
    --------
    >>> {m.name: m.value for m in patchrig.analyse(volts, rate=20e3, step=(0.5, 0.65), current=2e-10)}  # doctest: +SKIP
    """
    if isinstance(sweep, RecordedSweep):
        if settings is None or any(x is not None for x in (rate, step, current, target_spikes, baseline)):
            raise Refused("a recorded sweep knows its rate and its step: analyse(sweep, Settings.of(session.protocol))")
        return analyser.analyse(sweep, settings)
    if rate is None or step is None:
        raise Refused(f"say the sampling rate and when the step was: {EXAMPLE}")
    volts = _volts(sweep)
    pulse, holding = _pulse(volts, sampled_enough(rate), step, current)
    command = Waveform(float(rate), len(volts), holding, (pulse,))
    recorded = RecordedSweep(_header(command), {"primary": (volts / STORED_STEP["V"]).astype(np.float32)})
    return [explained(m) for m in analyser.analyse(recorded, _wanted(settings, target_spikes, baseline))]


def _wanted(
    settings: Settings | None, target_spikes: int | tuple[int, int] | None, baseline: tuple[float, float] | None
) -> Settings:
    """Return what to measure: `settings`, with what was said besides."""
    if settings is None:
        settings = Settings(target_spikes=_count(target_spikes))
    elif target_spikes is not None:
        settings = replace(settings, target_spikes=_count(target_spikes))
    return settings if baseline is None else replace(settings, baseline=_baseline(baseline))


def _volts(voltage: ArrayLike) -> NDArray[np.float64]:
    values = (
        np.ma.filled(voltage.astype(float), np.nan) if isinstance(voltage, np.ma.MaskedArray) else np.asarray(voltage)
    )
    if values.ndim != 1 or not len(values):
        raise Refused(f"one sweep at a time, as (samples,); these have the shape {values.shape}")
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise Refused(f"the potential should be numbers; these are {values.dtype}")
    most = float(np.nanmax(np.abs(values), initial=0.0))
    if most > MOST_VOLTS:
        raise Refused(f"the potential reaches {most:.4g} V, so these are millivolts: divide by 1000")
    return values.astype(np.float64)


def _baseline(window: tuple[float, float]) -> tuple[float, float]:
    """Return the window of the baseline, s, or refuse one that is not before the step."""
    start, stop = _numbers(window, "the baseline", "baseline=(-0.14, -0.01)")
    if not start < stop <= 0:
        raise Refused(
            f"the baseline from {start:g} to {stop:g} s does not lie before the step: baseline=(-0.14, -0.01)"
        )
    return start, stop


def _numbers(pair: tuple[float, float], what: str, example: str) -> tuple[float, float]:
    """Return two finite numbers, or refuse what is not."""
    try:
        first, second = (float(x) for x in pair)
    except (TypeError, ValueError) as error:
        raise Refused(f"{what} should be two numbers in seconds: {example}") from error
    if not (math.isfinite(first) and math.isfinite(second)):
        raise Refused(f"{what} should be two finite numbers in seconds: {example}")
    return first, second


def sampled_enough(rate: float) -> float:
    """Return `rate`, samples per second, or refuse one at which nothing here could be measured."""
    if isinstance(rate, str) or not isinstance(rate, SupportsFloat):
        raise Refused(f"the sampling rate should be a number, in samples per second: {EXAMPLE}")
    rate = float(rate)
    if not (math.isfinite(rate) and rate >= LEAST_RATE):
        raise Refused(
            f"the sampling rate is {rate:g} samples per second; below {LEAST_RATE:g} an action potential cannot be seen"
        )
    return float(rate)


def _pulse(
    volts: NDArray[np.float64], rate: float, step: tuple[float, float], current: ArrayLike | None
) -> tuple[Pulse, float]:
    """Return the step, and the current that holds the cell, A."""
    step = _numbers(step, "the step", "step=(0.5, 0.65)")
    on, off = (samples(x, rate) for x in step)
    if not 0 <= on < off <= len(volts):
        msg = f"the step lasts from {step[0]:g} to {step[1]:g} s, but the samples from 0 to {len(volts) / rate:g} s"
        raise Refused(f"{msg}: give both in seconds from the first sample, such as step=(0.5, 0.65)")
    amplitude, holding = _amplitude(current, len(volts), on, off)
    return Pulse("step", on, off, amplitude), holding


def _amplitude(current: ArrayLike | None, n_samples: int, on: int, off: int) -> tuple[float, float]:
    """Return the size of the step and the holding current, A; NaN where it is not known."""
    if current is None:
        return math.nan, math.nan
    try:
        amperes = np.asarray(current, np.float64)
    except (TypeError, ValueError) as error:
        raise Refused("the current should be numbers in A: the step's size, or one value a sample") from error
    if np.isnan(amperes).all():
        return math.nan, math.nan
    if amperes.shape not in ((), (n_samples,)):
        msg = f"the current has the shape {amperes.shape}; give the step's size in A or one value a sample"
        raise Refused(f"{msg} ({n_samples})")
    most = float(np.nanmax(np.abs(amperes), initial=0.0))
    if most > MOST_AMPERES:
        raise Refused(f"the current reaches {most:.4g} A, so these are picoamperes: multiply by 1e-12")
    if not amperes.ndim:
        return float(amperes), math.nan
    holding = float(np.median(amperes[:on])) if on else 0.0
    return float(np.median(amperes[on:off])) - holding, holding


def _count(target: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if target is None:
        return None
    pair = tuple(target) if isinstance(target, list | tuple) else (target, target)
    counts = [isinstance(n, Integral) and not isinstance(n, bool) and n >= 0 for n in pair]
    if len(pair) != 2 or not all(counts) or pair[0] > pair[1]:
        raise Refused(f"target_spikes should be a count or a pair of them, such as 4 or (3, 4), and is {target!r}")
    return int(pair[0]), int(pair[1])


def _header(command: Waveform) -> SweepHeader:
    channel = Channel("primary", "V", (0.0, 1.0))  # the converter's range is not known
    return SweepHeader(
        Sweep(0, ClampMode.CURRENT, command), 0.0, "recorded", "series", 1, "as recorded", (channel,), command.holding
    )


def explained(m: Measurement) -> Measurement:
    """Return a measurement with a reason if it has no value."""
    return replace(m, flags=(UNKNOWN,)) if math.isnan(m.value) and not m.flags else m
