"""The figures of the verification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from benchmarks.verification.clamping import ACCESS, passive, two_exponentials
from benchmarks.verification.convergence import AFTER, BEFORE, STEPS, WIDTH
from benchmarks.verification.targets import matching
from drivers.simulated.cell import resting_potential
from tests.simulator_physics import bare
from tests.simulator_physics.properties import BEFORE as LEAD
from tests.simulator_physics.properties import blocked, count, in_apamin, response, spike_times

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.verification.convergence import Error
    from drivers.simulated.cell import Cell
    from tests.simulator_physics.equations import Trace

INK, BLUE, RED, GREY = "#222222", "#1f6fb4", "#c0392b", "#9a9a9a"
FIRING = (150.0, 200.0, 300.0, 400.0, 600.0, 800.0)
"""pA."""
SPREAD = 110.0
"""mV from one trace to the next."""


def _panel(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def burst(cell: Cell, exact: Trace, step: float, path: Path) -> None:
    """Draw the burst by LSODA and by the loop, the first spike at two steps, and the difference behind the step."""
    figure, (whole, spike, after) = plt.subplots(1, 3, figsize=(9.6, 2.9), layout="constrained")
    grid = np.arange(0.0, BEFORE + WIDTH + AFTER - 1, 0.1)
    whole.plot(grid - BEFORE, exact.at(grid), color=INK, lw=0.8)
    _panel(whole, f"{step:.0f} pA for {WIDTH:.0f} ms, LSODA", "ms from the step", "mV")
    last = exact.crossings()[-1]
    near = np.arange(last - 1.2, last + 2.4, 0.01)
    spike.plot(near - last, exact.at(near), color=INK, lw=2.5, alpha=0.3, label="LSODA")
    for dt, colour in ((0.025, BLUE), (0.05, RED)):
        trace = bare.burst(cell, step, dt, before=BEFORE, width=WIDTH, after=AFTER)
        seen = (trace.times > near[0]) & (trace.times < near[-1])
        spike.plot(
            trace.times[seen] - last,
            trace.potential[seen],
            ".-",
            ms=3,
            lw=0.6,
            color=colour,
            label=f"{dt * 1e3:.0f} µs",
        )
        late = np.arange(BEFORE + WIDTH + 60, BEFORE + WIDTH + AFTER - 1, 1.0)
        after.plot(late - BEFORE - WIDTH, (trace.at(late) - exact.at(late)) * 1e3, color=colour, lw=1)
    spike.legend(frameon=False, fontsize=7)
    after.axhline(0, color=GREY, lw=0.6)
    _panel(spike, "the last spike", "ms", "mV")
    _panel(after, "difference from LSODA in the AHP", "ms from the step's end", "µV")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def convergence(loop: list[Error], neuron: list[Error], path: Path) -> None:
    """Draw errors against the step, with the slope of second order."""
    figure, panels = plt.subplots(1, 2, figsize=(7.2, 3.0), layout="constrained")
    sets = {"patchrig": (loop, BLUE, "o")}
    if neuron:
        sets["NEURON, second order"] = ([e for e in neuron if "second" in e.name], INK, "s")
        sets["NEURON, default"] = ([e for e in neuron if "default" in e.name], RED, "^")
    micro = np.array(STEPS) * 1e3
    for axes, what, scale in ((panels[0], "spikes", 1.0), (panels[1], "ahp", 1e3)):
        for name, (errors, colour, mark) in sets.items():
            sizes = [np.abs(getattr(e, what)).max() * scale for e in errors]
            axes.loglog(micro[: len(sizes)], sizes, mark + "-", color=colour, ms=4, lw=1, label=name)
        guide = np.abs(getattr(loop[0], what)).max() * scale * (micro / micro[0]) ** 2
        axes.loglog(micro, guide, ":", color=GREY, lw=1, label="second order")
        axes.set_xticks(micro, [f"{m:g}" for m in micro])
        axes.minorticks_off()
    panels[0].legend(frameon=False, fontsize=7)
    _panel(panels[0], "action potentials, worst", "step, µs", "error of the time, µs")
    _panel(panels[1], "AHP, worst", "step, µs", "error, µV")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def clamp(cell: Cell, path: Path) -> None:
    """Draw the charging current of the passive cell over the analytic one."""
    still, dt, step = passive(cell), 0.025, -5.0
    loop = bare.Bare(still, dt, clamped=True, holding=-70.0)
    command = bare.rectangle(dt, before=1.0, width=60.0, after=0.0, level=loop.level, step=step)
    current = loop.steps(command)["raw_current"][1:] - loop.steady.current
    t = (np.arange(len(current)) + 0.5) * dt - 1.0
    exact = two_exponentials(still, step)
    figure, (whole, difference) = plt.subplots(1, 2, figsize=(7.2, 2.8), layout="constrained")
    whole.plot(t, exact.at(t - dt / 2), color=INK, lw=3, alpha=0.3, label="analytic, two exponentials")
    whole.plot(t, current, color=BLUE, lw=0.9, label="patchrig, 25 µs")
    whole.set_xlim(-1, 30)
    whole.legend(frameon=False, fontsize=7, loc="lower right")
    seen = t > 0.2
    difference.plot(t[seen], (current - exact.at(t - dt / 2))[seen], color=BLUE, lw=0.9)
    difference.axhline(0, color=GREY, lw=0.6)
    taus = " and ".join(f"{tau:.2g} ms" for tau in sorted(exact.taus))
    _panel(whole, f"-5 mV through {ACCESS:.0f} MOhm: {taus}", "ms from the step", "pA")
    _panel(difference, "difference, edge half a step late", "ms from the step", "pA")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _sag(axes: Axes, cell: Cell) -> None:
    """Draw negative steps from rest."""
    rest = resting_potential(cell)
    for step in (-50.0, -100.0, -150.0, -200.0):
        v = response(cell, step, width=600.0, after=300.0, holding=rest)
        axes.plot(np.arange(1, len(v) + 1) * 0.025 - LEAD, v, color=INK, lw=0.8)
    _panel(axes, f"-50 to -200 pA from rest, {rest:.0f} mV", "ms from the step", "mV")


def _burst(cell: Cell, step: float) -> str:
    return f"after {count(cell, step)} action potentials, {step:.0f} pA"


def _apamin(axes: Axes, cell: Cell) -> None:
    """Draw the half second after a burst with and without SK."""
    step = matching(cell, in_apamin(cell))
    for part, colour, name in ((cell, INK, "control"), (in_apamin(cell), BLUE, "100 nM apamin")):
        v = response(part, step, after=500.0)
        axes.plot(np.arange(1, len(v) + 1) * 0.025 - LEAD - 150.0, v - v[:400].mean(), color=colour, lw=0.9, label=name)
    axes.set_xlim(-10, 500)
    axes.set_ylim(-9, 3)
    axes.legend(frameon=False, fontsize=7)
    _panel(
        axes,
        _burst(cell, step),
        "ms from the step's end",
        "mV from the baseline",
    )


def firing(warmth: Mapping[float, Cell], path: Path) -> None:
    """Draw how it fires: traces by current, spikes against current, frequency of each interval against time."""
    cell = next(iter(warmth.values()))
    figure, (traces, counts, rates) = plt.subplots(1, 3, figsize=(10.4, 3.4), layout="constrained")
    for k, step in enumerate(FIRING):
        v = response(cell, step)
        traces.plot(np.arange(1, len(v) + 1) * 0.025 - LEAD, v + SPREAD * k, color=INK, lw=0.6)
    traces.set_yticks([-60 + SPREAD * k for k in range(len(FIRING))], [f"{step:.0f} pA" for step in FIRING])
    traces.plot([185, 185], [-60, -10], color=INK, lw=1.5)
    traces.text(180, -35, "50 mV", fontsize=7, ha="right", va="center")
    for (celsius, warm), colour in zip(warmth.items(), (INK, RED), strict=False):
        currents = np.arange(75.0, 801.0, 25.0)
        counts.plot(
            currents, [count(warm, i) for i in currents], ".-", ms=3, lw=0.8, color=colour, label=f"{celsius:.0f} °C"
        )
    counts.axhspan(2.6, 4.4, color=GREY, alpha=0.25, lw=0)
    counts.set_ylim(0, None)
    for step, colour in ((200.0, BLUE), (300.0, INK), (400.0, RED), (600.0, GREY)):
        times = spike_times(response(cell, step, width=800.0))
        times = times[times < 800.0]
        rates.plot(times[1:], 1e3 / np.diff(times), ".-", ms=4, lw=0.8, color=colour, label=f"{step:.0f} pA")
    rates.set_ylim(0, None)
    for axes in (counts, rates):
        axes.legend(frameon=False, fontsize=7)
    _panel(traces, f"{cell.temperature:.0f} °C, from -60 mV", "ms from the step", "")
    _panel(counts, "in 150 ms; grey: 3 or 4", "pA", "action potentials")
    _panel(rates, "frequency of each interval, steps of 800 ms", "ms from the step", "Hz")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def physiology(cell: Cell, path: Path) -> None:
    """Draw what a physiologist looks at first: bursts, the first spike, sag, the AHP under drugs, a long step."""
    figure, panels = plt.subplots(2, 3, figsize=(10.4, 5.4), layout="constrained")
    (bursts, spike, steps), (ahp, medium, long) = panels
    for step, colour in ((-50.0, GREY), (200.0, BLUE), (300.0, INK), (400.0, RED)):
        v = response(cell, step)
        t = np.arange(1, len(v) + 1) * 0.025 - LEAD
        bursts.plot(t, v, color=colour, lw=0.7, label=f"{step:.0f} pA")
        if step == 300.0:
            peak = int(v[: round((LEAD + 40) / 0.025)].argmax())
            spike.plot((np.arange(-80, 241)) * 0.025, v[peak - 80 : peak + 241], color=INK, lw=1)
    bursts.set_xlim(-25, 235)
    bursts.legend(frameon=False, fontsize=7, loc="upper right")
    alike = matching(cell, blocked(cell))
    for part, colour, name in ((cell, INK, "control"), (blocked(cell), RED, "86 % of L-type blocked")):
        v = response(part, alike, after=5000.0)
        t = (np.arange(1, len(v) + 1) * 0.025 - LEAD) * 1e-3
        ahp.plot(t, v - v[:400].mean(), color=colour, lw=0.9, label=name)
        v = response(part, 250.0, width=800.0)
        long.plot(np.arange(1, len(v) + 1) * 0.025 - LEAD, v + (0 if part is cell else -130), color=colour, lw=0.7)
    _sag(steps, cell)
    _apamin(medium, cell)
    ahp.set_ylim(-9, 3)
    ahp.legend(frameon=False, fontsize=7)
    long.set_yticks([-60, 0, -190, -130], ["-60", "0", "-60", "0"])
    _panel(bursts, f"{cell.temperature:.0f} °C, from -60 mV", "ms from the step", "mV")
    _panel(spike, "first action potential at 300 pA", "ms from the peak", "mV")
    _panel(ahp, _burst(cell, alike), "s from the step", "mV from the baseline")
    _panel(long, "250 pA for 800 ms", "ms from the step", "mV")
    figure.savefig(path, dpi=110)
    plt.close(figure)
