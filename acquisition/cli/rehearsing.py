"""The command on a virtual population: rehearse."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from acquisition.cli.app import AsJson, Exit, ProtocolFile, RigFile, app, give, say, shipped_rig

if TYPE_CHECKING:
    from acquisition.rehearsal.rehearsing import Asked, Rehearsal


@app.command()
def rehearse(
    protocol: ProtocolFile,
    rig: RigFile = None,
    cells: Annotated[int, typer.Option(help="Virtual cells.", min=1)] = 200,
    vehicle: Annotated[
        int | None, typer.Option(help="How many of them get the vehicle. Default: half, if there is a compound.", min=0)
    ] = None,
    faults: Annotated[Path | None, typer.Option(metavar="FILE", help="What is to go wrong (YAML).")] = None,
    seed: Annotated[int, typer.Option(help="Of the first cell.", min=0)] = 1,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Take the first option of every question; else gates that ask stop.")
    ] = False,
    workers: Annotated[int | None, typer.Option(help="Processes. Default: one per core.", min=1)] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Run the cells on this Dask cluster.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for report, picture and data.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report here (html, pdf).")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the picture of it here (png, svg, pdf).")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep every session file, in --out.")] = False,
    json_: AsJson = False,
) -> None:
    """Try a protocol on a virtual population: success, time, effect, and how many cells a study needs."""
    from acquisition.rehearsal.rehearsing import Asked, write
    from acquisition.rehearsal.report import answer

    asked = Asked(
        protocol, rig or shipped_rig(), cells, vehicle, seed, faults, yes, workers, dask, out, report, figure, keep
    )
    done = _rehearsed(asked)
    written = write(done)
    for path in written:
        say(f"wrote {path}")
    if json_:
        give("rehearse", ok=not done.is_cut_short, **done.as_mapping(), written=[str(p) for p in written])
    else:
        typer.echo("\n".join(answer(done)))
    raise typer.Exit(Exit.PERSON if done.is_cut_short else Exit.DONE)


def _rehearsed(asked: Asked) -> Rehearsal:
    """Rehearse, with a bar on stderr."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from acquisition.rehearsal.rehearsing import late_faults
    from acquisition.rehearsal.rehearsing import rehearse as lived

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left:"),
        TimeRemainingColumn(),
    )  # fmt: skip
    for words in late_faults(asked):
        say(f"note: {words}")
    console = Console(stderr=True)
    if console.is_terminal:
        say("Ctrl-C ends it and reports what there is")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("virtual cells", total=asked.cells)
        return lived(asked, lambda done, of: bar.update(task, completed=done, total=of))
