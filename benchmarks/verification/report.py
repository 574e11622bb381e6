"""The verification as a page: tables of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.verification.targets import CURRENTS, SOURCES, TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.verification.clamping import Books, ClampError
    from benchmarks.verification.convergence import Error


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def errors(found: Sequence[Error]) -> str:
    """Return how far each method is from LSODA."""
    return table(
        ("method, step", "error of the AP times, µs", "AHP, largest, µV", "burst, RMS, mV"),
        [(e.name, " / ".join(f"{t:.2f}" for t in e.spikes), f"{e.ahp * 1e3:.2f}", f"{e.burst:.3f}") for e in found],
    )


def clamp(found: Sequence[ClampError]) -> str:
    """Return the errors of the charging current."""
    return table(
        ("step, µs", "edge where it was asked for, pA", "edge where the loop has it, pA", "charge in 100 ms"),
        [(f"{e.dt * 1e3:g}", f"{e.as_given:.2f}", f"{e.edge_where_it_is:.3f}", f"{e.charge:+.1e}") for e in found],
    )


def books(found: Books) -> str:
    """Return what should be nought."""
    return table(
        ("", "unexplained part"),
        [
            ("charge: injected = ionic + capacitive", f"{found.charge:.1e}"),
            (
                "energy: work of the electrode = ions + capacitors + heat between the compartments",
                f"{found.energy:.1e}",
            ),
            ("slow sensor: calcium in = out + change", f"{found.sensor:.1e}"),
        ],
    )


def properties(at: Mapping[float, Mapping[str, float]]) -> str:
    """Return simulated beside published, a column for each temperature."""
    return table(
        ("", *(f"{celsius:.0f} °C" for celsius in at), "aimed at", "met", "published"),
        [
            (
                f"{target.name}{', ' * bool(target.unit)}{target.unit}",
                *(_number(values[key]) for values in at.values()),
                target.wanted,
                _met({celsius: target.met(values[key]) for celsius, values in at.items()}),
                target.literature,
            )
            for key, target in TARGETS.items()
        ],
    )


def _met(at: Mapping[float, bool]) -> str:
    """Return in one word where a target is met, a miss in bold."""
    missed = [f"{celsius:.0f}" for celsius, met in at.items() if not met]
    if not missed:
        return "yes"
    return "**no**" if len(missed) == len(at) else f"**not at {', '.join(missed)} °C**"


def _number(value: float) -> str:
    return (
        f"{value:.0f}"
        if abs(value) >= 100 or value == int(value)
        else f"{value:.2f}"
        if abs(value) < 10
        else f"{value:.1f}"
    )


def counts(at: Mapping[float, Sequence[int]]) -> str:
    """Return the action potentials of each current."""
    return table(
        ("pA", *(str(c) for c in CURRENTS)),
        [(f"{celsius:.0f} °C", *(str(n) for n in row)) for celsius, row in at.items()],
    )


def sources() -> str:
    """Return the numbered list that the table of properties refers to."""
    return "\n".join(f"{k}. {source}." for k, source in enumerate(SOURCES, 1))


def seen_orders(found: Sequence[Error]) -> str:
    """Return the orders between the coarser steps, where LSODA's own error and the table's do not show."""
    parts = {
        "the trace until 3 ms after the first AP, RMS": [e.first for e in found[:4]],
        "time of the first AP": [abs(e.spikes[0]) for e in found[:4]],
        "AHP, largest": [e.ahp for e in found[:4]],
    }
    return "\n".join(
        f"- {name}: {' / '.join(f'{o:.1f}' for o in np.log2(np.divide(x[:-1], x[1:])))}" for name, x in parts.items()
    )
