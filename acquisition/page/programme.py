"""The protocol as a list: what is done and what came of it, what is going on, what is still to come."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from config.fit import plan_for
from protocols.describing import describe
from protocols.errors import PatchrigError

if TYPE_CHECKING:
    from config.rig import Rig
    from protocols.plan import Plan
    from protocols.protocol import Protocol
    from protocols.steps import Step
    from protocols.sweeps import LogEntry

RESULTS = frozenset(
    {"membrane_test", "found", "not_found", "bias", "series", "solution", "steady", "question", "skipped"}
)
"""Kinds of log lines that say what came of a step; the last one stands."""
UNWELL = frozenset({"not_found", "skipped"})
NOT_STEADY = " not steady"


@dataclass
class StepState:
    """One step, with what came of it."""

    number: int
    part: str
    verb: str
    text: str
    shortest: float | None
    longest: float | None
    state: str = "to come"
    result: str = ""
    is_well: bool = True
    """Whether the result is what the step was for."""
    began: float | None = None
    ended: float | None = None
    sweeps: int = 0


class Programme:
    """The steps of a protocol with their states, as the log tells them."""

    def __init__(self, protocol: Protocol, rig: Rig) -> None:
        """Nothing has begun."""
        planned = _planned(protocol, rig)
        self._models: dict[tuple[str, int], Step] = {}
        self.steps: list[StepState] = []
        for part, steps in (("step", protocol.steps), ("finish", protocol.finish)):
            for number, step in enumerate(steps, 1):
                times = planned.get((part, number), (None, None))
                self._models[part, number] = step
                self.steps.append(StepState(number, part, step.verb, describe(step, protocol), *times))
        self._now: StepState | None = None

    @property
    def step(self) -> Step | None:
        """The step that is going on."""
        return None if self._now is None else self._models[self._now.part, self._now.number]

    def said(self, entry: LogEntry) -> None:
        """Take note of a line of the log."""
        if entry.kind == "step":
            self._begin(entry)
        elif entry.kind == "end":
            self.end(entry.time)
        elif self._now is not None and entry.kind in RESULTS:
            self._now.result = _result(entry)
            self._now.is_well = entry.kind not in UNWELL and NOT_STEADY not in entry.text

    def swept(self, label: str) -> None:
        """Take note of a sweep."""
        if self._now is not None and label:
            self._now.sweeps += 1

    def end(self, time: float) -> None:
        """Close the list: what was not begun is left out."""
        self._close(time)
        for step in self.steps:
            if step.state == "to come":
                step.state = "left out"

    def told(self) -> list[dict[str, Any]]:
        """Return the list as viewers are told."""
        return [asdict(step) for step in self.steps]

    def _begin(self, entry: LogEntry) -> None:
        part, number = entry.text.split(" ", 1)[0], int(entry.data.get("number", 0))
        self._close(entry.time)
        for step in self.steps:
            if (step.part, step.number) == (part, number):
                step.state, step.began = "now", entry.time
                self._now = step
                return
            if step.state == "to come":
                step.state = "left out"

    def _close(self, time: float) -> None:
        if self._now is not None:
            self._now.state, self._now.ended = "done", time
        self._now = None


def _planned(protocol: Protocol, rig: Rig) -> dict[tuple[str, int], tuple[float, float]]:
    """Return the shortest and longest time of each step, by part and number; nothing if no plan can be made."""
    try:
        plan: Plan = plan_for(protocol, rig)
    except PatchrigError:  # a session of an older version, under stricter rules
        return {}
    return {("step" if s.part == "steps" else "finish", s.index + 1): (s.shortest, s.longest) for s in plan.steps}


def _result(entry: LogEntry) -> str:
    """Return what a line says of its step, without the step's name."""
    name = str(entry.data.get("name", ""))
    text = entry.text.removeprefix(f"{name}: ") if name else entry.text
    return f"steady: {text}" if entry.kind == "steady" and entry.data.get("steady") else text
