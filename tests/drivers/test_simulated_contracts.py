"""The simulated devices pass the contracts that every driver must pass."""

import pytest

from drivers.contract import (
    AmplifierContract,
    DaqContract,
    PerfusionContract,
    RepeatableDaqContract,
    ThermometerContract,
    TtlContract,
)
from protocols.sweeps import ClampMode
from protocols.waveforms import Pulse, Waveform


class TestBoardInVoltageClamp(RepeatableDaqContract):
    level, step = -70e-3, -5e-3

    @pytest.fixture
    def daq(self, rehearsal):
        return rehearsal.devices.daq

    @pytest.fixture
    def gains(self, rehearsal):
        return rehearsal.gains

    @pytest.fixture
    def rehearsal(self, opened):
        return opened()

    @pytest.fixture(name="level")
    def level_(self):
        return self.level

    @pytest.fixture(name="step")
    def step_(self):
        return self.step

    @pytest.fixture
    def record(self, opened):
        def session(block):
            r = opened(block=block)
            clamped = r.counts(Waveform(20e3, 3000, -70e-3, (Pulse("step", 1000, 2000, -5e-3),)))
            r.wait(0.5)
            r.switch(ClampMode.CURRENT, 20e-12)
            r.wait(0.1)
            free = r.counts(Waveform(20e3, 5000, 20e-12, (Pulse("step", 1000, 4000, 300e-12),)))
            return clamped.tobytes() + free.tobytes()

        return session


class TestBoardInCurrentClamp(DaqContract):
    @pytest.fixture
    def rehearsal(self, opened):
        r = opened()
        r.switch(ClampMode.CURRENT)
        return r

    @pytest.fixture
    def daq(self, rehearsal):
        return rehearsal.devices.daq

    @pytest.fixture
    def gains(self, rehearsal):
        return rehearsal.gains

    @pytest.fixture
    def level(self):
        return 100e-12

    @pytest.fixture
    def step(self):
        return -50e-12


class TestTtlLines(TtlContract):
    line = "stimulator"

    @pytest.fixture
    def rehearsal(self, opened):
        return opened()

    @pytest.fixture
    def daq(self, rehearsal):
        return rehearsal.devices.daq

    @pytest.fixture
    def gains(self, rehearsal):
        return rehearsal.gains

    @pytest.fixture
    def level(self):
        return -70e-3

    @pytest.fixture(name="line")
    def line_(self):
        return self.line

    @pytest.fixture
    def edges(self, daq):
        return lambda: [(at, rises) for line, at, rises in daq.edges if line == self.line]


class TestAmplifier(AmplifierContract):
    @pytest.fixture
    def amplifier(self, opened):
        return opened().devices.amplifier


class TestPerfusion(PerfusionContract):
    @pytest.fixture
    def perfusion(self, opened):
        return opened().devices.perfusion


class TestThermometer(ThermometerContract):
    @pytest.fixture
    def thermometer(self, opened):
        return opened().devices.thermometer
