"""What the card says of itself, and how it refuses what it does not know."""

import pytest
from nidaqmx.constants import ProductCategory, TriggerUsage

from drivers.simulated.ni.assembly import board_of
from drivers.simulated.ni.card import Card, coerced, expanded
from drivers.simulated.ni.pace import DemandPace
from tests.drivers.ni_board.bench import code_of, rig_with, tasks
from tests.drivers.ni_board.conftest import opened_by


def test_the_card_describes_itself(client):
    card = client.device
    assert (card.name, card.product_type, card.serial_num) == ("Dev1", "PCIe-6363", 0x01A2B3C4)
    assert card.product_category is ProductCategory.X_SERIES_DAQ
    assert (card.ai_max_single_chan_rate, card.ai_max_multi_chan_rate, card.ao_max_rate) == (2e6, 1e6, 2.86e6)
    assert card.ai_voltage_rngs[-2:] == [-10.0, 10.0]
    assert card.ao_voltage_rngs == [-5.0, 5.0, -10.0, 10.0]
    assert not card.ai_simultaneous_sampling_supported
    assert TriggerUsage.START in card.ao_trig_usage
    assert card.ai_physical_chans.channel_names[:2] == ["Dev1/ai0", "Dev1/ai1"]
    assert len(card.ao_physical_chans) == 4
    assert len(card.do_lines) == 48
    assert "/Dev1/ai/SampleClock" in card.terminals


@pytest.mark.parametrize("face", ["grpc", "c_library"])
def test_another_card_has_other_limits(face):
    small = Card(device="Dev1", product="USB-6001", inputs=8, outputs=2, input_ranges=(10.0,), aggregate_rate=20e3)
    with opened_by(face, board_of(rig_with(), DemandPace(), card=small)) as client:
        assert client.device.product_type == "USB-6001"
        assert client.device.ai_max_multi_chan_rate == 20e3


def test_an_attribute_that_the_card_has_not_is_refused(client):
    with tasks(client) as (ai, ao):
        assert code_of(lambda: ai.ai_channels[0].ai_lowpass_enable) == -200452
        assert code_of(lambda: ao.ao_channels[0].ao_idle_output_behavior) == -200452
        assert code_of(lambda: ai.timing.delay_from_samp_clk_delay) == -200452
    assert code_of(lambda: client.device.ai_bridge_rngs) == -200452


def test_an_attribute_that_cannot_be_set_is_refused(client):
    with tasks(client) as (ai, _):
        assert code_of(lambda: setattr(ai.ai_channels[0], "ai_max", 5.0)) == -200452


def test_what_is_fixed_in_flight_cannot_be_changed(client):
    with tasks(client) as (ai, _):
        ai.start()
        assert code_of(lambda: setattr(ai.in_stream, "input_buf_size", 5000)) == -200479
        assert code_of(ai.start) == -200479


def test_conversion_of_a_multiplexed_card_takes_its_turn(client):
    with tasks(client, inputs="ai0,ai1,ai7") as (ai, ao):
        assert 3 * 20e3 <= ai.timing.ai_conv_rate <= 1e6
        assert code_of(lambda: ao.timing.ai_conv_rate) == -200452


def test_the_smallest_range_that_holds_the_limits_is_taken(client):
    with client.task() as task:
        task.ai_channels.add_ai_voltage_chan("Dev1/ai0", min_val=-0.15, max_val=0.1)
        assert task.ai_channels[0].ai_rng_high == 0.2


def test_an_unknown_call_is_answered_with_words_by_grpc(remote):
    from nidaqmx.errors import RpcError

    with remote.task() as task, pytest.raises(RpcError, match="not supported"):
        task.ci_channels.add_ci_count_edges_chan("Dev1/ctr0")


def test_a_read_beyond_grpcs_own_limit_is_the_clients_error():
    import grpc
    import nidaqmx

    from drivers.simulated.ni.grpc_server import GrpcServer
    from tests.drivers.ni_board.bench import read
    from tests.drivers.ni_board.conftest import Client

    board = board_of(rig_with(), DemandPace())
    with GrpcServer(board) as server, grpc.insecure_channel(server.address) as channel:
        client = Client(board, nidaqmx.GrpcSessionOptions(channel, ""))
        with tasks(client, inputs="ai0:3", rate=100_000, count=300_000, finite=True) as (ai, _):
            with pytest.raises(nidaqmx.errors.RpcError, match="larger than max"):
                read(ai, 150_000)
            assert read(ai, 50_000).shape == (4, 50_000)


def test_names_are_expanded_as_the_driver_does():
    assert expanded("Dev1/ai0:2, Dev1/ai7") == ["Dev1/ai0", "Dev1/ai1", "Dev1/ai2", "Dev1/ai7"]
    assert expanded("/Dev1/ai2:0") == ["Dev1/ai2", "Dev1/ai1", "Dev1/ai0"]


@pytest.mark.parametrize("rate", [1e3, 20e3, 33_333.0, 44_100.0, 50e3, 96e3, 200e3])
def test_a_coerced_rate_divides_the_timebase(rate):
    assert (100e6 / coerced(rate)) == pytest.approx(round(100e6 / rate))
    assert coerced(coerced(rate)) == coerced(rate)
