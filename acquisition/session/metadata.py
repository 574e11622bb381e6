"""The head of a session file: who, which animal, cell, solutions, rig, software."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisition.session import layout
from acquisition.session.objects import put_text, put_texts, scratch, typed
from acquisition.session.schema import embed, shipped_schema

if TYPE_CHECKING:
    from acquisition.session.head import SessionHead
    from protocols.protocol import Protocol, Solution, Subject

GROUPS = (
    "acquisition",
    "analysis",
    "general/devices",
    layout.ICEPHYS,
    "intervals",
    "processing",
    "scratch",
    layout.PRESENTATION,
    "stimulus/templates",
)
SEX = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
AGE_UNIT = {"days": "D", "weeks": "W", "months": "M", "years": "Y"}


def write_head(file: Any, head: SessionHead) -> None:
    """Write everything that is known before the first sweep. The file is valid NWB afterwards."""
    schema = shipped_schema()
    typed(file, "NWBFile", nwb_version=schema.version)
    embed(file, schema)
    for name in GROUPS:
        file.create_group(name)
    _write_identity(file, head)
    _write_general(file["general"], head)
    _write_subject(file["general"], head)
    _write_devices(file, head)
    scratch(file, layout.RIG, "The rig file, letter by letter", head.rig_text)
    typed(file.create_group("processing/icephys"), "ProcessingModule", description="Numbers made of the sweeps")


def fingerprint(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8."""
    return sha256(text.encode()).hexdigest()


def _write_identity(file: Any, head: SessionHead) -> None:
    put_text(file, "identifier", head.identifier)
    put_text(file, "session_description", head.protocol.protocol)
    put_text(file, "session_start_time", head.started.isoformat())
    put_text(file, "timestamps_reference_time", head.started.isoformat())
    put_texts(file, "file_create_date", [datetime.now(UTC).isoformat()])


def _write_general(general: Any, head: SessionHead) -> None:
    """Write the descriptive texts. `keywords` is left out: neo cannot open a file that has it."""
    protocol = head.protocol
    put_texts(general, "experimenter", head.experimenter)
    put_text(general, "institution", head.rig.institution)
    put_text(general, "lab", head.rig.lab)
    put_text(general, "session_id", head.session_id)
    put_text(general, "experiment_description", (protocol.about or protocol.protocol).strip())
    put_text(general, "protocol", protocol.protocol)
    put_text(general, "pharmacology", "; ".join(_solution_text(s) for s in protocol.solutions.values()))
    put_text(general, "slices", slices_text(protocol))
    put_text(general, "notes", head.notes)
    put_text(general, "source_script", head.protocol_text)
    general["source_script"].attrs["file_name"] = "protocol.yaml"
    put_text(general, "data_collection", collection_text(head))
    if head.software:
        data = np.array([[name, version] for name, version in head.software.items()], dtype=object)
        general.create_dataset("was_generated_by", data=data, dtype=layout.TEXT)


def collection_text(head: SessionHead) -> str:
    """Return what a program needs to know of the file, as JSON."""
    facts = {
        "patchrig_session_format": layout.FORMAT,
        "rig": head.rig.rig,
        "rig_sha256": fingerprint(head.rig_text),
        "protocol_sha256": fingerprint(head.protocol_text),
        "seed": head.seed,
        "software": dict(head.software),
    }
    return json.dumps(facts, ensure_ascii=False)


def slices_text(protocol: Protocol) -> str:
    """Return the tissue and what flowed over it, in words."""
    tissue, bath = protocol.preparation.slice, protocol.preparation.bath
    parts = [tissue.region, str(tissue.thickness), tissue.plane, tissue.preparation]
    bath_text = f"bath (mM): {bath.composition}; {bath.gas}; {bath.temperature}"
    return "; ".join([*(p for p in parts if p), bath_text])


def _solution_text(solution: Solution) -> str:
    """Return one solution in words."""
    c = solution.compound
    if c is None:
        return f"{solution.label} (line {solution.line})"
    vehicle = f" in {c.vehicle}" if c.vehicle else ""
    return f"{solution.label} (line {solution.line}): {c.name} {c.concentration}{vehicle}, bath-applied"


def _write_subject(general: Any, head: SessionHead) -> None:
    animal = head.protocol.preparation.subject
    subject = typed(general.create_group("subject"), "Subject")
    put_text(subject, "subject_id", head.subject_id)
    put_text(subject, "species", animal.species)
    put_text(subject, "strain", animal.strain)
    put_text(subject, "genotype", animal.genotype)
    put_text(subject, "sex", SEX[animal.sex])
    put_text(subject, "age", iso_age(animal))
    put_text(subject, "description", f"{animal.strain}, {animal.sex}, {animal.age}")


def iso_age(subject: Subject) -> str:
    """Return the age as ISO 8601 duration, a range as DANDI writes it: '22 .. 26 months' -> 'P22M/P26M'."""
    unit = AGE_UNIT[subject.age.split()[-1]]
    return "/".join(f"P{n}{unit}" for n in dict.fromkeys(re.findall(r"\d+", subject.age)))


def _write_devices(file: Any, head: SessionHead) -> None:
    rig = head.rig
    devices = file["general/devices"]
    amplifier = f"patch-clamp amplifier, driver '{rig.amplifier.driver}', channel {rig.amplifier.channel}"
    typed(devices.create_group("amplifier"), "Device", description=amplifier)
    card = f"converter card {rig.daq.device}, driver '{rig.daq.driver}'"
    typed(devices.create_group("converter"), "Device", description=card)
    _write_electrode(file, head)


def _write_electrode(file: Any, head: SessionHead) -> None:
    import h5py

    protocol = head.protocol
    electrode = typed(file.create_group(layout.ELECTRODE), "IntracellularElectrode")
    put_text(electrode, "cell_id", head.cell_id)
    put_text(electrode, "description", electrode_text(protocol))
    put_text(electrode, "location", protocol.preparation.slice.region)
    put_text(electrode, "slice", slices_text(protocol))
    put_text(electrode, "filtering", head.filtering)
    electrode["device"] = h5py.SoftLink(f"/{layout.AMPLIFIER}")


def electrode_text(protocol: Protocol) -> str:
    """Return the pipette in words. The junction potential is said, never applied."""
    internal = protocol.preparation.internal
    junction = internal.junction_potential
    said = "not stated" if junction is None else f"{junction}, recorded, not applied to the data"
    return (
        f"whole-cell patch pipette; internal solution (mM): {internal.composition}; liquid junction potential: {said}"
    )
