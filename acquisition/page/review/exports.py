"""What a reviewer takes along: the suite's own figure, the table of measures, the samples of one sweep."""

from __future__ import annotations

import math
import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import HEADLINE, by_sweep
from acquisition.page.review.windows import MOVED
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from acquisition.page.review.kept import Kept
    from acquisition.page.review.windows import Windows
    from protocols.sweeps import Measurement

FORMATS: Mapping[str, str] = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
"""Ending -> media type."""
CHANNEL: Mapping[str, str] = {"V": "mV", "A": "pA"}
_one_at_a_time = threading.Lock()


def figure(kept: Kept, form: str) -> bytes:
    """Return the review figure of a session: the recorded numbers, without the sweeps that were left out."""
    from acquisition.figure import review_figure

    if form not in FORMATS:
        raise Refused(f"a figure is one of {', '.join(FORMATS)}")
    file = BytesIO()
    with _one_at_a_time, kept.open() as session:
        review_figure(session).savefig(file, format=form)
    return file.getvalue()


def measures(kept: Kept, windows: Windows) -> bytes:
    """Return the table of `patchrig export`, one row a sweep; columns of their own for what moved windows change.

    Raises
    ------
    Refused
        The numbers with these windows have not been made.
    """
    import polars

    from acquisition.session.export import field_unit, sweep_frame

    with kept.open() as session:
        frame = sweep_frame(session)
    numbers = kept.numbers(windows)
    if numbers is None:
        raise Refused("the windows were moved and not all sweeps are measured again yet; try again in a moment")
    if not windows.as_recorded:
        again, stored = by_sweep(numbers), by_sweep(kept.stored)
        new: dict[str, list[Any]] = {}
        for name, unit in {m.name: m.unit for m in numbers}.items():
            suffix, factor = field_unit(name, unit)
            column = [_value(again.get(i, {}).get(name), factor) for i in frame["sweep"]]
            if column != [_value(stored.get(i, {}).get(name), factor) for i in frame["sweep"]]:
                new[f"{HEADLINE if name == MOVED else name}_moved{suffix}"] = column
        new["moved_windows"] = [_words(windows)] * len(frame)
        frame = frame.with_columns([polars.Series(name, values, strict=False) for name, values in new.items()])
    return frame.write_csv().encode()


def trace(kept: Kept, index: int) -> bytes:
    """Return the samples of a sweep, as recorded: time from the sweep's start in s, then every channel in mV or pA."""
    import polars

    with kept.open() as session:
        sweep = session.sweep(index)
    n = min(len(v) for v in sweep.stored.values())
    columns: dict[str, Any] = {"time_s": sweep.time[:n].round(7)}
    for channel in sweep.header.channels:
        columns[f"{channel.name}_{CHANNEL[channel.unit]}"] = sweep.stored[channel.name][:n]
    return polars.DataFrame(columns).write_csv().encode()


def _value(m: Measurement | None, factor: float) -> float | None:
    return m.value * factor if m is not None and math.isfinite(m.value) else None


def _words(windows: Windows) -> str:
    """Return 'V_b -510 to -10 ms; sAHP 800 to 900 ms', each counted from where its measure counts."""
    spans = {"V_b": windows.baseline, "sAHP": windows.headline, **windows.declared}
    return "; ".join(f"{n} {1e3 * s[0]:.0f} to {1e3 * s[1]:.0f} ms" for n, s in spans.items() if s is not None)
