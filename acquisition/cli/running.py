"""Commands before and during an experiment: init, check, plan, run, schema, devices."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acquisition.cli.app import (
    YES,
    AsJson,
    Exit,
    FigureFile,
    ProtocolFile,
    RigFile,
    Speed,
    app,
    draw,
    give,
    how_fast,
    say,
    shipped_rig,
)
from acquisition.cli.viewing import Port, Share, page_beside

if TYPE_CHECKING:
    from acquisition.events import RunFinished


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
    files: Annotated[
        list[Path],
        typer.Argument(help="Protocol, rig and fault files; faults are checked against the protocol beside them."),
    ],
    rig: RigFile = None,
    json_: AsJson = False,
) -> None:
    """Read protocol, rig and fault files and name every mistake, with line and column. Touches no hardware."""
    from acquisition.reports import check_files

    results = check_files(files, rig, shipped_rig())
    for r in results:
        say(r.text)
    if json_:
        give("check", ok=all(r.ok for r in results), files=[r.as_mapping() for r in results])
    raise typer.Exit(Exit.DONE if all(r.ok for r in results) else Exit.INVALID)


@app.command()
def plan(
    protocol: ProtocolFile,
    rig: RigFile = None,
    faults: Annotated[Path | None, typer.Option(help="List of faults: are their moments within the plan?")] = None,
    json_: AsJson = False,
) -> None:
    """Show every step with its shortest and longest duration, worst-case command and file size."""
    from acquisition.reports import plan_table, the_plan

    made = the_plan(protocol, rig or shipped_rig(), faults)
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
    speed: Annotated[
        str | None,
        typer.Option(
            help="life, max, or how many times life, such as 50. Default: max with --simulate, life otherwise.",
            callback=how_fast,
        ),
    ] = None,
    view: Annotated[
        bool, typer.Option("--view", help="Open the page: see the run in a browser, and control it.")
    ] = False,
    share: Share = False,
    port: Port = 0,
    approach: Annotated[
        bool, typer.Option("--approach", help="Begin with test pulses in the bath; the protocol waits for you.")
    ] = False,
    figure: FigureFile = None,
    experimenter: Annotated[str, typer.Option(help="'Last, First'.")] = "Unknown, Experimenter",
    subject: Annotated[str, typer.Option(help="Animal's identifier.")] = "unknown",
    cell: Annotated[str, typer.Option(help="Cell's identifier.")] = "cell1",
    faults: Annotated[Path | None, typer.Option(help="List of faults to inject into simulated devices.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=YES)] = False,
    json_: AsJson = False,
) -> None:
    """Run a protocol on the rig, or rehearse it on the simulated one."""
    from acquisition.run import Who, Wish
    from acquisition.sitting import sit

    wish = Wish(
        protocol=protocol,
        rig=rig or shipped_rig(),
        out=out,
        simulate=simulate,
        seed=seed,
        speed=_times_life(speed, simulate=simulate),
        who=Who((experimenter,), subject, cell),
        faults=faults,
    )
    page = page_beside(wish, port=port, share=share, approach=approach) if view or share or approach else None
    finished, session = sit(wish, answers="yes" if yes else "ask" if sys.stdin.isatty() else "nobody", page=page)
    _tell(finished, session, figure, as_json=json_)
    raise typer.Exit(EXITS[finished.reason])


def _tell(finished: RunFinished, session: Path, figure: Path | None, *, as_json: bool) -> None:
    """Seal the session and say what came of the run."""
    from acquisition.recording import sealed
    from acquisition.reports import result_of, seal_words

    if finished.reason != "finished":
        say(f"{finished.reason}: {finished.text}")
    verdict = sealed(session)
    result = result_of(session)
    say("\n".join(result.lines))
    say(f"session  {session} ({seal_words(verdict)})")
    drawn = draw(session, figure) if figure else None
    if drawn:
        say(f"figure   {drawn}")
    if as_json:
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


def _times_life(speed: str | None, *, simulate: bool) -> float | None:
    """Return the speed as `Wish` has it."""
    wished = speed or (Speed.MAX if simulate else Speed.LIFE)
    return {Speed.MAX: None, Speed.LIFE: 1.0}[Speed(wished)] if wished in tuple(Speed) else float(wished)


EXITS = {
    "finished": Exit.DONE,
    "stopped by a gate": Exit.GATE,
    "stopped by the person": Exit.PERSON,
    "hardware failed": Exit.HARDWARE,
    "failed": Exit.FAILED,
}


class SchemaOf(enum.StrEnum):
    """What a schema can be had of."""

    PROTOCOL = "protocol"
    RIG = "rig"
    FAULTS = "faults"


@app.command()
def schema(what: SchemaOf) -> None:
    """Print the JSON Schema of protocol, rig or fault files, for editors that complete and check."""
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
