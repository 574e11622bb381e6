"""Commands on a recorded session: review, export, recover, seal, verify, prune."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads annotations at run time
from typing import Annotated

import typer

from acquisition.cli.app import AsJson, Exit, FigureFile, SessionFile, app, draw, give, say
from acquisition.cli.viewing import Port, Share, open_page


@app.command()
def review(
    session: SessionFile,
    figure: FigureFile = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Make every number again from the samples, and compare bit for bit.")
    ] = False,
    view: Annotated[bool, typer.Option("--view", help="Open the page: look at it in a browser.")] = False,
    share: Share = False,
    port: Port = 0,
    json_: AsJson = False,
) -> None:
    """Show a recorded session: its sweeps with measures and flags, and before against after."""
    from acquisition.reports import result_of, sweep_rows, sweep_table

    if view:
        _view(session, port=port, share=share)
        return
    if recompute:
        _recompute(session, json_=json_)
    drawn = draw(session, figure) if figure else None
    result = result_of(session)
    if json_:
        give("review", session=session, figure=drawn, sweeps=sweep_rows(session), result=result.data)
        return
    sweep_table(session)
    typer.echo("\n".join(result.lines))
    if drawn:
        say(f"figure   {drawn}")


def _view(session: Path, *, port: int, share: bool) -> None:
    """Serve the page for a session until Ctrl-C. What cannot be opened is said here, and not in a browser."""
    from acquisition.page.desk import Desk
    from acquisition.page.opening import address
    from acquisition.session.recovery import open_recovered

    open_recovered(session).close()
    open_page(Desk(session=session, first="review"), address(port, share=share), share=share)


def _recompute(session: Path, *, json_: bool) -> None:
    """Make all numbers of a session again, say what came of it, and end."""
    from acquisition.recomputing import recompute
    from acquisition.session.recovery import open_recovered

    with open_recovered(session) as opened:
        found = recompute(opened)
    if json_:
        numbers = [vars(d) for d in found.differences]
        give("review", ok=found.ok, session=session, same=found.same, differences=numbers, analysers=found.analysers)
    else:
        typer.echo("\n".join(found.lines()))
    raise typer.Exit(Exit.DONE if found.ok else Exit.FAILED)


@app.command()
def export(
    session: SessionFile,
    csv: Annotated[Path | None, typer.Option(help="One row a sweep, as CSV.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="One row a sweep, as Parquet.")] = None,
    difference: Annotated[
        Path | None, typer.Option(help="Mean sweeps of baseline and drug and their difference, one row a ms, as CSV.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Write a session's sweeps and measures as a table."""
    from acquisition.difference import difference_of, write_difference
    from acquisition.session.export import to_csv, to_parquet
    from acquisition.session.recovery import open_recovered

    if csv is None and parquet is None and difference is None:
        raise typer.BadParameter("say what to write: --csv FILE, --parquet FILE or --difference FILE")
    with open_recovered(session) as opened:
        for write, path in ((to_csv, csv), (to_parquet, parquet)):
            if path is not None:
                write(opened, path)
                say(f"wrote {path}")
        if difference is not None:
            write_difference(difference_of(opened), difference)
            say(f"wrote {difference}")
    if json_:
        give("export", csv=csv, parquet=parquet, difference=difference)


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
