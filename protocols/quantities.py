"""The kinds of quantity in protocol and rig files, their ranges and grids.

A plain number is SI; temperatures alone are degrees Celsius.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator

from protocols.quantity import NUMBER, PATTERN_NUMBER, Quantity
from protocols.written import Written, offered, tidy, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping


class Voltage(Quantity):
    """Of a membrane or a command."""

    kind, example, bounds = "voltage", "-70 mV", (-1.0, 1.0)
    units: ClassVar[Mapping[str, str]] = {"mV": "1e-3", "V": "1", "µV": "1e-6", "uV": "1e-6"}


class InstrumentVoltage(Quantity):
    """At a connector of a converter or an instrument."""

    kind, example, bounds = "voltage of an instrument", "10 V", (-100.0, 100.0)
    units: ClassVar[Mapping[str, str]] = {"V": "1", "mV": "1e-3"}


class Current(Quantity):
    """Through a pipette."""

    kind, example, bounds = "current", "200 pA", (-2e-7, 2e-7)
    units: ClassVar[Mapping[str, str]] = {
        "pA": "1e-12",
        "nA": "1e-9",
        "µA": "1e-6",
        "uA": "1e-6",
        "fA": "1e-15",
        "A": "1",
    }


class Duration(Quantity):
    """A length of time, never negative."""

    kind, example, bounds = "duration", "150 ms", (0.0, 7 * 86400.0)
    units: ClassVar[Mapping[str, str]] = {"ms": "1e-3", "s": "1", "min": "60", "h": "3600", "µs": "1e-6", "us": "1e-6"}

    @classmethod
    def write(cls, si: float) -> str:
        """Return text: minutes and hours only where they come out round."""
        whole = (u for u in ("h", "min") if si and si % float(cls.units[u]) == 0)
        unit = next(whole, "s" if abs(si) >= 1 else "ms")
        return f"{si / float(cls.units[unit]):.6g} {unit}"


class Offset(Duration):
    """A time counted from some event; negative is before it."""

    kind, example, bounds = "time", "-500 ms", (-86400.0, 86400.0)


class Frequency(Quantity):
    """Of sampling, or a filter's corner."""

    kind, example, bounds = "frequency", "20 kHz", (0.01, 1e7)
    units: ClassVar[Mapping[str, str]] = {"kHz": "1e3", "Hz": "1", "MHz": "1e6"}


class EventRate(Frequency):
    """How often something happens by chance."""

    kind, example, bounds = "rate of events", "0.5 Hz", (0.0, 1e7)


class Resistance(Quantity):
    """Of a pipette, a membrane, a seal."""

    kind, example, bounds = "resistance", "20 MOhm", (0.0, 1e12)
    units: ClassVar[Mapping[str, str]] = {
        prefix + ohm: factor
        for ohm in ("Ohm", "Ω", "ohm")
        for prefix, factor in (("M", "1e6"), ("G", "1e9"), ("k", "1e3"), ("", "1"))
    }


class Capacitance(Quantity):
    """Of a membrane or a pipette."""

    kind, example, bounds = "capacitance", "100 pF", (0.0, 1e-7)
    units: ClassVar[Mapping[str, str]] = {"pF": "1e-12", "nF": "1e-9", "fF": "1e-15"}


class Temperature(Quantity):
    """In degrees Celsius, the one exception to SI."""

    kind, example, bounds = "temperature", "32 °C", (0.0, 50.0)
    units: ClassVar[Mapping[str, str]] = {"°C": "1", "degC": "1"}

    @classmethod
    def write(cls, si: float) -> str:
        """Return text in degrees Celsius."""
        return f"{si:.6g} °C"


class FlowRate(Quantity):
    """Of a perfusion, m³/s."""

    kind, example, bounds = "flow rate", "2 mL/min", (0.0, 1e-6)
    # 1 mL/min is 1e-6 m³ in 60 s; forty digits leave the nearest float unchanged
    units: ClassVar[Mapping[str, str]] = {
        "mL/min": f"{Decimal('1e-6') / 60}",
        "ml/min": f"{Decimal('1e-6') / 60}",
        "µL/min": f"{Decimal('1e-9') / 60}",
        "uL/min": f"{Decimal('1e-9') / 60}",
    }


class Length(Quantity):
    """Of a slice or a pipette."""

    kind, example, bounds = "length", "400 µm", (0.0, 1.0)
    units: ClassVar[Mapping[str, str]] = {"µm": "1e-6", "um": "1e-6", "mm": "1e-3", "cm": "1e-2"}


class Thickness(Length):
    """Of a slice: from thinner than any that lives to thicker than any that can be perfused."""

    kind, bounds = "thickness", (20e-6, 2e-3)


class Percent(Quantity):
    """A fraction: '20 %' is 0.2."""

    kind, example, bounds = "percentage", "20 %", (0.0, 10.0)
    units: ClassVar[Mapping[str, str]] = {"%": "1e-2"}

    @classmethod
    def write(cls, si: float) -> str:
        """Return text in percent."""
        return f"{si * 100:.6g} %"


class Concentration(Quantity):
    """In mol/L, the field's M."""

    kind, example, bounds = "concentration", "1 µM", (0.0, 10.0)
    units: ClassVar[Mapping[str, str]] = {
        "µM": "1e-6",
        "uM": "1e-6",
        "nM": "1e-9",
        "mM": "1e-3",
        "pM": "1e-12",
        "M": "1",
    }


class Scale(Quantity):
    """A factor of an amplifier. The same number means different things by its unit, so the text is required."""

    def __new__(cls, value: float, text: str | None = None) -> Self:
        """Make one from SI and text."""
        if text is None:
            raise TypeError(f"{cls.__name__} needs its text; use {cls.__name__}.parse('{cls.example}')")
        return super().__new__(cls, value, text)

    @classmethod
    def write(cls, si: float) -> str:
        """Return the bare factor: bounds of a scale have no unit of their own."""
        return f"{si:g}"


class CommandScale(Scale):
    """What one volt at the output commands, SI per V."""

    kind, example, bounds = "command scale", "20 mV/V", (1e-13, 1.0)
    units: ClassVar[Mapping[str, str]] = {"mV/V": "1e-3", "pA/V": "1e-12", "nA/V": "1e-9", "V/V": "1"}

    @property
    def unit(self) -> str:
        """'V' for a voltage clamp command, 'A' for a current clamp command."""
        return "V" if self.text.endswith("V/V") else "A"


class OutputScale(Scale):
    """Volts at the amplifier's output per SI unit of its signal."""

    kind, example, bounds = "output scale", "1 V/nA", (1e-3, 1e15)
    units: ClassVar[Mapping[str, str]] = {
        "V/nA": "1e9", "mV/pA": "1e9", "V/pA": "1e12", "mV/nA": "1e6", "V/µA": "1e6", "V/uA": "1e6",
        "mV/mV": "1", "V/V": "1", "V/mV": "1e3",
    }  # fmt: skip

    @property
    def unit(self) -> str:
        """Of the signal: 'A' or 'V'."""
        return self.text[-1]


Q = TypeVar("Q", bound=Quantity)


def _positive(value: Q) -> Q:
    if not value > 0:
        raise wrong(f"'{value}' must be more than 0")
    return value


def _not_negative(value: Q) -> Q:
    if value < 0:
        raise wrong(f"'{value}' must be 0 or more: it is a size and has no sign")
    return value


def _not_zero(value: Q) -> Q:
    if not value:
        raise wrong("must not be 0: there would be nothing to measure")
    return value


NotNegativeVoltage = Annotated[Voltage, AfterValidator(_not_negative)]
NotNegativeCurrent = Annotated[Current, AfterValidator(_not_negative)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
PositiveVoltage = Annotated[Voltage, AfterValidator(_positive)]
PositiveCurrent = Annotated[Current, AfterValidator(_positive)]
PositiveResistance = Annotated[Resistance, AfterValidator(_positive)]
PositiveInstrumentVoltage = Annotated[InstrumentVoltage, AfterValidator(_positive)]
TestVoltage = Annotated[Voltage, AfterValidator(_not_zero)]
TestCurrent = Annotated[Current, AfterValidator(_not_zero)]


@dataclass(frozen=True)
class Range(Written):
    """From `low` to `high`, both included: '-120 mV .. 60 mV', or '-120 .. 60 mV'."""

    low: Quantity
    high: Quantity

    of: ClassVar[type[Quantity]]

    def __post_init__(self) -> None:
        """Refuse a range that runs backwards."""
        if self.low > self.high:
            raise wrong(f"the range runs backwards: {self.low} is more than {self.high}")

    @classmethod
    def parse(cls, value: object) -> Self:
        """Return the range that `value` (text, or an instance) means."""
        if isinstance(value, cls):
            return value
        low, high = cls._ends(value)
        return cls(low, high)

    @classmethod
    def _ends(cls, value: object) -> tuple[Quantity, Quantity]:
        parts = tidy(value).split("..") if isinstance(value, str) else []
        if len(parts) != 2 or "..." in str(value):
            raise wrong(f"write a range of {cls.of.kind} with two dots, such as '{cls.example}'")
        low, high = (p.strip() for p in parts)
        if re.fullmatch(NUMBER, low) and (unit := re.fullmatch(rf"{NUMBER}\s*(\S+)", high)):
            low = f"{low} {unit[1]}"
        return cls.of.parse(low), cls.of.parse(high)

    @classmethod
    def pattern(cls) -> str:
        """Return the regular expression of the text, without anchors."""
        number, unit = PATTERN_NUMBER, cls.of.unit_pattern()
        return rf"{number}\s*{unit}?\s*\.\.\s*{number}\s*{unit}"

    @classmethod
    def json_schema(cls) -> Mapping[str, Any]:
        """Return the pattern of this range's texts."""
        return {
            "pattern": rf"^\s*{cls.pattern()}\s*$",
            "examples": [cls.example],
            "patternErrorMessage": f"Write a range of {cls.of.kind}, such as '{cls.example}'.",
            "defaultSnippets": offered(cls.example),
        }

    @property
    def text(self) -> str:
        """As written, tidied."""
        return f"{self.low} .. {self.high}"

    def __str__(self) -> str:
        return self.text


class VoltageRange(Range):
    """Of membrane or command voltages."""

    of, example = Voltage, "-120 mV .. 60 mV"


class CurrentRange(Range):
    """Of pipette currents."""

    of, example = Current, "-500 pA .. 1000 pA"


class TemperatureRange(Range):
    """Of bath temperatures."""

    of, example = Temperature, "29 °C .. 31 °C"


class ResistanceRange(Range):
    """Of resistances."""

    of, example = Resistance, "5 MOhm .. 25 MOhm"


MOST_LEVELS = 1000


@dataclass(frozen=True)
class CurrentSteps(Written):
    """A grid of currents: '200 pA .. 400 pA by 25 pA'."""

    low: Current
    high: Current
    by: Current

    example: ClassVar[str] = "200 pA .. 400 pA by 25 pA"

    def __post_init__(self) -> None:
        """Refuse a grid that runs backwards, stands still or misses its end."""
        if self.low > self.high or self.by <= 0:
            raise wrong(f"'{self.text}' must run upwards: from the lower to the higher current, by more than 0")
        steps = (_exact(self.high) - _exact(self.low)) / _exact(self.by)
        if steps > MOST_LEVELS:
            raise wrong(f"'{self.text}' has more than {MOST_LEVELS} levels")
        if steps != int(steps):
            below = Current.write(float(_exact(self.low) + int(steps) * _exact(self.by)))
            raise wrong(f"steps of {self.by} from {self.low} do not meet {self.high}; the last one below it is {below}")

    @classmethod
    def parse(cls, value: object) -> Self:
        """Return the grid that `value` (text, or an instance) means."""
        if isinstance(value, cls):
            return value
        parts = re.split(r"\s+by\s+", tidy(value)) if isinstance(value, str) else []
        if len(parts) != 2:
            raise wrong(f"write a grid of currents, such as '{cls.example}'")
        ends = CurrentRange.parse(parts[0])
        return cls(Current.parse(ends.low), Current.parse(ends.high), Current.parse(parts[1]))

    def levels(self) -> tuple[float, ...]:
        """Return the currents, A, ascending; each is the float nearest to its decimal value."""
        low, by = _exact(self.low), _exact(self.by)
        count = int((_exact(self.high) - low) / by) + 1
        return tuple(float(low + i * by) for i in range(count))

    @classmethod
    def json_schema(cls) -> Mapping[str, Any]:
        """Return the pattern of a grid's texts."""
        by = rf"{PATTERN_NUMBER}\s*{Current.unit_pattern()}"
        return {
            "pattern": rf"^\s*{CurrentRange.pattern()}\s+by\s+{by}\s*$",
            "examples": [cls.example],
            "patternErrorMessage": f"Write a grid of currents, such as '{cls.example}'.",
            "defaultSnippets": offered(cls.example),
        }

    @property
    def text(self) -> str:
        """As written, tidied."""
        return f"{self.low} .. {self.high} by {self.by}"

    def __str__(self) -> str:
        return self.text


def _exact(value: float) -> Decimal:
    """Return the shortest decimal that reads as `value`: what a person wrote, not its binary neighbour."""
    return Decimal(float.__repr__(float(value)))
