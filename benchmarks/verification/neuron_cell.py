"""The cell in NEURON: our own NMODL, every parameter read from the suite's cell, compiled into a folder given."""

from __future__ import annotations

import importlib.util
import math
import shutil
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.simulated.cell import steady_state
from tests.simulator_physics.equations import Trace

if TYPE_CHECKING:
    from drivers.simulated.cell import Cell, SteadyState

MECHANISMS = Path(__file__).parent / "mod"
SOMA_STATES = "mhnabwcpr"
"""Names of the soma's gates in NMODL, in the order of `rates.GATES`."""


def missing() -> str | None:
    """Return what is needed and not there, in words; None if NEURON can be used."""
    if importlib.util.find_spec("neuron") is None:
        return "NEURON is not installed: pip install 'patchrig[verify]'"
    if compiler() is None:
        return "nrnivmodl is not found: it comes with pip install 'patchrig[verify]'"
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        return "NEURON needs a C++ compiler for its mechanisms, and there is none"
    return None


def compiler() -> str | None:
    """Return where nrnivmodl is: beside this Python, or on the path."""
    beside = Path(sys.executable).with_name("nrnivmodl")
    return str(beside) if beside.exists() else shutil.which("nrnivmodl")


def compile_into(folder: Path) -> None:
    """Compile the mechanisms in `folder` and load them into NEURON, which must happen once a process."""
    done = subprocess.run([str(compiler()), str(MECHANISMS)], check=False, cwd=folder, capture_output=True, text=True)
    built = [p for p in folder.rglob("*nrnmech*") if p.suffix in {".so", ".dylib"}]
    if done.returncode or not built:
        raise RuntimeError(f"nrnivmodl failed:\n{done.stdout}\n{done.stderr}")
    from neuron import h

    h.nrn_load_dll(str(built[0]))
    h.load_file("stdrun.hoc")


@dataclass(frozen=True)
class Method:
    """How NEURON integrates."""

    dt: float = 0.025
    """ms, for fixed steps."""
    order: int = 2
    """h.secondorder: 2 is Crank-Nicolson, 0 (NEURON's default) backward Euler."""
    tolerance: float | None = None
    """Of the variable step method, absolute and relative; None for fixed steps."""


class NeuronCell:
    """One cell, two sections, all channels in two point processes."""

    def __init__(self, cell: Cell) -> None:
        """Build it."""
        from neuron import h

        self.h, self.cell = h, cell
        self.soma, self.dendrite = h.Section(name="soma"), h.Section(name="dendrite")
        self.dendrite.connect(self.soma(1))
        self._shape()
        self.channels = h.RigSoma(self.soma(0.5)), h.RigDendrite(self.dendrite(0.5))
        for field in fields(cell):
            for mechanism in self.channels:
                if hasattr(mechanism, field.name):
                    setattr(mechanism, field.name, getattr(cell, field.name))
        self.parts: list[Any] = []

    def _shape(self) -> None:
        """Give the sections their capacitance, and the path between their middles the coupling's resistance."""
        soma, dendrite, cell = self.soma, self.dendrite, self.cell
        soma.L = soma.diam = math.sqrt(cell.capacitance_soma * 100 / math.pi)  # um, at 1 uF/cm2
        dendrite.diam, dendrite.L = 2.0, cell.capacitance_dendrite * 100 / (math.pi * 2.0)
        soma.cm = dendrite.cm = 1.0
        soma.Ra = 1e-4
        in_soma = 0.01 * soma.Ra * (soma.L / 2) / (math.pi * (soma.diam / 2) ** 2)
        dendrite.Ra = (1e3 / cell.coupling - in_soma) * math.pi * (dendrite.diam / 2) ** 2 / (0.01 * dendrite.L / 2)

    def inject(self, start: float, width: float, picoamperes: float) -> None:
        """Add a rectangular current into the soma, ms."""
        clamp = self.h.IClamp(self.soma(0.5))
        clamp.delay, clamp.dur, clamp.amp = start, width, picoamperes * 1e-3
        self.parts.append(clamp)

    def clamp(self, levels: list[tuple[float, float]], access: float) -> Any:
        """Hold the soma through `access` MOhm at (ms, mV) after (ms, mV), up to three; return NEURON's SEClamp."""
        clamp = self.h.SEClamp(self.soma(0.5))
        clamp.rs = access
        for k, (width, level) in enumerate(levels, 1):
            setattr(clamp, f"dur{k}", width)
            setattr(clamp, f"amp{k}", level)
        self.parts.append(clamp)
        return clamp

    def play(self, steady: SteadyState, until: float, method: Method, stops: tuple[float, ...] = ()) -> Trace:
        """Run from `steady` until `until` ms; a variable step does not go beyond any of `stops`."""
        h = self.h
        h.secondorder = method.order
        h.cvode.active(method.tolerance is not None)
        if method.tolerance is None:
            h.dt = method.dt
        else:
            h.cvode.atol(method.tolerance)
            h.cvode.rtol(method.tolerance)
        times, potential = h.Vector().record(h._ref_t), h.Vector().record(self.soma(0.5)._ref_v)
        self._start(steady, variable=method.tolerance is not None)
        if method.tolerance is None:
            network = h.ParallelContext()  # its loop is NEURON's own: no Python between the steps
            network.set_maxstep(10)
            network.psolve(until)
        else:
            for stop in (*stops, until):
                h.cvode.solve(stop)
        t, v = np.array(times), np.array(potential)
        forward = np.concatenate([[True], np.diff(t) > 0])
        return Trace(t[forward], v[forward])

    def _start(self, steady: SteadyState, *, variable: bool) -> None:
        h, (soma, dendrite) = self.h, self.channels
        self.soma(0.5).v, self.dendrite(0.5).v = steady.soma, steady.dendrite
        h.finitialize()
        self.soma(0.5).v, self.dendrite(0.5).v = steady.soma, steady.dendrite
        for name, value in zip(SOMA_STATES, steady.gates, strict=False):
            setattr(soma, name, value)
        dendrite.l = steady.gates[-1]
        soma.ca, soma.s, soma.z, soma.q = steady.calcium, steady.sensor, steady.sk, steady.ahp
        h.fcurrent()
        if variable:
            h.cvode.re_init()
        h.frecord_init()


def burst(cell: Cell, step: float, *, before: float, width: float, after: float, method: Method) -> Trace:
    """Return NEURON's answer to what `equations.solved` is asked."""
    steady, until = steady_state(cell, -60.0), before + width + after
    neuron = NeuronCell(cell)
    neuron.inject(0.0, 1e9, steady.current)
    neuron.inject(before, width, step)
    return neuron.play(steady, until, method, (before, before + width))
