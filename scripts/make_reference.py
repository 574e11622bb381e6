"""Writes what the manual takes from the code: the JSON Schemas and the tables of the protocol language and rig file.

python scripts/make_reference.py            # write
python scripts/make_reference.py --check    # exit with 1 if something is out of date
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquisition.project_folder import schema_text
from config import amplifiers, faults, ni, rig, visa
from protocols import acceptance, parts, protocol, steps

if TYPE_CHECKING:
    from pydantic import BaseModel

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
START, END = "<!-- made by scripts/make_reference.py -->", "<!-- end -->"
VERBS = tuple(steps.VERBS.values())
INNER = (
    parts.TestPulses,
    parts.CurrentPulse,
    parts.TtlPulses,
    parts.Rebias,
    parts.FollowSpikes,
    parts.Stable,
    parts.Require,
    parts.StopWhen,
)
HEAD = (
    protocol.Protocol,
    protocol.Preparation,
    protocol.Subject,
    protocol.Slice,
    protocol.Bath,
    protocol.Internal,
    protocol.Record,
    protocol.Solution,
    protocol.Compound,
    protocol.Measure,
    acceptance.Accept,
    acceptance.SweepLimits,
    acceptance.CellLimits,
    acceptance.BaselineSteady,
    acceptance.DrugSteady,
)
RIG = (
    rig.Rig,
    rig.DaqEntry,
    rig.AmplifierEntry,
    rig.ModeScales,
    rig.Input,
    rig.Output,
    rig.TtlLine,
    rig.PerfusionEntry,
    rig.Line,
    rig.ThermometerEntry,
    rig.PumpEntry,
    rig.RigLimits,
    rig.SafeState,
    amplifiers.MultiClampOptions,
    amplifiers.TelegraphedOptions,
    ni.NiDaqOptions,
    ni.AnalogueThermometerOptions,
    visa.ValveLinkOptions,
    visa.PumpOptions,
    visa.TC200Options,
)


def table(model: type[BaseModel], title: str, *, beside: type[BaseModel] | None = None) -> str:
    """Return one model as a heading, its sentence and a table of its keys; those of `beside` are elsewhere."""
    known = beside.model_fields if beside is not None else {}
    rows = [
        f"| `{f.alias or name}` | {f.description or ''} | {_default(f)} |"
        for name, f in model.model_fields.items()
        if name not in known
    ]
    sentence = (model.__doc__ or "").strip().splitlines()[0]
    keys = ["| key | | if left out |", "|---|---|---|", *rows, ""] if rows else []
    return "\n".join([f"### {title}", "", sentence, "", *keys])


def _default(field: Any) -> str:
    if field.is_required():
        return "must be there"
    if field.default_factory is not None or field.default in (None, (), ""):
        return ""
    return f"`{field.default}`".replace("('", "[").replace("')", "]").replace("', '", ", ")


def with_tables(path: Path, tables: str) -> str:
    """Return the page at `path` with what stands between the marks replaced."""
    before, rest = path.read_text(encoding="utf-8").split(START)
    return f"{before}{START}\n\n{tables}\n{END}{rest.split(END)[1]}"


def wanted() -> dict[Path, str]:
    """Return each file and the text it should have."""
    language = [
        "## Steps\n",
        *(table(m, f"`{m.verb}`") for m in VERBS),
        "## Within steps\n",
        *(table(m, m.__name__) for m in INNER),
        "## The head\n",
        *(table(m, m.__name__) for m in HEAD),
    ]
    troubles = [
        table(faults.FaultList, "A list"),
        table(faults.Fault, "When: every fault"),
        *(table(m, f"`{m.verb}`", beside=faults.Fault) for m in faults.KINDS.values()),
    ]
    return {
        REFERENCE / "faults.schema.json": schema_text("faults") + "\n",
        REFERENCE / "faults.md": with_tables(REFERENCE / "faults.md", "\n".join(troubles)),
        REFERENCE / "protocol.schema.json": schema_text("protocol") + "\n",
        REFERENCE / "rig.schema.json": schema_text("rig") + "\n",
        REFERENCE / "protocol.md": with_tables(REFERENCE / "protocol.md", "\n".join(language)),
        REFERENCE / "rig.md": with_tables(REFERENCE / "rig.md", "\n".join(table(m, m.__name__) for m in RIG)),
    }


def main() -> None:
    """Write, or compare."""
    stale = [p for p, text in wanted().items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        sys.exit(
            "\n".join(f"{p.relative_to(ROOT)} is out of date: python scripts/make_reference.py" for p in stale) or 0
        )
    for path in stale:
        path.write_text(wanted()[path], encoding="utf-8")


if __name__ == "__main__":
    main()
