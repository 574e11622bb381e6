"""One sweep: its samples as columns, its windows, and every number that was made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.analysis.analyser import analyse
from acquisition.page.decimation import COLUMNS, column_width, columns_of
from acquisition.page.present import packed
from acquisition.page.review.listing import known, values_of

if TYPE_CHECKING:
    from acquisition.page.review.kept import Kept
    from acquisition.page.review.windows import Windows
    from protocols.sweeps import Measurement, SweepHeader

MOST_COLUMNS = 4000


def facts(kept: Kept, index: int) -> dict[str, Any]:
    """Return what a plot must know of a sweep, and its stored numbers.

    Raises
    ------
    SessionError
        There is no such sweep.
    """
    with kept.open() as session:
        header = session.header(index)
    made = [m for m in kept.stored if m.sweep == index]
    return {
        **_laid_out(header, kept),
        "numbers": [_number(m) for m in made],
        "log": [{"time": e.time, "kind": e.kind, "text": e.text} for e in kept.log if e.data.get("sweep") == index],
    }


def columns(kept: Kept, index: int, number: int, span: tuple[float, float] | None, most: int = COLUMNS) -> bytes:
    """Return a sweep, or a stretch of it (s from its start), as the block of columns that the page draws.

    Raises
    ------
    SessionError
        There is no such sweep, or its samples are damaged.
    """
    with kept.open() as session:
        sweep = session.sweep(index)
    n = sweep.header.sweep.n_samples
    first, stop = (0, n) if span is None else (min(max(round(t * sweep.rate), 0), n) for t in span)
    stop = max(first, stop)
    width = column_width(max(1, stop - first), min(max(most, 10), MOST_COLUMNS))
    rows = []
    for channel in sweep.header.channels:
        samples = np.full(stop - first, np.nan, np.float32)
        found = sweep.stored[channel.name][first:stop]
        samples[: len(found)] = found
        rows.append(columns_of(samples, width))
    return packed("zoom", (index, number, 0), np.concatenate(rows), 0.0, (first / sweep.rate, width / sweep.rate))


def measured(kept: Kept, index: int, windows: Windows) -> dict[str, Any]:
    """Return the numbers of one sweep with windows that were moved, made by the analyser of today."""
    with kept.open() as session:
        made = analyse(session.sweep(index), kept.settings_of(windows))
    return {"sweep": index, "values": values_of(made), "numbers": [_number(m) for m in made]}


def _laid_out(header: SweepHeader, kept: Kept) -> dict[str, Any]:
    command = header.sweep.command
    rate, steps = command.rate, command.of("step")
    step = (steps[0].start / rate, steps[-1].stop / rate) if steps else None
    return {
        "sweep": header.sweep.index,
        "label": header.label,
        "kind": header.kind,
        "condition": header.condition,
        "mode": str(header.sweep.mode),
        "length": command.n_samples / rate,
        "zero": step[1] if step else 0.0,
        "step": step,
        "pulses": [[p.role, p.start / rate, p.stop / rate, p.amplitude] for p in command.pulses[:400]],
        "holding": command.holding,
        "channels": [[c.name, "mV" if c.unit == "V" else "pA"] for c in header.channels],
        "aim": kept.settings.aim(header.label).potential,
    }


def _number(m: Measurement) -> dict[str, Any]:
    return {"name": m.name, "value": known(m.value), "unit": m.unit, "flags": list(m.flags), "window": m.window}
