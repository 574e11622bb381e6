"""What goes wrong when it is told to, and how it arrives at the client."""

import json

import pytest
from nidaqmx.errors import DaqReadError, DaqWriteError

from drivers.simulated.ni.faults import Fault, Faults, fault_of, read_faults
from protocols.errors import HardwareError
from tests.drivers.ni_board.bench import code_of, read, tasks, write

ANY_TIME = [-200361, -200010, -50103, -201003, -200016, -200621, -200018, -200547, -89137]


@pytest.mark.parametrize("code", ANY_TIME)
def test_a_code_of_the_table_arrives_at_the_call_it_names(client, code):
    client.fault("StartTask", code)
    with tasks(client) as (ai, _):
        assert code_of(ai.start) == code
        ai.start()


def test_the_third_read_fails_and_the_fourth_does_not(client):
    client.fault("ReadAnalogF64", -200361, nth=3)
    with tasks(client) as (ai, _):
        ai.start()
        read(ai, 100)
        read(ai, 100)
        with pytest.raises(DaqReadError) as caught:
            read(ai, 100)
        assert (caught.value.error_code, caught.value.samps_per_chan_read) == (-200361, 0)
        assert read(ai, 100).shape == (2, 100)


def test_a_failing_write_says_how_much_was_written(client):
    import numpy as np

    client.fault("WriteAnalogF64", -200018)
    with tasks(client) as (_, ao), pytest.raises(DaqWriteError) as caught:
        write(ao, np.zeros((2, 100)))
    assert caught.value.samps_per_chan_written == 0


def test_a_fault_for_ever_stays(client):
    client.fault("StartTask", -201003, times=0)
    with tasks(client) as (ai, _):
        assert [code_of(ai.start) for _ in range(3)] == [-201003] * 3


def test_attribute_calls_are_named_without_their_type(client):
    client.fault("GetTimingAttribute", -201003)
    with tasks(client) as (ai, _):
        assert code_of(lambda: ai.timing.samp_clk_rate) == -201003


def test_a_stalled_host_overruns_the_buffer_for_real(client):
    client.fault("ReadAnalogF64", nth=2, stall=1.0)
    with tasks(client) as (ai, _):
        ai.in_stream.input_buf_size = 2000
        ai.start()
        read(ai, 100)
        assert code_of(lambda: read(ai, 100)) == -200279


def test_a_stalled_host_starves_the_output_for_real(client):
    import numpy as np

    client.fault("WriteAnalogF64", nth=2, stall=1.0)
    with tasks(client) as (ai, ao):
        write(ao, np.zeros((2, 1000)))
        ao.start()
        ai.start()
        assert code_of(lambda: write(ao, np.zeros((2, 1000)))) == -200290


def test_a_failure_of_the_card_itself_stops_the_task(client):
    client.fault("ReadAnalogF64", -200361, nth=2, breaks=True)
    with tasks(client) as (ai, _):
        ai.start()
        read(ai, 100)
        assert [code_of(lambda: read(ai, 100)) for _ in range(2)] == [-200361] * 2
        ai.stop()
        ai.start()
        assert read(ai, 100).shape == (2, 100)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("faults.json", json.dumps([{"call": "ReadAnalogF64", "code": -200279, "nth": 4}])),
        ("faults.yaml", "- call: ReadAnalogF64\n  code: -200279\n  nth: 4\n"),
    ],
)
def test_a_fault_table_is_read_from_a_file(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_faults(tmp_path / name).rows == [Fault("ReadAnalogF64", -200279, nth=4)]


@pytest.mark.parametrize("text", ["", "call: StartTask", "- StartTask", "- {call: [", "- {call: StartTask, cod: 1}"])
def test_a_file_that_is_no_fault_table_is_refused(tmp_path, text):
    (tmp_path / "faults.yaml").write_text(text)
    with pytest.raises(HardwareError, match="fault table"):
        read_faults(tmp_path / "faults.yaml")


def test_a_row_with_an_unknown_key_is_refused():
    with pytest.raises(HardwareError, match="nth"):
        fault_of({"call": "StartTask", "when": 3})


def test_a_fault_counts_from_when_it_was_added():
    faults = Faults()
    faults.meet("StartTask")
    faults.add(Fault("StartTask", -1, nth=2))
    assert [bool(faults.meet("StartTask")) for _ in range(3)] == [False, True, False]
    assert faults.calls["StartTask"] == 4
