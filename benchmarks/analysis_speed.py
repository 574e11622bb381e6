"""How long the measures of a sweep take, in one run with eFEL and IPFX on the same sweeps.

    python -m benchmarks.analysis_speed [--peers FOLDER] [--rounds 15] [--no-peers] [--no-session]

The sweeps are those of `tests/analysis/synthetic.py`: 8 s at 20 and 50 kHz, four spikes in a step of 150 ms, an AHP
of 3 mV, slow membrane noise of 0.25 mV and white noise of 0.05 mV, test pulse at the end, as 16-bit counts. Ours, eFEL
and IPFX take turns. Each peer runs in a virtual environment of its own under FOLDER (made from `benchmarks/peers/*.txt`
when it is not there), as a process that stays: neither starting it nor loading the sweep is timed.

Prints, per rate: the complete measures of a sweep in one piece; fed in blocks of 10 and 100 ms, the cost of a block;
how long after its window A_1000 is there; how long after the last sample everything is. Then 1,000 sweeps of a session
file that the session writer wrote: open, read, measure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from acquisition.analysis.analyser import Settings, SweepAnalyser, analyse
from acquisition.session.reader import open_session
from acquisition.session.writer import SessionWriter
from protocols.sweeps import Channel, ClampMode, Frame, RecordedSweep, SweepHeader
from tests.analysis.synthetic import MV, burst_command, header, voltage
from tests.session.synthetic import CHANNELS, make_head, make_header

HERE = Path(__file__).parent / "peers"
PEERS = {"efel": "eFEL", "ipfx": "IPFX"}
RATES = (20_000.0, 50_000.0)
BLOCKS = (0.010, 0.100)
SPIKES = (1.52, 1.55, 1.58, 1.62)
COUNTS = Channel("primary", "V", (0.0, 0.2 / 32768))
"""+-200 mV over 16 bits."""
SWEEPS = 1000
DIFFERENT = 20
"""Different sweeps in the session; written over and over."""
LIMITS = {"efel": 10.0, "ipfx": 5.0}
"""How many times faster than the peer."""


def counts_of(command, seed: int) -> np.ndarray:
    """Return a noisy burst as counts (samples,)."""
    v = voltage(command, spikes=SPIKES, noise=0.25 * MV, seed=seed)
    v += np.random.default_rng(seed).normal(0, 0.05 * MV, len(v))
    return np.round(v / COUNTS.coefficients[1]).astype(np.int16)


def sweep_at(rate: float, seed: int = 1) -> RecordedSweep:
    """Return one sweep as live analysis and review see it."""
    command = burst_command(rate)
    head = header(command)
    head = SweepHeader(**{**vars(head), "channels": (COUNTS,)})
    return RecordedSweep(head, {"primary": COUNTS.stored(counts_of(command, seed))})


# --- ours -------------------------------------------------------------------------------------------------------------


def timed(call, *arguments, **named) -> tuple[float, Any]:
    """Return seconds and result."""
    start = time.perf_counter()
    result = call(*arguments, **named)
    return time.perf_counter() - start, result


@dataclass(frozen=True)
class Fed:
    """What one sweep cost that was fed in blocks, seconds."""

    blocks: list[float]
    work: list[float]
    """Processor time of the same blocks: what is left when other programs are not counted."""
    last: float
    """From the last sample until everything is measured: the last block and the end."""
    headline_wait: float
    """From the end of the window of A_1000 to the end of the block that brought what it needs."""
    headline_cost: float
    """Of that block."""


def feed(sweep: RecordedSweep, length: float) -> Fed:
    """Feed a sweep in blocks of `length` seconds and time each."""
    analyser, stored, n = SweepAnalyser(sweep.header, Settings()), sweep.stored["primary"], round(length * sweep.rate)
    spent, work, wait, cost = [], [], float("nan"), float("nan")
    for first in range(0, len(stored), n):
        block = stored[first : first + n]
        before = time.thread_time()
        seconds, made = timed(analyser.feed, first, {"primary": block})
        work.append(time.thread_time() - before)
        spent.append(seconds)
        for m in made:
            if m.name == "A_1000":
                wait, cost = (first + len(block)) / sweep.rate - m.window[1], seconds
    end, _ = timed(analyser.finish, complete=True)
    return Fed(spent, work, spent[-1] + end, wait, cost)


def blocks(rate: float, rounds: int) -> None:
    """Print the cost of blocks at one rate."""
    sweep = sweep_at(rate)
    for length in BLOCKS:
        feed(sweep, length)
        fed = [feed(sweep, length) for _ in range(rounds)]
        p50, p99, worst = np.percentile([1e3 * s for f in fed for s in f.blocks], (50, 99, 100))
        busy, most = np.percentile([1e3 * s for f in fed for s in f.work], (99, 100))
        print(f"  blocks of {1e3 * length:.0f} ms")
        print(
            f"    a block: p50 {p50:.3f}, p99 {p99:.3f}, max {worst:.2f} ms; processor time p99 {busy:.3f}, "
            f"max {most:.2f} ms (limit p99 1 ms){'' if p99 < 1 else '   MISSED'}"
        )
        headline = 1e3 * median(f.headline_cost for f in fed)
        print(
            f"    A_1000: {1e3 * fed[0].headline_wait:.0f} ms until the samples are there, then {headline:.2f} ms "
            "of work (limit 20 ms)"
        )
        last = [1e3 * f.last for f in fed]
        print(f"    everything {median(last):.2f} ms, at most {max(last):.2f} ms, after the last sample (limit 50 ms)")


# --- peers ------------------------------------------------------------------------------------------------------------


class Peer:
    """A peer in its own process and environment."""

    def __init__(self, name: str, folder: Path) -> None:
        """Start it; make its environment first if there is none."""
        python = _python(folder / name)
        if not python.exists():
            print(f"making an environment for {PEERS[name]} in {folder / name} ...", flush=True)
            venv.create(folder / name, with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(HERE / f"{name}.txt")]
            subprocess.run(install, check=True)
        self.name = name
        self._process = subprocess.Popen(
            [str(python), str(HERE / "measure.py"), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def measure(self, path: Path) -> dict[str, Any]:
        """Return seconds, how many numbers, how many spikes."""
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{PEERS[self.name]} stopped; its message stands above")
        return json.loads(line)

    def close(self) -> None:
        """Let it end."""
        self._process.stdin.close()
        self._process.wait()


def _python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def for_peers(sweep: RecordedSweep, folder: Path) -> Path:
    """Write a sweep so that a peer can read it."""
    path, step, rate = folder / f"{sweep.rate:.0f}.npy", sweep.command.of("step")[0], sweep.rate
    np.save(path, sweep.stored["primary"])
    facts = {"rate": rate, "on": step.start / rate, "off": step.stop / rate, "current": 1e12 * step.amplitude}
    path.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")
    return path


def against_peers(rate: float, rounds: int, peers: list[Peer], folder: Path) -> None:
    """Print the time of ours and of the peers, taking turns."""
    sweep = sweep_at(rate)
    path = for_peers(sweep, folder)
    _, made = timed(analyse, sweep, Settings())
    first = {p.name: p.measure(path) for p in peers}
    ours: list[tuple[float, float]] = []
    theirs: dict[str, list[tuple[float, float]]] = {p.name: [] for p in peers}
    for _ in range(rounds):
        work = time.process_time()
        seconds, _ = timed(analyse, sweep, Settings())
        ours.append((seconds, time.process_time() - work))
        for p in peers:
            answer = p.measure(path)
            theirs[p.name].append((answer["seconds"], answer["work"]))
    mine = _medians(ours)
    spikes = next(m.value for m in made if m.name == "n_ap")
    print(f"{rate / 1e3:.0f} kHz, {sweep.command.duration:g} s, medians of {rounds} rounds: wall (processor) time")
    print(f"  patchrig {1e3 * mine[0]:7.2f} ms ({1e3 * mine[1]:.2f}), {len(made)} numbers, {spikes:.0f} spikes")
    for p in peers:
        other, facts, limit = _medians(theirs[p.name]), first[p.name], LIMITS[p.name]
        ratios = other[0] / mine[0], other[1] / mine[1]
        print(
            f"  {PEERS[p.name]:<8} {1e3 * other[0]:7.2f} ms ({1e3 * other[1]:.2f}), {facts['numbers']} numbers, "
            f"{facts['spikes']} spikes: {ratios[0]:.1f} ({ratios[1]:.1f}) x ours, limit {limit:g} x"
            f"{'' if min(ratios) >= limit else '   MISSED'}"
        )


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return median(w for w, _ in pairs), median(p for _, p in pairs)


# --- a session --------------------------------------------------------------------------------------------------------


def write_session(path: Path, n_sweeps: int) -> None:
    """Write bursts of 8 s at 20 kHz, two channels, with the session writer."""
    command = burst_command(RATES[0])
    head = make_header(0, command, ClampMode.CURRENT)
    channels = (COUNTS, CHANNELS[ClampMode.CURRENT][1])
    monitor = np.round(command.values() / channels[1].coefficients[1]).astype(np.int16)
    different = [np.stack([counts_of(command, seed), monitor]) for seed in range(DIFFERENT)]
    with SessionWriter(path, make_head()) as writer:
        for i in range(n_sweeps):
            changed = vars(make_header(i, command, ClampMode.CURRENT)) | {"channels": channels}
            writer.begin_sweep(SweepHeader(**(vars(head) | changed)))
            writer.samples(Frame(0, different[i % DIFFERENT]))
            writer.end_sweep()


def session(folder: Path, n_sweeps: int = SWEEPS) -> None:
    """Print how long it takes to measure all sweeps of a session file."""
    path = folder / "session.nwb"
    written, _ = timed(write_session, path, n_sweeps)
    start = time.perf_counter()
    reading = numbers = 0.0
    with open_session(path) as recorded:
        settings = Settings.of(recorded.protocol)
        for s in recorded.sweeps:
            seconds, sweep = timed(recorded.sweep, s.index)
            reading += seconds
            numbers += len(analyse(sweep, settings))
    spent = time.perf_counter() - start
    print(
        f"session of {n_sweeps} sweeps, 8 s at 20 kHz, 2 channels ({path.stat().st_size / 1e6:.0f} MB, written in "
        f"{written:.0f} s): {numbers:.0f} numbers in {spent:.1f} s, {reading:.1f} s of them reading "
        "(limit 20 s for 1000 sweeps)"
    )


def main() -> None:
    """Run all parts."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "patchrig-peers")
    asked.add_argument("--rounds", type=int, default=15)
    asked.add_argument("--sweeps", type=int, default=SWEEPS, help="of the session")
    asked.add_argument("--no-peers", action="store_true")
    asked.add_argument("--no-session", action="store_true")
    wish = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peers = [] if wish.no_peers else [Peer(p, wish.peers) for p in PEERS]
        for rate in RATES:
            against_peers(rate, wish.rounds, peers, folder)
            blocks(rate, wish.rounds)
        for p in peers:
            p.close()
        if not wish.no_session:
            session(folder, wish.sweeps)


if __name__ == "__main__":
    main()
