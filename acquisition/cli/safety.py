"""Commands that look after a rig: doctor, safe."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from acquisition.cli.app import AsJson, Exit, RigFile, app, give, say, shipped_rig


@app.command()
def doctor(
    rig: RigFile = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder where sessions go.")] = Path("data"),
    loopback: Annotated[
        bool, typer.Option("--loopback", help="Also play from the command output to the input it is wired to; at I=0.")
    ] = False,
    model_cell: Annotated[
        bool, typer.Option("--model-cell", help="Also measure a model cell on the headstage, in voltage clamp.")
    ] = False,
    expect: Annotated[
        str | None, typer.Option(help="What the model cell is made of. Default: '10 MOhm, 500 MOhm, 33 pF'.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to doctor's questions.")] = False,
    json_: AsJson = False,
) -> None:
    """Look at computer, rig and folder before an experiment, and say what to do. Commands nothing unless asked to."""
    from acquisition.doctor.examination import Wish, examine, is_well, nobody
    from acquisition.doctor.kept import keep
    from acquisition.doctor.model_cell import model_cell_of
    from acquisition.doctor.showing import TerminalHands, as_mappings, console, show, summary
    from drivers.hands import Nobody

    screen, attended = console(), sys.stdin.isatty()
    wish = Wish(
        rig=rig or shipped_rig(),
        out=out,
        loopback=loopback,
        model_cell=model_cell_of(expect) if model_cell or expect else None,
        agree=_always if yes else _ask if attended else nobody,
        hands=TerminalHands(console(err=True)) if attended else Nobody(),
    )
    sections = []
    for section in examine(wish):
        sections.append(section)
        if not json_:
            show(section, screen)
    keep(wish.rig, sections)
    if json_:
        give("doctor", ok=is_well(sections), rig=wish.rig, findings=as_mappings(sections))
    else:
        screen.print(summary(sections))
    raise typer.Exit(Exit.DONE if is_well(sections) else Exit.FAILED)


def _always(question: str) -> bool:  # noqa: ARG001  the answer was given beforehand
    return True


def _ask(question: str) -> bool:
    return typer.confirm(f"\n{question}", err=True)


@app.command()
def safe(
    rig: RigFile = None,
    force: Annotated[bool, typer.Option("--force", help="Act even while a run that lives has the rig.")] = False,
    json_: AsJson = False,
) -> None:
    """Put a rig to rest by hand: command and perfusion where its file says, whatever a run has left behind."""
    from acquisition.guardian.by_hand import rest_by_hand
    from config.loading import load_rig

    file = rig or shipped_rig()
    loaded = load_rig(file)
    left, told = rest_by_hand(file, loaded, force=force)
    at_rest = not left and all(one.at_rest for one in told)
    say(f"{loaded.rig}: {'at rest' if at_rest else 'NOT AT REST'}")
    for one in told:
        say(f"  {one.line()}")
    if not told:  # nothing could even be tried
        say("\n".join(f"  NOT AT REST: {words}" for words in left))
    if json_:
        give("safe", ok=at_rest, rig=file, not_done=left, devices=[asdict(one) for one in told])
    raise typer.Exit(Exit.DONE if at_rest else Exit.HARDWARE)
