"""A protocol: the whole experiment, as a person wrote it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from protocols.acceptance import Accept
from protocols.model import PATTERN_WORDS, Model, Name, YesNo
from protocols.parts import Quality, StopWhen
from protocols.quantities import Concentration, Frequency, Offset, Temperature, Thickness, Voltage
from protocols.steps import AnyStep


class Subject(Model):
    """The animal."""

    species: str = Field(
        default="Rattus norvegicus",
        pattern=r"^[A-Z][a-z]+ [a-z]+$",
        json_schema_extra={PATTERN_WORDS: "Write a Latin binomial such as 'Rattus norvegicus'."},
    )
    """Latin binomial, such as 'Rattus norvegicus' or 'Mus musculus'."""
    strain: str
    """Such as 'Fischer 344'."""
    sex: Literal["male", "female", "other", "unknown"]
    """As recorded by the animal facility."""
    age: str = Field(
        pattern=r"^\d+(\s*\.\.\s*\d+)?\s+(days|weeks|months|years)$",
        json_schema_extra={PATTERN_WORDS: "Write an age such as '24 months' or '22 .. 26 months'."},
    )
    """Such as '24 months' or '22 .. 26 months'."""
    genotype: str | None = None
    """If it matters."""


class Slice(Model):
    """The tissue."""

    region: str = "CA1"
    """An Allen CCF term where there is one: 'CA1' is."""
    thickness: Thickness
    """Such as '400 µm'."""
    plane: str | None = None
    """Such as 'transverse', 'coronal', 'horizontal'."""
    preparation: str | None = None
    """Cutting solution, recovery, in a sentence."""


class Bath(Model):
    """What flows over the slice."""

    composition: str
    """Of the ACSF, in mM."""
    gas: str
    """Such as '95 % O2 / 5 % CO2'."""
    temperature: Temperature
    """Wanted; the rig's thermometer says what it was."""


class Internal(Model):
    """What is in the pipette."""

    composition: str
    """In mM."""
    junction_potential: Voltage | None = None
    """Calculated or measured liquid junction potential; recorded, never applied to the data."""


class Preparation(Model):
    """The methods section's first paragraph."""

    subject: Subject
    """The animal."""
    slice: Slice
    """The tissue."""
    bath: Bath
    """What flows over it."""
    internal: Internal
    """What is in the pipette."""


class Record(Model):
    """What to record."""

    sampling: Frequency
    """Of every channel, such as '20 kHz'."""
    low_pass: Frequency
    """Corner of the amplifier's output filter; below half the sampling rate."""
    channels: tuple[Name, ...] = ("primary", "secondary")
    """Names of rig inputs."""


class Compound(Model):
    """A drug in a solution."""

    name: str
    """Such as '(Rac)-MEM 1003'."""
    concentration: Concentration
    """Such as '1 µM'."""
    vehicle: str | None = None
    """Such as '0.01 % DMSO'; the control solution should have the same."""
    light_sensitive: YesNo = False
    """Dihydropyridines are: the run reminds the person to shade the line."""


class Solution(Model):
    """A solution and the perfusion line it stands on."""

    label: str
    """As written on the bottle, in figures and in the file."""
    line: Name
    """Name of a perfusion line in the rig file."""
    compound: Compound | None = None
    """What is in it beyond the bath's ACSF."""


class Measure(Model):
    """A measure of this protocol's own, beside the standard family."""

    kind: Literal["mean", "peak_down", "peak_up", "area"]
    """Mean, 5 ms smoothed minimum or maximum, or signed integral over the window."""
    from_: Offset = Field(alias="from")
    """Start of the window; negative is before what it counts from."""
    to: Offset
    """End of the window."""
    counted_from: Literal["step_start", "step_end", "sweep_start"] = "step_end"
    """What the window's times count from."""
    minus_baseline: YesNo = True
    """Subtract the baseline before the step."""


class Protocol(Model):
    """The whole experiment, as a person wrote it."""

    protocol: str = Field(min_length=3)
    """Title, as it would stand in a methods section."""
    format: Literal[1]
    """Version of this language."""
    about: str | None = None
    """What it is for, in a paragraph."""
    preparation: Preparation
    """Animal, slice, bath, internal solution."""
    record: Record
    """What to record."""
    solutions: dict[Name, Solution] = Field(default_factory=dict)
    """Solutions by name. The first is the control, and the one to return to."""
    measures: dict[Name, Measure] = Field(default_factory=dict)
    """Measures of this protocol's own."""
    target_spikes: int | None = Field(default=None, ge=0, le=100)
    """Only sweeps with this count enter means; if left out, the range wanted by the 'find' that a series uses."""
    accept: Accept = Field(default_factory=Accept)
    """Which sweeps and which cells count; what is left out has the defaults below."""
    steps: tuple[AnyStep, ...] = Field(min_length=1)
    """What happens, in order."""
    stop_when: tuple[StopWhen, ...] = ()
    """Looked at after every sweep of every step."""
    finish: tuple[AnyStep, ...] = ()
    """Always runs last, even after a stop: leave cell and bath in good order."""

    @property
    def gated(self) -> frozenset[str]:
        """Quantities that a gate looks at, such as 'access_resistance': of the steps, and of `stop_when`."""
        gates = (*self.stop_when, *(getattr(step, "require", None) for step in self.steps))
        return frozenset(q for gate in gates if gate for q in Quality.model_fields if getattr(gate, q) is not None)
