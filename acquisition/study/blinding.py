"""Codes for names, so that the person who looks at the result does not know which cells got the drug.

Cells are rewritten before anything else sees them: what is not in a cell cannot leak into a table, a figure or a
sentence. Which group is the vehicle is not told either, so no difference to it is made; groups are compared in pairs.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquisition.study.cell import Role, Solution, Unreadable
from acquisition.study.design import group_of
from acquisition.study.gathering import Gathered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from acquisition.study.cell import Cell, CellPhase, LeftOut
    from acquisition.study.design import By

BLINDED = "[blinded]"
CONTROL = "control"
"""The baseline's solution, under codes."""
LONG_ENOUGH = 3
"""Letters of a word that is worth hiding; shorter ones ('µM', '1') would hide half of every sentence."""


@dataclass(frozen=True)
class Key:
    """Which code is what: to be kept from the person who looks."""

    conditions: Mapping[str, str]
    """Code -> name of the group."""
    cells: Mapping[str, Mapping[str, str]]
    """Code -> file, session, animal, cell."""
    animals: Mapping[str, str]
    files: Mapping[str, str]
    """Code -> file that could not be read."""

    def as_mapping(self) -> dict[str, Any]:
        """Return the key as it is written."""
        return {name: dict(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Coded:
    """A study under codes."""

    gathered: Gathered
    key: Key
    names: Hider
    """Hides compounds, solutions and files in other texts, such as the methods section."""


def code(gathered: Gathered, by: By) -> Coded:
    """Return the study under codes, and the key.

    Codes are drawn with a seed made of the sessions' identifiers: the same set of sessions has the same codes,
    whatever their order, and one session more draws anew.
    """
    cells = sorted(gathered.cells, key=lambda c: c.identifier)
    draw = random.Random(sha256("\n".join(c.identifier for c in cells).encode()).digest())
    groups = sorted({group_of(t.solution, by) for c in cells for t in c.tests})
    conditions = dict(zip(_shuffled(groups, draw), map(_letters, range(len(groups))), strict=True))
    names = {c.identifier: f"c{n:02d}" for n, c in enumerate(_shuffled(cells, draw), start=1)}
    animals = dict(
        zip(_shuffled(sorted({c.animal for c in cells}), draw), (f"a{n:02d}" for n in range(1, 1000)), strict=False)
    )
    files = {u.path: f"file {n}" for n, u in enumerate(_shuffled(gathered.unreadable, draw), start=1)}
    coder = _Coder(by, conditions, names, animals, Hider.of(gathered))
    hidden = Gathered(
        tuple(sorted((coder.cell(c) for c in cells), key=lambda c: c.identifier)),
        tuple(Unreadable(files[u.path], f"{files[u.path]} could not be read; the key says which")
              for u in sorted(gathered.unreadable, key=lambda u: files[u.path])),
        tuple("a session was given twice and counts once" for _ in gathered.doubled),
    )  # fmt: skip
    key = Key(
        {letter: name for name, letter in sorted(conditions.items(), key=lambda item: item[1])},
        {names[c.identifier]: _identity(c) for c in sorted(cells, key=lambda c: names[c.identifier])},
        {letter: name for name, letter in sorted(animals.items(), key=lambda item: item[1])},
        {letter: f"{u.path}: {u.reason}" for u in gathered.unreadable for letter in [files[u.path]]},
    )
    return Coded(hidden, key, Hider.of_names(gathered))


def _identity(cell: Cell) -> dict[str, str]:
    return {"file": cell.path, "session": cell.session, "animal": cell.animal, "cell": cell.cell}


def _shuffled(values: Iterable[Any], draw: random.Random) -> list[Any]:
    """Return `values` in a drawn order: an alphabetical one would tell which code has which name."""
    out = list(values)
    draw.shuffle(out)
    return out


def _letters(n: int) -> str:
    """Return A .. Z, AA, AB, ..."""
    return chr(ord("A") + n) if n < 26 else _letters(n // 26 - 1) + chr(ord("A") + n % 26)


@dataclass(frozen=True)
class _Coder:
    """Rewrites cells."""

    by: By
    conditions: Mapping[str, str]
    names: Mapping[str, str]
    animals: Mapping[str, str]
    hide: Hider

    def cell(self, cell: Cell) -> Cell:
        """Return `cell` without anything that tells what it got."""
        name = self.names[cell.identifier]
        return replace(
            cell,
            path="",
            identifier=name,
            session=name,
            cell=name,
            animal=self.animals[cell.animal],
            slice=None,
            started="",
            title=BLINDED,
            protocol_text="",
            solutions=(),
            phases=tuple(map(self._phase, cell.phases)),
            within=(),
            left_out=tuple(map(self._left_out, cell.left_out)),
            reasons=tuple(map(self.hide, cell.reasons)),
            warnings=tuple(map(self.hide, cell.warnings)),
        )

    def _phase(self, phase: CellPhase) -> CellPhase:
        return replace(phase, label=str(phase.role), solution=self._solution(phase), remarks=())

    def _solution(self, phase: CellPhase) -> Solution:
        if phase.role is not Role.TEST:
            return Solution(CONTROL)
        letter = self.conditions[group_of(phase.solution, self.by)]
        return Solution(letter, letter)

    def _left_out(self, sweep: LeftOut) -> LeftOut:
        return replace(sweep, phase=str(sweep.role), reason=self.hide(sweep.reason))


@dataclass(frozen=True)
class Hider:
    """Replaces in free text every name and word that tells what a cell got."""

    pattern: re.Pattern[str]

    @classmethod
    def of(cls, gathered: Gathered) -> Hider:
        """Hide every word that occurs in the names of solutions, steps, sessions and files: for remarks on sweeps."""
        words = {w for c in gathered.cells for w in _words(c)}
        return cls.hiding((words | {word for w in words for word in re.findall(r"\w+", w)}) - set(Role))

    @classmethod
    def of_names(cls, gathered: Gathered) -> Hider:
        """Hide names as a whole, and the words of compounds: for prose, where 'drug' and 'ACSF' say nothing."""
        solutions = [p.solution for c in gathered.cells for p in c.tests]
        compounds = {s.compound for s in solutions if s.compound}
        files = {w for c in gathered.cells for w in (c.session, Path(c.path).stem)}
        words = {word for name in compounds for word in re.findall(r"\w+", name)}
        return cls.hiding(compounds | words | files | {s.label for s in solutions})

    @classmethod
    def hiding(cls, words: Iterable[str]) -> Hider:
        """Hide `words`, whatever their case, where they stand as words."""
        telling = sorted((w for w in words if len(w) >= LONG_ENOUGH), key=lambda w: (-len(w), w))
        return cls(re.compile("|".join(rf"(?<!\w){re.escape(w)}(?!\w)" for w in telling) or r"(?!)", re.IGNORECASE))

    def __call__(self, text: str) -> str:
        """Return `text` without them."""
        return self.pattern.sub(BLINDED, text)


def _words(cell: Cell) -> Iterator[str]:
    yield from (cell.title, cell.session, cell.identifier, cell.cell, cell.animal, Path(cell.path).stem)
    for phase in cell.phases:
        s = phase.solution
        yield from (w for w in (phase.label, s.label, s.compound, s.vehicle) if w)
    yield from (s.phase for s in cell.left_out)
    yield from cell.solutions
