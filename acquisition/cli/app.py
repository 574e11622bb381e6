"""What all commands share: the program itself, options, exit codes, and how it speaks.

Data goes to stdout, words to stderr; `--json` prints exactly one object.
Exit codes: 0 done, 1 failed, 2 usage, 3 invalid file, 4 hardware, 5 stopped by a gate, 130 stopped by the person.
"""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class Exit(enum.IntEnum):
    """What the exit code says."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INVALID = 3
    HARDWARE = 4
    GATE = 5
    PERSON = 130


class Speed(enum.StrEnum):
    """How fast a run goes."""

    LIFE = "life"
    MAX = "max"


def how_fast(text: str | None) -> str | None:
    """Refuse what is no speed."""
    if text is None or text in tuple(Speed):
        return text
    try:
        is_speed = 0.1 <= float(text) <= 1000
    except ValueError:
        is_speed = False
    if not is_speed:
        raise typer.BadParameter("write life, max, or how many times life: a number from 0.1 to 1000, such as 50")
    return text


ORDER = (
    "init", "check", "plan", "rehearse", "run", "view", "review", "compare", "analyse", "convert", "export",
    "doctor", "devices", "safe", "serve-board", "recover", "verify", "seal", "prune", "schema",
)  # fmt: skip
"""Commands in the order of a day's work; `--help` lists them so."""


class InOrder(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names as a person meets them; one that is not in `ORDER` comes last."""
        return sorted(super().list_commands(ctx), key=lambda name: (*ORDER, name).index(name))


app = typer.Typer(
    cls=InOrder,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Patch-clamp experiments from protocol files: check, plan, run, review.",
)


def named(path: Path) -> Path:
    """Refuse a session without a name."""
    if not path.name:
        raise typer.BadParameter("name a session file (.nwb)")
    return path


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")]
YES = "Take the first option of every question. Without it, and with nobody there, gates that would ask stop the run."
FIGURES = (".png", ".svg", ".pdf")


def drawable(path: Path | None) -> Path | None:
    """Refuse a figure that could not be written, before an hour's run."""
    if path is None or (path.suffix.lower() in FIGURES and path.absolute().parent.is_dir()):
        return path
    raise typer.BadParameter(f"{path}: write a name ending in {', '.join(FIGURES)}, in a folder that exists")


FigureFile = Annotated[
    Path | None, typer.Option(callback=drawable, help="Draw the review figure here (png, svg, pdf).")
]
ProtocolFile = Annotated[Path, typer.Argument(metavar="PROTOCOL", help="Protocol file (YAML).")]
RigFile = Annotated[Path | None, typer.Option("--rig", "-r", help="Rig file. Default: the shipped simulated rig.")]
SessionFile = Annotated[Path, typer.Argument(metavar="SESSION", help="Session file (.nwb).", callback=named)]


def say(text: str) -> None:
    """Write words for a person to stderr."""
    typer.echo(text, err=True)


def give(command: str, *, ok: bool = True, **payload: Any) -> None:
    """Write the one JSON object."""
    typer.echo(json.dumps({"ok": ok, "command": command, **payload}, ensure_ascii=False, default=str))


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"patchrig {version('patchrig')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Patch-clamp experiments from protocol files: check, plan, run, review."""


def shipped_rig() -> Path:
    """Return the rig file of the simulated rig that comes with the suite."""
    import config

    return Path(config.__path__[0]) / "rigs" / "simulated.yaml"


def draw(session: Path, figure: Path) -> Path:
    """Draw the review figure of a session."""
    from acquisition.figure import review_figure
    from acquisition.session.recovery import open_recovered

    with open_recovered(session) as opened:
        review_figure(opened).savefig(figure)
    return figure
