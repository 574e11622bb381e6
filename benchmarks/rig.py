"""A rig: how soon it is safe when something fails, and what the client costs beside a bare loop of nidaqmx.

    python -m benchmarks.rig safe [--times 5] [--in-process]
    python -m benchmarks.rig stream [--minutes 10] [--rate 200] [--only-ours] [--ttl]
    python -m benchmarks.rig ceiling

The board is in a process of its own ('patchrig serve-board' at life speed), reached by NI's own client through gRPC.
Times to safe are in the board's time: from the fault to the moment when output and valves stand at rest there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from config.loading import rig_from_text
from drivers.base import Gains
from drivers.build import Context
from drivers.clock import WallClock
from protocols.errors import PatchrigError
from protocols.sweeps import ClampMode, Sweep
from protocols.waveforms import TtlPulse, Waveform
from tests.rig_faults.lab import LINK, RIGS, SERVER
from tests.rig_faults.processes import kill, lab, stop

GAINS = Gains(ClampMode.VOLTAGE, 20e-3, {"primary": ("A", 1e-9), "secondary": ("V", 0.1)})
KEPT_UP = 1.02
"""Wall time over sampled time up to which a client has kept up."""


# --- time to safe -----------------------------------------------------------------------------------------------


def time_to_safe(times: int, *, in_process: bool) -> None:
    """Break runs on a rig in several ways, and say how long it took until the rig was at rest."""
    alive = (
        ("in process: the card stops delivering (-201003)", card_fails, 3.0, None),
        ("in process: the mode switch is turned by hand", turned, 3.0, None),
    )
    dead = (
        ("kill -9 of the run", lambda _, run: kill(run.pid), 8.0, None),
        ("SIGSTOP of the run, after its lease of 2 s", lambda _, run: stop(run.pid), 12.0, 2.0),
    )
    for name, act, within, lease in (*alive, *(() if in_process else dead)):
        taken = 1e3 * np.array([once(act, within, lease) for _ in range(times)])
        parts = zip(("output", "output and valves"), np.median(taken, axis=0), taken.max(axis=0), strict=True)
        print(f"{name}: " + "; ".join(f"{part} {middle:.0f} ms, worst {worst:.0f} ms" for part, middle, worst in parts))


def card_fails(rig, _run):
    rig.link.ask("fault.add", call="ReadBinaryI16", code=-201003)


def turned(rig, _run):
    rig.link.ask("amplifier.mode", mode="current clamp")


def once(act, within, lease):
    """Return the seconds from `act` to rest, of the output and of all; a lease is not counted."""
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder)) as rig:
        run = rig.start(*([lease] if lease else []))
        rig.at_work(run)
        act(rig, run)
        safe = 0.0 if act is turned else -3.5
        output = rig.wait(lambda: abs(rig.volts() - safe) < 0.01, within, "the output at rest") - (lease or 0.0)
        return output, output + rig.wait(lambda: rig.lines() == ["control"], within, "the valves at rest")


# --- streaming --------------------------------------------------------------------------------------------------


@contextmanager
def served(rate):
    """Give (rig, address) of a board with four inputs, in a process of its own."""
    text = (RIGS / "ni_simulated.yaml").read_text(encoding="utf-8")
    text = text.replace("\noutputs:", "  third: {pin: ai2, range: 10 V}\n  fourth: {pin: ai3, range: 10 V}\n\noutputs:")
    outputs = "  second: {pin: ao1, range: 10 V}\n\nttl:\n  camera: {pin: port0/line4}\n"
    text = text.replace("\nperfusion:", f"{outputs}\nperfusion:", 1)
    text = text.replace("sampling_limit: 200 kHz", f"sampling_limit: {rate / 1e3:g} kHz")
    text = text.replace("block: 20 ms", "block: 50 ms")  # as the bare loop beside it, and as in earlier figures
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rig.yaml"
        file.write_text(text, encoding="utf-8")
        command = [Path(sys.executable).with_name("patchrig"), "serve-board", "--rig", file]
        ports = ["--address", "127.0.0.1:0", "--link", "0"]
        server = subprocess.Popen([*command, *ports], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            words = server.stdout.readline()
            address = next(w.rstrip(";") for w in words.split() if w.startswith("127."))
            yield rig_from_text(text.replace(SERVER, address).replace(LINK, "127.0.0.1:1"), "rig.yaml"), address
        finally:
            server.terminate()
            server.wait()


def report(name, seconds, rate, lateness, lost, cpu, wall):
    late = np.array(lateness) - min(lateness)
    shown = ", ".join(f"{1e3 * np.percentile(late, p):.1f}" for p in (50, 99, 100))
    print(
        f"{name}: {seconds:.0f} s at {rate / 1e3:g} kHz, {lost} samples lost, "
        f"client {100 * cpu / wall:.0f} % of a core, "
        f"blocks late by {shown} ms (median, 99 %, worst), {wall / seconds:.3f} of real time"
    )
    return lost == 0 and wall / seconds < KEPT_UP + 1.0 / seconds


def ours(rig, rate, seconds, *, ttl=False):
    """Play and record through our driver: 4 inputs, 2 outputs; with `ttl` also a line that is pulsed every 10 ms."""
    from drivers.ni.daq import daq

    n = round(seconds * rate)
    command = Waveform(rate, n, -70e-3)
    every, width = round(0.01 * rate), round(0.001 * rate)
    pulses = tuple(TtlPulse("camera", i, i + width) for i in range(0, n - width, every)) if ttl else ()
    lateness, lost, end = [], 0, 0
    with daq(Context(rig, WallClock(), 1)) as card:
        cpu, began = time.process_time(), time.perf_counter()
        for frame in card.play(Sweep(0, ClampMode.VOLTAGE, command, pulses), GAINS):
            lost, end = lost + frame.first - end, frame.first + frame.n_samples
            lateness.append(time.perf_counter() - began - end / rate)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    name = f"patchrig, 4 AI + 2 AO{' + 1 DO' if ttl else ''}"
    return report(name, seconds, rate, lateness, lost + n - end, cpu, wall)


def bare(address, rate, seconds):
    """Do the same with nothing but nidaqmx: 4 inputs, 2 outputs, blocks of 50 ms."""
    import grpc
    import nidaqmx
    from nidaqmx.constants import AcquisitionType, RegenerationMode
    from nidaqmx.stream_readers import AnalogUnscaledReader
    from nidaqmx.stream_writers import AnalogMultiChannelWriter

    block, n, lateness, end = round(0.05 * rate), round(seconds * rate), [], 0
    options = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
    with grpc.insecure_channel(address, options=options) as channel:
        way = [nidaqmx.GrpcSessionOptions(channel, name) for name in ("bare_in", "bare_out")]
        with nidaqmx.Task("bare_in", grpc_options=way[0]) as ai, nidaqmx.Task("bare_out", grpc_options=way[1]) as ao:
            ai.ai_channels.add_ai_voltage_chan("Dev1/ai0:3", min_val=-10, max_val=10)
            ai.timing.cfg_samp_clk_timing(rate, sample_mode=AcquisitionType.CONTINUOUS, samps_per_chan=block)
            ai.in_stream.input_buf_size = round(10 * rate)
            ao.ao_channels.add_ao_voltage_chan("Dev1/ao0:1", min_val=-10, max_val=10)
            ao.timing.cfg_samp_clk_timing(
                rate, source="/Dev1/ai/SampleClock", sample_mode=AcquisitionType.CONTINUOUS, samps_per_chan=block
            )
            ao.triggers.start_trigger.cfg_dig_edge_start_trig("/Dev1/ai/StartTrigger")
            ao.out_stream.regen_mode = RegenerationMode.DONT_ALLOW_REGENERATION
            ao.out_stream.output_buf_size = round(2 * rate)
            writer, reader = AnalogMultiChannelWriter(ao.out_stream), AnalogUnscaledReader(ai.in_stream)
            volts, counts = np.full((2, block), -3.5), np.empty((4, block), np.int16)
            for _ in range(20):
                writer.write_many_sample(volts)
            ao.start()
            cpu, began = time.process_time(), time.perf_counter()
            ai.start()
            while end < n:
                reader.read_int16(counts, block)
                end += block
                lateness.append(time.perf_counter() - began - end / rate)
                writer.write_many_sample(volts)
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    return report("bare nidaqmx, 4 AI + 2 AO", seconds, rate, lateness, 0, cpu, wall)


def stream(rate, seconds, *, only_ours, ttl):
    """Stream with both clients, one after the other; lost samples end the bare one with an error."""
    with served(rate) as (rig, address):
        ours(rig, rate, seconds, ttl=ttl)
        if not only_ours:
            bare(address, rate, seconds)


def ceiling():
    """Raise the rate until a client does not keep up; all of these the card's 100 MHz can be divided to."""
    import nidaqmx

    for name, client in (("patchrig", ours), ("bare nidaqmx", bare)):
        best = 0.0
        for rate in (50e3, 100e3, 200e3, 250e3):
            try:
                with served(250e3) as (rig, address):
                    kept_up = client(rig if client is ours else address, rate, 6.0)
            except (PatchrigError, nidaqmx.errors.Error) as error:
                print(f"{name} at {rate / 1e3:g} kHz: {error}")
                break
            if not kept_up:
                break
            best = rate
        print(f"{name}: keeps up to {best / 1e3:g} kHz")


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rig")
    parser.add_argument("what", choices=["safe", "stream", "ceiling"])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--in-process", action="store_true", help="of the times to safe only those of a living run")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=200.0, help="kHz")
    parser.add_argument("--only-ours", action="store_true", help="leave out the bare loop")
    parser.add_argument("--ttl", action="store_true", help="also a digital line, pulsed every 10 ms")
    wishes = parser.parse_args()
    match wishes.what:
        case "safe":
            time_to_safe(wishes.times, in_process=wishes.in_process)
        case "stream":
            stream(1e3 * wishes.rate, 60 * wishes.minutes, only_ours=wishes.only_ours, ttl=wishes.ttl)
        case "ceiling":
            ceiling()


if __name__ == "__main__":
    main()
