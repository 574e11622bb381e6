"""Whether the telegraph outputs of an amplifier with knobs are wired so that they can be read.

The tables are those of drivers/telegraphs.toml, as far as a rig file can be checked by them; a test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.amplifiers import NOT_WIRED, TelegraphedOptions
from config.rig import AmplifierEntry, Input
from protocols.draft import attempt, mapping
from protocols.explaining import did_you_mean
from protocols.marks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BY_HAND: Mapping[str, str] = {"axopatch200b": "axopatch_200b", "telegraphed": ""}
"""Drivers of amplifiers whose knobs a person turns -> the model if the rig file names none."""
REACH: Mapping[str, Mapping[str, float]] = {
    "axopatch_200b": {"gain": 6.5, "mode": 6.0, "frequency": 10.0, "capacitance": 10.0},
    "axopatch_200a": {"gain": 6.5, "mode": 6.0, "frequency": 10.0},
    "axopatch_200": {"gain": 6.5, "mode": 6.0, "frequency": 10.0},
    "axopatch_1d": {"gain": 3.2},
    "epc_800": {"gain": 8.5},
    "am_2400": {"gain": 8.5, "mode": 2.2},
    "am_2400_newer": {"gain": 8.3, "mode": 2.2},
    "dagan_3900a": {"gain": 3.24},
    "dagan_pc_one": {"gain": 3.2},
    "dagan_tev_200a": {"gain": 3.2},
    "dagan_bvc_700a": {},
    "npi_sec_05lx": {"gain": 7.0},
    "npi_elc_03xs": {"gain": 7.0},
    "npi_turbotec_03": {"gain": 7.0},
    "npi_turbotec_10c": {"gain": 7.0},
    "npi_turbotec_30": {"gain": 6.0},
    "biologic_rk_400": {"gain": 4.0},
    "cairn_optopatch": {"gain": 9.5, "mode": 2.5},
    "esf_wpc_100": {"gain": 6.5},
    "warner_pc_505b": {"gain": 7.0},
    "warner_oc_725c": {"gain": 2.6},
}
"""Model -> telegraph -> volts that its input must be able to read."""
COMMANDS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {"axopatch_200b": ((20e-3, 100e-3), (2e-9,))}
"""Model -> what its external command can be: V/V in voltage clamp, A/V in current clamp at beta 1."""
CLOSE = 1e-3
"""Part by which a declared scale may differ: as the driver has it."""


def telegraph_findings(data: dict[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the wiring of an amplifier with knobs, given a rig file's plain data."""
    entry = mapping(data.get("amplifier"))
    driver, options = entry.get("driver"), attempt(TelegraphedOptions, mapping(entry.get("options")))
    if driver not in BY_HAND or options is None:
        return
    model, place = options.model or BY_HAND[str(driver)], ("amplifier", "options")
    if not model:
        yield Finding(place, f"'model' is missing: which amplifier it is, one of {', '.join(REACH)}", on_key=True)
    elif model not in REACH:
        yield Finding((*place, "model"), f"no amplifier is known as '{model}'{did_you_mean(model, REACH)}")
    elif (card := mapping(data.get("daq")).get("driver")) == "simulated":
        words = f"telegraphs are read by a card of metal; the {card} one has none. Rehearse with --simulate instead"
        yield Finding(("daq", "driver"), words)
    else:
        yield from _inputs(data, model, options)
        yield from _commands(entry, model, options)


def _inputs(data: dict[str, Any], model: str, options: TelegraphedOptions) -> Iterator[Finding]:
    """Check that every telegraph has an input that is there and reads as far as it goes."""
    telegraphs = mapping(mapping(mapping(data.get("daq")).get("options")).get("telegraphs"))
    inputs = {**mapping(data.get("inputs")), **telegraphs}
    for what, volts in REACH[model].items():
        if (channel := getattr(options, what)) is None:
            continue
        place = ("amplifier", "options", what)
        if channel not in inputs:
            words = f"no input is named '{channel}'{did_you_mean(channel, inputs)}"
            cure = (
                f"the {what} telegraph's is to be under 'daq: options: telegraphs'; '{what}: {NOT_WIRED}' if not wired"
            )
            yield Finding(place, f"{words}; {cure}")
        elif (read := attempt(Input, inputs[channel])) is not None and read.range < volts:
            yield Finding(
                place, f"this telegraph goes to {volts:g} V, and '{channel}' reads {read.range}: give it 10 V"
            )


def _commands(entry: Mapping[str, Any], model: str, options: TelegraphedOptions) -> Iterator[Finding]:
    """Check that the amplifier can have the declared commands: they are not telegraphed, so nothing else would."""
    made = attempt(AmplifierEntry, dict(entry))
    if made is None or model not in COMMANDS:
        return
    volts, amperes = COMMANDS[model]
    for mode, declared, known, unit, factor in (
        ("voltage_clamp", made.voltage_clamp.command, volts, "mV/V", 1e3),
        ("current_clamp", made.current_clamp.command, tuple(a / options.beta for a in amperes), "nA/V", 1e9),
    ):
        if not any(abs(declared - scale) <= CLOSE * scale for scale in known):
            has = " or ".join(f"{scale * factor:g} {unit}" for scale in known)
            words = f"this amplifier's external command is {has} with beta = {options.beta:g}"
            yield Finding(("amplifier", mode, "command"), words)
