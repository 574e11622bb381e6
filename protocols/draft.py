"""A protocol file as far as it makes sense: what the linter looks at when parts of the file are still wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from protocols.model import Model
from protocols.parts import Require, StopWhen
from protocols.protocol import Bath, Measure, Record
from protocols.steps import VERBS, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from protocols.marks import Path

M = TypeVar("M", bound=Model)

UNREADABLE = ""
"""Verb of a step that has none of ours: it may have been meant as any."""


@dataclass(frozen=True)
class DraftStep:
    """One step, and its model if it has no mistakes of its own."""

    path: Path
    """With the verb: ('steps', 3, 'series')."""
    verb: str
    raw: dict[str, Any]
    step: Step | None

    def key(self, *names: str) -> Path:
        """Return the path of a key inside the step."""
        return (*self.path, *names)


@dataclass(frozen=True)
class DraftGate:
    """One 'require' or one item of 'stop_when'."""

    path: Path
    raw: dict[str, Any]
    gate: Require | StopWhen | None


@dataclass(frozen=True)
class Draft:
    """All of a protocol that could be read."""

    raw: dict[str, Any]
    steps: tuple[DraftStep, ...]
    finish: tuple[DraftStep, ...]
    stop_when: tuple[DraftGate, ...]
    record: Record | None
    bath: Bath | None
    measures: dict[str, Measure | None]

    @property
    def solutions(self) -> dict[str, Any]:
        """Names of the solutions, with what is said of them."""
        return mapping(self.raw.get("solutions"))

    @property
    def all_steps(self) -> tuple[DraftStep, ...]:
        """Steps, then those of 'finish'."""
        return self.steps + self.finish


def draft(data: dict[str, Any]) -> Draft:
    """Return what can be read of the plain data of a protocol file, whatever its faults."""
    gates = (((("stop_when", i)), mapping(raw)) for i, raw in enumerate(listing(data.get("stop_when"))))
    return Draft(
        raw=data,
        steps=tuple(_steps(data, "steps")),
        finish=tuple(_steps(data, "finish")),
        stop_when=tuple(DraftGate(path, raw, attempt(StopWhen, raw)) for path, raw in gates),
        record=attempt(Record, data.get("record")),
        bath=attempt(Bath, mapping(data.get("preparation")).get("bath")),
        measures={name: attempt(Measure, raw) for name, raw in mapping(data.get("measures")).items()},
    )


def require_of(step: DraftStep) -> DraftGate | None:
    """Return the step's 'require', if it has one."""
    raw = step.raw.get("require")
    return DraftGate(step.key("require"), raw, attempt(Require, raw)) if isinstance(raw, dict) else None


def _steps(data: dict[str, Any], part: str) -> Iterator[DraftStep]:
    for i, item in enumerate(listing(data.get(part))):
        verb = next(iter(item), None) if isinstance(item, dict) and len(item) == 1 else None
        if verb in VERBS:
            yield DraftStep((part, i, verb), verb, mapping(item[verb]), attempt(VERBS[verb], item))
        else:
            yield DraftStep((part, i), UNREADABLE, {}, None)


def attempt(model: type[M], raw: Any) -> M | None:
    """Return the model of `raw`, or None if it is not fit for one."""
    try:
        return model.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError:
        return None


def mapping(value: Any) -> dict[str, Any]:
    """Return `value` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """Return `value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
