"""What a run that goes on shows of its rig: last values and noise, gains as verified, the bath, who guards it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.guardian.claim import owner_of
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from acquisition.page.decimation import Columns
    from acquisition.page.story import Story
    from acquisition.register import Entry
    from protocols.sweeps import Channel

LAST = 0.1
"""Seconds over which a last value is a mean, and its noise a standard deviation: five periods of a hum of 50 Hz."""


def present(story: Story, entry: Entry | None, session: str) -> dict[str, Any]:
    """Return what is known at this moment; numbers are SI."""
    header = None if story.present is None else story.present.header
    return {
        "session": session,
        "now": story.latest,
        "rig": story.head.rig.rig,
        "mode": None if header is None else str(header.sweep.mode),
        "seen": None if header is None else header.start,
        "amplifier": {} if header is None else dict(header.amplifier),
        "gains": _gains(story),
        "channels": _channels(story),
        "bath": _bath(story),
        "temperature": story.temperatures[-1] if story.temperatures else None,
        "solutions": [[s.line, s.label] for s in story.head.protocol.solutions.values()],
        "guardian": guardian(story, entry),
    }


def _channels(story: Story) -> list[dict[str, Any]]:
    if story.present is None:
        return []
    channels, rate = story.present.header.channels, story.present.rate
    return [_last(c, columns, rate) for c, columns in zip(channels, story.present.columns, strict=True)]


def _last(channel: Channel, columns: Columns, rate: float) -> dict[str, Any]:
    """Return mean and standard deviation of the last samples; None where none are there, or some were lost."""
    samples = columns.samples[max(0, columns.have - round(LAST * rate)) : columns.have].astype(np.float64)
    value, noise = (float(samples.mean()), float(samples.std())) if len(samples) else (math.nan, math.nan)
    known = math.isfinite(value)
    return {
        "name": channel.name,
        "unit": channel.unit,
        "value": value * channel.step if known else None,
        "noise": noise * channel.step if known else None,
    }


def _gains(story: Story) -> str:
    """Return the primary output's gain as it was telegraphed when the present sweep began, as the field writes it."""
    if story.present is None:
        return ""
    header = story.present.header
    gain = header.amplifier.get("primary_gain")
    if not isinstance(gain, float):
        return ""
    return f"{gain * 1e-9:.4g} V/nA" if header.sweep.mode is ClampMode.VOLTAGE else f"{gain:.4g} mV/mV"


def _bath(story: Story) -> dict[str, Any] | None:
    bars = story.solutions()
    if not bars:
        return None
    last, protocol = bars[-1], story.head.protocol
    line = protocol.solutions[last["name"]].line if last["name"] in protocol.solutions else ""
    return {"line": line, "label": last["label"], "switched": last["switched"], "arrives": last["arrives"]}


def guardian(story: Story, entry: Entry | None) -> str:
    """Return in words who would put the rig to rest if the run died."""
    if entry is None or not entry.holds:
        return "none is needed: simulated devices end with the run"
    owner = owner_of(story.head.rig)
    if owner is None:
        return "nobody holds this rig"
    if owner.over:
        return owner.words()
    held = ", ".join(entry.holds)
    return f"process {owner.guardian} guards {held} for run {owner.run}: it acts if the run dies or hangs"
