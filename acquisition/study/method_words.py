"""The second half of the methods section: what was measured, how cells were compared, with which software."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from acquisition.study.cell import PRIMARY, SECONDARY, Cell
from acquisition.study.methods import Paragraph, baseline_window, windows_of
from acquisition.study.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from acquisition.study.cell import Rules
    from acquisition.study.findings import Findings

DEFINED = {
    "A_1000": "the slow AHP is the mean potential {window}, minus the baseline (100 ms are whole cycles of 50 and "
    "60 Hz)",
    "S_fix": "the area is the signed integral {window}",
    "A_pk": "the peak is the lowest 5 ms mean {window}",
    "D50": "half-decay is the time from the step's end until the 100 ms mean is back at half the peak for 100 ms",
    "tau_s": "the decay time constant is that of a single exponential with its offset at the baseline",
    "adaptation": "adaptation is the mean of (ISI[k+1] - ISI[k]) / (ISI[k+1] + ISI[k]) within the burst",
}
CODED = (
    "Conditions were coded and none was treated as the control; changes of every two conditions were compared by "
    "Welch's t."
)


def analysis_methods(findings: Findings, cells: Sequence[Cell], rules: Rules, *, blind: bool) -> tuple[Paragraph, ...]:
    """Return measures, statistics and software as a paper would say them."""
    return (
        Paragraph("Measures", " ".join(_measures(findings, rules))),
        Paragraph("Statistics", " ".join(_statistics(findings, blind=blind))),
        Paragraph("Software", " ".join(_software(cells))),
    )


def _measures(findings: Findings, rules: Rules) -> Iterator[str]:
    defined = [DEFINED[m].format(window=windows_of(m)) for m in findings.measures if m in DEFINED]
    yield (
        f"All amplitudes are signed, hyperpolarisation negative, and counted from the baseline ({baseline_window()}, "
        "20 ms blocks with action potentials left out); time 0 is the end of the commanded step."
    )
    if defined:
        yield f"{'; '.join(defined)}.".replace("the slow AHP", "The slow AHP", 1)
    yield (
        f"Each cell gives one value per condition, the mean of its last {rules.last} accepted sweeps (sweeps recorded "
        "while a solution was arriving are left out)."
    )


def _statistics(findings: Findings, *, blind: bool) -> Iterator[str]:
    yield "The cell is the unit of analysis."
    if findings.design.vehicle is not None:
        yield (
            "Effects are differences in differences, (drug - baseline) - (vehicle - baseline), with 95 % intervals and "
            "p-values by Welch's t, BCa bootstrap intervals (10,000 resamples, of animals where cells nest in animals) "
            "and permutation tests."
        )
    else:
        yield (
            "Effects are paired differences to the cell's own baseline, with 95 % t intervals, BCa bootstrap intervals "
            "(10,000 resamples, of animals where cells nest in animals), paired t tests and sign-flip permutation "
            "tests."
        )
        yield CODED if blind else "Without vehicle cells run-down is not excluded."
    primary, secondary = ([m for m in group if m in findings.measures] for group in (PRIMARY, SECONDARY))
    if secondary:
        yield (
            f"{listed(primary)} are primary and not corrected; {listed(secondary)} are secondary and corrected by Holm."
        )
    if any(r.lasting for r in findings.results.values()):
        yield (
            "Durations that outlast the sweep are treated as censored: medians by Kaplan-Meier, changes by a paired "
            "Tobit model."
        )
    if findings.mixed is not None:
        yield f"As cells nest in animals, the headline measure was also fitted as {findings.mixed.model}."
    if findings.responses:
        yield (
            "Concentration-response: Inh = Imax / (1 + (IC50/c)^h), least squares in log concentration, bottom fixed "
            "at 0, Imax free up to 100 %, h fixed at 1 unless five concentrations span both sides; intervals by "
            "profile likelihood; an IC50 whose interval is wider than 1.5 decades is reported as not determined."
        )


def _software(cells: Sequence[Cell]) -> Iterator[str]:
    from importlib.metadata import version

    yield (
        f"Compared with patchrig {version('patchrig')} ("
        + ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "statsmodels"))
        + ")."
    )
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for cell in cells:
        for name in ("patchrig", "python"):
            if name in cell.software:
                seen[name].add(cell.software[name])
    recorded = listed([f"{name} {' / '.join(sorted(found))}" for name, found in seen.items()])
    analysers = sorted({a for c in cells for a in c.analysers})
    yield (
        f"Recorded and measured with {recorded or 'versions that the files do not say'} "
        f"(analysers: {', '.join(analysers)})."
    )
    if len({c.analysers for c in cells}) > 1:
        yield "The sessions were not all measured by the same analysers: measure them again before publication."
