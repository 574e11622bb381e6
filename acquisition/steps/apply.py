"""Change of solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acquisition.bench import Bench
    from protocols.steps import Apply


def apply(step: Apply, bench: Bench) -> None:
    """Switch the perfusion; wait out the dead time if the step says so."""
    compound = bench.protocol.solutions[step.solution].compound
    if compound is not None and compound.light_sensitive:
        bench.log("note", f"{compound.name} is light-sensitive: shade reservoir, line and bath")
    bench.apply(step.solution)
    if step.wait_for_arrival and bench.state.flow is not None:
        bench.wait_until(bench.state.flow.arrives, "solution on its way to the bath")
