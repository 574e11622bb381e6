"""A SCPI generator and an oscilloscope at its output, over a socket and a serial line."""

import numpy as np
import pytest

from config.visa import InstrumentOptions
from drivers.simulated.instruments.scpi import ScpiBenchEmulator
from drivers.visa.connection import InstrumentError
from drivers.visa.scpi import Generator, Scope
from protocols.errors import LimitExceeded
from tests.drivers.visa_kit import QUICK, WIRES


@pytest.fixture(params=WIRES)
def wire(request):
    with WIRES[request.param](ScpiBenchEmulator()) as wire:
        yield wire


def options(wire, timeout=QUICK):
    return InstrumentOptions(resource=wire.resource, timeout=timeout)


def scope_on(wire):
    """Return a scope with time enough for a whole trace on a serial line."""
    return Scope("scope", options(wire, "400 ms"))


@pytest.fixture
def generator(wire):
    with Generator("generator", options(wire), highest=5.0) as generator:
        yield generator


def test_the_scope_sees_what_the_generator_gives():
    with (
        WIRES["network"](ScpiBenchEmulator()) as wire,
        Generator("generator", options(wire), highest=5.0) as generator,
    ):
        generator.play("sine", frequency=500.0, amplitude=2.0, offset=0.25)
        generator.on()
        trace = _acquired(wire)
    expected = 0.25 + np.sin(2 * np.pi * 500.0 * trace.times)
    np.testing.assert_allclose(trace.volts, expected, atol=1e-5)
    assert trace.times[1] - trace.times[0] == pytest.approx(1e-5)


def _acquired(wire, channel=1):
    """Let a second instrument look: the bench serves one client at a time."""
    with scope_on(wire) as scope:
        return scope.acquire(channel)


def test_an_open_channel_shows_nothing(wire):
    with scope_on(wire) as scope:
        wire.instrument.on = True
        assert not scope.acquire(2).volts.any()


def test_the_output_is_off_when_it_is_opened_and_when_it_is_closed(wire):
    wire.instrument.on = True
    with Generator("generator", options(wire), highest=5.0) as generator:
        assert not generator.is_on()
        generator.on()
        assert generator.is_on()
    assert not wire.instrument.on


def test_it_says_who_it_is(generator):
    assert generator.identity == "PATCHRIG,EMULATED BENCH,0,1.0"


def test_more_volts_than_allowed_are_refused_before_anything_is_written(generator, wire):
    before = len(wire.instrument.heard)
    with pytest.raises(LimitExceeded, match=r"5.5 V were asked for; this one may give 5 V"):
        generator.play("square", frequency=10.0, amplitude=10.0, offset=-0.5)
    assert len(wire.instrument.heard) == before


def test_an_unknown_waveform_is_refused_with_the_known_ones(generator):
    with pytest.raises(InstrumentError, match="'saw' is no waveform; there are sine, square, ramp"):
        generator.play("saw", frequency=10.0, amplitude=1.0)


def test_what_the_generator_refuses_is_told_with_its_own_code(generator):
    with pytest.raises(InstrumentError, match=r"refuses .*FREQ 1000000000.0.*Data out of range") as caught:
        generator.play("sine", frequency=1e9, amplitude=1.0)
    assert caught.value.code == "-222"


def test_the_error_queue_is_read_out_and_empty_afterwards(generator, wire):
    wire.instrument.queue += ['-113,"Undefined header"', '-222,"Data out of range"']
    assert generator.errors() == ('-113,"Undefined header"', '-222,"Data out of range"')
    assert generator.errors() == ()


def test_a_trigger_that_does_not_come_is_told(wire):
    with Scope("scope", options(wire)) as scope:
        wire.instrument.triggers = False
        with pytest.raises(InstrumentError, match=r"scope: .* to '\*OPC\?': no answer"):
            scope.acquire()


@pytest.mark.parametrize("fault", ["shorten", "garble"])
def test_a_trace_that_was_damaged_is_fetched_again(fault):
    with WIRES["network"](ScpiBenchEmulator()) as wire, Scope("scope", options(wire)) as scope:
        first = scope.acquire()
        setattr(wire.faults, fault, 1)
        again = scope.acquire()
    np.testing.assert_array_equal(first.volts, again.volts)


def test_closing_an_instrument_that_is_gone_is_quiet(wire):
    with Generator("generator", options(wire), highest=5.0):
        wire.unplug()
