"""The command line. Each command is a few lines that call the rooms; imports happen where they are used.

Data goes to stdout, words to stderr; `--json` prints exactly one object.
Exit codes: 0 done, 1 failed, 2 usage, 3 invalid file, 4 hardware, 5 stopped by a gate, 130 stopped by the person.
"""

from __future__ import annotations

import enum
import io
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from protocols.errors import HardwareError, InvalidFile, PatchrigError


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


app = typer.Typer(
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


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to fill; files that exist are left alone.")] = Path(),
    json_: AsJson = False,
) -> None:
    """Make a project folder: example protocols, a rig file, schemas, editor settings."""
    from acquisition.project_folder import fill

    written = fill(folder)
    for path in written:
        say(f"wrote {path}")
    if json_:
        give("init", written=written)
    say(f"next: patchrig run {folder / 'protocols' / 'sahp_short.yaml'} --simulate")


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Protocol and rig files.")],
    rig: RigFile = None,
    json_: AsJson = False,
) -> None:
    """Read protocol and rig files and name every mistake, with line and column. Touches no hardware."""
    from acquisition.reports import check_files

    results = check_files(files, rig)
    for r in results:
        say(r.text)
    if json_:
        give("check", ok=all(r.ok for r in results), files=[r.as_mapping() for r in results])
    raise typer.Exit(Exit.DONE if all(r.ok for r in results) else Exit.INVALID)


@app.command()
def plan(protocol: ProtocolFile, rig: RigFile = None, json_: AsJson = False) -> None:
    """Show every step with its shortest and longest duration, worst-case command and file size."""
    from acquisition.reports import plan_table, the_plan

    made = the_plan(protocol, rig or shipped_rig())
    if json_:
        give("plan", **made.as_mapping())
    else:
        plan_table(made)


@app.command()
def run(
    protocol: ProtocolFile,
    rig: RigFile = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Open simulated devices with this rig's scales.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Which simulated cell and noise.", min=0)] = 1,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the session file.")] = Path("data"),
    speed: Annotated[Speed | None, typer.Option(help="Default: max with --simulate, life otherwise.")] = None,
    figure: FigureFile = None,
    experimenter: Annotated[str, typer.Option(help="'Last, First'.")] = "Unknown, Experimenter",
    subject: Annotated[str, typer.Option(help="Animal's identifier.")] = "unknown",
    cell: Annotated[str, typer.Option(help="Cell's identifier.")] = "cell1",
    yes: Annotated[bool, typer.Option("--yes", "-y", help=YES)] = False,
    json_: AsJson = False,
) -> None:
    """Run a protocol on the rig, or rehearse it on the simulated one."""
    from acquisition.recording import sealed
    from acquisition.reports import result_of, seal_words
    from acquisition.run import Who, Wish
    from acquisition.sitting import sit

    wish = Wish(
        protocol=protocol,
        rig=rig or shipped_rig(),
        out=out,
        simulate=simulate,
        seed=seed,
        speed=None if (speed or (Speed.MAX if simulate else Speed.LIFE)) is Speed.MAX else 1.0,
        who=Who((experimenter,), subject, cell),
    )
    finished, session = sit(wish, answers="yes" if yes else "ask" if sys.stdin.isatty() else "nobody")
    if finished.reason != "finished":
        say(f"{finished.reason}: {finished.text}")
    verdict = sealed(session)
    result = result_of(session)
    say("\n".join(result.lines))
    say(f"session  {session} ({seal_words(verdict)})")
    drawn = _draw(session, figure) if figure else None
    if drawn:
        say(f"figure   {drawn}")
    if json_:
        give(
            "run",
            ok=finished.reason == "finished",
            reason=finished.reason,
            text=finished.text,
            session=session,
            figure=drawn,
            sealed=verdict.ok,
            sweeps=finished.sweeps,
            experiment_s=finished.time,
            result=result.data,
        )
    raise typer.Exit(EXITS[finished.reason])


EXITS = {
    "finished": Exit.DONE,
    "stopped by a gate": Exit.GATE,
    "stopped by the person": Exit.PERSON,
    "hardware failed": Exit.HARDWARE,
    "failed": Exit.FAILED,
}


@app.command()
def review(
    session: SessionFile,
    figure: FigureFile = None,
    json_: AsJson = False,
) -> None:
    """Show a recorded session: its sweeps with measures and flags, and before against after."""
    from acquisition.reports import result_of, sweep_rows, sweep_table

    drawn = _draw(session, figure) if figure else None
    result = result_of(session)
    if json_:
        give("review", session=session, figure=drawn, sweeps=sweep_rows(session), result=result.data)
        return
    sweep_table(session)
    typer.echo("\n".join(result.lines))
    if drawn:
        say(f"figure   {drawn}")


@app.command()
def export(
    session: SessionFile,
    csv: Annotated[Path | None, typer.Option(help="One row a sweep, as CSV.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="One row a sweep, as Parquet.")] = None,
    json_: AsJson = False,
) -> None:
    """Write a session's sweeps and measures as a table."""
    from acquisition.session.export import to_csv, to_parquet
    from acquisition.session.recovery import open_recovered

    if csv is None and parquet is None:
        raise typer.BadParameter("say what to write: --csv FILE or --parquet FILE")
    with open_recovered(session) as opened:
        for write, path in ((to_csv, csv), (to_parquet, parquet)):
            if path is not None:
                write(opened, path)
                say(f"wrote {path}")
    if json_:
        give("export", csv=csv, parquet=parquet)


@app.command()
def recover(session: SessionFile, json_: AsJson = False) -> None:
    """Make a session file whole from its journal, after a crash or damage. Opening a session does this by itself."""
    from acquisition.recording import sealed
    from acquisition.reports import seal_words
    from acquisition.session.recovery import recover as make_whole

    done = make_whole(session)
    say(done.words)
    verdict = sealed(session)
    say(seal_words(verdict))
    if json_:
        give("recover", ok=verdict.ok, **vars(done))
    raise typer.Exit(Exit.DONE if verdict.ok else Exit.FAILED)


@app.command()
def seal(session: SessionFile, json_: AsJson = False) -> None:
    """Verify a finished session against its journal, validate it, and write the verdict into it."""
    from acquisition.recording import sealed
    from acquisition.reports import seal_words

    verdict = sealed(session)
    say(seal_words(verdict))
    if json_:
        give("seal", **vars(verdict))
    raise typer.Exit(Exit.DONE if verdict.ok else Exit.FAILED)


@app.command()
def verify(session: SessionFile, json_: AsJson = False) -> None:
    """Prove a session file: every sweep against its hash and, sweep by sweep, against the journal."""
    from acquisition.session.recovery import prove

    found = prove(session)
    against = "and their journal" if found.with_journal else "(the journal is gone)"
    say("\n".join(found.problems) or f"all sweeps ({len(found.sweeps)}) agree with their hashes {against}")
    if json_:
        give("verify", ok=found.ok, problems=found.problems, sweeps=[vars(s) for s in found.sweeps])
    raise typer.Exit(Exit.DONE if found.ok else Exit.FAILED)


@app.command()
def prune(
    sessions: Annotated[list[Path], typer.Argument(metavar="SESSIONS", help="Session files (.nwb).")],
    verified: Annotated[bool, typer.Option("--verified", help="Needed: only verified journals are removed.")] = False,
) -> None:
    """Remove the journals of sealed sessions, each after its file has been compared with it once more."""
    from acquisition.session.recovery import prune as remove_journal

    if not verified:
        raise typer.BadParameter("say --verified: a journal is removed only after its session has been proved")
    for session in sessions:
        remove_journal(session)
        say(f"{session.name}: verified; its journal is removed")


class SchemaOf(enum.StrEnum):
    """What a schema can be had of."""

    PROTOCOL = "protocol"
    RIG = "rig"


@app.command()
def schema(what: SchemaOf) -> None:
    """Print the JSON Schema of protocol or rig files, for editors that complete and check."""
    from acquisition.project_folder import schema_text

    typer.echo(schema_text(what))


@app.command()
def devices(json_: AsJson = False) -> None:
    """List drivers, and the cards and instruments that this computer sees."""
    from drivers.discovery import look_around

    found = look_around()
    if json_:
        give("devices", devices=[vars(d) for d in found])
        return
    for d in found:
        typer.echo(f"{d.kind:<12} {d.name:<28} {d.text}")


def shipped_rig() -> Path:
    """Return the rig file of the simulated rig that comes with the suite."""
    import config

    return Path(config.__path__[0]) / "rigs" / "simulated.yaml"


def _draw(session: Path, figure: Path) -> Path:
    from acquisition.figure import review_figure
    from acquisition.session.recovery import open_recovered

    with open_recovered(session) as opened:
        review_figure(opened).savefig(figure)
    return figure


def main() -> None:
    """Run the command line; turn our errors into one message and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Windows console or pipe may be set to a code page without 'Ω'
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except (PatchrigError, OSError) as error:
        say(str(error))
        if "--json" in sys.argv:
            give(sys.argv[1] if len(sys.argv) > 1 else "", ok=False, error=str(error))
        code = {InvalidFile: Exit.INVALID, HardwareError: Exit.HARDWARE}
        sys.exit(next((c for kind, c in code.items() if isinstance(error, kind)), Exit.FAILED))
