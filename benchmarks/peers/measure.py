"""Lets eFEL or IPFX measure sweeps, in an environment of their own. Started by `benchmarks.analysis_speed`.

    python measure.py efel|ipfx

Reads a line per task, the path of a .npy file (samples,) in mV with a .json beside it (rate in Hz, step on and off in
s, current in pA), and answers a line: JSON with the seconds it took (wall and processor), how many numbers were made,
and the spikes found. Loading is not timed. Nothing of patchrig is imported here.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Task = tuple[tuple[float, float], int, int]
"""Seconds of wall and of processor time, numbers made, spikes found."""
FEATURES = [
    "Spikecount",
    "voltage_base",
    "peak_time",
    "AP_begin_voltage",
    "AP_amplitude",
    "AP_duration_half_width",
    "ISI_values",
    "min_AHP_values",
    "AHP_depth",
    "AHP_depth_abs_slow",
    "minimum_voltage",
    "decay_time_constant_after_stim",
]
"""What eFEL offers that comes nearest to a burst and its after-potential."""


@cache
def sweep(path: str) -> tuple[np.ndarray, np.ndarray, dict]:
    """Return time in s, voltage in mV, and the facts."""
    facts = json.loads(Path(path).with_suffix(".json").read_text(encoding="utf-8"))
    v = np.load(path).astype(np.float64)
    return np.arange(len(v)) / facts["rate"], v, facts


def numbers(values: object) -> int:
    """Count the finite numbers in a feature."""
    if values is None:
        return 0
    array = np.atleast_1d(np.asarray(values, dtype=object))
    return sum(isinstance(x, int | float | np.number) and bool(np.isfinite(float(x))) for x in array)


def timed(call: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Return seconds of wall and of processor time, and the result."""
    start, work = time.perf_counter(), time.process_time()
    result = call()
    return (time.perf_counter() - start, time.process_time() - work), result


def efel_task(t: np.ndarray, v: np.ndarray, facts: dict) -> Task:
    """Measure with eFEL at the sweep's own rate: its default would resample to 10 kHz."""
    import efel

    efel.reset()
    efel.set_setting("Threshold", -20.0)
    efel.set_setting("DerivativeThreshold", 10.0)
    efel.set_setting("interp_step", 1e3 / facts["rate"])
    efel.set_setting("strict_stiminterval", False)
    trace = {"T": 1e3 * t, "V": v, "stim_start": [1e3 * facts["on"]], "stim_end": [1e3 * facts["off"]]}
    spent, (found,) = timed(lambda: efel.get_feature_values([trace], FEATURES, raise_warnings=False))
    return spent, sum(numbers(x) for x in found.values()), int(found["Spikecount"][0])


def ipfx_task(t: np.ndarray, v: np.ndarray, facts: dict) -> Task:
    """Measure with IPFX's table of spikes; its filter must lie below half the rate."""
    from ipfx.feature_extractor import SpikeFeatureExtractor

    i = np.zeros(len(v))
    i[(t >= facts["on"]) & (t < facts["off"])] = facts["current"]
    extractor = SpikeFeatureExtractor(filter=min(10.0, 0.99 * facts["rate"] / 2e3))
    spent, table = timed(lambda: extractor.process(t, v, i))
    return spent, table.shape[0] * table.shape[1], table.shape[0]


def main() -> None:
    """Answer until the tasks end."""
    warnings.simplefilter("ignore")
    task = {"efel": efel_task, "ipfx": ipfx_task}[sys.argv[1]]
    for line in sys.stdin:
        (seconds, work), count, spikes = task(*sweep(line.strip()))
        print(json.dumps({"seconds": seconds, "work": work, "numbers": count, "spikes": spikes}), flush=True)


if __name__ == "__main__":
    main()
