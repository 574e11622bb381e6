"""One session on one page: what the cell did, what the drug did, and what else changed meanwhile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from acquisition.analysis.summary import HEADLINE, Phase
from acquisition.figure_story import INK, QUIET, Story, signed, typeset
from acquisition.figure_sweeps import draw_bursts_and_ahp, draw_spikes_and_currents, draw_test_pulses
from acquisition.figure_times import draw_time_courses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from acquisition.session.reader import Session

SIZE = (13.2, 9.0)
LEFT = 0.055


def review_figure(session: Session) -> Figure:
    """Return the review figure of `session`; `figure.savefig('cell.pdf')` writes it (png, svg, pdf).

    Left, what was recorded: a burst in each phase, and below it the mean slow AHP, magnified. Right, its time course
    against the solutions, with what could confound it. Sessions without bursts show what they have.
    """
    from matplotlib.figure import Figure

    story = Story(session)
    figure = Figure(figsize=SIZE, dpi=150, facecolor="white")
    grid = figure.add_gridspec(
        1,
        2,
        width_ratios=(1, 1.15),
        left=LEFT,
        right=0.952 if story.summary.phases else 0.985,
        bottom=0.075,
        top=0.845 if story.summary.changes else 0.885,
        wspace=0.19,
    )
    _headline(figure, story)
    if story.phases:
        draw_bursts_and_ahp(figure, grid[0], story)
    elif story.ranges:
        draw_spikes_and_currents(figure, grid[0], story)
    else:
        draw_test_pulses(figure, grid[0], story)
    draw_time_courses(figure, grid[1], story)
    return figure


def _headline(figure: Figure, story: Story) -> None:
    """Write the result in a sentence, what else changed, and whose it is."""
    session = story.session
    who = (f"cell {session.cell_id}", f"animal {session.subject_id}", f"{session.started:%Y-%m-%d %H:%M}")
    figure.text(0.985, 0.012, "  ·  ".join((*who, session.session_id)), ha="right", va="bottom", size=7, color=QUIET)
    lines = list(_results(story)) or [(_without_comparison(story), INK)]
    text, colour = lines[0]
    figure.text(LEFT, 0.975, text, ha="left", va="top", size=min(13.5, 1370 / len(text)), weight="bold", color=colour)
    others = (*story.summary.rejections[: len(story.summary.phases)], *story.summary.confounds[:1], *_trust(story))
    small = [*lines[1:2], *((typeset(words), QUIET) for words in others[:3])]
    for row, (text, colour) in enumerate(small):
        figure.text(LEFT, 0.940 - 0.0225 * row, text, ha="left", va="top", size=8.5, color=colour)


SHORT = {
    "not_steady": "not steady",
    "step_changed": "step current changed",
    "rs_changed": "access resistance changed",
    "rin_changed": "input resistance changed",
}
"""Flag of a phase in the figure's few words."""


def _trust(story: Story) -> Iterator[str]:
    """Yield whether the cell counts, and what speaks against its phases."""
    if story.outcome.cell is not None and story.summary.phases:
        found = [(p, [SHORT.get(f, f) for f in p.flags]) for p in story.summary.phases]
        against = (f"{p.label}: {', '.join(words)}" for p, words in found if words)
        yield "; ".join((story.outcome.cell.text, *against))


def _results(story: Story) -> Iterator[tuple[str, str]]:
    """Yield the headline measure's change in each later phase, and the phase's colour."""
    for change in story.summary.changes:
        if change.measure != HEADLINE:
            continue
        e, phase = change.effect, next(p for p in story.summary.phases if p.label == change.after)
        low, high = e.percent_interval
        sure = f" (95 % interval {signed(low)} to {signed(high)} %)" if math.isfinite(low) else ""
        yield (
            f"{_name(phase)}: sAHP at 1 s {signed(1e3 * e.mean_before, 2)} → {signed(1e3 * e.mean_after, 2)} mV, "
            f"{signed(e.percent, plus=True)} %{sure}, n = {e.n_before} and {e.n_after} sweeps",
            story.colour(phase.stop),
        )


def _name(phase: Phase) -> str:
    return f"{phase.condition} ({phase.label})"


def _without_comparison(story: Story) -> str:
    if story.summary.phases:
        phase = story.summary.phases[0]
        mean = 1e3 * float(np.mean(phase.values[HEADLINE]))
        return f"{_name(phase)}: sAHP at 1 s {signed(mean, 2)} mV, n = {len(phase.sweeps)} sweeps"
    lines = story.summary.lines()
    return typeset(_sentence(lines[0])) if lines else "Nothing was measured in this session"


def _sentence(text: str) -> str:
    """Return `text` with a capital, unless it begins with the name of a step."""
    return text[0].upper() + text[1:] if text.startswith("no sweep") else text
