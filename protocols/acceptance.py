"""What a protocol asks of its sweeps and of its cell before they may speak: the `accept:` block.

    accept:
      sweep: {baseline_within: 3 mV}
      cell: {access_resistance: below 25 MOhm, baseline_sweeps: 10}

What is left out has the value given here. The protocol's text is in every session file, and with it these limits.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from protocols.conditions import Drift, ResistanceCondition, VoltageCondition
from protocols.model import Model
from protocols.quantities import (
    Current,
    Duration,
    Percent,
    PositiveCurrent,
    PositiveDuration,
    PositiveVoltage,
    Resistance,
    Voltage,
)
from protocols.written import wrong


class SweepLimits(Model):
    """What a sweep must show to enter means; what only warns."""

    baseline_within: PositiveVoltage = Voltage(3e-3)
    """A baseline further than this from the potential aimed at leaves the sweep out."""
    baseline_warning: PositiveVoltage = Voltage(1.5e-3)
    """And further than this warns."""
    end_within: PositiveVoltage = Voltage(2e-3)
    """A sweep that ends further than this above its baseline is left out; one that ends further than this below it is
    noted, and the next is left out if it begins there."""
    end_warning: PositiveVoltage = Voltage(1e-3)
    """An end further than this from the baseline warns of drift."""
    smallest_ahp: PositiveVoltage = Voltage(0.25e-3, "0.25 mV")
    """A peak smaller than this is no AHP: windows of a quiet cell at rest differ by as much."""
    hum_warning: PositiveVoltage = Voltage(0.2e-3, "0.2 mV")
    """Line hum of the baseline above this amplitude warns."""
    event_warning: PositiveVoltage = Voltage(0.3e-3, "0.3 mV")
    """Mean and median of a window that differ by more than this warn of a synaptic event in it."""
    bridge_warning: Resistance = Resistance(3e6)
    """An unbalanced rest of the bridge above this warns."""
    bridge_jump_warning: PositiveVoltage = Voltage(5e-3)
    """And so does one that makes the potential jump by more than this at the step."""

    @model_validator(mode="after")
    def _warns_first(self) -> SweepLimits:
        """Refuse a warning that would come after the sweep was left out."""
        for warning, limit in (("baseline_warning", "baseline_within"), ("end_warning", "end_within")):
            low, high = getattr(self, warning), getattr(self, limit)
            if low > high:
                raise wrong(f"'{warning}' ({low}) would come after '{limit}' ({high}); make it smaller", at=warning)
        return self


class CellLimits(Model):
    """What a cell must show for its drug effect to be counted. Fractions are of the baseline."""

    resting_potential: VoltageCondition = VoltageCondition.parse("below -55 mV")
    """Without current, when current clamp begins."""
    overshoot: VoltageCondition = VoltageCondition.parse("above 0 mV")
    """Peak of the first action potential, in the baseline sweeps."""
    spike_height: VoltageCondition = VoltageCondition.parse("above 70 mV")
    """The same from the baseline potential."""
    input_resistance: ResistanceCondition = ResistanceCondition.parse("30 MOhm .. 200 MOhm")
    """In the baseline sweeps."""
    access_resistance: ResistanceCondition = ResistanceCondition.parse("below 30 MOhm")
    """In the baseline sweeps."""
    access_change_within: Percent = Percent(0.20)
    """From the baseline to the drug, either way."""
    input_change_within: Percent = Percent(0.20)
    """From the baseline to the drug, either way."""
    holding_drift_within: PositiveCurrent = Current(50e-12)
    """Change of the current that holds the cell, from the baseline's first sweeps to the drug's last."""
    baseline_sweeps: int = Field(default=8, ge=1, le=1000)
    """At least this many accepted ones."""


class BaselineSteady(Model):
    """When the phase before the drug is steady; in a run its 'until_stable' says `last` and `drift_below`."""

    last: int = Field(default=10, ge=3, le=1000)
    """Accepted sweeps that review looks at: 5 min at one sweep in 30 s."""
    drift_below: Drift = Drift.parse("15 % per 10 min")
    """Slope of the sAHP at 1 s in review; its 95 % interval must contain 0 as well."""
    input_resistance: Drift = Drift.parse("15 % per 10 min")
    """Slope of Rin; its 95 % interval must contain 0 as well."""
    potential_within: PositiveVoltage = Voltage(1.5e-3)
    """Drift of the baseline potential over the time that 'drift_below' names, 10 min if nothing else is said."""


class DrugSteady(Model):
    """When an effect counts as complete: in series that are counted from a solution's arrival."""

    not_before: PositiveDuration = Duration(600.0)
    """After the arrival: dihydropyridines are slow."""
    window: PositiveDuration = Duration(300.0)
    """The mean of the last window is compared with that of the window before."""
    change_within: Percent = Percent(0.10)
    """Largest difference between the two means, as a part of the earlier."""


class Accept(Model):
    """Which sweeps and which cells count, and when a phase is steady."""

    sweep: SweepLimits = Field(default_factory=SweepLimits)
    """Of each sweep."""
    cell: CellLimits = Field(default_factory=CellLimits)
    """Of the cell, judged in review."""
    baseline: BaselineSteady = Field(default_factory=BaselineSteady)
    """Of the series before the drug, judged live and in review."""
    drug: DrugSteady = Field(default_factory=DrugSteady)
    """Of series counted from a solution's arrival, judged live and in review."""
