"""A board with all its doors open, for as long as a `with` lasts."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.simulated.link import LinkServer
from drivers.simulated.ni.answers import Answers
from drivers.simulated.ni.assembly import board_of
from drivers.simulated.ni.keeping import kept_alive
from drivers.simulated.ni.pace import DemandPace, WallPace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from config.rig import Rig
    from drivers.base import Filling
    from drivers.simulated.ni.board import Board


@dataclass(frozen=True)
class Served:
    """A board that can be reached."""

    board: Board
    address: str
    """'host:port' of the gRPC device server."""
    link: str
    """'host:port' of the side door."""


@contextmanager
def served_board(
    rig: Rig,
    *,
    address: str = "127.0.0.1:0",
    link: int = 0,
    seed: int = 1,
    speed: float | None = 1.0,
    faults: Path | None = None,
    fillings: Mapping[str, Filling] | None = None,
) -> Iterator[Served]:
    """Serve the board of `rig`.

    Parameters
    ----------
    rig
        What the board is wired to; see `board_of`.
    address, link
        Where to listen: 'host:port', and a port; 0 is any that is free.
    seed
        Which cell and noise.
    speed
        Of the board's time; None lets it stand still until somebody waits for it.
    faults
        A fault table, YAML or JSON.
    fillings
        What stands on the perfusion lines.

    Raises
    ------
    HardwareError
        A port cannot be had, or the rig's simulation or fault table is wrong.
    """
    from drivers.simulated.ni.faults import read_faults
    from drivers.simulated.ni.grpc_server import GrpcServer

    pace = DemandPace() if speed is None else WallPace(speed)
    board = board_of(rig, pace, seed=seed, faults=read_faults(faults) if faults else None)
    board.preparation.fill(fillings or {})
    board.preparation.world.warm_up()
    with LinkServer(Answers(board).all(), link) as door, GrpcServer(board, address) as server, kept_alive(board):
        yield Served(board, server.address, f"127.0.0.1:{door.port}")
