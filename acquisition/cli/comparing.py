"""The command on many sessions: compare."""

from __future__ import annotations

import enum
from pathlib import Path  # noqa: TC003  typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from acquisition.cli.app import AsJson, app, give, say

if TYPE_CHECKING:
    from acquisition.study.comparing import Asked, Study


class Groups(enum.StrEnum):
    """What makes a group."""

    CONDITION = "condition"
    COMPOUND = "compound"
    CONCENTRATION = "concentration"


@app.command()
def compare(
    sessions: Annotated[
        list[Path], typer.Argument(metavar="SESSIONS", help="Session files (.nwb), or folders that hold some.")
    ],
    by: Annotated[Groups, typer.Option(help="What makes a group.")] = Groups.CONDITION,
    blind: Annotated[bool, typer.Option("--blind", help="Codes for conditions, cells and animals.")] = False,
    key: Annotated[
        Path | None, typer.Option(help="With --blind: what the codes mean. Default: beside the report.")
    ] = None,
    vehicle: Annotated[
        str | None, typer.Option(metavar="NAME", help="A solution that counts as vehicle: its label or compound.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report here (html, pdf).")] = None,
    table: Annotated[Path | None, typer.Option(help="Write the data here (csv, parquet).")] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Read the files on this Dask cluster.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that read. Default: one per core.", min=1)] = None,
    json_: AsJson = False,
) -> None:
    """Compare the cells of many sessions: drug against vehicle, with figures, methods and data."""
    from acquisition.study.comparing import Asked
    from acquisition.study.design import By

    asked = Asked(tuple(sessions), By(by), blind, key, vehicle, report, table, dask, workers)
    study = _compared(asked)
    for path in study.written:
        say(f"wrote {path}")
    if json_:
        give("compare", **study.as_mapping())
    else:
        typer.echo("\n".join([study.report.title, *study.report.answer, *(f"note: {c}" for c in study.report.caveats)]))


def _compared(asked: Asked) -> Study:
    """Compare, with a bar on stderr while files are read."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from acquisition.study.comparing import compare_sessions
    from acquisition.study.gathering import counted

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("sessions", total=None)
        study = compare_sessions(asked, lambda done, of: bar.update(task, completed=done, total=of))
    for line in counted(study.gathered):
        say(line)
    return study
