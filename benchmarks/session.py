"""How long the session file takes: to write while recording, to list for review.

    python -m benchmarks.session [folder]

Prints, for 120 sweeps of 8 s (2 channels, 20 kHz, 40 numbers each) and for a hold of 5 min: how many times faster
than life they are written, the longest single call, the file's size, and the time to open and list the session.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from acquisition.session.reader import open_session
from acquisition.session.writer import SessionWriter
from protocols.sweeps import ClampMode, Frame, Measurement, SweepHeader
from protocols.waveforms import pulse_train
from tests.session.synthetic import RATE, burst, make_head, make_header

BLOCK = 1000
SWEEPS, NUMBERS = 120, 40


def noise(header: SweepHeader) -> np.ndarray:
    """Counts as a quiet cell gives them: a few bits of noise around a level."""
    rng = np.random.default_rng(header.sweep.index)
    shape = (len(header.channels), header.sweep.n_samples)
    return (rng.normal(0.0, 6.0, shape) - 9000).astype(np.int16)


def timed(call, *arguments) -> float:
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def play(writer: SessionWriter, header: SweepHeader) -> list[float]:
    counts, index = noise(header), header.sweep.index
    numbers = [
        Measurement(f"A_{k}", 1e-3 * k, "V", index, header.start, (0.0, 1.0), (), "sahp 1.0") for k in range(NUMBERS)
    ]
    begun = timed(writer.begin_sweep, header)
    frames = [Frame(i, counts[:, i : i + BLOCK]) for i in range(0, counts.shape[1], BLOCK)]
    spent = [timed(writer.samples, frame) for frame in frames]
    return [begun, *spent, timed(writer.end_sweep), timed(writer.measured, numbers)]


def report(name: str, path: Path, headers: list[SweepHeader]) -> None:
    seconds = sum(h.sweep.command.duration for h in headers)
    with SessionWriter(path, make_head()) as writer:
        spent = [t for h in headers for t in play(writer, h)]
        spent.append(timed(writer.close))
    size = path.stat().st_size / 1e6
    print(f"{name:<18} {seconds / sum(spent):6.0f} x life, longest call {max(spent) * 1e3:6.1f} ms, {size:6.1f} MB")


def review(path: Path) -> None:
    start = time.perf_counter()
    with open_session(path) as session:
        lines, numbers = len(session.sweeps), len(session.measurements)
        listed = time.perf_counter() - start
        one = timed(session.sweep, 60)
    print(f"open and list      {listed * 1e3:6.1f} ms for {lines} sweeps and {numbers} numbers")
    print(f"read one sweep     {one * 1e3:6.1f} ms")


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        bursts, hold = Path(folder) / "bursts.nwb", Path(folder) / "hold.nwb"
        command = burst(seconds=7.75)
        report("120 sweeps of 8 s", bursts, [make_header(i, command, ClampMode.CURRENT) for i in range(SWEEPS)])
        review(bursts)
        train = pulse_train(RATE, holding=-70e-3, duration=300.0, amplitude=-5e-3, width=0.05, every=10.0)
        report("hold of 300 s", hold, [make_header(0, train, ClampMode.VOLTAGE)])


if __name__ == "__main__":
    main()
