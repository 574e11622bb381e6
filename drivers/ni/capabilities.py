"""What a card can do, read from the card, and compared with what the rig file wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.ni.failures import NOT_SUPPORTED, code_of, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nidaqmx.system import Device

    from config.rig import Input, Rig
    from drivers.ni.connection import Connection

RANGE_SLACK = 1 + 1e-6


@dataclass(frozen=True)
class Capabilities:
    """A card as NI-DAQmx describes it; what it does not say is None, and is then not checked."""

    product: str
    serial: int | None
    inputs: tuple[str, ...]
    """Full names, 'Dev1/ai0'."""
    outputs: tuple[str, ...]
    lines: tuple[str, ...]
    """Digital lines that can be outputs."""
    single_rate: float | None
    """Samples per second with one input."""
    total_rate: float | None
    """Samples per second over all inputs of a multiplexed card, of each input of a simultaneous one."""
    simultaneous: bool | None
    output_rate: float | None
    clocked_output: bool | None
    """Whether outputs can follow a sample clock."""
    unclocked: tuple[str, ...]
    """Those of the TTL lines that cannot follow a sample clock."""
    line_trigger: bool | None
    """Whether clocked digital lines can wait for a start trigger."""
    digital_trigger: bool | None
    input_reach: float | None
    """Widest input range, V, each way."""
    output_reach: float | None
    """Widest output range, V, each way."""

    def rate_with(self, channels: int) -> float | None:
        """Return the highest rate with `channels` inputs, Hz."""
        if channels == 1 or self.total_rate is None:
            return self.single_rate
        return self.total_rate if self.simultaneous else self.total_rate / channels


def read_capabilities(connection: Connection, ttl: Sequence[str] = ()) -> Capabilities:
    """Ask the card; `ttl` are the full names of digital lines that shall follow a sample clock.

    Raises
    ------
    CardError
        There is no such card, or no NI-DAQmx, or the device server does not answer.
    """
    device = connection.device
    card = connection.card()
    from nidaqmx.constants import TriggerUsage

    with ours(device, "card"):
        return Capabilities(
            product=str(card.product_type),
            serial=_told(lambda: int(card.serial_num)),
            inputs=tuple(card.ai_physical_chans.channel_names),
            outputs=tuple(card.ao_physical_chans.channel_names),
            lines=(lines := tuple(_told(lambda: card.do_lines.channel_names) or ())),
            single_rate=_told(lambda: float(card.ai_max_single_chan_rate)),
            total_rate=_told(lambda: float(card.ai_max_multi_chan_rate)),
            simultaneous=_told(lambda: bool(card.ai_simultaneous_sampling_supported)),
            output_rate=_told(lambda: float(card.ao_max_rate)),
            clocked_output=_told(lambda: bool(card.ao_samp_clk_supported)),
            unclocked=tuple(pin for pin in ttl if pin in lines and _is_unclocked(card, pin)),
            line_trigger=_told(lambda: TriggerUsage.START in card.do_trig_usage) if ttl else None,
            digital_trigger=_told(lambda: bool(card.dig_trig_supported)),
            input_reach=_told(lambda: _reach(card.ai_voltage_rngs)),
            output_reach=_told(lambda: _reach(card.ao_voltage_rngs)),
        )


def _is_unclocked(card: Device, pin: str) -> bool:
    return _told(lambda: bool(card.do_lines[pin].do_samp_clk_supported)) is False


def _told(ask: Callable[[], Any]) -> Any:
    """Return the answer, or None where this card has none."""
    from nidaqmx.errors import DaqError

    try:
        return ask()
    except DaqError as error:
        if code_of(error) in NOT_SUPPORTED:
            return None
        raise


def _reach(ranges: Sequence[float]) -> float | None:
    """Return the widest of (low, high, low, high ...) that goes both ways."""
    pairs = zip(ranges[::2], ranges[1::2], strict=True)
    return max((min(-low, high) for low, high in pairs), default=None)


def shortcomings(card: Capabilities, rig: Rig, telegraphs: Sequence[Input], connection: Connection) -> list[str]:
    """Return what the rig file wants and the card cannot, one sentence each."""
    return [*_missing(card, rig, telegraphs, connection), *_too_fast(card, rig, telegraphs), *_too_wide(card, rig)]


def _missing(card: Capabilities, rig: Rig, telegraphs: Sequence[Input], connection: Connection) -> Iterator[str]:
    wanted = [(e.pin, card.inputs, "input") for e in (*rig.inputs.values(), *telegraphs)]
    wanted += [(e.pin, card.outputs, "output") for e in rig.outputs.values()]
    wanted += [(e.pin, card.lines, "digital line") for e in rig.ttl.values()]
    if rig.perfusion.driver == "digital_valves":
        pins = (connection.pin(e.pin) for e in rig.perfusion.lines.values() if e.pin)
        # valves may be on another card, which is not asked
        wanted += [(p, card.lines, "digital line") for p in pins if p.startswith(f"{connection.device}/")]
    for pin, known, kind in wanted:
        if known and connection.pin(pin) not in known:
            yield f"it has no {kind} '{pin.removeprefix(f'{connection.device}/')}' ({kind}s {known[0]} to {known[-1]})"
    for name, entry in rig.ttl.items():
        if connection.pin(entry.pin) in card.unclocked:
            yield f"its line '{entry.pin}' has no sample clock, so '{name}' cannot be pulsed there; wire it to port 0"
    if card.clocked_output is False:
        yield "its outputs are timed by software and cannot play a sweep; a card with clocked outputs is needed"


def _too_fast(card: Capabilities, rig: Rig, telegraphs: Sequence[Input]) -> Iterator[str]:
    channels = len(rig.inputs) + len(telegraphs)
    wanted, most = float(rig.daq.sampling_limit), card.rate_with(channels)
    if most is not None and wanted > most * RANGE_SLACK:
        yield f"'sampling_limit' is {wanted / 1e3:g} kHz; with {channels} inputs it reaches {most / 1e3:g} kHz"
    if card.output_rate is not None and wanted > card.output_rate * RANGE_SLACK:
        yield f"'sampling_limit' is {wanted / 1e3:g} kHz; its outputs reach {card.output_rate / 1e3:g} kHz"


def _too_wide(card: Capabilities, rig: Rig) -> Iterator[str]:
    for what, reach, entries in (("input", card.input_reach, rig.inputs), ("output", card.output_reach, rig.outputs)):
        for name, entry in entries.items():
            if reach is not None and float(entry.range) > reach * RANGE_SLACK:
                yield f"{what} '{name}' is declared with {entry.range}; the card's widest range is {reach:g} V"
