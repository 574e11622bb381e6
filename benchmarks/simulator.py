"""How fast the simulated rig is: seconds lived per second of wall time, beside NEURON and Brian2 on the same cell.

    python -m benchmarks.simulator [--peers FOLDER] [--no-peers] [--rounds 5]

'cell only' is the compiled loop without noise; 'whole rig' the same with noise, hum, EPSPs, filter, converter and both
channels; 'devices' is what the engine sees: blocks of 20 ms through the board and the demand clock. The chain is what
no step can be shorter than: potential, row of the table, gate, division, potential, each waiting for the one before;
the parts are the loop's own functions, one at a time over the same stretch.
NEURON and Brian2 live the same cell (30 degC, a step of 300 pA every 5 s, no noise), in turns with ours: the best of
each is what the machine can do, the median what it did beside its neighbours. Brian2 is in a virtual environment of its
own under FOLDER, made from `benchmarks/peers/brian2.txt` when it is not there; NEURON is from this one (pip install
'patchrig[verify]'). Loops and peers are timed by the processor time they take, devices and starts by the wall. Starts
are fresh processes, from the import to the first frame, with an empty and with a filled folder for numba's cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from config.loading import load_rig
from drivers.build import open_devices
from drivers.clock import DemandClock
from drivers.simulated import kernel
from drivers.simulated.cell import at_temperature, preset, steady_state
from drivers.simulated.packing import Knobs, pack
from drivers.simulated.pharmacology import drug_table
from drivers.simulated.rates import table
from drivers.simulated.settings import Simulation
from drivers.simulated.world import fresh_state
from protocols.sweeps import Sweep
from protocols.waveforms import Waveform

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
START = """
import time
start = time.perf_counter()
from pathlib import Path
from config.loading import load_rig
from drivers.build import open_devices
from drivers.clock import DemandClock
from protocols.sweeps import Sweep
from protocols.waveforms import Waveform
rig = load_rig(Path("config/rigs/simulated.yaml"))
with open_devices(rig, DemandClock()) as devices:
    gains = devices.amplifier.gains()
    next(devices.daq.play(Sweep(0, gains.mode, Waveform(20e3, 20_000, -70e-3)), gains))
print(time.perf_counter() - start)
"""
REPEATS = 5
STEP = 300.0
"""pA."""
QUIET = 4.9
"""Seconds before the first step."""
READOUT = np.array([[kernel.VOLTAGE, 1600.0], [kernel.CURRENT, 3.2]])
"""Both signals, in counts per mV and pA."""
PEERS = Path(__file__).parent / "peers"


def bare(rate: float, *, noise: bool) -> Callable[[float], float]:
    """Return what lives some seconds in the compiled loop at `rate` Hz and says how long that took."""
    settings, cell = Simulation(noise=noise), at_temperature(preset("ca1_pyramidal"), 30.0)
    steady = steady_state(cell, -60.0)
    state = fresh_state(steady, pipette=-60.0, access=12.0, seed=1)
    parameters = pack(cell, settings, Knobs.of(settings), rate=rate, substeps=1)
    readout = READOUT if noise else np.empty((0, 2))
    rates, drugs = table(cell, 1e3 / rate), drug_table()

    def live(seconds: float) -> float:
        commands = steps(seconds, rate, steady.current)
        counts = np.empty((len(readout), len(commands)), np.int16)
        start = time.thread_time()
        kernel.run(state, parameters, drugs, rates, False, commands, readout, counts, np.empty(0))
        return time.thread_time() - start

    live(0.1)
    return live


def steps(seconds: float, rate: float, level: float) -> NDArray[np.float64]:
    """Return `level` pA with `STEP` more for 150 ms every 5 s, the first at 5 s."""
    commands = np.full(round(seconds * rate), level)
    for onset in np.arange(5.0, seconds, 5.0):
        commands[round(onset * rate) : round((onset + 0.15) * rate)] += STEP
    return commands


@numba.njit(error_model="numpy")
def _chain(rates: NDArray[np.float64], count: int) -> float:
    """Return a potential after `count` steps of the shortest chain there can be: one gate."""
    v, gate = -60.0, 0.1
    for _ in range(count):
        x = (v + 150.0) * 20.0
        row = np.int64(x)
        part = x - row
        steady = rates[row, 0] + part * (rates[row + 1, 0] - rates[row, 0])
        gate = steady + (gate - steady) * (rates[row, 10] + part * (rates[row + 1, 10] - rates[row, 10]))
        open_ = gate * gate * gate
        v = 2.0 * ((100.0 * v - 6000.0 + open_) / (200.0 + open_)) - v
    return v


def chain(rate: float = 40e3, count: int = 2_000_000) -> float:
    """Return ns a step of the chain."""
    rates = table(at_temperature(preset("ca1_pyramidal"), 30.0), 1e3 / rate)
    _chain(rates, 10)

    def once() -> float:
        start = time.thread_time()
        _chain(rates, count)
        return (time.thread_time() - start) / count * 1e9

    return min(once() for _ in range(REPEATS))


@numba.njit(error_model="numpy", fastmath={"contract"})
def _part(
    which: int, times: int, state: Any, parameters: Any, drugs: Any, rates: Any, readout: Any, counts: Any
) -> None:
    """Do one part of the loop over a stretch of a tick, in current clamp, again and again."""
    s, p, tape, soma = state[0], parameters[0], np.zeros((kernel.TIP + 1, kernel.STRETCH)), np.empty(0)
    for _ in range(times):
        if which == 0:
            kernel._tick(s, p, drugs)
        elif which == 1:
            kernel._noise(s, p, tape, p.per_tick)
        elif which == 2:
            kernel._live(s, p, rates, False, tape, p.per_tick)
        elif which == 3:
            kernel._read(s, p, False, tape, p.per_tick)
        else:
            kernel._convert(tape, readout, counts, soma, 1, 0, p.per_tick)


PARTS = ("once a tick", "noise", "cell and pipette", "amplifier and filter", "converter")


def parts(rate: float, times: int = 20_000) -> dict[str, float]:
    """Return ns a step of each part of the whole rig at `rate` Hz, the best of some."""
    settings, cell = Simulation(), at_temperature(preset("ca1_pyramidal"), 30.0)
    parameters = pack(cell, settings, Knobs.of(settings), rate=rate, substeps=1)
    given = parameters, drug_table(), table(cell, 1e3 / rate), READOUT, np.empty((2, kernel.STRETCH), np.int16)
    fresh = fresh_state(steady_state(cell, -60.0), pipette=-60.0, access=12.0, seed=1)
    _part(0, 1, fresh.copy(), *given)  # compiled, and the electrode's part made

    def once(which: int) -> float:
        state = fresh.copy()
        _part(0, 1, state, *given)
        start = time.thread_time()
        _part(which, times, state, *given)
        return (time.thread_time() - start) / (times * int(parameters["per_tick"][0])) * 1e9

    return {name: min(once(which) for _ in range(4 * REPEATS)) for which, name in enumerate(PARTS)}


def device_speed(rate: float, seconds: float = 60.0) -> float:
    """Return the median speed of a hold through the devices at `rate` Hz."""
    with open_devices(load_rig(ROOT / "config/rigs/simulated.yaml"), DemandClock()) as devices:
        gains = devices.amplifier.gains()
        sweep = Sweep(0, gains.mode, Waveform(rate, round(seconds * rate), -70e-3))

        def once() -> float:
            start = time.perf_counter()
            for _ in devices.daq.play(sweep, gains):
                pass
            return seconds / (time.perf_counter() - start)

        return median(once() for _ in range(REPEATS))


def starts() -> tuple[float, float]:
    """Return the seconds to the first frame, (cold, warm)."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(ROOT)}

        def once() -> float:
            command = [sys.executable, "-c", START]
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment)
            return float(done.stdout)

        return once(), median(once() for _ in range(3))


# --- peers ------------------------------------------------------------------------------------------------------------


def neuron(folder: Path) -> dict[str, Callable[[float, float], float]]:
    """Return what lives (seconds, rate) in NEURON and says how long that took; nothing where it is not installed."""
    from benchmarks.verification import neuron_cell
    from benchmarks.verification.neuron_cell import Method, NeuronCell

    if reason := neuron_cell.missing():
        print(f"without NEURON: {reason}")
        return {}
    neuron_cell.compile_into(folder)
    cell = at_temperature(preset("ca1_pyramidal"), 30.0)
    steady = steady_state(cell, -60.0)

    def living(tolerance: float | None) -> Callable[[float, float], float]:
        def live(seconds: float, rate: float) -> float:
            built = NeuronCell(cell)
            built.inject(0.0, 1e9, steady.current)
            for onset in np.arange(5e3, seconds * 1e3, 5e3):
                built.inject(onset, 150.0, STEP)
            start = time.thread_time()
            built.play(steady, seconds * 1e3, Method(1e3 / rate, tolerance=tolerance))
            return time.thread_time() - start

        return live

    return {
        "NEURON, fixed step": living(None),
        "NEURON, variable step 1e-3": living(1e-3),
        "NEURON, variable step 1e-5": living(1e-5),
    }


def brian2(folder: Path) -> dict[str, Callable[[float, float], float]]:
    """Return the same of Brian2, in its own environment under `folder`."""
    python = folder / "brian2" / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder / "brian2", with_pip=True)
        wanted = PEERS / "brian2.txt"
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", wanted], check=True)
    cell = at_temperature(preset("ca1_pyramidal"), 30.0)
    steady = steady_state(cell, -60.0)
    gates = ("m", "h", "n", "ga", "gb", "w", "c", "p", "r", "l")
    state = {
        "Vs": steady.soma, "Vd": steady.dendrite, "ca": steady.calcium, "s": steady.sensor, "z": steady.sk,
        "q": steady.ahp, **dict(zip(gates, map(float, steady.gates), strict=True)),
    }  # fmt: skip

    def live(seconds: float, rate: float) -> float:
        task = {
            "cell": vars(cell), "state": {k: float(v) for k, v in state.items()}, "held": steady.current, "step": STEP,
            "dt": 1e3 / rate, "seconds": seconds, "repeats": 1,
        }  # fmt: skip
        done = subprocess.run(
            [python, PEERS / "brian2_cell.py"], input=json.dumps(task), check=True, capture_output=True, text=True
        )
        return float(json.loads(done.stdout.splitlines()[-1])["seconds"][0])

    return {"Brian2, C++ standalone": live}


def against_peers(folder: Path, rounds: int) -> None:
    """Print ours and theirs, taking turns."""
    with tempfile.TemporaryDirectory() as build:
        peers = {**neuron(Path(build)), **brian2(folder)}
        for rate in (40e3, 20e3):
            ours = {"patchrig, cell only": bare(rate, noise=False), "patchrig, whole rig": bare(rate, noise=True)}
            speeds: dict[str, list[float]] = {name: [] for name in (*ours, *peers)}
            for _ in range(rounds):
                for name, live in ours.items():
                    speeds[name].append(20.0 / live(20.0))
                for name, play in peers.items():
                    speeds[name].append(10.0 / play(10.0, rate))
            first = speeds["patchrig, cell only"]
            print(f"step {1e6 / rate:.0f} µs: seconds lived per second, then how many times cell only is that")
            print(f"  {'of ' + str(rounds) + ' rounds':<28}   median     best     median    best")
            for name, found in speeds.items():
                times = "".join(f"{of(first) / of(found):8.1f}" for of in (median, max))
                print(f"  {name:<28}{median(found):9.1f}{max(found):9.1f}   {times}")
        quiet = {name: live for name, live in peers.items() if "variable" in name}
        for name, play in quiet.items():
            still = median(QUIET / play(QUIET, 40e3) for _ in range(rounds))
            print(f"  {name}, nothing but a quiet hold: {still:.0f}")


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "patchrig-peers")
    asked.add_argument("--no-peers", action="store_true")
    asked.add_argument("--rounds", type=int, default=REPEATS)
    wish = asked.parse_args()
    print("simulated seconds per second of wall time, one core")
    print(f"{'rate':>8} {'cell only':>10} {'whole rig':>10} {'devices':>10}   ns a step: cell, rig")
    for rate in (20e3, 40e3, 50e3):
        loops = [
            median(5.0 / live(5.0) for _ in range(REPEATS)) for live in (bare(rate, noise=n) for n in (False, True))
        ]
        speeds = [*loops, device_speed(rate)]
        print(
            f"{rate / 1e3:>5.0f} kHz" + "".join(f"{s:>11.0f}" for s in speeds)
            + "   " + ", ".join(f"{1e9 / (s * rate):.0f}" for s in loops)
        )  # fmt: skip
    print(f"the chain alone: {chain():.0f} ns a step")
    for rate in (20e3, 40e3):
        print(f"parts at {rate / 1e3:.0f} kHz, ns a step: " + ", ".join(f"{k} {v:.1f}" for k, v in parts(rate).items()))
    if not wish.no_peers:
        against_peers(wish.peers, wish.rounds)
    print(f"an hour at 20 kHz through the devices: {3600 / device_speed(20e3, 600.0):.1f} s")
    cold, warm = starts()
    print(f"to the first frame: cold {cold:.1f} s, warm {warm:.2f} s")


if __name__ == "__main__":
    main()
