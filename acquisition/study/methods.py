"""The methods section, written from the protocol files that stand in the sessions."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from acquisition.study.words import count, listed
from protocols.loading import load_text
from protocols.measures import AFTER_POTENTIAL, BASELINE
from protocols.protocol import Protocol
from protocols.steps import Apply, Find, Series, Step, SwitchTo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from acquisition.study.cell import Cell

MOST_DIFFERENCES = 12
NAMING = frozenset({"protocol", "about", "solutions", "label", "name", "solution", "text", "question"})
"""Parts of a protocol that may name what a cell got."""
TIDY = {"MOhm": "MΩ", "degC": "°C", " .. ": " to ", "..": " to ", "uM": "µM"}


@dataclass(frozen=True)
class Paragraph:
    """A heading and what stands under it."""

    heading: str
    text: str


def recording_methods(cells: Sequence[Cell], *, blind: bool) -> tuple[Paragraph, ...]:
    """Return preparation, recording and acceptance as a paper would say them.

    `cells` are the cells as read, with the text of their protocols; with `blind`, solutions are not named.
    """
    texts = Counter(c.protocol_text for c in cells)
    read = {text: load_text(text, "protocol of a session", Protocol) for text in texts}
    protocols, common = [read[c.protocol_text] for c in cells], read[texts.most_common(1)[0][0]]
    paragraphs = [
        Paragraph("Preparation", " ".join(_preparation(common, cells))),
        Paragraph("Recording", " ".join(_recording(common, cells))),
        Paragraph("Drug application", " ".join(_drug(common, protocols, blind=blind))),
        Paragraph("Acceptance", " ".join(_acceptance(common))),
        Paragraph("Differences between sessions", " ".join(_differences(protocols, blind=blind))),
    ]
    return tuple(Paragraph(p.heading, _tidy(p.text)) for p in paragraphs if p.text)


def _tidy(text: str) -> str:
    for written, printed in TIDY.items():
        text = text.replace(written, printed)
    return text.replace(" -", " −").replace("--", "–")


def _preparation(p: Protocol, cells: Sequence[Cell]) -> Iterator[str]:
    animal, tissue, bath, pipette = (
        p.preparation.subject,
        p.preparation.slice,
        p.preparation.bath,
        p.preparation.internal,
    )
    if all(c.is_simulated for c in cells):
        yield "All cells were simulated; no living cell was recorded."
    elif any(c.is_simulated for c in cells):
        yield f"{count(sum(c.is_simulated for c in cells), 'cell')} of {len(cells)} were simulated."
    plane = f"{tissue.plane} " if tissue.plane else ""
    genotype = f", {animal.genotype}" if animal.genotype else ""
    sex = "" if animal.sex in ("other", "unknown") else f"{animal.sex} "
    yield (
        f"Whole-cell recordings were made from {tissue.region} neurons in {plane}slices ({tissue.thickness}) of {sex}"
        f"{animal.strain} animals ({animal.species}{genotype}; {animal.age})."
    )
    if tissue.preparation:
        yield f"Slices were {tissue.preparation}."
    known = [c.temperature for c in cells if math.isfinite(c.temperature)]
    measured = f" (measured: {min(known):.1f} .. {max(known):.1f} °C, means of the cells)" if known else ""
    yield f"The bath held, in mM, {bath.composition}, gassed with {bath.gas}, at {bath.temperature}{measured}."
    junction = pipette.junction_potential
    said = "was not stated" if junction is None else f"({junction}) was not corrected for"
    yield f"Pipettes held, in mM, {pipette.composition}. The liquid junction potential {said}."


def _recording(p: Protocol, cells: Sequence[Cell]) -> Iterator[str]:
    corners = sorted({c.filtering.removeprefix("low-pass ") for c in cells if c.filtering}) or [p.record.low_pass.text]
    yield f"Signals were low-pass filtered at {listed(corners)} and sampled at {p.record.sampling}."
    series = next((s for s in p.steps if isinstance(s, Series)), None)
    clamp = next((s for s in p.steps if isinstance(s, SwitchTo) and s.bias_to is not None), None)
    if clamp is not None:
        yield f"In current clamp the cell was brought to {clamp.bias_to} by a bias current of at most {clamp.max_bias}."
    if series is None:
        return
    search = next((s for s in p.steps if isinstance(s, Find) and s.name == series.step), None)
    if search is not None:
        yield (
            f"The current that evoked {search.until_spikes} action potentials in {search.width} was searched for from "
            f"{search.step}."
        )
    spikes = f", {p.target_spikes} action potentials wanted" if p.target_spikes is not None else ""
    current = "this current" if search is not None else f"{series.step}"
    yield (
        f"In every condition {current} was given for {series.width} every {series.every}, with {series.before} "
        f"recorded before and {series.after} after it{spikes}."
    )
    if series.rebias is not None:
        yield f"Between sweeps the bias current was readjusted to hold {series.rebias.to}."
    if series.test_pulse is not None:
        pulse = series.test_pulse
        yield (
            f"Input resistance was followed by a {pulse.current} step of {pulse.width} that began {pulse.before_end} "
            "before the end of every sweep."
        )


def _drug(common: Protocol, protocols: Sequence[Protocol], *, blind: bool) -> Iterator[str]:
    names = [s.solution for s in common.steps if isinstance(s, Apply)]
    series = [s for s in common.steps if isinstance(s, Series)]
    if series and (rule := series[0].until_stable) is not None:
        yield (
            f"The solution was changed when the baseline was steady: over the last {rule.last} accepted sweeps the "
            f"Theil-Sen slope was below {rule.drift_below} and its 95 % interval contained 0"
            f"{_longest(series[0])}."
        )
    if not names:
        yield "The solution was not changed."
    elif blind:
        yield "Test solutions were bath-applied; they are coded in this report."
    else:
        found = dict.fromkeys(text for p in protocols for text in _applied(p))
        yield f"Bath-applied were {listed(list(found))}." if found else "No compound was applied."
    later = next((s for s in series[1:] if s.counted_from == "arrival"), None)
    if later is not None:
        yield "Times count from the solution's arrival in the bath (valve and measured dead time)."
        yield f"Recording went on for at least {later.at_least or later.for_ or later.every} after it."


def _longest(series: Series) -> str:
    return f" (at the latest after {series.at_most})" if series.at_most is not None else ""


def _applied(p: Protocol) -> Iterator[str]:
    """Yield every solution that a protocol applies after the first, in words."""
    control = next(iter(p.solutions), None)
    for name in dict.fromkeys(s.solution for s in p.steps if isinstance(s, Apply)):
        if name == control or name not in p.solutions:
            continue
        c = p.solutions[name].compound
        if c is None:
            yield f"{p.solutions[name].label} (no compound)"
        else:
            yield f"{c.name} {c.concentration}" + (f" in {c.vehicle}" if c.vehicle else "")


def _acceptance(p: Protocol) -> Iterator[str]:
    sweep, cell = p.accept.sweep, p.accept.cell
    wanted = next((f"{s.until_spikes}" for s in p.steps if isinstance(s, Find)), None)
    target = f"{p.target_spikes}" if p.target_spikes is not None else wanted
    counted = f"did not have {target} action potentials in the step, " if target else ""
    yield (
        f"A sweep was left out of means when it {counted}had action potentials after the step, a baseline more than "
        f"{sweep.baseline_within} from the holding potential, an end more than {sweep.end_within} from its baseline, "
        "clipped or missing samples, or when the run or the experimenter rejected it."
    )
    yield (
        f"A cell was accepted with a resting potential {cell.resting_potential}, action potential peak "
        f"{cell.overshoot} and height {cell.spike_height} from the baseline, input resistance {cell.input_resistance}, "
        f"access resistance {cell.access_resistance}, changes of access and input resistance within "
        f"{cell.access_change_within} and {cell.input_change_within}, a drift of the holding current within "
        f"{cell.holding_drift_within}, and at least {cell.baseline_sweeps} accepted baseline sweeps."
    )


def _differences(protocols: Sequence[Protocol], *, blind: bool) -> Iterator[str]:
    """Say in what the protocols of the sessions differ, beside names and solutions."""
    leaves = [dict(_leaves(p, ())) for p in protocols]
    places = dict.fromkeys(place for leaf in leaves for place in leaf)
    found = [place for place in places if len({leaf.get(place, "–") for leaf in leaves}) > 1]
    told = [_difference(p, [leaf.get(p, "–") for leaf in leaves], blind=blind) for p in found if not _tells(p)]
    if told:
        more = f"; and in {count(len(told) - MOST_DIFFERENCES, 'more place')}" if len(told) > MOST_DIFFERENCES else ""
        yield f"Protocols differ in {'; '.join(told[:MOST_DIFFERENCES])}{more}."
    elif found:
        yield "Protocols differ in names and solutions only."


def _tells(place: tuple[str, ...]) -> bool:
    return not NAMING.isdisjoint(place)


def _difference(place: tuple[str, ...], values: Iterable[str], *, blind: bool) -> str:
    """Return 'record.sampling (20 kHz in 5, 10 kHz in 3)'; under codes without values, which could tell groups."""
    where = ".".join(place)
    return (
        where if blind else f"{where} ({', '.join(f'{_short(v)} in {n}' for v, n in sorted(Counter(values).items()))})"
    )


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _leaves(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every value of a protocol with its place in it."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _leaves(getattr(value, name), (*place, name.rstrip("_")))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*place, str(key)))
    elif isinstance(value, tuple):
        for i, inner in enumerate(value):
            verb = [inner.verb] if isinstance(inner, Step) else []
            yield from _leaves(inner, (*place, str(i + 1), *verb))
    else:
        yield place, str(value)


def windows_of(measure: str) -> str:
    """Return '950 to 1050 ms after the step', for the measures that have a fixed window."""
    if measure not in AFTER_POTENTIAL:
        return ""
    start, stop = AFTER_POTENTIAL[measure]
    return f"{1e3 * start:g} to {1e3 * stop:g} ms after the step's end"


def baseline_window() -> str:
    """Return where the baseline is measured."""
    return f"{-1e3 * BASELINE[0]:g} to {-1e3 * BASELINE[1]:g} ms before the step"
