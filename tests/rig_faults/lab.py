"""A served board with real instruments' emulators around it, a run on it, and what can be seen afterwards.

What is seen is what stands at the board, the valves and the pump themselves, never what our drivers say of them.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquisition.bench import Bench
from acquisition.controls import Controls
from acquisition.engine import Engine
from acquisition.events import FrameArrived, SweepStarted
from acquisition.lanes import LiveLane, WriterLane
from acquisition.run import Wish, _head
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.recovery import recover
from config.loading import load_rig
from drivers.build import open_devices
from drivers.hands import Nobody
from drivers.ni.owner import Owner
from drivers.simulated.instruments import linked
from drivers.simulated.instruments.ne1000 import NE1000Emulator
from drivers.simulated.instruments.serving import OnSocket
from drivers.simulated.link import Link, LinkClock, LinkServer
from drivers.simulated.ni.answers import Answers as Doors
from drivers.simulated.ni.assembly import board_of
from drivers.simulated.ni.grpc_server import GrpcServer
from drivers.simulated.ni.pace import DemandPace
from protocols.loading import load_protocol
from tests.kit import HEAD, Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RIGS = Path(__file__).parents[2] / "config" / "rigs"
SERVER, LINK = "127.0.0.1:31763", "127.0.0.1:31764"
"""Addresses in the shipped rig file."""
PUMP = "pump:\n  driver: ne1000\n  rate: 2 mL/min\n  limit: 5 mL/min\n  options: {{resource: '{}', {}}}\n"
QUICK = "timeout: 150 ms"
MARKER = "ai6"
"""Where the valve controller's event marker is wired to."""


@dataclass
class Rig:
    """What is around the cell, and the ways to break it."""

    board: Any
    link: Link
    server: GrpcServer
    text: str
    """The rig file."""
    valves: OnSocket | None = None
    pump: OnSocket | None = None
    thermometer: OnSocket | None = None
    devices: Any = None

    @property
    def commander(self):
        """The MultiClamp Commander on the board's cell."""
        return self.devices.amplifier._telegraph.commander

    def fault(self, call, code=0, **how):
        self.link.ask("fault.add", call=call, code=code, **how)

    def turn(self, mode):
        self.link.ask("amplifier.mode", mode=str(mode))

    def seize(self):
        """Take the card as another computer does that has heard nothing of the run for too long."""
        with self.board.lock:
            for task in list(self.board.tasks.values()):
                self.board.clear(task)
            claim = self.board.create_task("patchrig_Dev1_claim")
            self.board.add_analogue(claim, "ai", "Dev1/ai0", "", -10, 10, 0)
            claim.descriptions["Dev1/ai0"] = Owner(pid=4711, host="setup-2").told(1)

    def disconnect(self):
        """Pull the network cable of the device server."""
        self.server.__exit__()


@dataclass
class Seen:
    """What is there after a run, asked of the things themselves."""

    finished: Any
    volts: float
    mode: str
    lines: list[str]
    pumping: bool
    session: Any
    asked: list[str] = field(default_factory=list)

    @property
    def text(self):
        return self.finished.text


@contextmanager
def rig(*, knobs=False, instruments=False, changes=(), seed=3) -> Iterator[Rig]:
    """Serve a board: with an amplifier of knobs or a MultiClamp, with valves on its lines or three instruments."""
    with ExitStack() as stack:
        text = (RIGS / ("ni_axopatch.yaml" if knobs else "ni_simulated.yaml")).read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        wired = _parsed(text)
        board = board_of(wired, DemandPace(), seed=seed)
        board.preparation.fill({})
        door = stack.enter_context(LinkServer(Doors(board).all()))
        server = GrpcServer(board)
        server.__enter__()
        stack.callback(server.__exit__)
        link = stack.enter_context(Link(f"127.0.0.1:{door.port}"))
        text = text.replace(LINK, f"127.0.0.1:{door.port}").replace(SERVER, server.address)
        if knobs:
            text = text.replace("    streaming: continuous", f"    grpc: {server.address}\n    streaming: continuous")
        made = Rig(board, link, server, text)
        if instruments:
            _add_instruments(made, stack, door.port)
        yield made


def _add_instruments(made: Rig, stack: ExitStack, port: int) -> None:
    own = stack.enter_context(Link(f"127.0.0.1:{port}"))

    now = made.board.pace.now  # not through the link: the marker is asked while the board is held
    controller = linked.valvelink(own, {1: "control", 3: "drug"}, now)
    made.board.preparation.wires.telegraphs[MARKER] = controller.marker
    made.valves = stack.enter_context(OnSocket(controller))
    made.pump = stack.enter_context(OnSocket(NE1000Emulator(now)))
    made.thermometer = stack.enter_context(OnSocket(linked.tc200(own, now)))
    text = made.text
    for old, new in (
        (
            "driver: digital_valves",
            f"driver: valvelink\n  options: {{resource: '{made.valves.resource}', marker: marker, {QUICK}}}",
        ),
        ("{pin: port0/line0, opens: high}", "{pin: '1'}"),
        ("{pin: port0/line1, opens: high}", "{pin: '3'}"),
        ("\noutputs:", "  marker: {pin: " + MARKER + ", range: 10 V}\n\noutputs:"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    before, _, after = text.partition("thermometer:\n")
    after = after[after.index("\nlimits:") :]
    thermometer = f"thermometer:\n  driver: tc200\n  options: {{resource: '{made.thermometer.resource}', {QUICK}}}\n"
    pump = PUMP.format(made.pump.resource, f"diameter: 26.59 mm, {QUICK}")
    made.text = f"{before}{thermometer}{pump}{after}"


def _parsed(text):
    from config.loading import rig_from_text

    return rig_from_text(text, "rig.yaml")


class Amid:
    """Does something once: when so many samples of a sweep of this label have come."""

    def __init__(self, act: Callable[[], None], *, after: int = 5_000, label: str = "") -> None:
        self._act, self._after, self._label, self._is_done, self._is_it = act, after, label, False, False

    def __call__(self, event):
        if isinstance(event, SweepStarted):
            self._is_it = self._label in event.header.label
        if isinstance(event, FrameArrived) and self._is_it and event.frame.first >= self._after and not self._is_done:
            self._is_done = True
            self._act()


def run(rig: Rig, folder: Path, steps: str, *, before=None, amid=None, label="", hands=None, low_pass="4 kHz") -> Seen:
    """Run steps on the rig with a journal; `before` and `amid` (in mid-sweep) break it. Return what is seen then."""
    (folder / "protocol.yaml").write_text(HEAD.replace("low_pass: 4 kHz", f"low_pass: {low_pass}") + steps, "utf-8")
    (folder / "rig.yaml").write_text(rig.text, encoding="utf-8")
    wish = Wish(folder / "protocol.yaml", folder / "rig.yaml", folder)
    loaded, protocol, clock = load_rig(wish.rig), load_protocol(wish.protocol), LinkClock(rig.link)
    nwb, person = folder / "session.nwb", Answers()
    with open_devices(loaded, clock, hands=hands or Nobody()) as rig.devices:
        if rig.devices.pump is not None:
            rig.devices.pump.run()
        if before is not None:
            before(rig)
        observers = [Amid(lambda: amid(rig), label=label)] if amid else []
        with (
            LiveLane(observers, lossless=True) as live,
            JournalRecorder(nwb, _head(wish, protocol, loaded, rig.devices), ballast=0) as recorder,
        ):
            bench = Bench(
                protocol, loaded, rig.devices,
                clock=clock, writer=WriterLane(recorder), live=live, person=person, controls=Controls(),
            )  # fmt: skip
            finished = Engine(bench).run()
    recover(nwb)
    return Seen(finished, **standing(rig), session=nwb, asked=person.asked)


def standing(rig: Rig) -> dict[str, Any]:
    """Return what stands at output, amplifier, valves and pump now."""
    amplifier = rig.link.ask("amplifier.get")
    return {
        "volts": rig.link.ask("board.get")["outputs"]["ao0"],
        "mode": amplifier["mode"],
        "lines": rig.link.ask("perfusion.get")["lines"],
        "pumping": rig.pump is not None and rig.pump.instrument.status in "IW",
    }
