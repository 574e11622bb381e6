"""Makes the numbers of a session again with moved windows: by the analyser of today, sweep by sweep."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import one_of_each
from acquisition.analysis.analyser import analyse
from acquisition.analysis.sweep_numbers import SweepNumbers
from acquisition.page.review.listing import judgement
from acquisition.page.review.results import results
from protocols.errors import SessionError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from acquisition.page.review.kept import Kept
    from acquisition.page.review.windows import Windows
    from acquisition.session.reader import SweepInfo
    from protocols.sweeps import Measurement


def recomputed(kept: Kept, windows: Windows) -> Iterator[dict[str, Any]]:
    """Yield a row for each sweep as its numbers are made, with how many are done, and the results at last.

    Only sweeps with a step depend on these windows; the numbers of all others stay those that were stored.
    """
    made: dict[int, list[Measurement]] = {s.index: [] for s in kept.sweeps} | _by_sweep(
        kept.numbers(windows) or kept.stored
    )
    if kept.numbers(windows) is None:
        depending, settings = [s for s in kept.sweeps if _depends(s)], kept.settings_of(windows)
        with kept.open() as session:
            for done, s in enumerate(depending, 1):
                # the numbers of a damaged sweep stay those that were stored; verify says what is wrong with it
                with suppress(SessionError):
                    made[s.index] = analyse(session.sweep(s.index), settings)
                yield {"done": done, "of": len(depending), **_row(kept, s, made[s.index])}
        kept.keep(windows, [m for found in made.values() for m in found])
    yield {"results": results(kept, windows), "rows": [_row(kept, s, made[s.index]) for s in kept.sweeps]}


def _by_sweep(numbers: Iterable[Measurement]) -> dict[int, list[Measurement]]:
    found: dict[int, list[Measurement]] = {}
    for m in numbers:
        found.setdefault(m.sweep, []).append(m)
    return found


def _depends(sweep: SweepInfo) -> bool:
    return sweep.step is not None and sweep.mode is not ClampMode.VOLTAGE


def _row(kept: Kept, s: SweepInfo, made: list[Measurement]) -> dict[str, Any]:
    reason = kept.rejected.get(s.index)
    numbers = SweepNumbers(
        s.index, s.label, s.kind, s.run, s.condition, s.start, tuple(one_of_each(made).values()),
        reason is not None, reason or "",
    )  # fmt: skip
    return {"sweep": s.index, **judgement(numbers, is_of_range=s.index in kept.ranges)}
