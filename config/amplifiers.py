"""What a rig file may say under an amplifier's 'options', driver by driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from protocols.explaining import did_you_mean
from protocols.model import Model, Name, YesNo
from protocols.quantities import Duration, Frequency, OutputScale, PositiveDuration
from protocols.written import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping


DOORS = ("served",)
"""Schemes of addresses in place of a library's path: those of drivers/build.py."""


def _library(value: str) -> str:
    scheme, mark, _ = value.partition("://")
    if mark and scheme not in DOORS:
        raise wrong(f"'{scheme}://' is no kind of address{did_you_mean(scheme, DOORS)}; otherwise write a path")
    return value


class MultiClampOptions(Model):
    """Of driver 'multiclamp'."""

    library: Annotated[str, AfterValidator(_library)] = "AxMultiClampMsg.dll"
    """The control library's path; a bare name is looked for where MultiClamp Commander is installed."""
    serial: str | None = None
    """Of a 700B, as on its back; 'Demo' for the Commander's demo mode. Needed with more than one amplifier."""
    com: int | None = Field(default=None, ge=0, le=255)
    """Serial port of a 700A."""
    device: int | None = Field(default=None, ge=0, le=9)
    """AxoBus number of a 700A."""
    verify_within: PositiveDuration = Duration(2.0)
    """How long the telegraph may take to confirm a mode switch."""
    choose_signals: YesNo = True
    """Put the membrane's signals on both outputs at each mode switch; 'no' leaves the outputs as they are."""


def _beta(value: float) -> float:
    if value not in (1, 0.1):
        raise wrong("write 1 or 0.1, as the CONFIG switch says for whole-cell recording")
    return value


NOT_WIRED = "none"
"""In place of an input's name: this telegraph has no cable."""
TELEGRAPHS = ("gain", "mode", "frequency", "capacitance")


def null_telegraph(name: str) -> str:
    """Return what is wrong with `null` in place of an input's name: this language reads it as 'not given'."""
    return f"'null' counts as not given here; write '{name}: {NOT_WIRED}' if this telegraph is not wired"


def _wired(value: object, info: ValidationInfo) -> object:
    if value is None:
        raise wrong(null_telegraph(info.field_name or "gain"))
    return None if value == NOT_WIRED else value


Telegraph = Annotated[Name | None, BeforeValidator(_wired)]
"""The input that reads a telegraph output; 'none' becomes None."""


class TelegraphedOptions(Model):
    """Of drivers 'axopatch200b' and 'telegraphed': an amplifier with knobs, seen through its telegraph voltages."""

    model: Name | None = None
    """A section of drivers/telegraphs.toml, such as 'axopatch_200b' or 'epc_800'; needed for 'telegraphed'."""
    gain: Telegraph = "gain"
    """The analogue input that reads the gain telegraph; 'none' if it is not wired."""
    mode: Telegraph = "mode"
    """The analogue input that reads the mode telegraph; 'none' if it is not wired."""
    frequency: Telegraph = None
    """The analogue input that reads the filter telegraph."""
    capacitance: Telegraph = None
    """The analogue input that reads the cell capacitance telegraph."""
    beta: Annotated[float, AfterValidator(_beta)] = 1.0
    """Axopatch 200B: the headstage's feedback, as its CONFIG switch says for whole-cell recording."""
    current_clamp: Literal["normal", "fast"] = "normal"
    """Axopatch 200: which of the two current clamps the person is asked to choose."""
    low_pass: Frequency | None = None
    """Corner of the output filter as the knob stands, where it is not telegraphed."""
    current_at_one: OutputScale | None = None
    """Output in voltage clamp at gain 1, where it depends on the headstage, such as '1 mV/pA'."""
    potential_at_one: OutputScale | None = None
    """Output in current clamp at gain 1, such as '1 mV/mV'."""
    turn_within: PositiveDuration = Duration(30.0)
    """How long the person may take to turn a knob; a switch of mode can take three times that."""


OPTIONS: Mapping[str, type[Model]] = {
    "multiclamp": MultiClampOptions,
    "axopatch200b": TelegraphedOptions,
    "telegraphed": TelegraphedOptions,
}
"""Driver -> its options."""
