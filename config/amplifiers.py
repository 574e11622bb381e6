"""What a rig file may say under an amplifier's 'options', driver by driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from protocols.model import Model, Name, YesNo
from protocols.quantities import Duration, Frequency, OutputScale, PositiveDuration
from protocols.written import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping


class MultiClampOptions(Model):
    """Of driver 'multiclamp'."""

    library: str = "AxMultiClampMsg.dll"
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


class TelegraphedOptions(Model):
    """Of drivers 'axopatch200b' and 'telegraphed': an amplifier with knobs, seen through its telegraph voltages."""

    model: Name | None = None
    """A section of drivers/telegraphs.toml, such as 'axopatch_200b' or 'epc_800'; needed for 'telegraphed'."""
    gain: Name | None = "gain"
    """The analogue input that reads the gain telegraph; 'null' where there is none."""
    mode: Name | None = "mode"
    """The analogue input that reads the mode telegraph."""
    frequency: Name | None = None
    """The analogue input that reads the filter telegraph."""
    capacitance: Name | None = None
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
