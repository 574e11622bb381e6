"""What the journal costs, in one run: a storage call in real time, throughput beside HDF5 and a plain file, latency.

    python -m benchmarks.journal [--seconds 30] [--folder .]

call      8 channels x 200 kHz in blocks of 20 ms at life speed; bar: 99.9 % of calls below 1 ms
write     4 channels x 500 kHz as fast as possible: journal (checksums, SHA-256, syncs), HDF5 in chunks without any
          flush, a plain file; bars: journal >= 0.9 x HDF5 and >= 0.3 x plain file
latency   from the call that records a block to another process having it from the journal; bar: median below 5 ms
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from acquisition.session.journal import Kind, Tail, journal_path
from acquisition.session.journal_recorder import JournalRecorder
from protocols.sweeps import Channel, ClampMode, Frame
from protocols.waveforms import Waveform
from tests.session.synthetic import make_head, make_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 0.02
POLL = 0.002
RATIOS = {"HDF5 in chunks": 0.9, "plain file": 0.3}


def frames(n_channels: int, rate: float, count: int) -> Iterator[Frame]:
    """Blocks of noise of a few bits, as a quiet cell gives them; twenty different ones, over and over."""
    n = round(rate * BLOCK)
    rng = np.random.default_rng(1)
    counts = [(rng.normal(0, 40, (n_channels, n)) - 2000).astype(np.int16) for _ in range(20)]
    return (Frame(k * n, counts[k % 20]) for k in range(count))


def header(n_channels: int, rate: float, count: int):
    channels = tuple(Channel(f"ai{k}", "V", (0.0, 1e-6)) for k in range(n_channels))
    command = Waveform(rate, round(rate * BLOCK) * count, 0.0)
    return make_header(0, command, ClampMode.CURRENT, channels=channels)


def paced(count: int) -> Iterator[int]:
    begun = time.perf_counter()
    for k in range(count):
        time.sleep(max(0.0, begun + k * BLOCK - time.perf_counter()))
        yield k


def storage_call(folder: Path, seconds: float) -> None:
    count, spent = round(seconds / BLOCK), []
    with JournalRecorder(folder / "call.nwb", make_head()) as recorder:
        recorder.begin_sweep(header(8, 200e3, count))
        for _, frame in zip(paced(count), frames(8, 200e3, count), strict=True):
            start = time.perf_counter()
            recorder.samples(frame)
            spent.append((time.perf_counter() - start) * 1e3)
        recorder.end_sweep()
    median, late, most = (*np.percentile(spent, [50, 99.9]), max(spent))
    print(f"call      {count} blocks: median {median:.2f} ms, 99.9 % {late:.2f} ms, longest {most:.2f} ms (bar 1 ms)")


def by_journal(folder: Path, count: int) -> None:
    with JournalRecorder(folder / "write.nwb", make_head()) as recorder:
        recorder.begin_sweep(header(4, 500e3, count))
        for frame in frames(4, 500e3, count):
            recorder.samples(frame)
        recorder.end_sweep()


def by_hdf5(folder: Path, count: int) -> None:
    with h5py.File(folder / "write.h5", "w") as file:
        data = [file.create_dataset(f"ai{k}", (0,), maxshape=(None,), chunks=(16384,), dtype="<i2") for k in range(4)]
        for frame in frames(4, 500e3, count):
            for series, counts in zip(data, frame.counts, strict=True):
                series.resize((frame.first + frame.n_samples,))
                series[frame.first :] = counts
    sync(folder / "write.h5")


def by_plain_file(folder: Path, count: int) -> None:
    with (folder / "write.raw").open("wb", buffering=0) as file:
        for frame in frames(4, 500e3, count):
            file.write(frame.counts.T.tobytes())
    sync(folder / "write.raw")


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    os.fsync(descriptor)
    os.close(descriptor)


def rate_of(write: Callable[[Path, int], None], count: int, within: Path) -> float:
    """Return MB/s of samples, final sync included."""
    with tempfile.TemporaryDirectory(dir=within) as folder:
        start = time.perf_counter()
        write(Path(folder), count)
        return count * 500e3 * BLOCK * 8 / 1e6 / (time.perf_counter() - start)


def throughput(folder: Path, seconds: float) -> None:
    ways = {"journal": by_journal, "HDF5 in chunks": by_hdf5, "plain file": by_plain_file}
    runs = [{name: rate_of(write, round(seconds / BLOCK), folder) for name, write in ways.items()} for _ in range(5)]
    rates = {name: statistics.median(run[name] for run in runs) for name in ways}
    for name, rate in rates.items():
        ratio = statistics.median(run["journal"] / run[name] for run in runs)
        words = "" if name == "journal" else f", journal {ratio:.2f} x (bar {RATIOS[name]})"
        print(f"write     {name:<15} {rate:5.0f} MB/s, {rate / 4:4.0f} x life{words}")


def follow(path: Path) -> None:
    """In the other process: print the age of each block when it is seen."""
    ages: list[float] = []
    with Tail(path) as tail:
        print("ready", flush=True)
        while True:
            found = tail.read()
            now = time.monotonic_ns()
            ages += [(now - r.time_ns) / 1e6 for r in found if r.kind is Kind.DATA]
            if any(r.kind is Kind.CLOSE for r in found):
                break
            time.sleep(POLL)
    print(*ages)


def latency(folder: Path, seconds: float) -> None:
    count, nwb = round(seconds / BLOCK), folder / "live.nwb"
    recorder = JournalRecorder(nwb, make_head())
    command = [sys.executable, "-m", "benchmarks.journal", "--follow", str(journal_path(nwb))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        reader.stdout.readline()
        recorder.begin_sweep(header(2, 20e3, count))
        for _, frame in zip(paced(count), frames(2, 20e3, count), strict=True):
            recorder.samples(frame)
        recorder.close()
        ages = [float(a) for a in reader.stdout.readline().split()]
    median, late, most = (*np.percentile(ages, [50, 99]), max(ages))
    print(f"latency   {len(ages)} blocks: median {median:.2f} ms, 99 % {late:.2f} ms, longest {most:.2f} ms (bar 5 ms)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--folder", type=Path, default=None, help="where to write; a disk, not memory")
    parser.add_argument("--follow", type=Path, help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.follow:
        follow(wish.follow)
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(dir=wish.folder) as folder:
        storage_call(Path(folder), wish.seconds)
        throughput(Path(folder), wish.seconds)
        latency(Path(folder), min(wish.seconds, 20.0))


if __name__ == "__main__":
    main()
