"""From a recorded command to steps: what was commanded is found exactly, and parts keep clear of each other."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.foreign import commands
from acquisition.foreign.commands import levels_of
from acquisition.foreign.parts import parts_of
from acquisition.foreign.recording import ForeignRecording, ForeignSweep
from protocols.sweeps import Channel, ClampMode

RATE, PA = 10_000.0, 1e-12


def drawn(n, *pulses, holding=0.0):
    """A command (n,), A, with pulses (start, stop, pA)."""
    command = np.full(n, holding)
    for start, stop, amplitude in pulses:
        command[start:stop] += amplitude * PA
    return command


def groups(*sweeps):
    return commands.with_roles(commands.groups_of([levels_of(s, RATE) for s in sweeps]), RATE)


def summary(found):
    return [(g.start, g.stop, g.role) for g in found]


def test_a_pulse_that_differs_between_sweeps_is_a_step_and_a_constant_one_below_holding_a_test_pulse():
    sweeps = [drawn(50_000, (5000, 6500, a), (30_000, 33_000, -50)) for a in (0, 50, 100)]
    assert summary(groups(*sweeps)) == [(5000, 6500, "step"), (30_000, 33_000, "test_pulse")]


def test_a_hyperpolarizing_pulse_that_stands_alone_is_the_step():
    assert summary(groups(drawn(20_000, (5000, 6500, -100)))) == [(5000, 6500, "step")]


def test_neighbours_are_two_pulses_although_they_are_equal_in_one_sweep():
    sweeps = [drawn(60_000, (22_937, 32_937, -100), (32_937, 42_937, a)) for a in (-100, -75, 0, 300)]
    assert [g[:2] for g in summary(groups(*sweeps))] == [(22_937, 32_937), (32_937, 42_937)]


def test_a_pulse_that_grows_longer_from_sweep_to_sweep_is_one_pulse():
    (found,) = groups(*(drawn(20_000, (5000, stop, 100)) for stop in (5500, 6000, 6500)))
    assert (found.start, found.stop) == (5000, 6500)
    assert found.extents == ((5000, 5500), (5000, 6000), (5000, 6500))


def test_a_test_pulse_right_after_another_pulse_has_no_rest_to_count_from_and_is_none():
    assert {role for *_, role in summary(groups(drawn(30_000, (5000, 6500, 100), (6500, 9500, -50))))} == {"step"}


def test_short_equal_pulses_are_one_train_and_long_ones_are_not():
    short = groups(drawn(30_000, *((5000 + 200 * i, 5020 + 200 * i, 1200) for i in range(5))))
    long = groups(drawn(60_000, (5000, 10_000, 100), (20_000, 25_000, 100)))
    assert [len(t) for t in commands.trains(short, RATE)] == [5]
    assert [len(t) for t in commands.trains(long, RATE)] == [1, 1]


def test_ramps_and_noise_are_not_rectangles():
    assert levels_of(np.linspace(0, 1e-10, 20_000), RATE) is None
    assert levels_of(np.random.default_rng(0).normal(0, 1e-12, 20_000), RATE) is None
    assert levels_of(np.full(100, np.nan), RATE) is None


PULSES = st.lists(st.integers(20, 20_000), min_size=2, max_size=8).map(lambda gaps: np.cumsum(gaps).tolist())


@given(PULSES, st.lists(st.sampled_from([-100, -50, 50, 100, 200]), min_size=4, max_size=4), st.integers(0, 5000))
@settings(deadline=None, max_examples=80)
def test_a_recorded_command_comes_back_sample_by_sample(edges, sizes, rest):
    pulses = list(zip(edges[::2], edges[1::2], sizes, strict=False))
    command = drawn(edges[-1] + 2 + rest, *pulses)
    levels = levels_of(command, RATE)
    assert np.array_equal(levels.at(np.arange(len(command))), command)


@given(PULSES, st.lists(st.sampled_from([-100, -50, 50, 100, 200]), min_size=4, max_size=4), st.booleans())
@settings(deadline=None, max_examples=80)
def test_a_part_holds_one_step_and_reaches_into_no_other(edges, sizes, varying):
    pulses = list(zip(edges[::2], edges[1::2], sizes, strict=False))
    n = edges[-1] + 3000
    sweeps = [drawn(n, *((a, b, s + 10 * i * varying) for a, b, s in pulses)) for i in range(2)]
    recording = ForeignRecording(
        path=None,
        form="ABF",
        mode=ClampMode.CURRENT,
        channel=Channel("primary", "V", (0.0, 1.0)),
        rate=RATE,
        sweeps=tuple(ForeignSweep(i, 0.0, np.zeros(n, np.float32), levels_of(s, RATE)) for i, s in enumerate(sweeps)),
        header_unit="mV",
    )
    for part in parts_of(recording, None):
        played = sweeps[part.sweep]
        steps = part.command.of("step")
        assert len({p.amplitude for p in steps}) == 1
        for pulse in steps:
            assert (played[part.first + pulse.start : part.first + pulse.stop] == pulse.amplitude).all()
        rest = np.ones(part.stop - part.first, bool)
        for pulse in part.command.pulses:
            rest[pulse.start : pulse.stop] = False
        assert (played[part.first : part.stop][rest] == 0).all()
