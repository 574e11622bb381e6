"""What is counted over virtual cells: how they ended, what gates did, how long it took, which sweeps were lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from acquisition.rehearsal.course import FINISH, cause_of
from acquisition.rehearsal.vehicle import VEHICLE
from acquisition.rehearsal.virtual_cell import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from acquisition.rehearsal.virtual_cell import VirtualCell


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def fraction(self) -> float:
        """0..1; NaN of none."""
        return self.count / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the fraction (Wilson 1927); NaN of none."""
        from scipy.stats import binomtest

        if not self.of:
            return (float("nan"), float("nan"))
        found = binomtest(self.count, self.of).proportion_ci(method="wilson")
        return (float(found.low), float(found.high))


def share(cells: Iterable[VirtualCell], holds: Callable[[VirtualCell], bool]) -> Share:
    """Return in how many cells something holds."""
    answers = [holds(c) for c in cells]
    return Share(sum(answers), len(answers))


@dataclass(frozen=True)
class Span:
    """A time over cells, s."""

    name: str
    n: int
    median: float
    low: float
    """5th percentile."""
    high: float
    """95th percentile."""


def span_of(name: str, seconds: Sequence[float]) -> Span:
    """Return median and 5th to 95th percentile of at least one time."""
    import numpy as np

    low, high = np.percentile(seconds, (5, 95))
    return Span(name, len(seconds), median(seconds), float(low), float(high))


def whole(cells: Iterable[VirtualCell]) -> Span | None:
    """Return how long a run takes that comes to its end; None if none did."""
    times = [c.duration for c in cells if c.ending in (Ending.USABLE, Ending.LEFT_OUT)]
    return span_of("whole protocol", times) if times else None


def phases(cells: Iterable[VirtualCell]) -> tuple[Span, ...]:
    """Return how long each step takes in the cells that came through it, in the protocol's order."""
    times: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        is_through = cell.ending in (Ending.USABLE, Ending.LEFT_OUT)
        for phase in cell.course.phases:
            if is_through or phase.name not in (cell.course.last, FINISH):
                times[phase.name.replace(VEHICLE, "")].append(phase.seconds)
    ordered = sorted(times.items(), key=lambda item: _number(item[0]))
    return tuple(span_of(name, seconds) for name, seconds in ordered)


def _number(name: str) -> float:
    """Return the number of a step by its name; that of 'finish' comes last."""
    first = name.partition(" ")[0]
    return float(first) if first.isdigit() else float("inf")


@dataclass(frozen=True)
class GateCount:
    """What one gate did."""

    cause: str
    action: str
    step: str
    """The step in which it acted most often."""
    cells: int
    """In which it acted."""
    times: int
    ended: int
    """Runs that it ended."""


def gates(cells: Iterable[VirtualCell]) -> tuple[GateCount, ...]:
    """Return what gates did, those that end most runs first."""
    seen: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    ended: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        for trip in cell.course.trips:
            seen[trip.cause, trip.action].append((cell.seed, trip.phase.replace(VEHICLE, "")))
        if cell.ending is Ending.GATE and (last := cell.course.ended_by):
            ended[last.cause, last.action] += 1
    counted = [
        GateCount(
            *key,
            Counter(step for _, step in places).most_common(1)[0][0],
            len({seed for seed, _ in places}),
            len(places),
            ended[key],
        )
        for key, places in seen.items()
    ]
    return tuple(sorted(counted, key=lambda g: (-g.ended, -g.cells, g.cause)))


@dataclass(frozen=True)
class Reason:
    """Why something was left out."""

    text: str
    cells: int
    times: int


@dataclass(frozen=True)
class Loss:
    """Why cells gave no usable result: each cell is counted once, by the first of its reasons."""

    ending: Ending
    text: str
    share: Share
    """Of all cells."""


def losses(cells: Sequence[VirtualCell]) -> tuple[Loss, ...]:
    """Return why cells are lost, what costs most of them first."""
    lost = Counter((c.ending, _why_lost(c)) for c in cells if not c.is_usable)
    found = (Loss(ending, text, Share(n, len(cells))) for (ending, text), n in lost.items())
    return tuple(sorted(found, key=lambda one: (-one.share.count, one.text)))


def _why_lost(cell: VirtualCell) -> str:
    if cell.ending is Ending.GATE and cell.course.ended_by is not None:
        return cell.course.ended_by.cause
    return cause_of(cell.why[0]) if cell.why else str(cell.ending)


def missed_faults(cells: Sequence[VirtualCell]) -> tuple[tuple[str, Share], ...]:
    """Return the injected faults that never came, each with in how many cells; in the order of their list."""
    n = Counter(name for c in cells for name in dict.fromkeys(c.course.missed))
    return tuple(
        (name, Share(n[name], len(cells))) for name in sorted(n, key=lambda name: _number(name.removeprefix("fault ")))
    )


def left_out(cells: Iterable[VirtualCell]) -> tuple[Reason, ...]:
    """Return why runs that came to their end do not count."""
    found = [(c.seed, cause_of(why)) for c in cells if c.ending is Ending.LEFT_OUT for why in c.why]
    return _reasons(found)


def failures(cells: Iterable[VirtualCell]) -> tuple[Reason, ...]:
    """Return why runs failed that no gate ended."""
    return _reasons([(c.seed, why) for c in cells if c.ending is Ending.FAILED for why in c.why])


def rejected_sweeps(cells: Iterable[VirtualCell]) -> tuple[Reason, ...]:
    """Return why sweeps of finished runs do not enter means."""
    through = [c.cell for c in cells if c.cell is not None and c.ending in (Ending.USABLE, Ending.LEFT_OUT)]
    return _reasons([(i, cause_of(sweep.reason)) for i, cell in enumerate(through) for sweep in cell.left_out])


def _reasons(found: Iterable[tuple[int, str]]) -> tuple[Reason, ...]:
    places: dict[str, list[int]] = defaultdict(list)
    for seed, text in found:
        places[text].append(seed)
    counted = [Reason(text, len(set(seeds)), len(seeds)) for text, seeds in places.items()]
    return tuple(sorted(counted, key=lambda r: (-r.cells, -r.times, r.text)))
