"""From a story to what viewers are told: the sections of `docs/reference/page.md`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from acquisition.acceptance import flags_of
from acquisition.analysis.effects import SHOWN
from acquisition.analysis.rejections import reason_against
from acquisition.page.readouts import READOUTS, Watchfulness, tiles
from acquisition.page.warnings import warnings

if TYPE_CHECKING:
    from pathlib import Path

    from acquisition.analysis.sweep_numbers import SweepNumbers
    from acquisition.page.board import Board
    from acquisition.page.story import Played, Story

QUIET = frozenset({"mode_at_end", "settings", "analysis"})
"""Kinds of log lines that the file keeps and the screen does not show."""
MEASURES = (
    "A_1000",
    "n_ap",
    "Rs",
    "Rin",
    "Rm",
    "Cm",
    "V_b",
    "I_hold",
    "I_step",
    "A_pk",
    "D50",
    "S_fix",
    "R_total",
    "tau_s",
)
"""Measures that rows of sweeps carry, beside those that the protocol declares."""
LOST = "lost_from"
PACE = 0.2
"""Seconds between two tellings of numbers: nobody reads faster. Traces have a pace of their own."""


class Teller:
    """Writes a story onto a board, as far as it has changed."""

    def __init__(self, board: Board, path: Path) -> None:
        """Tell of the session at `path`."""
        self._board, self._path = board, path
        self._watch = Watchfulness()
        self._changes, self._sweep = -1, (-1, -1)
        self._now = self._told = 0.0
        self._made: dict[int, tuple[object, dict[str, Any]]] = {}

    def tell(self, story: Story, now: float, free: int | None, size: int) -> None:
        """Tell what is new; `now` in s of the session, `free` and `size` in bytes."""
        self._now = time.monotonic()
        changed = story.changes != self._changes
        if changed:
            self._changes = story.changes
            story.settle()
            self._facts(story)
        self._present(story, is_new=changed)
        if not changed and self._now - self._told < PACE:
            return
        self._told = self._now
        if story.sweeps and story.sweeps[-1].end is None and story.present is not None:
            story.present.measure()
        if story.present is not None:
            self._board.put("so_far", story.present.so_far())
        live = {} if story.present is None else {n: m.value for n, m in story.present.values.items()}
        self._board.put("tiles", {"tiles": tiles(story, self._watch, live)})
        self._board.put("warnings", {"warnings": warnings(story, self._watch, now, free)})
        lost = sum(int(e.data["lost_to"]) - int(e.data[LOST]) for e in story.log if LOST in e.data)
        self._board.put(
            "disk",
            {"free": None if free is None else free // 10**7 * 10**7, "file": size // 10**6 * 10**6, "lost": lost},
        )

    def _facts(self, story: Story) -> None:
        board = self._board
        board.put("session", self._session(story))
        board.put("steps", {"steps": story.programme.told()})
        board.put("solutions", {"bars": story.solutions(), "menu": _menu(story)})
        board.put("criterion", {"criterion": _criterion(story)})
        board.put("reference", story.reference or {"n": 0, "values": []})
        board.put_rows("sweeps", "rows", self._rows_of(story))
        shown = [e for e in story.log if e.kind not in QUIET]
        board.put_rows("log", "lines", [{"time": e.time, "kind": e.kind, "text": e.text} for e in shown])
        board.put_rows("bath", "readings", [list(r) for r in _thinned(story.temperatures)])

    def _rows_of(self, story: Story) -> list[dict[str, Any]]:
        """Return one row for each sweep; those of which nothing has changed are not made again."""
        rows = []
        for played, numbers in zip(story.sweeps, story.numbers, strict=False):
            told = (numbers, played.end)
            known = self._made.get(played.index)
            if known is None or known[0] != told:
                known = self._made[played.index] = (told, _row(played, numbers))
            rows.append(known[1])
        return rows

    def _present(self, story: Story, *, is_new: bool) -> None:
        present = story.present
        if present is None:
            return
        place = (present.header.sweep.index, present.window)
        if place != self._sweep or is_new:
            self._sweep = place
            self._board.put("sweep", {**present.facts(), "command_unit": present.header.sweep.mode.command_unit})

    def _session(self, story: Story) -> dict[str, Any]:
        head = story.head
        shown = {n: {"label": text, "unit": u, "factor": f, "digits": d} for n, (text, u, f, d) in SHOWN.items()}
        return {
            "name": self._path.name,
            "protocol": head.protocol.protocol,
            "rig": head.rig.rig,
            "subject": head.subject_id,
            "cell": head.cell_id,
            "experimenter": ", ".join(head.experimenter),
            "started": head.started.isoformat(),
            "notes": head.notes or "",
            "measures": shown,
            "readouts": [{"name": r.name, "label": r.label, "unit": r.unit, "digits": r.digits} for r in READOUTS],
        }


def _menu(story: Story) -> list[dict[str, Any]]:
    return [
        {"name": name, "label": s.label, "line": s.line, "compound": s.compound.name if s.compound else None}
        for name, s in story.head.protocol.solutions.items()
    ]


def _criterion(story: Story) -> dict[str, Any] | None:
    """Return the verdict on the last sweeps of the step that is going on, if it has a criterion."""
    step = story.programme.step
    rule = getattr(step, "until_stable", None)
    if rule is None or step is None:
        return None
    began = next((s.began for s in story.programme.steps if s.state == "now"), None) or 0.0
    said = [e for e in story.log if e.kind == "steady" and e.time >= began]
    limit = f"drift below {rule.drift_below}" + (f", CV below {rule.cv_below}" if rule.cv_below is not None else "")
    wanted = {
        "name": getattr(step, "name", ""),
        "measure": rule.measure,
        "limit": limit,
        "needed": rule.last,
        "n": 0,
        "steady": False,
    }
    return {**wanted, **said[-1].data, "text": said[-1].text} if said else {**wanted, "text": "no sweep yet"}


def _row(played: Played, numbers: SweepNumbers) -> dict[str, Any]:
    header, end = played.header, played.end
    declared = [m.name for m in numbers.measurements if m.analyser.startswith("declared")]
    return {
        "sweep": played.index,
        "time": played.start,
        "label": played.label,
        "kind": played.kind,
        "run": played.run,
        "condition": played.condition,
        "mode": str(header.sweep.mode),
        "complete": None if end is None else end.complete,
        "accepted": numbers.is_accepted,
        "rejected": numbers.is_rejected,
        "reason": reason_against(numbers) if end is not None and played.kind == "series" else "",
        "flags": list(flags_of(numbers.measurements)),
        "values": {m.name: m.value for m in numbers.measurements if m.name in MEASURES or m.name in declared},
        "temperature": header.temperature,
    }


def _thinned(readings: list[tuple[float, float]], most: int = 1000) -> list[tuple[float, float]]:
    """Return at most about `most` readings; every so-manieth, so that earlier ones stay the same."""
    every = max(1, len(readings) // most)
    return readings[::every]
