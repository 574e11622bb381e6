"""What tests of the NI-DAQmx drivers share: a served board, and the drivers opened on it through NI's own client."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from config.loading import rig_from_text
from drivers.build import Context
from drivers.clock import Clock
from drivers.simulated.ni.assembly import board_of
from drivers.simulated.ni.c_library import load
from drivers.simulated.ni.faults import Fault, Faults
from drivers.simulated.ni.grpc_server import GrpcServer
from drivers.simulated.ni.pace import DemandPace
from protocols.quantities import Duration
from protocols.sweeps import ClampMode, Sweep

if TYPE_CHECKING:
    from drivers.simulated.ni.board import Board

WAYS = ("grpc", "library")
"""How NI's client reaches the board."""
RIGS = Path(__file__).parents[2] / "config" / "rigs"


class BoardClock(Clock):
    """The board's own time: what the suite waits, the board lives through."""

    is_wall_time = True

    def __init__(self, board):
        self._board = board

    def now(self):
        with self._board.lock:
            return self._board.pace.now()

    def wait_until(self, moment):
        with self._board.lock:
            self._board.pace.clock.wait_until(moment)
            self._board.advance()


def make_board(rig, *, seed=1, card=None, wires=None, faults=()):
    """Return a board on demand time with a cell behind it, wired as the rig file says or by `wires`."""
    board = board_of(rig, DemandPace(), seed=seed, card=card, faults=Faults([Fault(**row) for row in faults]))
    board.preparation.wires = wires or board.preparation.wires
    return board


def ni_rig(name="ni_multiclamp", *, changes=(), block=0.05, **daq_options):
    """Return a shipped rig file as a rig, with texts of the file and its card's options changed; `block` in seconds."""
    text = (RIGS / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    rig = rig_from_text(text, "rig.yaml")
    rig = rig.model_copy(update={"daq": rig.daq.model_copy(update={"block": Duration(block)})})
    return with_options(rig, **daq_options)


@dataclass
class Bench:
    """The drivers, the board under them, and the few moves that tests make."""

    board: Board
    context: Context
    server: object
    daq: object = None

    @property
    def amplifier(self):
        """The knobs themselves: the amplifier's own driver is tested elsewhere."""
        return self.board.preparation.amplifier

    @property
    def gains(self):
        return self.amplifier.gains()

    @property
    def clock(self):
        return self.context.clock

    @property
    def tasks(self):
        """Names of the tasks on the board, but for the claim, which is there as long as the card is open."""
        return [name for name in self.board.tasks if name != "patchrig_Dev1_claim"]

    def fault(self, **how):
        self.board.faults.add(Fault(**how))

    def frames(self, command, gains=None):
        gains = gains or self.gains
        return self.daq.play(Sweep(0, gains.mode, command), gains)

    def counts(self, command, gains=None):
        return np.concatenate([f.counts for f in self.frames(command, gains)], axis=1)

    def switch(self, mode, level=0.0):
        self.amplifier.set_mode(ClampMode.ZERO)
        self.daq.park(level, self.amplifier.gains_in(mode))
        self.amplifier.set_mode(mode)


@contextmanager
def served(rig, *, way="grpc", seed=1, **how):
    """Give a bench whose drivers reach their board through NI's device server, or NI's library."""
    board = make_board(rig, seed=seed, **how)
    with load(board) if way == "library" else GrpcServer(board) as server:
        rig = rig if way == "library" else with_options(rig, grpc=server.address)
        yield Bench(board, Context(rig, BoardClock(board), seed), server)


@contextmanager
def opened(rig, **how):
    """Give a bench with its card open."""
    from drivers.ni.daq import daq

    with served(rig, **how) as bench, daq(bench.context) as card:
        bench.daq = card
        yield bench


def with_options(rig, **options):
    """Return the rig with options of its card changed."""
    return rig.model_copy(update={"daq": rig.daq.model_copy(update={"options": {**rig.daq.options, **options}})})
