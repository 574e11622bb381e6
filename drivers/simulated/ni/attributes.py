"""The attributes that the board knows, by family and number. Whatever is not in these tables is refused.

Numbers are those that `nidaqmx` sends (its modules `task`, `system.device`, ...); names are its property names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.simulated.ni import codes
from drivers.simulated.ni.codes import DaqmxError
from drivers.simulated.ni.task import Channel, State, Task, Timing

if TYPE_CHECKING:
    from drivers.simulated.ni.board import Board

CHANNEL_TYPES = {"ai": 10100, "ao": 10102, "di": 10151, "do": 10153}
RSE, NRSE, DIFFERENTIAL = 10083, 10078, 10106
VOLTAGE, RISING, BITS, DC = 10322, 10280, 10109, 10050
NO_TRIGGER, DIGITAL_EDGE = 10230, 10150
SAMPLE_CLOCK, ON_DEMAND = 10388, 10390
CURRENT_POSITION = 10430

Get = Callable[[Any], Any]
Set = Callable[[Any, Any], None]


@dataclass(frozen=True)
class Attribute:
    """One attribute."""

    name: str
    kind: str
    """As the C type: bool, i32, u32, u64, f64, str; with [] an array."""
    get: Get
    set: Set | None = None


@dataclass(frozen=True)
class TaskChannel:
    """What a channel's attributes are asked of."""

    task: Task
    channel: Channel


@dataclass(frozen=True)
class Pin:
    """What a connector's attributes are asked of."""

    board: Board
    name: str
    """With the device."""

    @property
    def is_clocked_line(self) -> bool:
        """Whether it is a digital line with a sample clock."""
        return self.board.card.is_clocked(self.name.removeprefix(f"{self.board.card.device}/"))


def _describe(c: TaskChannel, words: str) -> None:
    c.task.descriptions[c.channel.name] = words


def _table(*rows: tuple[int, Attribute]) -> dict[int, Attribute]:
    return dict(rows)


def _is(value: Any) -> Get:
    return lambda _: value


def _setter(name: str) -> Set:
    def write(task: Task, value: Any) -> None:
        task.check_not_running()
        setattr(task, name, value)

    return write


def _position(name: str) -> Set:
    """Where to read from may be changed in flight."""
    return lambda task, value: setattr(task, name, value)


def _timing(task: Task) -> Timing:
    if task.timing is None:
        raise DaqmxError(codes.NOT_SUPPORTED, f"Task Name: {task.name} has no sample clock.")
    return task.timing


def _clock_source(task: Task) -> str:
    source = _timing(task).source
    return source if source not in ("", "OnboardClock") else f"/{task.card.device}/{task.kind}/SampleClockTimebase"


def _convert_rate(task: Task) -> float:
    """X Series converts as fast as the channels allow, with 10 us to spare at low rates ('AI Convert Clock')."""
    if task.kind != "ai" or task.card.simultaneous:
        raise DaqmxError(codes.NOT_SUPPORTED, "Property: DAQmx_AIConv_Rate")
    fastest = task.card.aggregate_rate
    return min(fastest, max(task.rate * len(task.channels), 1 / (1 / fastest + 10e-6)))


TASK = _table(
    (0x1276, Attribute("name", "str", lambda t: t.name)),
    (0x1273, Attribute("channels", "str", lambda t: ", ".join(c.name for c in t.channels))),
    (0x2181, Attribute("num_chans", "u32", lambda t: len(t.channels))),
    (0x230E, Attribute("devices", "str", lambda t: t.card.device if t.channels else "")),
    (0x29BA, Attribute("num_devices", "u32", lambda t: int(bool(t.channels)))),
)

READ = _table(
    (0x217B, Attribute("num_chans", "u32", lambda t: len(t.channels))),
    (0x1823, Attribute("channels_to_read", "str", lambda t: ", ".join(c.name for c in t.channels))),
    (0x1223, Attribute("avail_samp_per_chan", "u32", lambda t: t.unread)),
    (0x1221, Attribute("curr_read_pos", "u64", lambda t: t.read_position)),
    (0x192A, Attribute("total_samp_per_chan_acquired", "u64", lambda t: t.input.acquired)),
    (0x31E8, Attribute("default_samps_to_read", "u32",
                       lambda t: 1 if t.timing is None else t.timing.count if t.finite else t.unread)),
    (0x190A, Attribute("relative_to", "i32", lambda t: t.relative_to, _position("relative_to"))),
    (0x190B, Attribute("offset", "i32", lambda t: t.offset, _position("offset"))),
    (0x1211, Attribute("overwrite", "i32", lambda t: t.overwrite, _setter("overwrite"))),
    (0x1215, Attribute("read_all_avail_samp", "bool", _is(False))),
    (0x1826, Attribute("auto_start", "bool", _is(True))),
    (0x217A, Attribute("raw_data_width", "u32", lambda t: 2 * len(t.channels))),
    (0x217C, Attribute("di_num_booleans_per_chan", "u32", lambda t: max(len(c.pins) for c in t.channels))),
    (0x2174, Attribute("overloaded_chans_exist", "bool", _is(False))),
)  # fmt: skip

WRITE = _table(
    (0x217E, Attribute("num_chans", "u32", lambda t: len(t.channels))),
    (0x217F, Attribute("do_num_booleans_per_chan", "u32", lambda t: max(len(c.pins) for c in t.channels))),
    (0x1453, Attribute("regen_mode", "i32", lambda t: t.regeneration, _setter("regeneration"))),
    (0x1460, Attribute("space_avail", "u32", lambda t: max(0, t.space))),
    (0x1458, Attribute("curr_write_pos", "u64", lambda t: t.output.written)),
    (0x192B, Attribute("total_samp_per_chan_generated", "u64", lambda t: t.position)),
    (0x190C, Attribute("relative_to", "i32", _is(CURRENT_POSITION))),
    (0x190D, Attribute("offset", "i32", _is(0))),
)

BUFFER = _table(
    (0x186C, Attribute("input_buf_size", "u32", lambda t: t.input_room, _setter("input_size"))),
    (0x186D, Attribute("output_buf_size", "u32", lambda t: t.output_size or 0, _setter("output_size"))),
    (0x230A, Attribute("input_onbrd_buf_size", "u32", _is(4095))),
    (0x230B, Attribute("output_onbrd_buf_size", "u32", _is(8191))),
)


def _set_rate(task: Task, rate: float) -> None:
    t = _timing(task)
    task.set_timing(t.source, rate, t.mode, t.count)


def _set_count(task: Task, count: int) -> None:
    t = _timing(task)
    task.set_timing(t.source, t.rate, t.mode, count)


TIMING = _table(
    (0x1344, Attribute("samp_clk_rate", "f64", lambda t: _timing(t).rate, _set_rate)),
    (0x22C8, Attribute("samp_clk_max_rate", "f64",
                       lambda t: t.card.output_rate if t.kind == "ao" else t.card.input_limit(len(t.channels)))),
    (0x1852, Attribute("samp_clk_src", "str", _clock_source)),
    (0x2F1B, Attribute("samp_clk_term", "str", lambda t: f"/{t.card.device}/{t.kind}/SampleClock")),
    (0x1303, Attribute("samp_clk_timebase_rate", "f64", _is(100e6))),
    (0x1301, Attribute("samp_clk_active_edge", "i32", _is(RISING))),
    (0x1300, Attribute("samp_quant_samp_mode", "i32", lambda t: _timing(t).mode)),
    (0x1310, Attribute("samp_quant_samp_per_chan", "u64", lambda t: _timing(t).count, _set_count)),
    (0x1347, Attribute("samp_timing_type", "i32", lambda t: ON_DEMAND if t.timing is None else SAMPLE_CLOCK)),
    (0x1848, Attribute("ai_conv_rate", "f64", _convert_rate)),
    (0x22C9, Attribute("ai_conv_max_rate", "f64", lambda t: t.card.aggregate_rate)),
)  # fmt: skip


def _set_trigger_type(task: Task, value: int) -> None:
    if value != NO_TRIGGER:
        raise DaqmxError(codes.BAD_VALUE, f"Property: DAQmx_StartTrig_Type\nRequested Value: {value}")
    task.check_not_running()
    task.trigger = ""


TRIG = _table(
    (0x1393, Attribute("trig_type", "i32", lambda t: DIGITAL_EDGE if t.trigger else NO_TRIGGER, _set_trigger_type)),
    (0x1407, Attribute("dig_edge_src", "str", lambda t: t.trigger, _setter("trigger"))),
    (0x1404, Attribute("dig_edge_edge", "i32", _is(RISING))),
    (0x2F1E, Attribute("term", "str", lambda t: f"/{t.card.device}/{t.kind}/StartTrigger")),
    (0x190F, Attribute("retriggerable", "bool", _is(False))),
)

_ANY_CHANNEL = _table(
    (0x187F, Attribute("chan_type", "i32", lambda c: CHANNEL_TYPES[c.task.kind])),
    (0x18F5, Attribute("physical_channel", "str",
                       lambda c: ", ".join(f"{c.task.card.device}/{p}" for p in c.channel.pins))),
    (0x1926, Attribute("description", "str", lambda c: c.task.descriptions.get(c.channel.name, ""), _describe)),
    (0x2304, Attribute("is_global", "bool", _is(False))),
)  # fmt: skip

CHANNEL: Mapping[str, Mapping[int, Attribute]] = {
    "ai": _ANY_CHANNEL | _table(
        (0x0695, Attribute("ai_meas_type", "i32", _is(VOLTAGE))),
        (0x17DD, Attribute("ai_max", "f64", lambda c: c.channel.high)),
        (0x17DE, Attribute("ai_min", "f64", lambda c: c.channel.low)),
        (0x1815, Attribute("ai_rng_high", "f64", lambda c: c.channel.reach)),
        (0x1816, Attribute("ai_rng_low", "f64", lambda c: -c.channel.reach)),
        (0x1930, Attribute("ai_dev_scaling_coeff", "f64[]", lambda c: [0.0, c.channel.reach / 32768, 0.0, 0.0])),
        (0x1097, Attribute("ai_term_cfg", "i32", lambda c: c.channel.terminal)),
        (0x1765, Attribute("ai_resolution", "f64", _is(16.0))),
        (0x1764, Attribute("ai_resolution_units", "i32", _is(BITS))),
        (0x22DA, Attribute("ai_raw_samp_size", "u32", _is(16))),
        (0x0064, Attribute("ai_coupling", "i32", _is(DC))),
        (0x1094, Attribute("ai_voltage_units", "i32", _is(10348))),
    ),
    "ao": _ANY_CHANNEL | _table(
        (0x1186, Attribute("ao_max", "f64", lambda c: c.channel.high)),
        (0x1187, Attribute("ao_min", "f64", lambda c: c.channel.low)),
        (0x182E, Attribute("ao_dac_rng_high", "f64", lambda c: c.channel.reach)),
        (0x182D, Attribute("ao_dac_rng_low", "f64", lambda c: -c.channel.reach)),
        (0x1108, Attribute("ao_output_type", "i32", _is(VOLTAGE))),
        (0x182C, Attribute("ao_resolution", "f64", _is(16.0))),
        (0x188E, Attribute("ao_term_cfg", "i32", _is(RSE))),
        (0x1184, Attribute("ao_voltage_units", "i32", _is(10348))),
    ),
    "do": _ANY_CHANNEL | _table((0x2179, Attribute("do_num_lines", "u32", lambda c: len(c.channel.pins)))),
    "di": _ANY_CHANNEL | _table((0x2178, Attribute("di_num_lines", "u32", lambda c: len(c.channel.pins)))),
}  # fmt: skip
"""Idle output behaviour (0x2240) is not among them: M and X Series have none, their outputs stay where they are."""

SYSTEM = _table(
    (0x1272, Attribute("major_version", "u32", lambda b: b.card.driver[0])),
    (0x1923, Attribute("minor_version", "u32", lambda b: b.card.driver[1])),
    (0x2F22, Attribute("update_version", "u32", lambda b: b.card.driver[2])),
    (0x193B, Attribute("devices", "str", lambda b: b.card.device)),
    (0x1267, Attribute("tasks", "str", _is(""))),
    (0x1265, Attribute("global_channels", "str", _is(""))),
    (0x1266, Attribute("scales", "str", _is(""))),
)


def _ranges(reach: tuple[float, ...]) -> list[float]:
    return [v for r in reach for v in (-r, r)]


DEVICE = _table(
    (0x0631, Attribute("product_type", "str", lambda b: b.card.product)),
    (0x0632, Attribute("serial_num", "u32", lambda b: b.card.serial)),
    (0x29A9, Attribute("product_category", "i32", _is(15858))),
    (0x22CA, Attribute("is_simulated", "bool", _is(False))),
    (0x2326, Attribute("bus_type", "i32", _is(13612))),
    (0x231E, Attribute("ai_physical_chans", "str", lambda b: b.card.listed("ai"))),
    (0x231F, Attribute("ao_physical_chans", "str", lambda b: b.card.listed("ao"))),
    (0x2320, Attribute("di_lines", "str", lambda b: b.card.listed("line"))),
    (0x2321, Attribute("di_ports", "str", lambda b: b.card.listed("port"))),
    (0x2322, Attribute("do_lines", "str", lambda b: b.card.listed("line"))),
    (0x2323, Attribute("do_ports", "str", lambda b: b.card.listed("port"))),
    (0x2324, Attribute("ci_physical_chans", "str", _is(""))),
    (0x2325, Attribute("co_physical_chans", "str", _is(""))),
    (0x2A40, Attribute("terminals", "str", lambda b: ", ".join(f"/{b.card.device}/{t}" for t in b.card.terminals))),
    (0x298C, Attribute("ai_max_single_chan_rate", "f64", lambda b: b.card.single_rate)),
    (0x298D, Attribute("ai_max_multi_chan_rate", "f64", lambda b: b.card.aggregate_rate)),
    (0x298E, Attribute("ai_min_rate", "f64", lambda b: b.card.lowest_rate)),
    (0x298F, Attribute("ai_simultaneous_sampling_supported", "bool", lambda b: b.card.simultaneous)),
    (0x2990, Attribute("ai_voltage_rngs", "f64[]", lambda b: _ranges(b.card.input_ranges))),
    (0x2986, Attribute("ai_trig_usage", "i32", _is(0x0E))),
    (0x2FDC, Attribute("ai_samp_modes", "i32[]", _is([10178, 10123]))),
    (0x2FD2, Attribute("ai_meas_types", "i32[]", _is([VOLTAGE]))),
    (0x2994, Attribute("ai_couplings", "i32", _is(0x02))),
    (0x2996, Attribute("ao_samp_clk_supported", "bool", _is(True))),
    (0x2997, Attribute("ao_max_rate", "f64", lambda b: b.card.output_rate)),
    (0x2998, Attribute("ao_min_rate", "f64", lambda b: b.card.lowest_rate)),
    (0x299B, Attribute("ao_voltage_rngs", "f64[]", lambda b: _ranges(b.card.output_ranges))),
    (0x2987, Attribute("ao_trig_usage", "i32", _is(0x0A))),
    (0x2FDD, Attribute("ao_samp_modes", "i32[]", _is([10178, 10123]))),
    (0x2FD3, Attribute("ao_output_types", "i32[]", _is([VOLTAGE]))),
    (0x2984, Attribute("anlg_trig_supported", "bool", _is(True))),
    (0x2985, Attribute("dig_trig_supported", "bool", _is(True))),
    (0x2988, Attribute("di_trig_usage", "i32", _is(0x0E))),
    (0x2989, Attribute("do_trig_usage", "i32", _is(0x0A))),
    (0x2999, Attribute("di_max_rate", "f64", lambda b: b.card.line_rate)),
    (0x299A, Attribute("do_max_rate", "f64", lambda b: b.card.line_rate)),
)

PIN = _table(
    (0x2342, Attribute("ai_term_cfgs", "i32", _is(0x01 | 0x02 | 0x04))),
    (0x2FD7, Attribute("ai_meas_types", "i32[]", _is([VOLTAGE]))),
    (0x29A3, Attribute("ao_term_cfgs", "i32", _is(0x01))),
    (0x2FD9, Attribute("ao_output_types", "i32[]", _is([VOLTAGE]))),
    (0x29A8, Attribute("do_samp_clk_supported", "bool", lambda p: p.is_clocked_line)),
)

TABLES: Mapping[str, Mapping[int, Attribute]] = {
    "Task": TASK, "Read": READ, "Write": WRITE, "Buffer": BUFFER, "Timing": TIMING, "Trig": TRIG,
    "SystemInfo": SYSTEM, "Device": DEVICE, "PhysicalChan": PIN,
}  # fmt: skip
"""Family as the C library names it -> its attributes. Channels have a table for each kind of task."""


def attribute(family: str, number: int, subject: object) -> Attribute:
    """Return the attribute `number` of a family; `subject` is a task, a channel, or the board.

    Raises
    ------
    DaqmxError
        -200452: the board does not know it.
    """
    table = CHANNEL[subject.task.kind] if isinstance(subject, TaskChannel) else TABLES[family]
    if number not in table:
        raise DaqmxError(codes.NOT_SUPPORTED, f"Property: {family} 0x{number:X}")
    return table[number]


def get(family: str, number: int, subject: object, kinds: tuple[str, ...]) -> Any:
    """Return the attribute's value, which must be of one of `kinds`."""
    found = attribute(family, number, subject)
    if found.kind not in kinds:
        raise DaqmxError(codes.NOT_SUPPORTED, f"Property: {found.name} is of type {found.kind}.")
    return found.get(subject)


def put(family: str, number: int, subject: object, value: Any, kinds: tuple[str, ...]) -> None:
    """Set the attribute."""
    found = attribute(family, number, subject)
    if found.set is None or found.kind not in kinds:
        raise DaqmxError(codes.NOT_SUPPORTED, f"Property: {found.name} cannot be set.")
    if isinstance(subject, Task) and subject.state is State.BROKEN:
        subject.raise_error()
    found.set(subject, value)
