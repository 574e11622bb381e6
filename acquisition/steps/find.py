"""Search for a step current that gives the wanted number of spikes."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from acquisition.events import SeriesProgress
from acquisition.state import Found
from acquisition.steps.switch_to import rebias
from protocols.commands import find_command, ttl_pulses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from acquisition.bench import Bench
    from acquisition.state import Trial
    from protocols.steps import Find


class SpikeSearch:
    """Bisection over a grid of currents, from its middle, with confirmation.

    A current is accepted when `confirm` sweeps at it gave the same wanted count. One whose sweeps disagree lies on
    a border, where noise decides the count: its neighbours are tried first and it is taken only if none is better.

    With 9 currents and confirm 2 a search needs 2 to 5 sweeps as a rule.
    """

    def __init__(self, levels: Sequence[float], low: int, high: int, *, confirm: int) -> None:
        """Search `levels` (A, ascending) for `low` to `high` spikes."""
        self._levels, self._low, self._high, self._confirm = tuple(levels), low, high, confirm
        self._seen: dict[int, list[int]] = defaultdict(list)
        self._below, self._above = -1, len(self._levels)
        """Indices known to give too few and too many spikes."""

    def next(self) -> float | None:
        """Return the current to try now, A; None when the search is over."""
        if self.found is not None:
            return None
        index = self._next_index()
        return None if index is None else self._levels[index]

    def saw(self, current: float, spikes: int) -> None:
        """Take note of a sweep's count."""
        index = self._levels.index(current)
        self._seen[index].append(spikes)
        if spikes < self._low:
            self._below = max(self._below, index)
        elif spikes > self._high:
            self._above = min(self._above, index)

    @property
    def found(self) -> Found | None:
        """The confirmed current, if there is one."""
        for index, counts in self._seen.items():
            if len(counts) >= self._confirm and len(set(counts)) == 1 and self._wanted(counts[0]):
                return Found(self._levels[index], counts[0])
        return None

    @property
    def nearest(self) -> Found | None:
        """The tried current whose count came nearest to what is wanted; of several, the highest."""
        tried = [Found(self._levels[i], counts[-1]) for i, counts in self._seen.items()]
        return min(tried, key=lambda f: (self._distance(f.spikes), -f.current), default=None)

    def _distance(self, spikes: int) -> int:
        return max(self._low - spikes, spikes - self._high, 0)

    @property
    def second_best(self) -> Found | None:
        """A current that gave wanted counts only, though not always the same one."""
        for index, counts in self._seen.items():
            if len(counts) >= self._confirm and all(self._wanted(n) for n in counts):
                return Found(self._levels[index], counts[-1])
        return None

    def _wanted(self, spikes: int) -> bool:
        return self._low <= spikes <= self._high

    def _next_index(self) -> int | None:
        for index, counts in self._seen.items():
            if len(counts) < self._confirm and len(set(counts)) == 1 and self._wanted(counts[0]):
                return index
        untried = [i for i in range(self._below + 1, self._above) if i not in self._seen]
        if not untried:
            return None
        middle = (self._below + self._above) / 2
        return min(untried, key=lambda i: (abs(i - middle), i))


def find(step: Find, bench: Bench) -> None:
    """Play sweeps until a current is found, confirmed, or the trials are used up."""
    wanted = step.until_spikes
    search = SpikeSearch(step.step.levels(), wanted.low, wanted.high, confirm=step.confirm)
    for trial_number in range(step.at_most):
        current = search.next()
        if current is None:
            break
        bench.wait_until(bench.first_onset(step.every), f"next trial of '{step.name}'")
        trial = _try(step, current, bench)
        if math.isfinite(spikes := trial.value("n_ap")):
            search.saw(current, round(spikes))
        bench.live.tell(SeriesProgress(step.name, trial_number + 1, step.at_most))
        bench.judge(trial)
        if step.rebias is not None:
            r = step.rebias
            rebias(trial.value("V_b"), float(r.to), float(r.within), float(r.by_at_most), bench)
    _conclude(step, search, bench)


def _try(step: Find, current: float, bench: Bench) -> Trial:
    command = find_command(step, bench.rate, holding=bench.state.level, amplitude=current)
    return bench.play(command, label=step.name, kind="find", ttl=ttl_pulses(step, bench.rate))


def _conclude(step: Find, search: SpikeSearch, bench: Bench) -> None:
    result = search.found or search.second_best
    if result is None:
        nearest = search.nearest or Found(step.step.levels()[-1], 0)
        best = f"nearest was {nearest.current * 1e12:.0f} pA with {nearest.spikes}"
        bench.act(step.if_none, f"no current in {step.step} gave {step.until_spikes} spikes; {best}")
        _take(step.name, nearest, "not_found", bench)
    else:
        _take(step.name, result, "found", bench)


def _take(name: str, result: Found, kind: str, bench: Bench) -> None:
    """Let later steps use the current, and log it."""
    bench.state.found[name] = result
    bench.state.trims.pop(name, None)
    text = f"{name}: {result.current * 1e12:.0f} pA gives {result.spikes} spikes"
    bench.log(kind, text, name=name, current=result.current, spikes=result.spikes)
