"""A folder to start from: examples, a rig file, schemas, and settings that make editors complete and check."""

from __future__ import annotations

import json
from pathlib import Path

EDITOR = {
    "yaml.schemas": {"./schemas/protocol.schema.json": "protocols/*.yaml", "./schemas/rig.schema.json": "rigs/*.yaml"},
    "recommendations": ["redhat.vscode-yaml"],
}


def schema_text(what: str) -> str:
    """Return the JSON Schema of 'protocol' or 'rig' files."""
    from config.rig import Rig
    from protocols.protocol import Protocol
    from protocols.schema import schema_of

    return json.dumps(schema_of(Protocol if what == "protocol" else Rig), indent=1, ensure_ascii=False)


def fill(folder: Path) -> list[Path]:
    """Write what is missing in `folder` and return what was written. Nothing that exists is touched."""
    files = {
        **{f"protocols/{p.name}": _pointed(p) for p in sorted(_shipped("protocols", "library"))},
        **{f"rigs/{p.name}": _pointed(p) for p in sorted(_shipped("config", "rigs"))},
        "schemas/protocol.schema.json": schema_text("protocol"),
        "schemas/rig.schema.json": schema_text("rig"),
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
    kind = "protocol" if "library" in path.parts else "rig"
    lines = path.read_text(encoding="utf-8").splitlines()
    if lines and lines[0].startswith("# yaml-language-server:"):
        lines[0] = f"# yaml-language-server: $schema=../schemas/{kind}.schema.json"
    return "\n".join(lines) + "\n"
