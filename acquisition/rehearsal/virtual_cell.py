"""One virtual cell: an ordinary run on simulated devices, as a plain function for any process on any machine."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquisition.injection import pretend_to_die
from acquisition.person import AlwaysYes, Unattended
from acquisition.recording import recording
from acquisition.rehearsal.course import FINISH, Course, course_of
from acquisition.rehearsal.memory import Memory
from acquisition.run import Who, Wish, run
from acquisition.session.recovery import open_recovered
from acquisition.study.cell import VIRTUAL, Cell, Rules
from acquisition.study.reading import cell_from
from protocols.errors import PatchrigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.events import RunFinished
    from acquisition.run import Recording
    from acquisition.study.source import Source

NOTHING = Course((), ())


class Arm(StrEnum):
    """What a virtual cell gets."""

    WRITTEN = "as written"
    """The protocol as it is."""
    VEHICLE = "vehicle"
    """The same without the compounds."""


@dataclass(frozen=True)
class Order:
    """One run to be made. Texts, not paths, so that a machine without our files can make it."""

    seed: int
    """Which cell and which noise."""
    arm: Arm
    protocol: str
    rig: str
    faults: str | None = None
    """A list of faults."""
    answers: bool = False
    """Whether questions get their first option; otherwise nobody is there, and gates that would ask stop the run."""
    keep: str | None = None
    """Folder for the session; None: no file is made."""


class Ending(StrEnum):
    """What became of a virtual cell."""

    USABLE = "usable result"
    """The protocol finished, and the cell counts."""
    LEFT_OUT = "finished, cell does not count"
    GATE = "stopped by a gate"
    FAILED = "failed"
    """Of hardware or program; not of the protocol."""


@dataclass(frozen=True)
class VirtualCell:
    """What came of one run."""

    seed: int
    arm: Arm
    ending: Ending
    why: tuple[str, ...]
    """What ended the run, or why the cell does not count; empty for a usable result."""
    duration: float
    """Of the experiment, s; NaN if it never began."""
    sweeps: int
    course: Course
    cell: Cell | None
    """None where there is nothing to compare."""
    seconds: float
    """Of computing."""
    session: str | None = None
    """The session file, where it was kept."""

    @property
    def is_usable(self) -> bool:
        """Whether it finished with a result that counts."""
        return self.ending is Ending.USABLE

    def as_mapping(self) -> dict[str, Any]:
        """Return it as JSON-able SI numbers."""
        return {
            "seed": self.seed,
            "arm": str(self.arm),
            "ending": str(self.ending),
            "why": list(self.why),
            "experiment_s": self.duration if math.isfinite(self.duration) else None,
            "sweeps": self.sweeps,
            "phases": [vars(p) for p in self.course.phases],
            "gates": [vars(t) for t in self.course.trips],
            "missed_faults": list(self.course.missed),
            "computing_s": round(self.seconds, 3),
            "session": self.session,
            "cell": self.cell.as_mapping() if self.cell else None,
        }


def live(order: Order) -> VirtualCell:
    """Run the protocol on one virtual cell; whatever goes wrong is in the result.

    The files that a run reads are written to a folder that is gone afterwards.
    """
    start = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory(prefix="patchrig-") as folder:
            made = _lived(order, Path(folder))
    except PatchrigError as error:
        made = failed(order, str(error))
    except Exception as error:  # noqa: BLE001  one cell that breaks the program must not end a rehearsal of hundreds
        made = failed(order, f"{type(error).__name__}: {error}")
    return replace(made, seconds=time.perf_counter() - start)


def _lived(order: Order, folder: Path) -> VirtualCell:
    """Run in `folder`; the session goes where the order wants it."""
    wish = _wish(order, folder)
    memory = Memory()
    record: Recording = memory.recording if order.keep is None else recording
    person = AlwaysYes() if order.answers else Unattended()
    finished, path = run(wish, person=person, record=record, kill=pretend_to_die)
    if order.keep is None:
        return _judged(order, finished, memory.session, path)
    with open_recovered(path) as session:
        return replace(_judged(order, finished, session, path), session=str(path))


def _wish(order: Order, folder: Path) -> Wish:
    """Write the files of a run and return what to run."""
    return Wish(
        protocol=_written(folder / "protocol.yaml", order.protocol),
        rig=_written(folder / "rig.yaml", order.rig),
        out=Path(order.keep) if order.keep else folder,
        simulate=True,
        seed=order.seed,
        who=Who(("Rehearsal",), f"{VIRTUAL}{order.seed}", f"cell{order.seed}"),
        faults=None if order.faults is None else _written(folder / "faults.yaml", order.faults),
    )


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _judged(order: Order, finished: RunFinished, session: Source, path: Path) -> VirtualCell:
    """Return what came of the run, with the cell as `compare` would read it."""
    cell = cell_from(session, path, Rules()) if any(s.kind == "series" for s in session.sweeps) else None
    course = course_of(session.log, answers=order.answers)
    ending, why = _ending(finished, cell, course)
    slim = None if cell is None else replace(cell, course=(), within=())  # hundreds of them stay in memory
    return VirtualCell(order.seed, order.arm, ending, why, finished.time, finished.sweeps, course, slim, 0.0)


def _ending(finished: RunFinished, cell: Cell | None, course: Course) -> tuple[Ending, tuple[str, ...]]:
    match finished.reason:
        case "finished":
            reasons = tuple(_against(cell)) if cell is not None else ()
            return (Ending.LEFT_OUT if reasons else Ending.USABLE), reasons
        case "stopped by a gate":
            return Ending.GATE, (finished.text,)
        case "failed" if course.ended_by is not None and course.ended_by.phase == FINISH:
            return Ending.GATE, (finished.text,)
        case _:
            return Ending.FAILED, (f"{finished.reason}: {finished.text}",)


def _against(cell: Cell) -> Iterator[str]:
    """Yield why a cell that ran to the end does not count."""
    if not cell.is_accepted:
        yield from cell.reasons or ("the cell is not accepted",)
    elif not all(t.is_comparable for t in cell.tests):
        yield "access or input resistance changed too much since the baseline"


def failed(order: Order, why: str) -> VirtualCell:
    """Return a cell of which there is nothing but the reason."""
    return VirtualCell(order.seed, order.arm, Ending.FAILED, (why,), math.nan, 0, NOTHING, None, 0.0)
