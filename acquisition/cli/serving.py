"""The command that serves a simulated NI board: serve-board."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acquisition.cli.app import RigFile, app, say
from protocols.errors import HardwareError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.base import Filling

MAX = "max"
GLANCE = 0.5


def board_speed(text: str) -> float | None:
    """Return what 'life', 'max' or a factor means; None is time on demand."""
    if text in ("life", MAX):
        return 1.0 if text == "life" else None
    try:
        factor = float(text.removesuffix("x"))
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1000:
        raise typer.BadParameter(f"'{text}': write life, max, or a factor such as 10")
    return factor


@app.command("serve-board")
def serve_board(
    rig: RigFile = None,
    address: Annotated[str, typer.Option(help="Where the gRPC device server listens.")] = "127.0.0.1:31763",
    link: Annotated[int, typer.Option(help="Port of the side door for amplifier and bath; 0 is any.")] = 31764,
    seed: Annotated[int, typer.Option(help="Which simulated cell and noise.", min=0)] = 1,
    speed: Annotated[
        str, typer.Option(help="life, a factor, or max: time stands still until a client waits for it.")
    ] = "life",
    protocol: Annotated[Path | None, typer.Option(help="Protocol file: its solutions stand on the lines.")] = None,
    faults: Annotated[
        Path | None, typer.Option(help="Fault table (YAML or JSON): call, code, nth, times, stall.")
    ] = None,
) -> None:
    """Serve a simulated NI card with amplifier, cell and bath behind it, for the genuine NI-DAQmx client."""
    import config
    from config.loading import load_rig
    from drivers.build import serve_board as serve

    pace = board_speed(speed)
    wired = load_rig(rig or Path(config.__path__[0]) / "rigs" / "ni_simulated.yaml")
    try:
        with serve(
            wired, address=address, link=link, seed=seed, speed=pace, faults=faults, fillings=_fillings(protocol)
        ) as served:
            card = served.board.card
            say(f"{card.device} ({card.product}) on {served.address}; amplifier and bath on {served.link}")
            population = wired.simulation.get("population", "ca1_young")
            say(f"{wired.rig}, population '{population}', seed {seed}, speed {speed}")
            say("Ctrl-C ends it; the cell goes with it")
            while not threading.Event().wait(GLANCE):  # without an end, Windows would not hear Ctrl-C
                pass
    except KeyboardInterrupt:
        say("closed")
    except ImportError as error:
        raise HardwareError("served board", f"it needs gRPC: pip install 'patchrig[grpc]' ({error})") from error


def _fillings(protocol: Path | None) -> Mapping[str, Filling]:
    """Return what a protocol's solutions put on the perfusion lines."""
    from drivers.base import Filling
    from protocols.loading import load_protocol

    if protocol is None:
        return {}
    solutions = load_protocol(protocol).solutions.values()
    return {
        s.line: Filling(s.label, c.name if c else None, float(c.concentration) if c else 0.0)
        for s in solutions
        for c in (s.compound,)
    }
