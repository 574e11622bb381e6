"""The NWB schema, embedded in every session file so that programs without it, or with an older one, can read it.

The resource is made by `scripts/update_nwb_schema.py` and carries the schema's licence.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from acquisition.session.layout import TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Schema:
    """Namespaces as NWB caches them."""

    namespaces: Mapping[str, Mapping[str, Mapping[str, str]]]
    """Namespace -> version -> source -> JSON text."""

    @property
    def version(self) -> str:
        """Version of NWB's core."""
        return next(iter(self.namespaces["core"]))


def shipped_schema() -> Schema:
    """Return the schema that comes with the suite."""
    packed = (files("acquisition.session") / "nwb_schema.json.gz").read_bytes()
    return Schema(json.loads(gzip.decompress(packed))["namespaces"])


def embed(file: Any, schema: Schema) -> None:
    """Write the schema where NWB readers look for it."""
    root = file.create_group("specifications")
    for name, versions in schema.namespaces.items():
        for version, sources in versions.items():
            group = root.create_group(f"{name}/{version}")
            for source, text in sources.items():
                group.create_dataset(source, data=text, dtype=TEXT)
    file.attrs[".specloc"] = root.ref
