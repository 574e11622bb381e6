"""What the measures need to know of the protocol, as plain numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from acquisition.analysis.spikes import SpikeRules
from protocols.measures import BASELINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from protocols.protocol import Measure, Protocol
    from protocols.steps import AnyStep, Series


@dataclass(frozen=True)
class Declared:
    """A measure that the protocol declares beside the standard family; seconds."""

    name: str
    kind: Literal["mean", "peak_down", "peak_up", "area"]
    start: float
    stop: float
    counted_from: Literal["step_start", "step_end", "sweep_start"] = "step_end"
    minus_baseline: bool = True

    @classmethod
    def of(cls, name: str, measure: Measure) -> Declared:
        """Return the protocol's `measure` as plain numbers."""
        start, stop = float(measure.from_), float(measure.to)
        return cls(name, measure.kind, start, stop, measure.counted_from, measure.minus_baseline)


@dataclass(frozen=True)
class Aim:
    """What the sweeps of one step should look like."""

    spikes: tuple[int, int] | None = None
    potential: float | None = None
    """Baseline, V."""


@dataclass(frozen=True)
class FitRules:
    """What an exponential must be to be believed."""

    least_r2: float = 0.8
    largest_error: float = 0.3
    """Standard error of the time constant, as a part of it."""
    shortest: float = 0.05
    longest: float = 10.0
    """Time constants outside are artefacts of drift or of noise, s."""


MEMBRANE_FIT = FitRules(shortest=1e-3, longest=0.2)
"""Of the charging curve at a small current pulse."""


@dataclass(frozen=True)
class Settings:
    """Everything beside the samples that a measure depends on."""

    target_spikes: tuple[int, int] | None = None
    """Fewest and most spikes of a good sweep, where `aims` says nothing."""
    declared: tuple[Declared, ...] = ()
    aims: Mapping[str, Aim] = field(default_factory=lambda: MappingProxyType({}))
    """By the sweep's label."""
    spikes: SpikeRules = field(default_factory=SpikeRules)
    baseline: tuple[float, float] = BASELINE
    """Window of the baseline, seconds from the step's start. Recordings of other programs may have less room."""
    near_target: float = 1.5e-3
    """A baseline further than this from its aim raises `vhold`, V."""
    far_from_target: float = 3e-3
    """And further than this, `vhold_far`: the sweep is left out of means."""
    smallest_ahp: float = 0.25e-3
    """A peak smaller than this is `no_ahp`: the null distribution of a window mean has this SD in a quiet cell."""
    end_near: float = 1e-3
    """`drift`: the sweep's end differs from its baseline by more than this, V."""
    end_far: float = 2e-3
    """And by more than this: `not_recovered` below it, a note, as the AHP may be long (whether the next sweep begins on
    it is asked in the run, `acquisition/steps/rested.py`); `risen` above it, which no AHP does."""
    most_hum: float = 0.2e-3
    """Amplitude of line hum that raises `hum`, V."""
    event: float = 0.3e-3
    """Difference between the median of 5 ms blocks and the mean of a window that raises `event_in_window`, V."""
    bridge_residual: float = 3e6
    """Access resistance that the bridge leaves, and the jump it makes, beyond which `bridge` is raised: ohms, V."""
    bridge_jump: float = 5e-3
    decay: FitRules = field(default_factory=FitRules)
    """Of `tau_s`."""

    @classmethod
    def of(cls, protocol: Protocol, target: tuple[int, int] | None = None) -> Settings:
        """Return what `protocol` asks for; `target` (fewest, most spikes) overrules its count of spikes."""
        if target is None and protocol.target_spikes is not None:
            target = (protocol.target_spikes, protocol.target_spikes)
        limits = protocol.accept.sweep
        return cls(
            target_spikes=target,
            declared=tuple(Declared.of(name, m) for name, m in protocol.measures.items()),
            aims=MappingProxyType(dict(_aims((*protocol.steps, *protocol.finish), target))),
            near_target=float(limits.baseline_warning),
            far_from_target=float(limits.baseline_within),
            smallest_ahp=float(limits.smallest_ahp),
            end_near=float(limits.end_warning),
            end_far=float(limits.end_within),
            most_hum=float(limits.hum_warning),
            event=float(limits.event_warning),
            bridge_residual=float(limits.bridge_warning),
            bridge_jump=float(limits.bridge_jump_warning),
        )

    @classmethod
    def from_mapping(cls, stored: Mapping[str, Any]) -> Settings:
        """Return the settings that `as_mapping` wrote.

        Raises
        ------
        TypeError, KeyError
            They are of another version of the suite.
        """
        made = ("target_spikes", "declared", "aims", "spikes", "decay", "baseline")
        rest = {k: v for k, v in stored.items() if k not in made}
        target = stored["target_spikes"]
        rules: dict[str, Any] = {**stored["spikes"], "half_width": tuple(stored["spikes"]["half_width"])}
        return cls(
            target_spikes=None if target is None else (target[0], target[1]),
            declared=tuple(Declared(**d) for d in stored["declared"]),
            aims=MappingProxyType({name: _aim(a) for name, a in stored["aims"].items()}),
            spikes=SpikeRules(**rules),
            decay=FitRules(**stored["decay"]),
            baseline=(stored["baseline"][0], stored["baseline"][1]),
            **rest,
        )

    def as_mapping(self) -> dict[str, Any]:
        """Return all of it as JSON-able SI numbers, to the last bit."""
        plain: dict[str, Any] = _plain(self)
        return plain

    @cached_property
    def digest(self) -> str:
        """Eight characters that stand for these settings: numbers made with others carry another."""
        return sha256(json.dumps(self.as_mapping(), sort_keys=True).encode()).hexdigest()[:8]

    def aim(self, label: str) -> Aim:
        """Return what sweeps called `label` should look like."""
        return self.aims.get(label, Aim(self.target_spikes))


def _plain(x: Any) -> Any:
    if is_dataclass(x):
        return {f.name: _plain(getattr(x, f.name)) for f in fields(x)}
    if isinstance(x, tuple):
        return [_plain(v) for v in x]
    return {k: _plain(v) for k, v in x.items()} if hasattr(x, "items") else x


def _aim(stored: Mapping[str, Any]) -> Aim:
    spikes = stored["spikes"]
    return Aim(None if spikes is None else (spikes[0], spikes[1]), stored["potential"])


def _aims(steps: tuple[AnyStep, ...], target: tuple[int, int] | None) -> Iterator[tuple[str, Aim]]:
    """Yield label and aim of every step that plays bursts, following the potential from step to step."""
    from protocols.steps import Find, Series, SwitchTo

    potential: float | None = None
    wanted: dict[str, tuple[int, int]] = {}
    for step in steps:
        if isinstance(step, SwitchTo):
            potential = None if step.bias_to is None else float(step.bias_to)
        elif isinstance(step, Find | Series):
            here = potential if step.rebias is None else float(step.rebias.to)
            if isinstance(step, Find):
                wanted[step.name] = (step.until_spikes.low, step.until_spikes.high)
                yield step.name, Aim(wanted[step.name], here)
            else:
                yield step.name, Aim(_count(step, target, wanted), here)


def _count(
    step: Series, target: tuple[int, int] | None, wanted: Mapping[str, tuple[int, int]]
) -> tuple[int, int] | None:
    """Return the count to aim for: the protocol's, or that of the search. A stepped range has none."""
    if isinstance(step.step, str):
        return target or wanted.get(step.step)
    return target if isinstance(step.step, float) else None
