"""The report's table of effect sizes and further tests: for readers who want more than one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from acquisition.study.cell import PRIMARY, SECONDARY
from acquisition.study.measures import shown
from acquisition.study.sheets import DASH, Sheet, once, p_only
from acquisition.study.words import interval, signed

if TYPE_CHECKING:
    from acquisition.statistics.effect_sizes import EffectSize
    from acquisition.statistics.student import TTest
    from acquisition.study.findings import Findings, Result

PAIRED = ("d_z (95 % CI)", "g_av (95 % CI)", "paired t", "sign flip p", "Wilcoxon p")
OF_PAIRS = (
    "Paired, within each group: d_z, Hedges' g_av, paired t test, sign-flip permutation, Wilcoxon's signed ranks."
)
AGAINST = " Against the vehicle cells: Hedges' g of the changes."
ANIMALS = (
    " Over animal means: the t test in which an animal is one value however many cells it gave{}; where cells nest in "
    "animals, it is the one to read."
)


def effect_sheet(findings: Findings) -> Sheet:
    """Return effect sizes and tests of the primary and secondary measures, censored durations aside."""
    rows = [
        _row(r, has_vehicle=findings.design.vehicle is not None)
        for m in (*PRIMARY, *SECONDARY)
        for r in findings.results.values()
        if r.measure == m and r.lasting is None
    ]
    has_vehicle = findings.design.vehicle is not None  # where conditions are coded there is none, and no word of it
    head = ("measure", "group", *PAIRED, *(["g against vehicle (95 % CI)"] if has_vehicle else []), "over animal means")
    of_what = ", of the difference in differences where there are vehicle cells" if has_vehicle else ""
    note = OF_PAIRS + (AGAINST if has_vehicle else "") + ANIMALS.format(of_what)
    return Sheet("Effect sizes and further tests", head, once(rows), note, frozenset({0, 1}), is_long=True)


def _row(r: Result, *, has_vehicle: bool) -> tuple[str, ...]:
    p, against = r.paired, r.against.change if r.against is not None else None
    animals = against.animals if against is not None else p.animals
    return (
        shown(r.measure).words,
        r.group,
        _size(p.d_z),
        _size(p.g_av),
        DASH if math.isnan(p.t) else f"t({p.df:g}) = {signed(p.t, 2)}, p {p_only(p.p)}",
        p_only(p.sign_flip.p),
        p_only(p.wilcoxon.p),
        *([_size(against.g) if against is not None else DASH] if has_vehicle else []),
        _over_animals(animals, r),
    )


def _size(size: EffectSize) -> str:
    return DASH if math.isnan(size.value) else f"{signed(size.value, 2)} ({interval(size.interval, 2)})"


def _over_animals(test: TTest | None, r: Result) -> str:
    if test is None or math.isnan(test.t):
        return DASH
    info = shown(r.measure)
    sure = interval(test.interval, info.digits, info.factor)
    return f"{signed(info.factor * test.estimate, info.digits, plus=True)} ({sure}), p {p_only(test.p)}"


def as_mapping(r: Result) -> dict[str, object]:
    """Return the same as numbers, for `--json`."""
    p, against = r.paired, r.against.change if r.against is not None else None
    animals = against.animals if against is not None else p.animals
    return {
        "d_z": p.d_z.value,
        "d_z_interval": p.d_z.interval,
        "g_av": p.g_av.value,
        "g_av_interval": p.g_av.interval,
        "paired_t": p.t,
        "paired_df": p.df,
        "paired_p": p.p,
        "sign_flip_p": p.sign_flip.p,
        "wilcoxon_p": p.wilcoxon.p,
        "g_vehicle": against.g.value if against is not None else None,
        "g_vehicle_interval": against.g.interval if against is not None else None,
        "animal_means_estimate": animals.estimate if animals is not None else None,
        "animal_means_interval": animals.interval if animals is not None else None,
        "animal_means_p": animals.p if animals is not None else None,
    }
