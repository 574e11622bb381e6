"""Write the NWB schema that session files embed, taken from the installed pynwb.

Run it after a new pynwb, look at the difference, run the tests of the session file:

    python scripts/update_nwb_schema.py

Recording does not import pynwb; it embeds this resource, so that MatNWB and older readers understand the file.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import h5py
import pynwb

TARGET = Path(__file__).parents[1] / "acquisition" / "session" / "nwb_schema.json.gz"


def cached_namespaces() -> dict[str, dict[str, dict[str, str]]]:
    """Return namespace -> version -> source -> JSON text, as pynwb itself would cache them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.nwb"
        with pynwb.NWBHDF5IO(str(path), "w") as io:
            io.write(pynwb.NWBFile("schema", "schema", datetime.now(UTC)))
        with h5py.File(path) as file:
            return {
                name: {version: {k: v.asstr()[()] for k, v in sources.items()} for version, sources in versions.items()}
                for name, versions in file["specifications"].items()
            }


def licence() -> str:
    """Return the schema's licence, which must go wherever the schema goes."""
    return (Path(pynwb.__file__).parent / "nwb-schema" / "license.txt").read_text(encoding="utf-8")


def main() -> None:
    """Write the resource. The same schema gives the same bytes: the time in the gzip header is zero."""
    content = {"licence": licence(), "namespaces": cached_namespaces()}
    TARGET.write_bytes(gzip.compress(json.dumps(content, sort_keys=True).encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
