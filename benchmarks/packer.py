"""How fast the packer is, whether a commit costs the same in a long session, and how soon a session opens.

    python -m benchmarks.packer [folder]

Prints, with the bars of the issue: packer against life at 4 channels x 500 kHz (>= 5), the time of a commit at the
start and at the end of 2,000 sweeps (within 20 %), the time to open and list a session of 500 sweeps (< 1 s).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from acquisition.session.journal import journal_path
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import Packer
from acquisition.session.recovery import open_recovered
from protocols.sweeps import Channel, ClampMode, Frame, SweepHeader
from protocols.waveforms import step_sweep
from tests.session.synthetic import burst, make_head, make_header, measures

FAST, CHANNELS, LENGTH = 500_000.0, 4, 2.0
"""Hz, channels, seconds per sweep."""
SWEEPS, BLOCK = 2000, 250
"""Sweeps of the long session, and how many of them one line of the table averages."""


def noise(header: SweepHeader) -> np.ndarray:
    """Counts as a quiet cell gives them: a few bits of noise around a level."""
    shape = (len(header.channels), header.sweep.n_samples)
    return (np.random.default_rng(header.sweep.index).normal(0.0, 6.0, shape) - 9000).astype(np.int16)


def fast_header(index: int) -> SweepHeader:
    command = step_sweep(FAST, holding=0.0, before=0.1, width=0.1, after=LENGTH - 0.2, amplitude=1e-10)
    channels = tuple(
        Channel("primary" if k == 0 else f"other_{k}", "V", (1e-4, 10 / 32768 / 50)) for k in range(CHANNELS)
    )
    return make_header(index, command, ClampMode.CURRENT, channels=channels, start=LENGTH * index)


def play(recorder: JournalRecorder, header: SweepHeader, counts: np.ndarray) -> None:
    recorder.begin_sweep(header)
    step = int(header.sweep.rate * 0.02)
    for first in range(0, counts.shape[1], step):
        recorder.samples(Frame(first, counts[:, first : first + step]))
    recorder.end_sweep()


def against_life(folder: Path, sweeps: int = 10) -> None:
    nwb = folder / "fast.nwb"
    with JournalRecorder(nwb, make_head(), ballast=0) as recorder:
        for i in range(sweeps):
            play(recorder, fast_header(i), noise(fast_header(i)))
    with Packer(journal_path(nwb), nwb) as packer:
        begin, cpu = time.perf_counter(), time.process_time()
        packer.run()
        spent, busy = time.perf_counter() - begin, time.process_time() - cpu
    life = sweeps * LENGTH
    rate = f"{CHANNELS} x {FAST / 1e3:.0f} kHz"
    print(f"packer at {rate}: {life / spent:.1f} x life ({100 * busy / life:.0f} % of a core)   bar: >= 5 x")


def commit_times(folder: Path) -> None:
    nwb, header = folder / "long.nwb", make_header(0, burst(seconds=0.5), ClampMode.CURRENT)
    counts, spent = noise(header), []
    with JournalRecorder(nwb, make_head(), ballast=0) as recorder, Packer(journal_path(nwb), nwb) as packer:
        packer.step()
        for i in range(SWEEPS):
            play(recorder, make_header(i, header.sweep.command, ClampMode.CURRENT), counts)
            recorder.measured(measures(i, 30.0 * i))
            begin = time.perf_counter()
            packer.step()
            spent.append(time.perf_counter() - begin)
        recorder.close()
        packer.run()
    medians = [float(np.median(spent[k : k + BLOCK])) * 1e3 for k in range(0, SWEEPS, BLOCK)]
    print("ms to take over one sweep, median of each", BLOCK, "sweeps:", *(f"{m:.1f}" for m in medians))
    print(f"last against first: {100 * (medians[-1] / medians[0] - 1):+.0f} %   bar: within 20 %")
    print(f"journal {journal_path(nwb).stat().st_size / 1e6:.0f} MB, file {nwb.stat().st_size / 1e6:.0f} MB")


def opening(folder: Path, sweeps: int = 500) -> None:
    nwb, header = folder / "open.nwb", make_header(0, burst(seconds=0.5), ClampMode.CURRENT)
    counts = noise(header)
    with JournalRecorder(nwb, make_head(), ballast=0) as recorder:
        for i in range(sweeps):
            play(recorder, make_header(i, header.sweep.command, ClampMode.CURRENT), counts)
            recorder.measured(measures(i, 30.0 * i))
    with Packer(journal_path(nwb), nwb) as packer:
        packer.run()
    begin = time.perf_counter()
    with open_recovered(nwb) as session:
        found = len(session.sweeps), len(session.measurements), len(session.log)
    print(f"open and list {found[0]} sweeps, {found[1]} numbers: {time.perf_counter() - begin:.3f} s   bar: < 1 s")


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        against_life(Path(folder))
        opening(Path(folder))
        commit_times(Path(folder))


if __name__ == "__main__":
    main()
