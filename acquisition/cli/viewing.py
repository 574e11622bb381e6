"""The command that opens the page: view."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003  typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from acquisition.cli.app import app, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acquisition.page.desk import Desk
    from acquisition.page.opening import Address
    from acquisition.run import Wish
    from acquisition.sitting import Page

Share = Annotated[bool, typer.Option("--share", help="Let others on the network watch: show a link that is read-only.")]
Port = Annotated[int, typer.Option(help="Port of the page; a free one by default.", min=0, max=65535)]

LATE = "the page does not answer yet; its link comes when it does"
LATE_BESIDE = f"{LATE}. The recording does not wait for it"


@app.command()
def view(
    session: Annotated[
        Path | None, typer.Argument(metavar="[SESSION]", help="Session file. Default: the run that goes on.")
    ] = None,
    protocol: Annotated[Path | None, typer.Option(help="Protocol file for the Protocol screen.")] = None,
    rig: Annotated[Path | None, typer.Option("--rig", "-r", help="Rig file for the Rig screen.")] = None,
    port: Port = 0,
    share: Share = False,
) -> None:
    """Open the page: of the run that goes on on this computer, of a session, a protocol or a rig."""
    from acquisition.page.desk import Desk
    from acquisition.page.opening import address

    asked = [("review", session), ("protocol", protocol), ("rig", rig)]
    first = next((screen for screen, path in asked if path is not None), "run")
    open_page(Desk(session=session, protocol=protocol, rig=rig, first=first), address(port, share=share), share=share)


def open_page(desk: Desk, at: Address, *, share: bool = False) -> None:
    """Serve the page in this process until Ctrl-C, and open the browser."""
    from acquisition.page.opening import Announcement, announced
    from acquisition.page.server import listening, serve

    listens = listening(at.host, at.port)
    said = Announcement(at, ready=lambda: _opened(at, desk.first, share=share), late=lambda: say(LATE))
    with announced(said):
        serve(desk, at.keys, listens, hosts=at.hosts)


def page_beside(wish: Wish, *, port: int, share: bool, approach: bool) -> Page:
    """Return what opens the page of a run that this process is about to begin."""
    from contextlib import contextmanager
    from functools import partial

    from acquisition.page.desk import Desk
    from acquisition.page.opening import address, beside
    from acquisition.sitting import Page

    at = address(port, share=share)
    desk = Desk(pid=os.getpid(), protocol=wish.protocol, rig=wish.rig, folder=wish.out)

    @contextmanager
    def opened() -> Iterator[None]:
        ready = partial(_opened, at, desk.first, share=share)
        with beside(desk, at, ready=ready, late=lambda: say(LATE_BESIDE)):
            yield

    return Page(opened, begins_with_pipette=approach)


def _opened(at: Address, first: str, *, share: bool) -> None:
    """Write where the page is, now that it answers, and open the browser."""
    from acquisition.page.opening import show

    say(f"page     {at.link(first)}")
    for link in at.watching() if share else ():
        say(f"watch    {link}")
    show(at.link(first))
