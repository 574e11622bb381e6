"""What may be asked of a run through its door, word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from acquisition.controls import STAGES, Asked
from acquisition.typed_text import typed_text
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from acquisition.control_lease import Holder
    from acquisition.controls import Stage
    from acquisition.door import Door

LONGEST_TEXT = 2000
"""Characters of a note."""
FLOOD = "too many wishes wait already; the run takes them in a moment"
LONGEST_NAME = 200
"""Letters of a name, of a solution or anything else."""
MOST_SWEEPS = 1 << 31
"""No run has a sweep of this number."""


class Refusal(Exception):
    """What is asked for cannot be; the words say why and what to do."""


def done(act: str, told: Mapping[str, Any], door: Door, who: Holder) -> str:
    """Pass a wish of `who` on, and return in words what will happen; who wishes something takes control if it is free.

    Raises
    ------
    Refusal
        It cannot be, or somebody else has control.
    """
    if act == "give_control":
        door.control.give(who)
        return ""
    if act == "take_control":
        door.control.take(who, door.tick())
        return ""
    if act != "renew" and act not in WORDS:
        raise Refusal(f"nobody here can '{typed_text(act, LONGEST_NAME)}'")
    if not door.control.renew(who, door.tick()):
        raise Refusal(f"{door.controller(who.page)} has control; take it first")
    return "" if act == "renew" else WORDS[act](told, door)


def _pause(_: Mapping[str, Any], door: Door) -> str:
    door.controls.pause()
    return "paused after this sweep"


def _go_on(_: Mapping[str, Any], door: Door) -> str:
    door.controls.resume()
    return "going on"


def _next_step(_: Mapping[str, Any], door: Door) -> str:
    if not door.controls.next_step():
        raise Refusal("this step cannot be left: later ones need its result. Stop, or let it end")
    return "next step after this sweep"


def _stop(told: Mapping[str, Any], door: Door) -> str:
    after = told.get("when") != "now"
    door.controls.stop(after_sweep=after)
    return "stopping after this sweep; then the protocol's finish" if after else "stopping now; outputs go to rest"


def _go_on_recording(_: Mapping[str, Any], door: Door) -> str:
    if not door.controls.take_back_stop():
        raise Refusal("no stop waits that could be taken back")
    return "the stop is taken back: recording goes on"


def _write(kind: Literal["mark", "note"]) -> Callable[[Mapping[str, Any], Door], str]:
    def write(told: Mapping[str, Any], door: Door) -> str:
        text = typed_text(told.get("text"), LONGEST_TEXT)
        if kind == "note" and not text:
            raise Refusal("a note needs words")
        _ask(Asked(kind, text, asked=door.now), door)
        return f"{kind}: {text}" if text else "marked"

    return write


def _reject(told: Mapping[str, Any], door: Door) -> str:
    reason = typed_text(told.get("reason"), LONGEST_TEXT)
    if not reason:
        raise Refusal("say why: a sweep without a reason cannot be defended later")
    sweep = _sweep(told)
    _ask(Asked("reject", reason, sweep, door.now), door)
    return f"sweep {sweep} is left out of means; it stays in the file"


def _restore(told: Mapping[str, Any], door: Door) -> str:
    sweep = _sweep(told)
    _ask(Asked("restore", typed_text(told.get("reason"), LONGEST_TEXT), sweep, door.now), door)
    return f"sweep {sweep} is taken back"


def _solution(told: Mapping[str, Any], door: Door) -> str:
    name, there = typed_text(told.get("name"), LONGEST_NAME), ", ".join(door.solutions) or "none yet"
    if not name:
        raise Refusal(f"say which solution: {there}")
    if name not in door.solutions:
        raise Refusal(f"there is no solution '{name}' on this rig; there are: {there}")
    _ask(Asked("solution", name, asked=door.now), door)
    return f"solution {name}, as soon as no sweep is recorded"


def _stage(told: Mapping[str, Any], door: Door) -> str:
    stage = told.get("stage")
    if stage is None:
        door.controls.watch_pipette(None)
        return "test pulses end; still paused"
    if stage not in STAGES:
        raise Refusal(f"there is no stage '{typed_text(stage, LONGEST_NAME)}'; there are {', '.join(STAGES)}")
    if door.mode not in (None, ClampMode.VOLTAGE):
        raise Refusal(f"test pulses are for voltage clamp; the cell is in {door.mode}")
    if stage == "bath" and door.has_begun:
        raise Refusal("'bath' holds at 0 mV: only before the protocol begins")
    door.controls.watch_pipette(cast("Stage", stage))
    return f"test pulses: {stage}"


def _answer(told: Mapping[str, Any], door: Door) -> str:
    number, option = told.get("question"), typed_text(told.get("option"), LONGEST_TEXT)
    if not isinstance(number, int) or isinstance(number, bool) or not door.questions.answer(number, option):
        raise Refusal("that question was answered already")
    return option


def _sweep(told: Mapping[str, Any]) -> int:
    sweep = told.get("sweep")
    if not isinstance(sweep, int) or isinstance(sweep, bool) or not 0 <= sweep < MOST_SWEEPS:
        raise Refusal("say which sweep")
    return sweep


def _ask(asked: Asked, door: Door) -> None:
    if not door.controls.ask(asked):
        raise Refusal(FLOOD)


WORDS: Mapping[str, Callable[[Mapping[str, Any], Door], str]] = {
    "pause": _pause,
    "go_on": _go_on,
    "next_step": _next_step,
    "stop": _stop,
    "take_back_stop": _go_on_recording,
    "mark": _write("mark"),
    "note": _write("note"),
    "reject": _reject,
    "restore": _restore,
    "solution": _solution,
    "stage": _stage,
    "answer": _answer,
}
