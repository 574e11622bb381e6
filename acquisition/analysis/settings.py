"""What the measures need to know of the protocol, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from acquisition.analysis.spikes import SpikeRules

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
class Settings:
    """Everything beside the samples that a measure depends on."""

    target_spikes: tuple[int, int] | None = None
    """Fewest and most spikes of a good sweep, where `aims` says nothing."""
    declared: tuple[Declared, ...] = ()
    aims: Mapping[str, Aim] = field(default_factory=lambda: MappingProxyType({}))
    """By the sweep's label."""
    spikes: SpikeRules = field(default_factory=SpikeRules)
    near_target: float = 1.5e-3
    """A baseline further than this from its aim raises `vhold`, V."""
    far_from_target: float = 3e-3
    """And further than this, `vhold_far`: the sweep is left out of means."""
    smallest_ahp: float = 0.25e-3
    """A peak smaller than this is `no_ahp`: the null distribution of a window mean has this SD in a quiet cell."""
    end_near: float = 1e-3
    """`drift`: the sweep's end differs from its baseline by more than this, V."""
    end_far: float = 2e-3
    """`not_recovered`, which leaves the sweep out of means."""

    @classmethod
    def of(cls, protocol: Protocol, target: tuple[int, int] | None = None) -> Settings:
        """Return what `protocol` asks for; `target` (fewest, most spikes) overrules its count of spikes."""
        if target is None and protocol.target_spikes is not None:
            target = (protocol.target_spikes, protocol.target_spikes)
        declared = tuple(Declared.of(name, m) for name, m in protocol.measures.items())
        return cls(target, declared, MappingProxyType(dict(_aims((*protocol.steps, *protocol.finish), target))))

    def aim(self, label: str) -> Aim:
        """Return what sweeps called `label` should look like."""
        return self.aims.get(label, Aim(self.target_spikes))


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
