"""Small files as other programs write them: ABF through pyABF's writer with an epoch table added, NWB through pynwb."""

from __future__ import annotations

import struct
import uuid
from datetime import UTC, datetime

import numpy as np

RATE = 10_000
UNITS, HOLDING = 1346, 1394
WAVEFORM, SOURCE, TYPES, LEVELS, INCREMENTS, DURATIONS = 2296, 2300, 2308, 2348, 2428, 2508
"""Bytes of the fields in an ABF 1 header; see pyABF's HeaderV1 and the ABF file support pack."""
AHP, SPIKE, REST = 3.0, 90.0, -62.0
"""mV."""


def neuron(epochs, *, rate=RATE, seconds=5.0, spikes_at=(), noise=0.02, seed=0):
    """Membrane potential, mV, of a cell that charges in `epochs` ((start, stop, pA), s) and has spikes and an AHP."""
    t = np.arange(round(seconds * rate)) / rate
    v = np.full(len(t), REST) + np.random.default_rng(seed).normal(0, noise, len(t))
    for start, stop, amplitude in epochs:
        for edge, sign in ((start, 1), (stop, -1)):
            since = np.clip(t - edge, 0, None)
            v += sign * amplitude * 0.03 * -np.expm1(-since / 0.02)
    for at in spikes_at:
        v += SPIKE * np.exp(-0.5 * ((t - at) / np.where(t < at, 0.3e-3, 0.6e-3)) ** 2)
    if spikes_at:
        since = np.clip(t - max(stop for _, stop, _ in epochs), 0, None)
        v -= AHP * (np.exp(-since / 1.2) - np.exp(-since / 0.15))
    return v


def write_abf(path, sweeps, *, epochs=(), rate=RATE, units="mV", command="pA", holding=0.0, generator=True):
    """Write an ABF 1.8 file. `epochs` are (samples, level, increment per sweep), from a 64th of the sweep on."""
    from pyabf.abfWriter import writeABF1

    writeABF1(np.asarray(sweeps), str(path), rate, units=units)
    old = path.read_bytes()
    data = bytearray(old[:2048] + bytes(4096) + old[2048:])
    struct.pack_into("<f", data, 4, 1.83)
    struct.pack_into("<i", data, 20, 20260102)  # the day it was recorded
    struct.pack_into("<i", data, 40, 12)  # blocks of 512 bytes before the data
    struct.pack_into("8s", data, UNITS, command.ljust(8).encode())
    struct.pack_into("<f", data, HOLDING, holding)
    struct.pack_into("<h", data, WAVEFORM, int(generator))
    struct.pack_into("<h", data, SOURCE, int(generator))
    for i, (length, level, increment) in enumerate(epochs):
        struct.pack_into("<h", data, TYPES + 2 * i, 1)
        struct.pack_into("<f", data, LEVELS + 4 * i, level)
        struct.pack_into("<f", data, INCREMENTS + 4 * i, increment)
        struct.pack_into("<i", data, DURATIONS + 4 * i, length)
    path.write_bytes(data)
    return path


BEFORE, WIDTH = 10_000, 1500
"""Samples of rest before the step beside the 64th of the sweep, and of the step."""
SPIKES = (1.02, 1.06, 1.10, 1.14)
"""Seconds into the step's sweep; see `burst_file`."""


def burst_file(path, *, n_sweeps=3, **changes):
    """Sweeps of 5 s with a step of 200 pA + 10 pA per sweep and four spikes, from sample 10 781 on for 150 ms."""
    on = 50_000 // 64 + BEFORE
    edges = on / RATE, (on + WIDTH) / RATE
    at = [edges[0] + 0.02 + 0.04 * i for i in range(4)]
    sweeps = [neuron([(*edges, 200 + 10 * i)], spikes_at=at, seed=i) for i in range(n_sweeps)]
    epochs = [(BEFORE, 0.0, 0.0), (WIDTH, 200.0, 10.0)]
    return write_abf(path, sweeps, **({"epochs": epochs} | changes)), edges


def with_current_channel(path, out):
    """Write an ABF file again with a second channel, pA: every sample of the first, halved."""
    data = bytearray(path.read_bytes())
    first = np.frombuffer(bytes(data[6144:]), "<i2")[: struct.unpack_from("<i", data, 10)[0]]
    both = np.column_stack([first, first // 2]).astype("<i2")
    struct.pack_into("<i", data, 10, both.size)
    struct.pack_into("<h", data, 120, 2)
    struct.pack_into("<f", data, 122, struct.unpack_from("<f", data, 122)[0] / 2)
    struct.pack_into("<2h", data, 410, 0, 1)
    struct.pack_into("8s", data, 602 + 8, b"pA      ")
    out.write_bytes(bytes(data[:6144]) + both.tobytes())
    return out


def patch_file(path, *, rs=12.0, rm=150.0, cm=60.0, n_sweeps=2):
    """Voltage clamp, -70 mV with a pulse of -10 mV for 200 ms: MOhm and pF."""
    rate, n = 20_000, 10_000
    on, off = n // 64, n // 64 + 4000
    tau = cm * 1e-12 * 1e6 * rs * rm / (rs + rm)
    fast = np.arange(n * 20) / (rate * 20)
    current = np.full(len(fast), -70 / (rs + rm) * 1e3)
    for edge, sign in ((on / rate, 1), (off / rate, -1)):
        since = fast - edge
        passed = since >= 0
        current[passed] += sign * -10 / (rs + rm) * 1e3 * (1 + rm / rs * np.exp(-since[passed] / tau))
    sweeps = [current[::20]] * n_sweeps
    return write_abf(path, sweeps, epochs=[(4000, -80.0, 0.0)], rate=rate, units="pA", command="mV", holding=-70.0)


def nwb_file():
    from pynwb import NWBFile

    nwb = NWBFile("a cell", str(uuid.uuid4()), datetime(2026, 1, 2, tzinfo=UTC))
    device = nwb.create_device("amplifier")
    return nwb, nwb.create_icephys_electrode(name="electrode 0", description="a pipette", device=device)


def add_sweep(nwb, electrode, number, data, command=None, *, rate=float(RATE), at=0.0, stimulus="steps", **how):
    """Add a current-clamp sweep: `data` as stored, its `conversion` in `how`; `command` in A."""
    from pynwb.icephys import CurrentClampSeries, CurrentClampStimulusSeries

    times = {"timestamps": how.pop("timestamps")} if "timestamps" in how else {"rate": rate, "starting_time": at}
    facts = {
        "electrode": electrode,
        "gain": 1.0,
        "stimulus_description": stimulus,
        "sweep_number": None if number is None else np.uint64(number),
    }
    name = f"{0 if number is None else number:03d}"
    response = CurrentClampSeries(name=f"response_{name}", data=data, **facts, **times, **how)
    nwb.add_acquisition(response)
    if command is not None:
        played = {"rate": rate, "starting_time": at}
        nwb.add_stimulus(CurrentClampStimulusSeries(name=f"command_{name}", data=command, **facts, **played))
    return response


def save(nwb, path):
    from pynwb import NWBHDF5IO

    with NWBHDF5IO(str(path), "w") as io:
        io.write(nwb)
    return path
