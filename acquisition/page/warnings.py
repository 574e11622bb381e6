"""What is wrong now, since when, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acquisition.acceptance import REJECTED
from acquisition.analysis.rejections import reason_against
from acquisition.page.readouts import ADVICE, READOUTS, Watchfulness, judged, measured_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.page.story import Story
    from protocols.sweeps import LogEntry

KEPT = 300.0
"""Seconds for which a fault stands on the screen; it is in the log for good."""
TODO = {
    "clipped": "lower the amplifier's gain, or give the input a wider range in the rig file",
    "left out": "one is nothing; several: look at the cell",
    "fault": "the samples that came are recorded; look at the log",
    "gain": "turn the amplifier's gain back, or start again with the right rig file",
    "late": "nothing, unless it goes on: then something slows this computer down",
    "not_found": "look at the cell: the wanted count of spikes was not reached",
}
LOW_DISK = 2e9
"""Bytes."""


def warnings(story: Story, watch: Watchfulness, now: float, free: int | None) -> list[dict[str, Any]]:
    """Return the warnings, the worst first."""
    found = [*_gates(story, watch), *_last_sweep(story), *_arriving(story, now), *_said(story, now), *_disk(free)]
    return sorted(found, key=lambda w: w["level"] != "bad")


def _gates(story: Story, watch: Watchfulness) -> Iterator[dict[str, Any]]:
    labels = {q: r.modes.get(story.vitals.mode, r.label) for r in READOUTS for q in r.gates}
    wrong = {g.quantity: g for g in judged(story) if not g.holds}
    for quantity in ADVICE:
        since = watch.since(f"gate {quantity}", measured_at(story, quantity), is_well=quantity not in wrong)
        if since is not None:
            gate = wrong[quantity]
            level = "bad" if gate.action in ("stop", "ask") else "note"
            label = (
                labels[quantity] if quantity not in ("holding_current", "bias_current") else quantity.replace("_", " ")
            )
            yield _warning(f"gate {quantity}", level, f"{label}: {gate.limit}", ADVICE[quantity], since)


def _last_sweep(story: Story) -> Iterator[dict[str, Any]]:
    """Say that the last sweep does not count, or what it shows that should be looked at."""
    last = next((n for n in reversed(story.numbers) if n.kind == "series"), None)
    if last is None or _by_person(last.index, story):
        return
    flags = {f for m in last.measurements for f in m.flags}
    if "clipped" in flags:
        yield _warning(
            "clipped", "bad", f"sweep {last.index}: an input is at the converter's rail", TODO["clipped"], last.start
        )
    elif reason := reason_against(last):
        yield _warning("left out", "note", f"sweep {last.index} does not count: {reason}", TODO["left out"], last.start)


def _by_person(sweep: int, story: Story) -> bool:
    """Return whether the person left the sweep out: who did it need not be told."""
    return any(
        e.kind == REJECTED and e.data.get("sweep") == sweep and e.data.get("by") == "person" for e in story.log[-60:]
    )


def _arriving(story: Story, now: float) -> Iterator[dict[str, Any]]:
    """Say that a valve is open and its solution not in the bath yet."""
    bars = story.solutions()
    if bars and bars[-1]["switched"] <= now < bars[-1]["arrives"]:
        last = bars[-1]
        words = f"{last['label']} is on its way: the valve is open, the bath still has what it had"
        yield _warning("arriving", "note", words, f"in the bath at {_clock(last['arrives'])}", last["switched"])


def _said(story: Story, now: float) -> Iterator[dict[str, Any]]:
    """Repeat the faults of the last minutes, the same words once."""
    recent: dict[str, LogEntry] = {}
    for entry in story.log[-60:]:
        if entry.kind in TODO and now - entry.time < KEPT:
            recent[entry.kind if entry.kind == "late" else entry.text] = entry
    for entry in list(recent.values())[-3:]:
        level = "note" if entry.kind in ("late", "not_found") else "bad"
        yield _warning(f"{entry.kind} {entry.time:.3f}", level, entry.text, TODO[entry.kind], entry.time)


def _disk(free: int | None) -> Iterator[dict[str, Any]]:
    if free is not None and free < LOW_DISK:
        yield _warning("disk", "bad", f"only {free / 1e9:.1f} GB are free on the disk", "make space now", None)


def _warning(name: str, level: str, text: str, todo: str, since: float | None) -> dict[str, Any]:
    return {"id": name, "level": level, "text": text, "todo": todo, "since": since}


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        if whole >= 3600
        else f"{whole // 60}:{whole % 60:02d}"
    )
