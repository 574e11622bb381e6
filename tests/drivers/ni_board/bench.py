"""What tests of the board share: the rig it is wired to, tasks as a patch-clamp program makes them."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from nidaqmx.constants import AcquisitionType, RegenerationMode
from nidaqmx.errors import DaqError
from nidaqmx.stream_readers import AnalogMultiChannelReader
from nidaqmx.stream_writers import AnalogMultiChannelWriter

from config.loading import rig_from_text
from tests.drivers.rehearsal import STILL

RIGS = Path(__file__).parents[3] / "config" / "rigs"
RATE = 20_000.0
CLOCK, START = "/Dev1/ai/SampleClock", "/Dev1/ai/StartTrigger"


def rig_with(name="ni_multiclamp", simulation=None):
    """Return a shipped rig file's rig, its cell without noise unless told otherwise."""
    rig = rig_from_text((RIGS / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")
    return rig.model_copy(update={"simulation": STILL if simulation is None else simulation})


@contextmanager
def tasks(client, inputs="ai0:1", outputs="ao0:1", *, rate=RATE, count=1000, finite=False, buffer=None):
    """Give an input and an output task on one clock, as a sweep has them."""
    mode = AcquisitionType.FINITE if finite else AcquisitionType.CONTINUOUS
    with client.task() as ai, client.task() as ao:
        for pin in inputs.split(","):
            ai.ai_channels.add_ai_voltage_chan(f"Dev1/{pin}", min_val=-10, max_val=10)
        ao.ao_channels.add_ao_voltage_chan(f"Dev1/{outputs}", min_val=-10, max_val=10)
        ai.timing.cfg_samp_clk_timing(rate, sample_mode=mode, samps_per_chan=count)
        ao.timing.cfg_samp_clk_timing(rate, source=CLOCK, sample_mode=mode, samps_per_chan=count)
        ao.triggers.start_trigger.cfg_dig_edge_start_trig(START)
        if not finite:
            ao.out_stream.regen_mode = RegenerationMode.DONT_ALLOW_REGENERATION
            ao.out_stream.output_buf_size = buffer or 4 * count
        yield ai, ao


def write(task, volts):
    """Write (channels, n) and return how many samples were taken."""
    return AnalogMultiChannelWriter(task.out_stream, auto_start=False).write_many_sample(np.ascontiguousarray(volts))


def read(task, n, timeout=10.0):
    """Return (channels, n) volts."""
    buffer = np.empty((task.number_of_channels, n))
    reader = AnalogMultiChannelReader(task.in_stream)
    reader.verify_array_shape = False
    reader.read_many_sample(buffer, n, timeout)
    return buffer


def code_of(act):
    """Do what must fail and return the code."""
    with pytest.raises(DaqError) as caught:
        act()
    return caught.value.error_code
