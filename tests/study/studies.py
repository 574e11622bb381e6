"""Small session files with measurements of known truth, written through the public writer."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from acquisition.session.writer import SessionWriter
from protocols.loading import protocol_from_text, read_text
from protocols.sweeps import ClampMode, Measurement
from tests.session.synthetic import PROTOCOL, Recorder, burst, make_head, make_header

if TYPE_CHECKING:
    from pathlib import Path

CONTROL = "ACSF + 0.01 % DMSO"
EVERY, DEAD_TIME = 30.0, 45.0
UNITS = {"A_1000": "V", "S_fix": "V s", "A_pk": "V", "V_b": "V", "V_end": "V", "ap_peak": "V", "Rin": "Ohm",
         "Rs": "Ohm", "I_step": "A", "I_hold": "A", "D50": "s", "n_ap": "1", "n_late": "1"}  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """A cell as it shall be found."""

    animal: str = "R1"
    cell: str = "R1-c1"
    compound: str | None = "MEM 1003"
    concentration: str = "1 µM"
    label: str | None = None
    """Of the test solution; made of compound and concentration if left out."""
    before: float = -4e-3
    """A_1000, V."""
    after: float = -2e-3
    rin_after: float = 80e6
    sweeps: int = 9
    wash: int = 1
    bad: tuple[int, ...] = ()
    """Places of sweeps with the wrong count of spikes."""
    censored: tuple[int, ...] = ()
    """Places of sweeps whose half-decay was not seen."""
    d50_after: float = 0.6
    noise: float = 0.0
    """SD between sweeps, V."""
    session: str | None = None
    identifier: str | None = None
    protocol: tuple[str, str] = ("", "")
    """What is replaced in the protocol's text, and by what."""
    reject: str = ""
    """What a person said against the third sweep."""
    restart: bool = False
    """No solution is changed: the second series is mere time."""

    @property
    def solution(self) -> str:
        """Label of the test solution."""
        if self.restart:
            return CONTROL
        made = f"{self.compound} {self.concentration}" if self.compound else f"{CONTROL} (second line)"
        return self.label or made


def protocol_text(truth: Truth) -> str:
    """The shipped protocol with this cell's solution."""
    text = read_text(PROTOCOL).replace("label: (Rac)-MEM 1003 1 µM", f"label: {truth.solution}")
    compound = "    compound: {name: (Rac)-MEM 1003, concentration: 1 µM, vehicle: 0.01 % DMSO, light_sensitive: yes}\n"
    assert compound in text
    mine = f"    compound: {{name: {truth.compound}, concentration: {truth.concentration}, vehicle: 0.01 % DMSO}}\n"
    text = text.replace(compound, mine if truth.compound else "")
    old, new = truth.protocol
    return text.replace(old, new) if old else text


def write_cell(folder: Path, truth: Truth | None = None, **changes: object) -> Path:
    """Write a session; returns its path."""
    truth = replace(truth or Truth(), **changes)
    text = protocol_text(truth)
    head = make_head(
        protocol=protocol_from_text(text, "test"),
        protocol_text=text,
        identifier=truth.identifier or str(uuid.uuid5(uuid.NAMESPACE_OID, f"{truth!r}")),
        session_id=truth.session or f"20260102-{truth.cell}",
        subject_id=truth.animal,
        cell_id=truth.cell,
    )
    path = folder / head.file_name
    with SessionWriter(path, head) as writer:
        _record(Recorder(writer), truth)
        writer.close("finished")
    return path


def _record(r: Recorder, truth: Truth) -> None:
    random = np.random.default_rng(list(f"{truth.animal}{truth.cell}".encode()))
    r.solution(0.0, CONTROL, "control", 0.0)
    place, measured = 0, list[Measurement]()
    phases = [("baseline", CONTROL, truth.sweeps, truth.before), ("drug", truth.solution, truth.sweeps, truth.after),
              ("wash", CONTROL, truth.wash, truth.after)]  # fmt: skip
    for run, (label, condition, n, value) in enumerate(phases if truth.sweeps else [], start=3):
        if label != "baseline" and not truth.restart:
            r.solution(EVERY * place, condition, "drug" if label == "drug" else "control", DEAD_TIME)
        arriving = label != "baseline" and not truth.restart
        for i in range(n + arriving):
            where = f"{condition} (arriving)" if arriving and i == 0 else condition
            start = EVERY * (place + i) + (DEAD_TIME if arriving and i else 0.0)
            header = make_header(place + i, burst(seconds=0.15), ClampMode.CURRENT, run=run, label=label,
                                 condition=where, start=start, temperature=30.0)  # fmt: skip
            r.play(header, block=100_000)
            size = value + truth.noise * random.normal()
            measured += _measured(truth, place + i, start, size, is_later=label != "baseline")
            if truth.reject and place + i == 2:
                r.say(start, "rejected", f"sweep 2: {truth.reject}", sweep=2, reason=truth.reject)
        place += n + arriving + (2 if arriving else 0)
    r.measure(measured)


def _measured(truth: Truth, index: int, start: float, a_1000: float, *, is_later: bool) -> list[Measurement]:
    count = 2.0 if index in truth.bad else 3.0
    values = {"A_1000": a_1000, "S_fix": 1.5 * a_1000, "A_pk": 1.2 * a_1000, "V_b": -60e-3, "V_end": -60e-3,
              "ap_peak": 30e-3, "Rin": truth.rin_after if is_later else 80e6, "Rs": 15e6, "I_step": 300e-12,
              "I_hold": 50e-12, "D50": truth.d50_after if is_later else 0.9, "n_ap": count, "n_late": 0.0}  # fmt: skip
    out = []
    if index in truth.censored:
        values["D50"] = math.nan
    for name, value in values.items():
        flags = ("ap_count",) if name == "n_ap" and index in truth.bad else ()
        window = {"A_1000": (2.6, 2.7), "D50": (1.66, 7.15)}.get(name, (1.0, 1.5))
        if name == "D50" and index in truth.censored:
            flags = ("censored",)
        out.append(Measurement(name, value, UNITS[name], index, start + 2.65, window, flags, "sahp 2.3"))
    return out
