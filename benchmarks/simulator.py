"""How fast the simulated rig is: seconds lived per second of wall time, and seconds to the first samples.

    python benchmarks/simulator.py

'cell only' is the compiled loop without noise; 'full rig' the same with noise and both channels; 'devices' is what the
engine sees: blocks of 20 ms through the board and the demand clock. Starts are fresh processes, from the import to
the first frame, with an empty and with a filled folder for numba's cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

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


def loop_speed(rate: float, *, noise: bool, seconds: float = 20.0) -> float:
    """Return the median speed of the compiled loop at `rate` Hz."""
    from drivers.simulated import kernel
    from drivers.simulated.bath import drug_table
    from drivers.simulated.cell import preset, steady_state
    from drivers.simulated.packing import Knobs, pack
    from drivers.simulated.rates import table
    from drivers.simulated.settings import Simulation
    from drivers.simulated.world import fresh_state

    settings, cell = Simulation(noise=noise), preset("ca1_pyramidal")
    steady = steady_state(cell, -60.0)
    state = fresh_state(steady, pipette=-60.0, access=12.0, seed=1)
    parameters = pack(cell, settings, Knobs.of(settings), rate=rate, substeps=1)
    commands = np.full(round(seconds * rate), steady.current)
    readout = np.array([[0.0, 1600.0], [1.0, 3.2]]) if noise else np.empty((0, 2))
    counts, rates = np.empty((len(readout), len(commands)), np.int16), table(cell, 1e3 / rate)

    def once() -> float:
        start = time.perf_counter()
        kernel.run(state, parameters, drug_table(), rates, False, commands, readout, counts, np.empty(0))
        return seconds / (time.perf_counter() - start)

    once()
    return median(once() for _ in range(REPEATS))


def device_speed(rate: float, seconds: float = 60.0) -> float:
    """Return the median speed of a hold through the devices at `rate` Hz."""
    from config.loading import load_rig
    from drivers.build import open_devices
    from drivers.clock import DemandClock
    from protocols.sweeps import Sweep
    from protocols.waveforms import Waveform

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


def main() -> None:
    """Measure and print."""
    sys.path.insert(0, str(ROOT))
    print("simulated seconds per second of wall time")
    print(f"{'rate':>8} {'cell only':>10} {'full rig':>10} {'devices':>10}")
    for rate in (20e3, 40e3, 50e3):
        speeds = loop_speed(rate, noise=False), loop_speed(rate, noise=True), device_speed(rate)
        print(f"{rate / 1e3:>5.0f} kHz" + "".join(f"{s:>11.0f}" for s in speeds))
    print(f"an hour at 20 kHz through the devices: {3600 / device_speed(20e3, 600.0):.1f} s")
    cold, warm = starts()
    print(f"to the first frame: cold {cold:.1f} s, warm {warm:.2f} s")


if __name__ == "__main__":
    main()
