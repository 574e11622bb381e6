"""A folder to start from: examples, a rig file, schemas, and settings that make editors complete and check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EDITOR = {
    "yaml.schemas": {
        "./schemas/protocol.schema.json": "protocols/*.yaml",
        "./schemas/rig.schema.json": "rigs/*.yaml",
        "./schemas/faults.schema.json": "faults/*.yaml",
    },
    "recommendations": ["redhat.vscode-yaml"],
}


FOLDERS = {"library": "protocol", "rigs": "rig", "fault_lists": "faults"}
"""Folder of shipped files -> what they are."""


def schema_text(what: str) -> str:
    """Return the JSON Schema of 'protocol', 'rig' or 'faults' files."""
    return json.dumps(_schema(what), indent=1, ensure_ascii=False)


def _schema(what: str) -> dict[str, Any]:
    from config.faults import KINDS, FaultList
    from config.rig import Rig
    from protocols.protocol import Protocol
    from protocols.schema import schema_of

    if what == "faults":
        return schema_of(FaultList, KINDS, parts=("faults",))
    return schema_of(Protocol if what == "protocol" else Rig)


def fill(folder: Path) -> list[Path]:
    """Write what is missing in `folder` and return what was written. Nothing that exists is touched."""
    files = {
        **{f"protocols/{p.name}": _pointed(p) for p in sorted(_shipped("protocols", "library"))},
        **{f"rigs/{p.name}": _pointed(p) for p in sorted(_shipped("config", "rigs"))},
        **{f"faults/{p.name}": _pointed(p) for p in sorted(_shipped("config", "fault_lists"))},
        "schemas/protocol.schema.json": schema_text("protocol"),
        "schemas/rig.schema.json": schema_text("rig"),
        "schemas/faults.schema.json": schema_text("faults"),
        ".vscode/settings.json": json.dumps({"yaml.schemas": EDITOR["yaml.schemas"]}, indent=2),
        ".vscode/extensions.json": json.dumps({"recommendations": EDITOR["recommendations"]}, indent=2),
    }
    missing = {folder / name: text for name, text in files.items() if not (folder / name).exists()}
    for path, text in missing.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + ("" if text.endswith("\n") else "\n"), encoding="utf-8")
    return list(missing)


def _shipped(package: str, folder: str) -> list[Path]:
    from importlib import import_module

    return list((Path(import_module(package).__path__[0]) / folder).glob("*.yaml"))


def _pointed(path: Path) -> str:
    """Return the file's text with its schema line pointing into the new folder."""
    kind = FOLDERS[path.parent.name]
    lines = path.read_text(encoding="utf-8").splitlines()
    if lines and lines[0].startswith("# yaml-language-server:"):
        lines[0] = f"# yaml-language-server: $schema=../schemas/{kind}.schema.json"
    return "\n".join(lines) + "\n"
