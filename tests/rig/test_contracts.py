"""The contracts of all drivers, on a rig of metal: `pytest tests/rig --rig FILE -s`; skipped without one."""

import numpy as np
import pytest

from drivers.clock import WallClock
from drivers.contract import AmplifierContract, DaqContract, PerfusionContract, PumpContract, ThermometerContract
from protocols.sweeps import Sweep
from protocols.waveforms import Pulse, Waveform

STEP = -5e-3
"""V, of the command in voltage clamp: what a membrane test plays."""
LOOP_STEPS = 8


class TestDaq(DaqContract):
    @pytest.fixture
    def daq(self, devices):
        return devices.daq

    @pytest.fixture
    def gains(self, devices):
        return devices.amplifier.gains()

    @pytest.fixture
    def level(self, rig):
        return float(rig.safe.voltage_clamp)

    @pytest.fixture
    def step(self):
        return STEP


class TestAmplifier(AmplifierContract):
    @pytest.fixture(autouse=True)
    def _bridge(self, rig):
        self.automatic_bridge = rig.amplifier.driver in ("simulated", "multiclamp")

    @pytest.fixture
    def amplifier(self, devices):
        return devices.amplifier


class TestPerfusion(PerfusionContract):
    @pytest.fixture
    def perfusion(self, devices):
        return devices.perfusion


class TestThermometer(ThermometerContract):
    @pytest.fixture
    def thermometer(self, devices):
        return devices.thermometer or pytest.skip("this rig has no thermometer")


class TestPump(PumpContract):
    @pytest.fixture
    def pump(self, devices):
        return devices.pump or pytest.skip("this rig has no pump")

    @pytest.fixture
    def rate(self, rig):
        return float(rig.pump.rate)

    @pytest.fixture
    def wait(self):
        clock = WallClock()
        return lambda seconds: clock.wait_until(clock.now() + seconds)


def test_streaming_for_a_minute_loses_nothing(rig, devices):
    """At the card's limit, all inputs."""
    gains, rate = devices.amplifier.gains(), devices.daq.rate(float(rig.daq.sampling_limit))
    wanted, gaps, came = round(60 * rate), [], 0
    for frame in devices.daq.play(Sweep(0, gains.mode, Waveform(rate, wanted, float(rig.safe.voltage_clamp))), gains):
        gaps += [(came, frame.first)] if frame.first != came else []
        came = frame.first + frame.n_samples
    assert (came, gaps) == (wanted, [])


def test_the_loop_from_output_to_input_has_gain_one_and_at_most_one_sample_of_delay(request, rig, devices):
    """With a cable from the command output to an input, and the amplifier's cables off."""
    name = request.config.getoption("--loop") or pytest.skip("no cable: name the input with --loop, such as primary")
    gains, daq = devices.amplifier.gains(), devices.daq
    played, seen = _loop(daq, gains, name, float(rig.safe.voltage_clamp))
    delay = int(np.argmax(np.abs(np.diff(seen)))) - int(np.argmax(np.abs(np.diff(played))))
    levels = np.unique(played)
    means = [seen[delay:][played[: len(played) - delay] == level].mean() for level in levels]
    gain, offset = np.polyfit(levels, means, 1)
    print(f"\nloop: gain {gain:.5f}, offset {offset * 1e3:.2f} mV, delay {delay} samples")  # noqa: T201  the figures are wanted
    assert delay in (0, 1)
    assert abs(gain - 1) < 1e-2
    assert abs(offset) < 10e-3


def _loop(daq, gains, name, level):
    """Play a stair of small steps and return (what was played, what came back), V at the connector."""
    rate, width = daq.rate(20_000.0), 500
    edges = [width * (i + 1) for i in range(LOOP_STEPS)]
    pulses = tuple(Pulse("step", e, e + width, STEP * (LOOP_STEPS - i)) for i, e in enumerate(edges))
    command = Waveform(rate, width * (LOOP_STEPS + 2), level, pulses)
    counts = np.concatenate([f.counts for f in daq.play(Sweep(0, gains.mode, command), gains)], axis=1)
    row = [c.name for c in daq.channels(gains)].index(name)
    channel, (_, per_volt) = daq.channels(gains)[row], gains.inputs.get(name, ("V", 1.0))
    return command.values() / gains.command, channel.si(channel.stored(counts[row])) / per_volt
