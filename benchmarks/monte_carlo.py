"""How near the measures of noisy sweeps come to the truth, for 1, 5 and 10 sweeps and with a drifting cell.

    python -m benchmarks.monte_carlo [--repeats 400] [--noise-time 0.1] [--processes 2]

The cell: an AHP of 2.3 mV at its peak and 1.5 mV at 1 s that decays with 1.2 s, after four spikes, in sweeps of 8 s at
20 kHz with a test pulse at the end. Its membrane is otherwise silent (no charging curves), so that the formula of the
AHP is the truth. All numbers come from `SweepAnalyser`.

The noise: an Ornstein-Uhlenbeck process of `--noise-time` seconds, scaled so that what a cell without AHP gives for
A_1000 (mean of 100 ms minus a baseline of 0.5 s) has an SD of 0.25 mV, as it was measured on real quiet stretches; and
0.15 mV of white noise. The published table does not say more of its noise than that SD.

Of several sweeps, `of the mean` measures the mean of their voltages (as a laboratory averages sweeps), `mean of` is the
mean of their measures. Both are shown; for the amplitudes and the area, which are linear, they are the same. CV is
SD / mean over repeats. Bias is against the formula.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from math import exp

import numpy as np
from scipy.optimize import brentq

from acquisition.analysis.analyser import Settings, SweepAnalyser
from tests.analysis.synthetic import MV, RATE, ahp, burst_command, header, slow_noise, voltage

FALL, PEAK, AT_ONE = 1.2, 2.3 * MV, 1.5 * MV
SPIKES = (1.52, 1.55, 1.58, 1.62)
NULL_SD, WHITE = 0.25 * MV, 0.15 * MV
DRIFT = -0.1 * MV
"""V/s."""
COUNTS = (1, 5, 10)
NOISE_FREE = {"A_1000": 2.0, "S_fix": 3.0, "D50": 5.0}
"""Largest bias, %, without noise."""
UNITS = {"A_1000": "mV", "A_500": "mV", "S_fix": "mV s", "D50": "ms", "D10": "ms", "tau_s": "ms", "A_pk": "mV"}


@dataclass(frozen=True)
class Published:
    """What the published table gives for a measure: %."""

    cv: dict[int, float]
    """By number of sweeps."""
    bias: dict[int, float]
    drift: str = ""
    """What a drift does to it."""


TABLE = {
    "A_1000": Published({1: 23, 5: 8, 10: 6}, {1: -1}, "+7..9 %"),
    "A_500": Published({1: 13, 5: 6, 10: 5}, {}, "+5 %"),
    "S_fix": Published({1: 16, 5: 6, 10: 5}, {}, "+8..11 %"),
    "D50": Published({1: 20, 5: 11, 10: 7}, {1: -13}, "-4..+7 %, defined 100 %"),
    "D10": Published({1: 26, 5: 17, 10: 11}, {1: -19}, "undefined 37-100 %"),
    "D0": Published({1: 36, 5: 30, 10: 25}, {}, "always 'end of sweep'"),
    "tau_s": Published({1: 31, 5: 16, 10: 12}, {1: 6}, "3 x too long"),
    "A_pk": Published({1: 9}, {1: 22, 5: 11, 10: 8}, "+14..25 % (raw minimum)"),
}
"""D0: the upper end of its range; A_pk: of the raw minimum."""


# --- the cell ---------------------------------------------------------------------------------------------------------


@cache
def shape() -> tuple[float, float]:
    """Return size and rise of the formula that has the wanted peak and value at 1 s."""

    def size(rise: float) -> float:
        return AT_ONE / (exp(-1 / FALL) - exp(-1 / rise))

    def peak(rise: float) -> float:
        ratio = rise / FALL
        return size(rise) * (ratio ** (ratio / (1 - ratio)) - ratio ** (1 / (1 - ratio)))

    rise = brentq(lambda r: peak(r) - PEAK, 0.01, 0.9)
    return size(rise), rise


def at(t: float) -> float:
    """Return the AHP `t` seconds after the step, V."""
    size, rise = shape()
    return float(ahp(np.array(t), size=size, rise=rise, fall=FALL))


@cache
def truth() -> dict[str, float]:
    """Return what the formula says, SI. D0 has no truth: an exponential never comes back."""
    size, rise = shape()
    top = np.log(FALL / rise) / (1 / rise - 1 / FALL)

    def until(t: float) -> float:
        return -size * (FALL * (1 - exp(-t / FALL)) - rise * (1 - exp(-t / rise)))

    return {
        "A_1000": at(1.0),
        "A_500": at(0.5),
        "S_fix": until(2.0) - until(0.01),
        "D50": brentq(lambda t: at(t) + 0.5 * PEAK, top, 20),
        "D10": brentq(lambda t: at(t) + 0.1 * PEAK, top, 20),
        "tau_s": FALL,
        "A_pk": -PEAK,
    }


@cache
def clean() -> np.ndarray:
    """Return the voltage without noise."""
    size, rise = shape()
    command = burst_command()
    silent = voltage(command, spikes=SPIKES, size=0.0, rin=0.0)
    since = np.arange(command.n_samples) / RATE - command.of("step")[0].stop / RATE
    return silent + ahp(since, size=size, rise=rise, fall=FALL)


def drift() -> np.ndarray:
    """Return the drift, zero at the step."""
    command = burst_command()
    return DRIFT * (np.arange(command.n_samples) - command.of("step")[0].start) / RATE


# --- the noise --------------------------------------------------------------------------------------------------------


def null_sd(tau: float, sd: float = 1.0) -> float:
    """Return the SD of a window of 100 ms around 1 s minus the baseline, for an Ornstein-Uhlenbeck process of `sd`."""
    fine = np.arange(0.005, 2.0, 0.01)  # 10 ms steps from 0.5 s before the baseline's end
    weight = np.where(fine < 0.5, -1 / 50, 0.0)
    start = 0.5 + 0.01 + 0.15 + 0.95
    weight[np.abs(fine - (start + 0.05)) < 0.05] = 1 / 10
    together = np.exp(-np.abs(fine[:, None] - fine[None, :]) / tau)
    return sd * float(np.sqrt(weight @ together @ weight))


def noise(seed: tuple[int, int], tau: float) -> np.ndarray:
    """Return one sweep's noise, V."""
    n = burst_command().n_samples
    slow = slow_noise(n, RATE, NULL_SD / null_sd(tau), seed, tau)
    return slow + np.random.default_rng((*seed, 1)).normal(0, WHITE, n)


# --- measuring --------------------------------------------------------------------------------------------------------


def measures(v: np.ndarray) -> list[float]:
    """Return the table's measures of one voltage, SI; NaN where the analyser gives none."""
    analyser = SweepAnalyser(header(burst_command()), Settings())
    made = [*analyser.feed(0, {"primary": (v / MV).astype(np.float32)}), *analyser.finish(complete=True)]
    values = {m.name: m.value for m in made}
    return [values.get(name, float("nan")) for name in TABLE]


@dataclass(frozen=True)
class Repeat:
    """One experiment of ten sweeps: number of sweeps -> (measures,)."""

    of_mean: dict[int, list[float]]
    mean_of: dict[int, list[float]]
    drifting: dict[int, list[float]]
    """Of the mean of sweeps that drift."""


def one(repeat: int, tau: float) -> Repeat:
    """Record ten sweeps and measure them, alone and averaged."""
    noises = np.array([noise((repeat, k), tau) for k in range(COUNTS[-1])])
    single = np.array([measures(clean() + x) for x in noises])
    means = {n: noises[:n].mean(axis=0) for n in COUNTS}
    with np.errstate(all="ignore"):
        averaged = {n: [_mean(column) for column in single[:n].T] for n in COUNTS}
    return Repeat(
        {n: measures(clean() + x) for n, x in means.items()},
        averaged,
        {n: measures(clean() + drift() + x) for n, x in means.items()},
    )


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


# --- the table --------------------------------------------------------------------------------------------------------


def figures(values: np.ndarray, true: float | None) -> tuple[float, float, float]:
    """Return bias and CV in %, and in how many % of repeats there was a number."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return float("nan"), float("nan"), 100 * len(known) / len(values)
    bias = float("nan") if true is None else 100 * (known.mean() / true - 1)
    return bias, 100 * known.std(ddof=1) / abs(known.mean()), 100 * len(known) / len(values)


def words(found: tuple[float, float, float]) -> str:
    """Return '+1.2 %, 23.4 %, 99 %'."""
    bias, cv, defined = found
    shown = f"{bias:+6.1f} %" if np.isfinite(bias) else "       -"
    return f"{shown}, {cv:5.1f} % ({defined:3.0f} %)" if np.isfinite(cv) else f"       -,       - ({defined:3.0f} %)"


def verdict(name: str, n: int, cv: float) -> str:
    """Say whether a CV is at most the published one, to its whole per cent."""
    limit = TABLE[name].cv.get(n)
    if limit is None or not np.isfinite(cv):
        return ""
    return f"published {limit:2.0f} %" + ("" if round(cv) <= limit else "   MORE")


def show(repeats: list[Repeat]) -> None:
    """Print the table."""
    print(f"{'':8}{'sweeps':>6}   {'of the mean: bias, CV (defined)':32}{'mean of: bias, CV (defined)':32}")
    for i, name in enumerate(TABLE):
        true = truth().get(name)
        for n in COUNTS:
            of_mean = figures(np.array([r.of_mean[n][i] for r in repeats]), true)
            mean_of = figures(np.array([r.mean_of[n][i] for r in repeats]), true)
            published = TABLE[name].bias.get(n)
            bias = "" if published is None else f"  published bias {published:+.0f} %"
            print(f"{name:8}{n:6}   {words(of_mean):32}{words(mean_of):32}{verdict(name, n, of_mean[1]):14}{bias}")
    print("\nwith a drift of -0.1 mV/s")
    for i, name in enumerate(TABLE):
        for n in (1, COUNTS[-1]):
            found = figures(np.array([r.drifting[n][i] for r in repeats]), truth().get(name))
            print(f"{name:8}{n:6}   {words(found):32}published {TABLE[name].drift}")


def signed(percent: float) -> str:
    """Return '+1.23 %', or 'none' if there is no number."""
    return f"{percent:+6.2f} %" if np.isfinite(percent) else "  none  "


def without_noise() -> None:
    """Print the bias of a sweep without noise."""
    true = truth()
    made = dict(zip(TABLE, measures(clean()), strict=True))
    moved = dict(zip(TABLE, measures(clean() + drift()), strict=True))
    print("without noise")
    for name, t in true.items():
        bias, limit = 100 * (made[name] / t - 1), NOISE_FREE.get(name)
        judged = "" if limit is None else f"   limit {limit:g} %" + ("" if abs(bias) < limit else "   MISSED")
        drifted = f"with drift {signed(100 * (moved[name] / t - 1))}"
        print(f"{name:8} true {1e3 * t:9.3f} {UNITS[name]:5} bias {signed(bias)}, {drifted}{judged}")
    print()


def main() -> None:
    """Run the repeats and print the tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repeats", type=int, default=400)
    asked.add_argument("--noise-time", type=float, default=0.1, help="of the slow noise, s")
    asked.add_argument("--processes", type=int, default=2)
    wish = asked.parse_args()
    tau = wish.noise_time
    slow = NULL_SD / null_sd(tau)
    print(
        f"{wish.repeats} repeats of {COUNTS[-1]} sweeps; slow noise {1e3 * slow:.3f} mV with {tau:g} s, "
        f"for a null SD of {1e3 * null_sd(tau, slow):.3f} mV; white noise {1e3 * WHITE:.2f} mV\n"
    )
    without_noise()
    with ProcessPoolExecutor(wish.processes) as pool:
        show(list(pool.map(partial(one, tau=tau), range(wish.repeats), chunksize=5)))


if __name__ == "__main__":
    main()
