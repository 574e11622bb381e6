"""What the genuine client sees of clocks, buffers and outputs, through both faces of the board."""

import numpy as np
import pytest
from nidaqmx.constants import OverwriteMode, ReadRelativeTo, TaskMode
from nidaqmx.errors import DaqReadError, DaqWriteError
from nidaqmx.stream_readers import AnalogUnscaledReader

from tests.drivers.ni_board.bench import RATE, code_of, read, tasks, write

STEP = 10 / 32768


def ramp(n, outputs=2):
    return np.linspace([0.0] * outputs, np.arange(1, outputs + 1) / 2, n).T


def test_what_is_written_comes_back_over_a_cable_sample_by_sample(client):
    client.board.preparation.wires.cables.update({"ai2": "ao0", "ai3": "ao1"})
    sent = ramp(1000)
    with tasks(client, inputs="ai2:3") as (ai, ao):
        write(ao, sent)
        ao.start()
        ai.start()
        back = np.concatenate([read(ai, 250) for _ in range(4)], axis=1)
    assert np.abs(back - sent).max() <= STEP / 2 + 1e-12


def test_a_finite_sweep_ends_by_itself_and_both_tasks_are_done(client):
    client.board.preparation.wires.cables["ai2"] = "ao0"
    with tasks(client, inputs="ai2", finite=True) as (ai, ao):
        write(ao, ramp(1000))
        ao.start()
        ai.start()
        assert not ai.is_task_done()
        ai.wait_until_done(1.0)
        assert ai.is_task_done()
        assert ao.is_task_done()
        assert np.abs(read(ai, 1000)[0] - ramp(1000)[0]).max() <= STEP / 2 + 1e-12
        assert code_of(lambda: read(ai, 1)) == -200278


def test_output_stays_at_its_last_value_after_stop_until_it_is_parked(client):
    with tasks(client, finite=True) as (ai, ao):
        write(ao, ramp(1000))
        ao.start()
        ai.start()
        ai.wait_until_done(1.0)
    assert client.volts("_ao1_vs_aognd") == pytest.approx(1.0, abs=STEP)
    client.put("ao1", 0.25)
    assert client.volts("_ao1_vs_aognd") == pytest.approx(0.25, abs=STEP)


def test_output_stays_where_a_sweep_was_cut_off(client):
    with tasks(client, count=1000, inputs="ai0") as (ai, ao):
        write(ao, ramp(1000))
        ao.start()
        ai.start()
        read(ai, 501)
        ai.stop()
        ao.stop()
    assert client.volts("_ao0_vs_aognd") == pytest.approx(ramp(1000)[0, 500], abs=STEP)


def test_a_slave_started_after_its_master_waits_for_ever(client):
    with tasks(client) as (ai, ao):
        write(ao, ramp(1000))
        ai.start()
        ao.start()
        read(ai, 500)
        assert ao.out_stream.total_samp_per_chan_generated == 0


def test_output_that_runs_dry_stops_with_its_code_and_keeps_its_last_value(client):
    with tasks(client) as (ai, ao):
        write(ao, ramp(1000))
        ao.start()
        ai.start()
        read(ai, 1500)
        with pytest.raises(DaqWriteError) as caught:
            write(ao, ramp(1000))
        assert caught.value.error_code == -200290
        assert caught.value.samps_per_chan_written == 0
        assert code_of(ao.stop) == -200290
    assert client.volts("_ao1_vs_aognd") == pytest.approx(1.0, abs=STEP)


def test_writing_waits_for_space_and_loses_nothing(client):
    client.board.preparation.wires.cables["ai2"] = "ao0"
    whole = ramp(10_000, outputs=1)
    with tasks(client, inputs="ai2", outputs="ao0", buffer=1000) as (ai, ao):
        write(ao, whole[:, :1000])
        assert ao.out_stream.space_avail == 0
        ao.start()
        ai.start()
        back = []
        for first in range(1000, 10_000, 500):
            assert write(ao, whole[:, first : first + 500]) == 500
            back.append(read(ai, 500))
    assert np.abs(np.concatenate(back, axis=1) - whole[:, :9000]).max() <= STEP / 2 + 1e-12


def test_a_late_read_delivers_what_came_in_time_with_its_code(client):
    with tasks(client, inputs="ai0,ai1", count=1000) as (ai, _):
        ai.start()
        with pytest.raises(DaqReadError) as caught:
            read(ai, 1000, timeout=0.01)
        assert caught.value.error_code == -200284
        assert caught.value.samps_per_chan_read == 200
        assert ai.in_stream.curr_read_pos == 200


def test_a_full_buffer_stops_the_acquisition_and_says_so(client):
    with tasks(client) as (ai, _):
        ai.in_stream.input_buf_size = 1000
        ai.start()
        client.board.pace.clock.wait_until(client.board.pace.now() + 0.1)
        assert code_of(lambda: read(ai, 100)) == -200279
        assert ai.in_stream.total_samp_per_chan_acquired == 1000
        ai.stop()
        ai.start()
        assert read(ai, 100).shape == (2, 100)


def test_with_overwriting_the_newest_samples_can_still_be_read(client):
    with tasks(client) as (ai, _):
        ai.in_stream.input_buf_size = 1000
        ai.in_stream.overwrite = OverwriteMode.OVERWRITE_UNREAD_SAMPLES
        ai.start()
        read(ai, 100)
        client.board.pace.clock.wait_until(client.board.pace.now() + 0.1)
        assert code_of(lambda: read(ai, 100)) == -200279
        assert ai.in_stream.total_samp_per_chan_acquired == 2100
        ai.in_stream.relative_to, ai.in_stream.offset = ReadRelativeTo.MOST_RECENT_SAMPLE, -100
        read(ai, 100)
        assert ai.in_stream.curr_read_pos == 2100


def test_raw_counts_and_volts_are_the_same_samples(client):
    with tasks(client, inputs="ai0,ai1") as (ai, _):
        ai.start()
        counts = np.empty((2, 500), np.int16)
        AnalogUnscaledReader(ai.in_stream).read_int16(counts, 500)
        ai.in_stream.relative_to, ai.in_stream.offset = ReadRelativeTo.FIRST_SAMPLE, 0
        volts = read(ai, 500)
        a, b, *_ = ai.ai_channels["Dev1/ai1"].ai_dev_scaling_coeff
    assert np.array_equal(a + b * counts[1], volts[1])


def test_a_second_task_cannot_take_what_is_reserved(client):
    with tasks(client) as (ai, ao), client.task() as other:
        write(ao, ramp(1000))
        ao.control(TaskMode.TASK_COMMIT)
        ai.start()
        other.ai_channels.add_ai_voltage_chan("Dev1/ai7")
        assert code_of(other.read) == -50103
        assert code_of(lambda: client.put("ao0", 0.0)) == -50103
        client.put("ao2", 1.0)  # software-timed, on a channel that nobody holds


def test_a_committed_task_keeps_its_channel_after_stop(client):
    with tasks(client, finite=True) as (ai, ao):
        write(ao, ramp(1000))
        ao.control(TaskMode.TASK_COMMIT)
        for _ in range(2):
            ao.start()
            ai.start()
            ai.wait_until_done(1.0)
            ai.stop()
            ao.stop()
        assert code_of(lambda: client.put("ao0", 0.0)) == -50103
        ao.control(TaskMode.TASK_UNRESERVE)
        client.put("ao0", 0.0)


def test_rates_are_what_the_divider_can_make(client):
    with tasks(client, rate=30_000.0) as (ai, ao):
        assert ai.timing.samp_clk_rate == pytest.approx(100e6 / 3333, rel=1e-12)
        assert ao.timing.samp_clk_rate == ai.timing.samp_clk_rate


def test_a_rate_beyond_the_card_is_refused(client):
    with client.task() as task:
        task.ai_channels.add_ai_voltage_chan("Dev1/ai0:3")
        assert code_of(lambda: task.timing.cfg_samp_clk_timing(300_000)) == -200077


def test_a_short_regenerating_waveform_repeats(client):
    client.board.preparation.wires.cables["ai2"] = "ao0"
    with tasks(client, inputs="ai2", outputs="ao0", count=100, finite=True) as (ai, ao):
        write(ao, np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]))
        ao.start()
        ai.start()
        assert np.round(read(ai, 100)[0]).tolist() == [1, 2, 3, 4, 5] * 20


@pytest.mark.parametrize("volts", [10.5, float("nan")])
def test_volts_that_the_output_cannot_make_are_refused(client, volts):
    assert code_of(lambda: client.put("ao0", volts)) == -200561


def test_output_without_a_waveform_does_not_start(client):
    with tasks(client) as (_, ao):
        assert code_of(ao.start) == -200462


def test_tasks_and_channels_that_are_not_there_have_their_codes(client):
    with client.task("sweep") as task:
        assert code_of(lambda: task.ai_channels.add_ai_voltage_chan("Dev1/ai99")) == -200170
        assert code_of(lambda: task.ai_channels.add_ai_voltage_chan("Dev9/ai0")) == -200220
        task.ai_channels.add_ai_voltage_chan("Dev1/ai0")
        assert code_of(lambda: task.ai_channels.add_ai_voltage_chan("Dev1/ai0")) == -200489
        handle, interpreter = task._handle, task._interpreter
    assert code_of(lambda: interpreter.start_task(handle)) == -200088


def test_reset_aborts_everything_and_takes_outputs_to_zero(client):
    client.put("ao0", 2.0)
    with tasks(client, outputs="ao1") as (ai, ao):
        write(ao, ramp(1000, outputs=1))
        ao.start()
        ai.start()
        client.device.reset_device()
        assert not client.board.running("ai")
        assert not client.board.running("ao")
    assert client.board.levels["ao0"] == 0.0


def test_time_is_the_sum_of_what_was_waited_for(client):
    with tasks(client) as (ai, _):
        ai.start()
        for _ in range(10):
            read(ai, 500)
    assert client.board.pace.now() == pytest.approx(10 * 500 / RATE)


def test_digital_lines_are_written_as_bits_or_words_and_read_back(client):
    from nidaqmx.constants import LineGrouping

    with client.task() as task:
        task.do_channels.add_do_chan("Dev1/port0/line0:3", line_grouping=LineGrouping.CHAN_PER_LINE)
        task.write([True, False, True, False])
        assert [client.board.lines[f"port0/line{i}"] for i in range(4)] == [True, False, True, False]
        assert task.read() == [True, False, True, False]
    with client.task() as task:
        task.do_channels.add_do_chan("Dev1/port1", line_grouping=LineGrouping.CHAN_FOR_ALL_LINES)
        task.write(0b1010)
        assert [client.board.lines[f"port1/line{i}"] for i in range(4)] == [False, True, False, True]
        assert task.read() == 0b1010


def test_every_n_samples_the_client_is_called_back(client):
    import threading

    called = threading.Semaphore(0)
    with tasks(client) as (ai, _):
        ai.register_every_n_samples_acquired_into_buffer_event(500, lambda *_: called.release() or 0)
        ai.start()
        assert code_of(lambda: ai.register_done_event(lambda *_: 0)) == -200960
        for _ in range(4):
            read(ai, 500)
            assert called.acquire(timeout=5.0)
        ai.stop()
        ai.register_every_n_samples_acquired_into_buffer_event(500, None)
