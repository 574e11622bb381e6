"""One session on one page: what the cell did, what the drug did, and what else changed meanwhile."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.analysis.sahp import AROUND, BASELINE
from acquisition.analysis.summary import HEADLINE, LAST, Phase, Summary, SweepNumbers, gather, summarise
from protocols.sweeps import ClampMode
from protocols.waveforms import samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec
    from numpy.typing import NDArray

    from acquisition.session.reader import Session
    from protocols.sweeps import RecordedSweep

    Numbers = NDArray[np.float64]

SIZE = (13.2, 7.8)
LEFT = 0.055
INK, QUIET, FAINT = "#222222", "#767676", "#D9D9D9"
CONTROL, FIRST = "#4D4D4D", "#9A9A9A"
LATER = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito (2008): told apart by people with any colour vision."""
BURST = (-0.03, 0.27)
"""Seconds from the step's start, panel a."""
MAGNIFIED = (-0.60, 5.6)
"""Seconds from the step's end, panel b."""
COARSE = 2e-3
"""Panel b shows means over this; nothing in it is faster."""


def review_figure(session: Session) -> Figure:
    """Return the review figure of `session`; `figure.savefig('cell.pdf')` writes it (png, svg, pdf).

    Left, what was recorded: a burst in each phase, and below it the mean slow AHP, magnified. Right, its time course
    against the solutions, with what could confound it. Sessions without bursts show what they have.
    """
    from matplotlib.figure import Figure

    story = _Story(session)
    figure = Figure(figsize=SIZE, dpi=150, facecolor="white")
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1, 1.15), left=LEFT, right=0.985, bottom=0.085, top=0.84, wspace=0.19
    )
    _headline(figure, story)
    if story.summary.phases:
        _bursts_and_ahp(figure, grid[0], story)
    elif story.ranges:
        _spikes_and_currents(figure, grid[0], story)
    else:
        _test_pulses(figure, grid[0], story)
    _time_courses(figure, grid[1], story)
    return figure


# --- what there is to tell --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Epoch:
    """A solution, from its valve to the arrival of the next; minutes of the figure's axis."""

    label: str
    switched: float
    arrives: float
    ends: float
    colour: str


class _Story:
    """What the panels have in common, read once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.numbers = gather(session.sweeps, session.measurements, session.rejected)
        self.summary: Summary = summarise(self.numbers)
        self._switches = _switches(session)
        drug = self._switches[1] if len(self._switches) > 1 else None
        self._zero = drug[2] if drug else 0.0
        self.time_label = f"time from arrival of {drug[0]} (min)" if drug else "time (min)"
        self.has_arrival = drug is not None

    def minutes(self, seconds: Any) -> Any:
        """Return session time on the figure's axis."""
        return (np.asarray(seconds, float) - self._zero) / 60

    @cached_property
    def end(self) -> float:
        """End of the last sweep, s."""
        ends = [s.start + s.n_samples / s.rate for s in self.session.sweeps]
        return max([*ends, *(switched for _, switched, _ in self._switches)], default=1.0)

    @cached_property
    def epochs(self) -> tuple[_Epoch, ...]:
        """The solutions in order."""
        ends = [arrives for _, _, arrives in self._switches[1:]] + [self.end]
        out = []
        for i, ((label, *times), end) in enumerate(zip(self._switches, ends, strict=True)):
            switched, arrives, ended = (float(self.minutes(t)) for t in (*times, end))
            out.append(_Epoch(label, switched, arrives, ended, _colour(i)))
        return tuple(out)

    def colour(self, seconds: float) -> str:
        """Return the colour of the solution in the bath at a session time."""
        here = [i for i, (_, _, arrives) in enumerate(self._switches) if arrives <= seconds]
        return _colour(here[-1] if here else 0)

    @cached_property
    def ranges(self) -> tuple[SweepNumbers, ...]:
        """Sweeps of series over a range of currents."""
        steps: dict[int, set[float]] = defaultdict(set)
        for s in self.numbers:
            steps[s.run] |= {m.value for m in s.measurements if m.name == "I_step" and s.kind == "series"}
        return tuple(s for s in self.numbers if len(steps[s.run]) > 1)

    def values(self, name: str, mode: ClampMode | None = None) -> tuple[Numbers, Numbers]:
        """Return minutes and SI values of a measure, finite ones, of sweeps in `mode` (any by default)."""
        modes = {s.index: s.mode for s in self.session.sweeps}
        found = [
            (m.time, m.value)
            for m in self.session.measurements
            if m.name == name and math.isfinite(m.value) and mode in (None, modes.get(m.sweep))
        ]
        times, values = np.array(found, float).reshape(-1, 2).T
        return self.minutes(times), values


def _switches(session: Session) -> list[tuple[str, float, float]]:
    """Return label, switch and arrival (s) of each solution; one that was already flowing is not a switch."""
    out: list[tuple[str, float, float]] = []
    for entry in session.log:
        if entry.kind == "solution":
            label = str(entry.data.get("label", entry.text))
            if not out or out[-1][0] != label:
                switched = float(entry.data.get("switched", entry.time))
                out.append((label, switched, float(entry.data.get("arrives", switched))))
    return out


def _colour(place: int) -> str:
    return CONTROL if place == 0 else LATER[(place - 1) % len(LATER)]


# --- words ------------------------------------------------------------------------------------------------------------


def _headline(figure: Figure, story: _Story) -> None:
    """Write the result in a sentence, what else changed, and whose it is."""
    session = story.session
    who = (f"cell {session.cell_id}", f"animal {session.subject_id}", f"{session.started:%Y-%m-%d %H:%M}")
    figure.text(0.985, 0.012, "  ·  ".join((*who, session.session_id)), ha="right", va="bottom", size=7, color=QUIET)
    lines = list(_results(story)) or [(_without_comparison(story), INK)]
    text, colour = lines[0]
    figure.text(LEFT, 0.975, text, ha="left", va="top", size=min(13.5, 1370 / len(text)), weight="bold", color=colour)
    confounds = [c.replace(" -", " \u2212") for c in story.summary.confounds]
    small = [*lines[1:2], *((text, QUIET) for text in confounds[:1])]
    for row, (text, colour) in enumerate(small):
        figure.text(LEFT, 0.934 - 0.026 * row, text, ha="left", va="top", size=8.5, color=colour)


def _results(story: _Story) -> Iterator[tuple[str, str]]:
    """Yield the headline measure's change in each later phase, and the phase's colour."""
    for change in story.summary.changes:
        if change.measure != HEADLINE:
            continue
        e, phase = change.effect, next(p for p in story.summary.phases if p.label == change.after)
        low, high = e.percent_interval
        sure = f" (95 % interval {_signed(low)} to {_signed(high)} %)" if math.isfinite(low) else ""
        yield (
            f"{_name(phase)}: sAHP at 1 s {_signed(1e3 * e.mean_before, 2)} → {_signed(1e3 * e.mean_after, 2)} mV, "
            f"{_signed(e.percent, plus=True)} %{sure}, n = {e.n_before} and {e.n_after} sweeps",
            story.colour(phase.stop),
        )


def _name(phase: Phase) -> str:
    return f"{phase.condition} ({phase.label})"


def _without_comparison(story: _Story) -> str:
    if story.summary.phases:
        phase = story.summary.phases[0]
        mean = 1e3 * float(np.mean(phase.values[HEADLINE]))
        return f"{_name(phase)}: sAHP at 1 s {_signed(mean, 2)} mV, n = {len(phase.sweeps)} sweeps"
    if story.ranges:
        return "Action potentials against step current"
    return "Membrane test" if len(story.values("Rs")[0]) else "Nothing was measured in this session"


def _signed(value: float, digits: int = 0, *, plus: bool = False) -> str:
    """Return a number with a true minus sign."""
    return f"{value:{'+' if plus else ''}.{digits}f}".replace("-", "\u2212")


# --- left: what was recorded ------------------------------------------------------------------------------------------


def _bursts_and_ahp(figure: Figure, cell: SubplotSpec, story: _Story) -> None:
    """Draw panel a, a typical burst of each phase, and panel b, the mean AHP of each phase."""
    rows = cell.subgridspec(2, 1, height_ratios=(1, 1.45), hspace=0.30)
    phases = story.summary.phases[:4]
    bursts = rows[0].subgridspec(2, len(phases), height_ratios=(5, 1), hspace=0.08, wspace=0.08)
    tops: list[Axes] = []
    for column, phase in enumerate(phases):
        top = figure.add_subplot(bursts[0, column], sharey=tops[0] if tops else None)
        below = figure.add_subplot(bursts[1, column], sharex=top)
        _burst(top, below, story, phase, is_first=column == 0)
        tops.append(top)
    _letter(tops[0], "a")
    _magnified(figure.add_subplot(rows[1]), story, phases)


def _burst(top: Axes, below: Axes, story: _Story, phase: Phase, *, is_first: bool) -> None:
    """Draw the sweep of a phase whose sAHP is nearest to the phase's mean, with its command."""
    values = np.array(phase.values[HEADLINE])
    sweep = story.session.sweep(phase.sweeps[int(np.argmin(np.abs(values - values.mean())))])
    step = sweep.command.of("step")[0]
    first = max(step.start + samples(BURST[0], sweep.rate), 0)
    v = 1e3 * sweep.primary[first : step.start + samples(BURST[1], sweep.rate)]
    t = 1e3 * (np.arange(first, first + len(v)) - step.start) / sweep.rate
    colour = story.colour(phase.stop)
    top.plot(t, v, color=colour, lw=0.9)
    minute = _signed(float(story.minutes(sweep.header.start)))
    top.set_title(f"{phase.label}, {minute} min", size=9, color=colour, loc="left")
    below.plot(t, 1e12 * sweep.command.values(first, len(v)), color=INK, lw=0.9, drawstyle="steps-post")
    below.text(1e3 * (step.stop - step.start) / sweep.rate + 6, 1e12 * (sweep.header.holding + step.amplitude),
               f"{_signed(1e12 * step.amplitude, plus=True)} pA", size=7, color=QUIET, va="center")  # fmt: skip
    below.margins(y=0.25)
    _tidy(top, keep=("left",) if is_first else ())
    _tidy(below, keep=("bottom",))
    below.set_yticks([])
    if is_first:
        top.set_ylabel("membrane potential (mV)")
        below.set_xlabel("time from step (ms)", loc="left")


def _magnified(axes: Axes, story: _Story, phases: Sequence[Phase]) -> None:
    """Draw the mean sweep of each phase around the holding potential, with the windows of the measure."""
    lowest, rest = math.inf, float(np.mean(phases[0].values["V_b"])) * 1e3
    width = 0.0
    for number, phase in enumerate(phases):
        t, mean, sem, width = _mean_sweep(story.session, phase)
        is_first = number == 0
        colour = FIRST if is_first else story.colour(phase.stop)
        name = f"{phase.label}: {phase.condition}, mean of {len(phase.sweeps)}"
        axes.fill_between(t, mean - sem, mean + sem, color=colour, alpha=0.22, lw=0)
        axes.plot(t, mean, color=colour, lw=2.4 if is_first else 1.3, label=name, zorder=2 if is_first else 3)
        lowest = min(lowest, float(np.nanmin(mean[t > 0.01], initial=rest)))
    depth = max(rest - lowest, 0.5)
    axes.set_ylim(lowest - 0.10 * depth, rest + 0.45 * depth)
    axes.set_xlim(MAGNIFIED[0], t[-1])
    axes.axhline(rest, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=1)
    axes.annotate(f"{_signed(rest, 1)}", (t[-1], rest), (4, 0), textcoords="offset points", va="center", size=7.5,
                  color=QUIET)  # fmt: skip
    _window(axes, "baseline", BASELINE[0] - width, BASELINE[1] - width)
    _window(axes, "sAHP", 1 - AROUND, 1 + AROUND)
    axes.plot((-width, 0), (0.03, 0.03), transform=axes.get_xaxis_transform(), color=INK, lw=3, solid_capstyle="butt")
    axes.legend(loc="lower right", frameon=False, fontsize=8, labelcolor="linecolor", handlelength=1.2)
    axes.set_xlabel("time from end of step (s)")
    axes.set_ylabel("membrane potential (mV)")
    _tidy(axes)
    _letter(axes, "b")


def _mean_sweep(session: Session, phase: Phase) -> tuple[Numbers, Numbers, Numbers, float]:
    """Return time from the step's end (s), mean and standard error (mV) over a phase, and the step's width (s)."""
    traces: list[Numbers] = []
    t, width = np.array([]), 0.0
    for sweep in (session.sweep(i) for i in phase.sweeps):
        step, block = sweep.command.of("step")[0], samples(COARSE, sweep.rate)
        tests = [p.start for p in sweep.command.of("test_pulse") if p.start > step.stop]
        first = max(step.stop + samples(MAGNIFIED[0], sweep.rate), 0)
        stop = min([step.stop + samples(MAGNIFIED[1], sweep.rate), len(sweep.stored["primary"]), *tests])
        count = (stop - first) // block
        v = 1e3 * sweep.primary[first : first + count * block]
        traces.append(v.reshape(count, block).mean(axis=1))
        t = (first - step.stop + block * (np.arange(count) + 0.5)) / sweep.rate
        width = (step.stop - step.start) / sweep.rate
    shortest = min(len(v) for v in traces)
    together = np.array([v[:shortest] for v in traces])
    sem = together.std(axis=0, ddof=1) / math.sqrt(len(traces)) if len(traces) > 1 else np.zeros(shortest)
    return t[:shortest], together.mean(axis=0), sem, width


def _window(axes: Axes, name: str, start: float, stop: float) -> None:
    axes.axvspan(start, stop, color=FAINT, alpha=0.55, lw=0, zorder=0)
    axes.text(0.5 * (start + stop), 1.0, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom",
              size=7.5, color=QUIET)  # fmt: skip


def _spikes_and_currents(figure: Figure, cell: SubplotSpec, story: _Story) -> None:
    """Draw example sweeps of a series over a range of currents, and spikes against current."""
    from matplotlib import colormaps

    rows = cell.subgridspec(2, 1, hspace=0.32)
    top, below = figure.add_subplot(rows[0]), figure.add_subplot(rows[1])
    by_step = {_value(s, "I_step"): s for s in story.ranges}
    steps = sorted(by_step)
    chosen = [steps[i] for i in np.unique(np.linspace(0, len(steps) - 1, 5).round().astype(int))]
    for place, amplitude in enumerate(chosen):
        sweep = story.session.sweep(by_step[amplitude].index)
        start = sweep.command.of("step")[0].start
        shade = colormaps["viridis"](0.9 * (1 - place / max(len(chosen) - 1, 1)))
        label = f"{1e12 * amplitude:.0f} pA"
        top.plot(1e3 * (sweep.time - start / sweep.rate), 1e3 * sweep.primary, color=shade, lw=0.8, label=label)
    step = sweep.command.of("step")[0]
    top.set_xlim(-50, 1e3 * (step.stop - step.start) / sweep.rate + 100)
    top.legend(loc="upper right", frameon=False, fontsize=8, labelcolor="linecolor", handlelength=1.2)
    top.set(xlabel="time from step (ms)", ylabel="membrane potential (mV)")
    for condition in dict.fromkeys(s.condition for s in story.ranges):
        here = [s for s in story.ranges if s.condition == condition]
        x, y = np.array([(1e12 * _value(s, "I_step"), _value(s, "n_ap")) for s in here]).T
        colour, levels = story.colour(here[-1].start), np.unique(x)
        below.plot(x, y, "o", ms=4, mfc="white", mec=colour, mew=0.9, alpha=0.8)
        below.plot(levels, [np.nanmean(y[x == level]) for level in levels], color=colour, lw=1.6, label=condition)
    below.legend(loc="upper left", frameon=False, fontsize=8, labelcolor="linecolor", handlelength=1.2)
    below.set(xlabel="step current (pA)", ylabel="action potentials", ylim=(-0.3, None))
    for axes, letter in ((top, "a"), (below, "b")):
        _tidy(axes)
        _letter(axes, letter)


def _value(numbers: SweepNumbers, name: str) -> float:
    return next((m.value for m in numbers.measurements if m.name == name), math.nan)


def _test_pulses(figure: Figure, cell: SubplotSpec, story: _Story) -> None:
    """Draw the mean current of the first and the last voltage-clamp sweep around its test pulses."""
    axes = figure.add_subplot(cell)
    pulsed = {m.sweep for m in story.session.measurements if m.name == "Rs"}
    held = [s for s in story.session.sweeps if s.mode is ClampMode.VOLTAGE and s.index in pulsed]
    for info, colour in zip(dict.fromkeys((held[0], held[-1])) if held else (), (CONTROL, LATER[0]), strict=False):
        t, current = _mean_pulse(story.session.sweep(info.index))
        axes.plot(1e3 * t, current, color=colour, lw=1.2, label=f"{info.label}, {info.start / 60:.0f} min")
    axes.set(xlabel="time from test pulse (ms)", ylabel="current (pA)")
    if held:
        axes.legend(loc="lower right", frameon=False, fontsize=8, labelcolor="linecolor", handlelength=1.2)
    _tidy(axes)
    _letter(axes, "a")


def _mean_pulse(sweep: RecordedSweep) -> tuple[Numbers, Numbers]:
    """Return time from the pulse's onset (s) and the mean current around the complete pulses, pA."""
    pulses, current = sweep.command.of("test_pulse"), sweep.stored["primary"]
    width = pulses[0].stop - pulses[0].start
    first, stop = width // 5, width + width // 2
    whole = [p.start for p in pulses if p.start >= first and p.start + stop <= len(current)]
    mean = np.mean([current[s - first : s + stop].astype(float) for s in whole], axis=0)
    return np.arange(-first, stop) / sweep.rate, mean


# --- right: time courses ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Strip:
    """One of the small panels: a few measures on one scale."""

    label: str
    factor: float
    span: float
    """Least height of the scale: noise should look like noise."""
    measures: tuple[tuple[str, ClampMode | None], ...]


STRIPS = (
    _Strip("spikes", 1.0, 4.0, (("n_ap", ClampMode.CURRENT),)),
    _Strip("baseline\n(mV)", 1e3, 4.0, (("V_b", ClampMode.CURRENT),)),
    _Strip("bias\n(pA)", 1e12, 60.0, (("I_hold", ClampMode.CURRENT),)),
    _Strip("holding\n(pA)", 1e12, 60.0, (("I_hold", ClampMode.VOLTAGE),)),
    _Strip("R$_{in}$\n(MΩ)", 1e-6, 40.0, (("Rin", ClampMode.CURRENT), ("Rm", ClampMode.VOLTAGE))),
    _Strip("R$_{s}$\n(MΩ)", 1e-6, 10.0, (("Rs", ClampMode.CURRENT), ("Rs", ClampMode.VOLTAGE))),
)


def _time_courses(figure: Figure, cell: SubplotSpec, story: _Story) -> None:
    """Draw panel c, the slow AHP against time, and panel d, what could confound it, on one time axis."""
    strips = [s for s in STRIPS if any(len(story.values(*m)[0]) for m in s.measures)]
    if story.summary.phases:
        strips = [s for s in strips if not s.label.startswith("holding")]
    times, bath = story.session.temperatures
    has_ahp = any(_value(s, HEADLINE) == _value(s, HEADLINE) for s in _bursts(story))
    heights = [0.42, *([3.4] if has_ahp else []), *[0.85] * len(strips), *([0.85] if len(times) else [])]
    grid = cell.subgridspec(len(heights), 1, height_ratios=heights, hspace=0.16)
    bars = figure.add_subplot(grid[0])
    panels = [figure.add_subplot(grid[i], sharex=bars) for i in range(1, len(heights))]
    _solutions(bars, story)
    rest = iter(panels)
    if has_ahp:
        _course(next(rest), story)
    for strip in strips:
        _strip(next(rest), story, strip)
    if len(times):
        _bath(next(rest), story.minutes(times), bath)
    for axes in panels:
        _shade(axes, story.epochs)
        _tidy(axes)
        axes.tick_params(labelbottom=axes is panels[-1])
        axes.yaxis.set_label_coords(-0.062, 0.5)
    if panels:
        panels[-1].set_xlabel(story.time_label)
        _letter(panels[1 if has_ahp and len(panels) > 1 else 0], "d" if has_ahp else "c", up=-4.0)


def _bursts(story: _Story) -> list[SweepNumbers]:
    ranges = {s.index for s in story.ranges}
    return [s for s in story.numbers if s.kind == "series" and s.index not in ranges]


def _solutions(axes: Axes, story: _Story) -> None:
    """Draw a bar per solution: hatched on its way, solid in the bath."""
    axes.set(xlim=(float(story.minutes(0.0)), float(story.minutes(story.end))), ylim=(0, 1))
    for e in story.epochs:
        axes.broken_barh([(e.arrives, e.ends - e.arrives)], (0, 0.85), facecolor=e.colour, lw=0)
        axes.text(0.5 * (e.arrives + e.ends), 0.4, e.label, ha="center", va="center", size=8, color="white",
                  weight="bold", clip_on=True)  # fmt: skip
        if e.arrives > e.switched:
            axes.broken_barh([(e.switched, e.arrives - e.switched)], (0, 0.85), facecolor="white",
                             edgecolor=e.colour, hatch="///////", lw=0.5)  # fmt: skip
    axes.axis("off")


def _course(axes: Axes, story: _Story) -> None:
    """Draw the slow AHP of every sweep, those left out hollow, and the phases' means."""
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=3, foreground="white")]
    for s in _bursts(story):
        value, colour = 1e3 * _value(s, HEADLINE), story.colour(s.start)
        axes.plot(story.minutes(s.start), value, "o", ms=5, mec=colour, mew=0.9,
                  mfc=colour if s.is_accepted else "white", zorder=3)  # fmt: skip
    for phase in story.summary.phases:
        mean = 1e3 * float(np.mean(phase.values[HEADLINE]))
        first, last = story.minutes(phase.start), story.minutes(phase.stop)
        axes.plot((first, last), (mean, mean), color=INK, lw=2.2, zorder=4, solid_capstyle="butt")
        axes.annotate(f"{_signed(mean, 2)} mV", (0.5 * (first + last), mean), (0, 12), textcoords="offset points",
                      ha="center", size=9, color=INK, weight="bold", zorder=5, path_effects=halo)  # fmt: skip
    axes.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)))
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.5), max(high, 0.25))
    if any(not s.is_accepted for s in _bursts(story)):
        axes.plot([], [], "o", ms=5, mfc="white", mec=QUIET, label="left out of means")
    axes.plot([], [], color=INK, lw=2.2, label=f"mean of the last {LAST} accepted sweeps")
    axes.legend(loc="lower right", frameon=False, fontsize=7.5, labelcolor=QUIET, ncols=2, borderaxespad=0.1)
    axes.set_ylabel("sAHP at 1 s (mV)")
    _letter(axes, "c")


def _strip(axes: Axes, story: _Story, strip: _Strip) -> None:
    """Draw one small panel: current clamp as discs, voltage clamp as triangles."""
    shown = []
    for name, mode in strip.measures:
        t, values = story.values(name, mode)
        marker, size = ("^", 2.6) if mode is ClampMode.VOLTAGE else ("o", 2.6)
        axes.plot(t, strip.factor * values, marker, ms=size, color=QUIET if marker == "^" else INK, mew=0, zorder=3)
        shown.append(strip.factor * values)
    both = all(len(v) for v in shown) and len(shown) > 1
    if both:
        axes.text(0.995, 0.98, "▲ voltage clamp   ● current clamp", transform=axes.transAxes, ha="right", va="top",
                  size=6.5, color=QUIET)  # fmt: skip
    _scale(axes, np.concatenate(shown), strip.span)
    axes.set_ylabel(strip.label)


def _bath(axes: Axes, t: Numbers, celsius: Numbers) -> None:
    axes.plot(t, celsius, color=INK, lw=0.9)
    _scale(axes, celsius, 2.0)
    axes.set_ylabel("bath\n(°C)")


def _scale(axes: Axes, values: Numbers, span: float) -> None:
    """Show the middle 96 % of the values, on a scale of at least `span`."""
    from matplotlib.ticker import MaxNLocator

    low, high = np.percentile(values, (2, 98))
    middle, half = 0.5 * (low + high), 0.5 * max(1.3 * (high - low), span)
    axes.set_ylim(middle - half, middle + half)
    axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10], integer=span >= 4))


def _shade(axes: Axes, epochs: tuple[_Epoch, ...]) -> None:
    """Tint the time of each solution after the first."""
    for e in epochs[1:]:
        axes.axvspan(e.arrives, e.ends, color=e.colour, alpha=0.06, lw=0, zorder=0)


# --- manners ----------------------------------------------------------------------------------------------------------


def _tidy(axes: Axes, keep: tuple[str, ...] = ("left", "bottom")) -> None:
    """Leave only the axes that carry a scale."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
        spine.set_linewidth(0.7)
        spine.set_color(INK)
    axes.tick_params(length=3, width=0.7, labelsize=8, color=INK, labelcolor=INK)
    left, bottom = "left" in keep, "bottom" in keep
    axes.tick_params(left=left, labelleft=left, bottom=bottom, labelbottom=bottom)
    axes.xaxis.label.set(size=9, color=INK)
    axes.yaxis.label.set(size=9, color=INK)


def _letter(axes: Axes, letter: str, *, up: float = 6.0) -> None:
    axes.annotate(letter, (0, 1), (-38, up), xycoords="axes fraction", textcoords="offset points", size=13,
                  weight="bold", color=INK, va="bottom")  # fmt: skip
