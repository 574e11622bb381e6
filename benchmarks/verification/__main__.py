"""Is the simulated cell solved rightly, and is it a CA1 pyramidal neuron? Writes the page and its figures.

    python -m benchmarks.verification [--into docs/reference/simulator] [--no-neuron]

NEURON is needed for its own rows (pip install 'patchrig[verify]', and a C++ compiler); LSODA is SciPy's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.verification import clamping, convergence, figures, neuron_cell, report, targets
from drivers.simulated.cell import at_temperature, preset

if TYPE_CHECKING:
    from benchmarks.verification.convergence import Error
    from drivers.simulated.cell import Cell

PAGE = """# The simulated cell, verified

Made by `python -m benchmarks.verification`; not edited by hand. Cell `ca1_pyramidal`, no electrode, no noise.

## Solved rightly

{celsius:.0f} °C, {step:.0f} pA for 150 ms from -60 mV. Reference: SciPy's LSODA on the equations of
[cell.py](../../../drivers/simulated/cell.py), rtol 1e-10. NEURON: the same cell once more in NMODL
([benchmarks/verification/mod](../../../benchmarks/verification/mod)), written from the literature's formulas.

{errors}

Order seen when the step is halved (50 to 6.25 µs); the scheme's is 2:

{orders}

A late AP rises out of a slow ramp, where a small error of the potential is a large one of the time: noise moves it by
milliseconds. At 3 to 6 µs LSODA's own error and the spacing of the table of rates show.

![errors against the step](convergence.png)
![the burst](burst.png)

{stronger:.0f} pA:

{stronger_errors}

Voltage clamp of the passive cell, -5 mV through 12 MOhm, against the two exponentials that the circuit has
(from 0.2 ms after the edge; {taus}). The loop spreads an edge of the command over its step:

{clamp}

![charging current](clamp.png)

Books of the burst at 25 µs:

{books}

## A CA1 pyramidal neuron

{properties}

Action potentials in 150 ms from -60 mV:

{counts}

![how it fires](firing.png)
![the cell](cell.png)

Published values are of other cells, solutions and temperatures (30 to 35 °C); read them as ranges. The AHP's peak
depends on when the last AP falls: one shortly before the step's end makes it deeper, as its own fast AHP adds to it.

{sources}
"""


@dataclass(frozen=True)
class Solved:
    """One burst by every method."""

    loop: list[Error]
    neuron: list[Error]


def solve(cell: Cell, step: float, folder: Path, *, neuron: bool, draw: bool) -> Solved:
    """Compare the methods for one step, and draw them."""
    exact = convergence.reference(cell, step)
    found = Solved(
        convergence.ours(cell, step, exact),
        convergence.neurons(cell, step, exact) if neuron else [],
    )
    if draw:
        figures.burst(cell, exact, step, folder / "burst.png")
        figures.convergence(found.loop, found.neuron, folder / "convergence.png")
    return found


def page(folder: Path, *, neuron: bool) -> str:
    """Return the text, having drawn the figures into `folder`."""
    cell, step, stronger = at_temperature(preset("ca1_pyramidal"), 30.0), 300.0, 400.0
    first = solve(cell, step, folder, neuron=neuron, draw=True)
    second = solve(cell, stronger, folder, neuron=neuron, draw=False)
    figures.clamp(cell, folder / "clamp.png")
    figures.physiology(cell, folder / "cell.png")
    warmth = {celsius: at_temperature(cell, celsius) for celsius in (30.0, 34.0)}
    figures.firing(warmth, folder / "firing.png")
    charging = clamping.two_exponentials(clamping.passive(cell), -5.0)
    return PAGE.format(
        celsius=cell.temperature,
        step=step,
        errors=report.errors(first.loop + first.neuron),
        orders=report.seen_orders(first.loop),
        stronger=stronger,
        stronger_errors=report.errors(second.loop[:3] + second.neuron[:3]),
        taus=" and ".join(f"{tau:.2f} ms" for tau in sorted(charging.taus)),
        clamp=report.clamp([clamping.charging_error(cell, dt) for dt in convergence.STEPS[:4]]),
        books=report.books(clamping.books(cell)),
        properties=report.properties({celsius: targets.simulated(c) for celsius, c in warmth.items()}),
        counts=report.counts({celsius: targets.counts(cell, celsius) for celsius in warmth}),
        sources=report.sources(),
    )


def main() -> None:
    """Do it all."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--into", type=Path, default=Path("docs/reference/simulator"))
    asked.add_argument("--no-neuron", action="store_true", help="without NEURON's rows")
    wish = asked.parse_args()
    if not wish.no_neuron and (reason := neuron_cell.missing()):
        sys.exit(f"{reason}; or: python -m benchmarks.verification --no-neuron")
    wish.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as build:
        if not wish.no_neuron:
            neuron_cell.compile_into(Path(build))
        text = page(wish.into, neuron=not wish.no_neuron)
    (wish.into / "verification.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
