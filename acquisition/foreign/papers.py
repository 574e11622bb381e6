"""The protocol and the rig of a converted session: texts that say what is known, and that the rest is not.

A session holds both, letter by letter. Numbers that a protocol must have and a recording of another program does not
tell (thickness, temperature) stand in them as placeholders and are called so where a reader meets them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.loading import rig_from_text
from protocols.loading import protocol_from_text

if TYPE_CHECKING:
    from acquisition.foreign.recording import ForeignRecording
    from config.rig import Rig
    from protocols.protocol import Protocol

UNKNOWN = "not stated in the recording"


@dataclass(frozen=True)
class Animal:
    """What a person may add to what the recording says."""

    subject: str = "unknown"
    """Identifier."""
    species: str = "Unknown species"
    strain: str = "unknown"
    sex: str = "unknown"
    age: str = "0 .. 99 years"
    """A range so wide says that it is not known."""
    region: str = UNKNOWN
    """Of the slice."""


def protocol_of(recording: ForeignRecording, animal: Animal) -> tuple[Protocol, str]:
    """Return the protocol of a converted session, and its text.

    Raises
    ------
    InvalidFile
        What a person says of the animal is not in a protocol's form.
    """
    name, played = recording.path.name, recording.protocol or "unnamed"
    by = recording.program or "another program"
    low_pass, source = _low_pass(recording)
    text = f"""\
# Written by patchrig convert. Nothing here was carried out by patchrig: it says what is known of {_plain(name)}.
protocol: {_quoted(f"Converted from {name}")}
format: 1
about: >
  Converted from {_plain(name)} ({recording.form}), recorded by {_plain(by)} with its protocol {_plain(played)}.
  Samples, times and commands are those of that file. Thickness, temperature, solutions and what else a protocol must
  say but the recording does not are placeholders.

preparation:
  subject:
    species: {_quoted(animal.species)}
    strain: {_quoted(animal.strain)}
    sex: {_quoted(animal.sex)}
    age: {_quoted(animal.age)}                  # '0 .. 99 years' is: not known
  slice:
    region: {_quoted(animal.region)}
    thickness: 300 µm                  # placeholder
    preparation: thickness {UNKNOWN}, 300 µm is a placeholder
  bath:
    composition: {UNKNOWN}
    gas: {UNKNOWN}; its temperature neither, 25 °C is a placeholder
    temperature: 25 °C                 # placeholder
  internal:
    composition: {UNKNOWN}

record:
  sampling: {_frequency(recording.rate)}
  low_pass: {_frequency(low_pass)}                  # {source}
  channels: [primary{", secondary" if recording.second else ""}]

steps:
  - note: {_quoted(f"played by {by}: {played}")}
"""
    return protocol_from_text(text, "the converted session's protocol"), text


def rig_of(recording: ForeignRecording) -> tuple[Rig, str]:
    """Return the rig of a converted session, and its text: what it was connected to is not known."""
    text = f"""\
# Written by patchrig convert. The rig that recorded {_plain(recording.path.name)} is not described in it; scales, pins
# and limits are placeholders. What one count means stands with each sweep.
rig: {_quoted(f"Rig of {recording.path.name}, not described")}
format: 1
daq: {{driver: converted, device: {_quoted(recording.form)}, sampling_limit: {_frequency(recording.rate)}}}
amplifier:
  driver: converted
  voltage_clamp: {{command: 20 mV/V, primary: 1 V/nA, secondary: 10 mV/mV}}
  current_clamp: {{command: 400 pA/V, primary: 10 mV/mV, secondary: 1 V/nA}}
inputs:
  primary: {{pin: ai0}}
  secondary: {{pin: ai1}}
outputs:
  command: {{pin: ao0}}
perfusion: {{driver: converted, lines: {{control: {{}}}}, dead_time: 0 s}}
limits: {{voltage: -120 mV .. 60 mV, current: -500 pA .. 1000 pA}}
safe: {{voltage_clamp: -70 mV, current_clamp: 0 pA, line: control}}
"""
    return rig_from_text(text, "the converted session's rig"), text


def _low_pass(recording: ForeignRecording) -> tuple[float, str]:
    """Return a corner frequency that a protocol may have, Hz, and where it is from."""
    corner, most = recording.amplifier.get("low_pass"), 0.49 * recording.rate
    if not isinstance(corner, float):
        return most, "placeholder"
    if corner > most:
        return most, f"placeholder; the amplifier said {_frequency(corner)}, too high for this sampling"
    return corner, "as the amplifier said"


def _quoted(text: str) -> str:
    """Return text as YAML on one line."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def _plain(text: str) -> str:
    """Return text for a comment or a folded paragraph, on one line."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


def _frequency(hertz: float) -> str:
    return f"{hertz / 1e3:.9g} kHz"
