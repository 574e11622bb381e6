"""Valves and thermometer on the card, the card's own account of itself, and what the rig file may say of all that."""

import difflib
from dataclasses import replace

import pytest
from nidaqmx.errors import DaqError, DaqNotFoundError, RpcError

from config.loading import rig_from_text
from drivers.discovery import look_around
from drivers.ni.capabilities import read_capabilities, shortcomings
from drivers.ni.connection import connection
from drivers.ni.failures import CardError, ours
from drivers.simulated.ni.card import Card
from protocols.errors import HardwareError, InvalidFile
from tests.drivers.ni_bench import RIGS, ni_rig, opened, served

# --- valves -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("opens", "shut"), [("high", False), ("low", True)])
def test_one_valve_is_open_and_the_others_are_shut_whichever_level_opens_them(opens, shut):
    from drivers.ni.lines import perfusion

    with served(ni_rig(changes=[("opens: high", f"opens: {opens}")])) as bench, perfusion(bench.context) as valves:
        valves.select("drug")
        assert (bench.board.lines["port0/line0"], bench.board.lines["port0/line1"]) == (shut, not shut)
        assert not bench.tasks
    assert bench.board.lines["port0/line1"] is not shut


def test_the_safe_line_is_open_once_the_valves_are():
    from drivers.ni.lines import perfusion

    with served(ni_rig()) as bench, perfusion(bench.context) as valves:
        assert valves.selected() == "control"
        assert bench.board.lines["port0/line0"]


def test_a_valve_that_cannot_be_switched_is_said_and_the_old_line_counts():
    from drivers.ni.lines import perfusion

    with served(ni_rig()) as bench, perfusion(bench.context) as valves:
        bench.fault(call="WriteDigitalLines", code=-200587)
        with pytest.raises(CardError, match="digital lines are reserved") as failure:
            valves.select("drug")
        assert failure.value.channels == ("Dev1/port0/line0", "Dev1/port0/line1")
        assert valves.selected() == "control"
        assert not bench.tasks


# --- thermometer --------------------------------------------------------------------------------------------------


def test_the_temperature_is_that_of_the_bath():
    from drivers.ni.analogue import thermometer

    with served(ni_rig()) as bench, thermometer(bench.context) as device:
        assert device.read() == pytest.approx(bench.board.preparation.thermometer.read(), abs=0.01)


def test_a_thermometer_without_a_cable_is_not_a_cold_bath():
    from drivers.ni.analogue import thermometer

    with served(ni_rig()) as bench, thermometer(bench.context) as device:
        bench.board.preparation.wires.forced["ai7"] = -1.2
        with pytest.raises(HardwareError, match=r"-12 °C: is it on, and its cable in\?"):
            device.read()


# --- what the card is ---------------------------------------------------------------------------------------------


def test_the_card_describes_itself():
    with served(ni_rig()) as bench:
        way = connection(bench.context)
        way.join("test")
        card = read_capabilities(way)
        way.leave("test")
    assert (card.product, card.inputs[:2], card.outputs[-1]) == ("PCIe-6363", ("Dev1/ai0", "Dev1/ai1"), "Dev1/ao3")
    assert (card.rate_with(1), card.rate_with(4)) == (2e6, 250e3)
    assert (card.clocked_output, card.input_reach, card.output_reach) == (True, 10.0, 10.0)


def test_what_a_card_does_not_say_is_not_held_against_it():
    faults = [{"call": "GetDeviceAttribute", "code": -200197, "nth": 5, "times": 0}]
    with served(ni_rig(), faults=faults) as bench:
        way = connection(bench.context)
        way.join("test")
        card = read_capabilities(way)
        assert shortcomings(card, ni_rig(), (), way) == []
        way.leave("test")


def test_a_card_that_does_not_fit_is_refused_with_all_reasons_and_nothing_is_left_on_it():
    card = Card(inputs=1, outputs=1, ports=(1,), single_rate=100e3, aggregate_rate=100e3, output_rate=5e3,
                input_ranges=(5.0,), output_ranges=(5.0,))  # fmt: skip
    with pytest.raises(HardwareError) as refusal, opened(ni_rig(), card=card) as bench:
        assert not bench.tasks
    words = str(refusal.value)
    for reason in (
        "no input 'ai1'",
        "no digital line 'port0/line1'",
        "'sampling_limit' is 200 kHz; with 2 inputs it reaches 50 kHz",
        "its outputs reach 5 kHz",
        "input 'primary' is declared with 10 V; the card's widest range is 5 V",
        "output 'command' is declared with 10 V",
    ):
        assert reason in words


def test_valves_may_be_on_another_card():
    with opened(ni_rig(changes=[("pin: port0/line1", "pin: Dev2/port0/line1")])) as bench:
        assert bench.daq.card.product == "PCIe-6363"


def test_a_card_with_software_timed_outputs_is_refused():
    with opened(ni_rig()) as bench:
        card, way = replace(bench.daq.card, clocked_output=False), connection(bench.context)
        assert "timed by software" in shortcomings(card, ni_rig(), (), way)[0]


def test_a_card_of_another_name_is_not_found():
    with pytest.raises(CardError, match="there is no card of this name"), opened(ni_rig(), card=Card(device="Dev4")):
        pytest.fail("it was opened")


# --- errors -------------------------------------------------------------------------------------------------------


def test_a_missing_driver_says_how_to_get_it_and_how_to_do_without():
    with pytest.raises(CardError, match=r"installdriver.*grpc: 'host:31763'") as failure, ours("Dev1"):
        raise DaqNotFoundError("nicaiu.dll")
    assert failure.value.code is None


@pytest.mark.parametrize(
    ("code", "words"),
    [(14, "does not answer"), (4, "never answered"), (12, "too old"), (8, r"failed \(RESOURCE_EXHAUSTED\): too big")],
)
def test_what_a_device_server_answers_instead_is_put_in_words(code, words):
    import grpc

    status = next(s for s in grpc.StatusCode if s.value[0] == code)
    with pytest.raises(CardError, match=words), ours("Dev1"):
        raise RpcError(status, "too big")


def test_an_error_without_words_of_ours_keeps_nis_first_line_and_code():
    with pytest.raises(CardError, match=r"Dev1: inputs \(ai0\): Some text. \(NI-DAQmx -1\)") as failure:  # noqa: SIM117
        with ours("Dev1", "inputs", ("ai0",)):
            raise DaqError("Some text.\n\nTask Name: x", -1)
    assert isinstance(failure.value.__cause__, DaqError)


def test_a_server_that_takes_a_call_and_never_answers_is_given_up(monkeypatch):
    from drivers.ni import remote

    monkeypatch.setattr(remote, "ANSWER_WITHIN", 0.2)
    with opened(ni_rig()) as bench:
        gains = bench.gains
        with bench.board.lock, pytest.raises(CardError, match="took the call and never answered"):
            bench.daq.park(-60e-3, gains)


def test_devices_lists_a_computer_without_the_driver_as_such():
    lines = [seen for seen in look_around() if seen.kind == "ni-daqmx"]
    assert len(lines) >= 1


# --- rig files ----------------------------------------------------------------------------------------------------


def test_the_rig_file_of_the_simulated_board_differs_in_addresses_alone():
    real, simulated = ((RIGS / f"{n}.yaml").read_text(encoding="utf-8") for n in ("ni_multiclamp", "ni_simulated"))
    lines = difflib.ndiff(real.splitlines(), simulated.splitlines())
    changed = [line[2:].split("#")[0].strip() for line in lines if line[0] in "+-"]
    assert changed
    assert all(c.split(":")[0] in ("grpc", "library", "options") for c in changed), changed


MISTAKES = [
    (("    lead: 12 s  ", "    leed: 12 s  "), "'leed' is not known here; did you mean 'lead'"),
    (("    streaming: continuous", "    streaming: continous"), "did you mean 'continuous'"),
    (("    lead: 12 s  ", "    grpc: 192.168.1.20\n    lead: 12 s  "), "write host and port, such as"),
    (("    lead: 12 s  ", "    lead: 12  "), "no unit"),
    (("read_back: internal", "read_back: ao0"), "'ao0' is not understood: write internal, none"),
    (("terminal: DIFF}\n  secondary", "terminal: DIF}\n  secondary"), "one of 'DIFF', 'RSE'"),
    (("per_degree: 100 mV", "per_degre: 100 mV"), "did you mean 'per_degree'"),
    (("drug: {pin: port0/line1, opens: high}", "drug: {opens: high}"), "'pin' is missing: the digital line"),
    (
        ("    lead: 12 s  ", "    telegraphs: {gain: {pin: ai1}}\n    lead: 12 s  "),
        "'ai1' is taken by 'secondary'",
    ),
    (("read_back: internal", "read_back: ai0"), "'ai0' is taken by 'primary'"),
    (("read_back: internal", "read_back: ai7"), "'ai7' is taken by 'input'"),
    (("input: {pin: ai7", "input: {pin: ai1"), "'ai1' is taken by 'secondary'"),
    (("secondary: {pin: ai1", "secondary: {pin: ao1"), "write one such as 'ai0'"),
    (("command: {pin: ao0", "command: {pin: ai6"), "write one such as 'ao0'"),
    (("drug: {pin: port0/line1", "drug: {pin: P0.1"), "write one such as 'port0/line0'"),
    (("input: {pin: ai7, range: 10 V", "input: {pin: ai7, range: 100 V"), "is more than a card has"),
    (("    lead: 12 s  ", "    lead: 1 ms  "), "must be 100 ms or more"),
    (("input_buffer: 10 s", "input_buffer: 10 ms"), "at least 4 blocks of 20 ms: write 80 ms or more"),
    (("driver: multiclamp", "driver: multiclmp"), "did you mean 'multiclamp'"),
]


@pytest.mark.parametrize(("change", "words"), MISTAKES)
def test_mistakes_in_the_options_are_found_with_line_and_cure(change, words):
    text = (RIGS / "ni_multiclamp.yaml").read_text(encoding="utf-8")
    assert change[0] in text
    changed = text.replace(*change)
    with pytest.raises(InvalidFile) as found:
        rig_from_text(changed, "rig.yaml")
    assert words in str(found.value)
    line = next(i for i, (a, b) in enumerate(zip(text.splitlines(), changed.splitlines(), strict=False), 1) if a != b)
    assert line in [p.line for p in found.value.problems]


def test_valves_on_a_card_of_another_make_are_refused():
    from drivers.build import Context
    from drivers.clock import WallClock
    from drivers.ni.lines import perfusion

    rig = ni_rig()
    rig = rig.model_copy(update={"daq": rig.daq.model_copy(update={"driver": "simulated"})})
    with pytest.raises(HardwareError, match="need 'daq: driver: nidaqmx'"):
        perfusion(Context(rig, WallClock(), 1))
