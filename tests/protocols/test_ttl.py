"""TTL pulses of a protocol: their samples, what the plan says of them, and what is wrong with them."""

import pytest

from config.fit import check_fit, plan_for
from config.loading import load_rig, rig_from_text
from protocols.commands import series_command, ttl_pulses
from protocols.errors import InvalidFile, Refused
from protocols.loading import protocol_from_text, read_text
from protocols.sweeps import ClampMode, Sweep
from protocols.waveforms import TtlPulse, Waveform
from tests.kit import HEAD, RIG

STEPS = """
steps:
  - hold: {voltage: -70 mV, for: 5 s, ttl: [HOLD]}
  - switch_to: {clamp: current, bridge: keep}
  - series:
      {name: baseline, step: 300 pA, width: 150 ms, every: 5 s, before: 1 s, after: 2 s, sweeps: 2, ttl: [SERIES]}
finish:
  - switch_to: {clamp: voltage}
"""


def protocol(*, hold="", series=""):
    return protocol_from_text(HEAD + STEPS.replace("HOLD", hold).replace("SERIES", series), "protocol.yaml")


def pulses(series):
    step = protocol(series=series).steps[2]
    return ttl_pulses(step, 20e3), series_command(step, 20e3, holding=0.0, amplitude=1e-10)


def test_a_pulse_counts_from_the_sweeps_start_unless_it_says_otherwise():
    found, _ = pulses("{line: camera, at: 100 ms, width: 1 ms}")
    assert found == (TtlPulse("camera", 2000, 2020),)


@pytest.mark.parametrize(("zero", "edge"), [("step_start", "start"), ("step_end", "stop")])
def test_a_pulse_at_the_steps_edge_shares_its_sample(zero, edge):
    found, command = pulses(f"{{line: camera, at: 0 ms, width: 1 ms, counted_from: {zero}}}")
    assert found[0].start == getattr(command.of("step")[0], edge)


def test_trains_on_several_lines_come_in_the_order_of_their_edges():
    found, _ = pulses(
        "{line: stimulator, at: -50 ms, width: 2 ms, counted_from: step_start, count: 3, every: 20 ms}, "
        "{line: camera, at: 960 ms, width: 50 us}"
    )
    assert [(p.line, p.start, p.stop - p.start) for p in found] == [
        ("stimulator", 19_000, 40),
        ("camera", 19_200, 1),
        ("stimulator", 19_400, 40),
        ("stimulator", 19_800, 40),
    ]


def test_the_plan_says_which_lines_are_pulsed_when():
    train = "{line: stimulator, at: -10 ms, width: 1 ms, counted_from: step_start, count: 5, every: 20 ms}"
    plan = plan_for(protocol(hold="{line: camera, at: 1 s, width: 5 ms}", series=train), load_rig(RIG))
    what = [s.what for s in plan.steps]
    assert what[0].endswith(", TTL 'camera' at 1 s for 5 ms")
    assert what[2].endswith(", TTL 'stimulator' at -10 ms from the step's start for 1 ms, 5 times every 20 ms")


MISTAKES = [
    ("at: 3149.5 ms, width: 1 ms", "'camera' would be pulsed from 3.1495 s to 3.1505 s of a sweep that lasts 3.15 s"),
    ("at: -1 ms, width: 1 ms", "'camera' would be pulsed from -0.001 s to 0 s"),
    ("at: -1.1 s, width: 1 ms, counted_from: step_start", "'camera' would be pulsed from -0.1 s"),
    ("at: 1 s, width: 10 us", "10 us are less than a sample of 20 kHz; write 0.05 ms or more"),
    ("at: 1 s, width: 0 ms", "must be more than 0"),
    ("at: 1 s, width: 1 ms, count: 2", "2 pulses need an interval, such as 'every: 100 ms'"),
    ("at: 1 s, width: 1 ms, every: 10 ms", "one pulse has no interval; write 'count' as well"),
    ("at: 1 s, width: 9.95 ms, count: 2, every: 10 ms", "pulses of 9.95 ms every 10 ms would be one"),
    ("at: 1 s, width: 1 ms}, {line: camera, at: 1001 ms, width: 1 ms", "'camera' is high already at that time"),
    (
        "at: 0 s, width: 1 ms, count: 30, every: 100 ms}, {line: camera, at: 2000.5 ms, width: 1 ms",
        "'camera' is high already at that time",
    ),
    ("at: 1 s, wdth: 1 ms", "did you mean 'width'"),
]


@pytest.mark.parametrize(("wish", "words"), MISTAKES)
def test_a_pulse_that_cannot_be_is_named_with_its_place(wish, words):
    with pytest.raises(InvalidFile) as found:
        protocol(series=f"{{line: camera, {wish}}}")
    assert words in str(found.value)
    assert ".series.ttl[" in str(found.value)


def test_a_hold_has_no_step_to_count_from():
    with pytest.raises(InvalidFile, match="a hold has no step; count from 'sweep_start'"):
        protocol(hold="{line: camera, at: 0 s, width: 1 ms, counted_from: step_end}")


def test_trains_of_one_line_may_interlace():
    train = "width: 1 ms, count: 30, every: 100 ms"
    found, _ = pulses(f"{{line: camera, at: 0 s, {train}}}, {{line: camera, at: 50 ms, {train}}}")
    assert len(found) == 60
    Sweep(0, ClampMode.CURRENT, Waveform(20e3, 63_000, 0.0), found)


def test_a_line_that_the_rig_has_not_is_refused_with_the_nearest():
    with pytest.raises(Refused, match="'Simulated slice rig' has no TTL line 'stimulater'; did you mean 'stimulator'"):
        check_fit(protocol(hold="{line: stimulater, at: 0 s, width: 1 ms}"), load_rig(RIG))


@pytest.mark.parametrize("edges", [(5, 5), (-1, 3), (90, 101)])
def test_a_sweep_with_pulses_that_no_card_could_play_cannot_be_made(edges):
    with pytest.raises(ValueError, match="TTL pulses on 'camera' must be in order, apart and inside"):
        Sweep(0, ClampMode.CURRENT, Waveform(1e3, 100, 0.0), (TtlPulse("camera", *edges),))


RIG_MISTAKES = [
    ("simulated", "port0/line1", "'port0/line1' is taken by perfusion line 'drug'"),
    ("simulated", "port0/line5", "'port0/line5' is taken by 'stimulator'"),
    ("ni_multiclamp", "ai3", "'ai3' is no name of this kind of connector; write one such as 'port0/line4'"),
    ("ni_multiclamp", "Dev2/port0/line3", "is on another card"),
]


@pytest.mark.parametrize(("name", "pin", "words"), RIG_MISTAKES)
def test_a_line_of_a_rig_needs_a_connector_of_its_own(name, pin, words):
    text = read_text(RIG.with_name(f"{name}.yaml"))
    lines = f"ttl:\n  stimulator: {{pin: port0/line5}}\n  camera: {{pin: {pin}}}\n"
    for own in ("ttl:  ", "  stimulator", "  camera"):
        text = text.replace(f"\n{own}", f"\n#{own}")
    with pytest.raises(InvalidFile) as found:
        rig_from_text(text + lines, "rig.yaml")
    assert words in str(found.value)
    assert "ttl.camera.pin" in str(found.value)
