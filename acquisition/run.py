"""One run, put together: files in, devices open, engine, session file out."""

from __future__ import annotations

import importlib.metadata
import platform
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from acquisition.bench import Bench
from acquisition.controls import Controls
from acquisition.engine import Engine
from acquisition.files import load_fitting, make_folder
from acquisition.guardian import guarding
from acquisition.hands import HandsOf
from acquisition.injection import FillableVolume, TroubledWriter, die
from acquisition.lanes import LiveLane, WriterLane
from acquisition.pauses import short_pauses
from acquisition.person import Person, Unattended
from acquisition.precedence import going_first
from acquisition.recording import recording
from acquisition.register import registered
from acquisition.rest import told_once
from acquisition.session.disk import require_space
from acquisition.session.head import SessionHead
from config.fault_moments import too_late
from config.faults import faults_for
from config.fit import plan_for
from drivers.build import open_devices
from drivers.clock import Clock, DemandClock, WallClock
from protocols.loading import read_text

if TYPE_CHECKING:
    import typing
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from acquisition.door import Door
    from acquisition.events import Observer, RunFinished
    from acquisition.guardian import Unguarded
    from acquisition.lanes import Recorder
    from acquisition.session.disk import Volume
    from config.rig import Rig
    from drivers.build import Devices
    from protocols.protocol import Protocol

    class Recording(typing.Protocol):
        """Makes what takes a session, from the session file's name, its head, and the disk as the run sees it."""

        def __call__(self, nwb: Path, head: SessionHead, *, volume: Volume) -> AbstractContextManager[Recorder]:
            """Begin the session."""


SOFTWARE = ("patchrig", "numpy", "numba", "h5py", "pydantic")


DISK_FACTOR = 2
"""Journal (int16) and session file (float32, compressed) together are below twice the plan's float32."""


@dataclass(frozen=True)
class Who:
    """What a protocol cannot know: whose experiment, which animal, which cell."""

    experimenter: tuple[str, ...] = ("Unknown, Experimenter",)
    """'Last, First'."""
    subject: str = "unknown"
    cell: str = "cell1"


@dataclass(frozen=True)
class Wish:
    """What to run, on what, how fast, and where to put the session."""

    protocol: Path
    rig: Path
    out: Path
    simulate: bool = False
    seed: int = 1
    speed: float | None = None
    """Times life speed; None: as fast as the computer can (time is then simulated, so only with a simulated rig)."""
    who: Who = Who()
    faults: Path | None = None
    """A list of faults to inject, on simulated devices."""


def run(
    wish: Wish,
    *,
    observers: Sequence[Observer] = (),
    person: Person | None = None,
    controls: Controls | None = None,
    record: Recording = recording,
    kill: Callable[[], None] = die,
    door: Door | None = None,
) -> tuple[RunFinished, Path]:
    """Run a protocol and return how it ended, and the session file.

    Parameters
    ----------
    wish
        What, on what, how fast, and where to.
    observers, person, controls
        Who looks on, who answers, and who may stop it.
    record
        Makes the recorder. Only a rehearsal, which keeps no samples, has another than the journal's.
    kill
        What an injected death of the program does.
    door
        Where others may ask for something while the run goes on; it observes the run, too.

    Raises
    ------
    InvalidFile, Refused, HardwareError
        Before anything is commanded. After that, what happens is in the result.
    """
    protocol, rig = load_fitting(wish.protocol, wish.rig)
    require_space(wish.out, DISK_FACTOR * plan_for(protocol, rig).bytes_max)
    make_folder(wish.out)
    clock: Clock = DemandClock() if wish.speed is None else WallClock(wish.speed)
    if door is not None:
        door.begins(clock, wish.speed, solutions=tuple(protocol.solutions))
        observers = [*observers, door]
    asked = person or Unattended()
    hands = HandsOf(asked, observers, clock)
    faults = None if wish.faults is None else faults_for(wish.faults, protocol, rig)
    devices = open_devices(rig, clock, simulate=wish.simulate, seed=wish.seed, hands=hands, faults=faults)
    volume = FillableVolume()
    head = _head(wish, protocol, rig, devices)
    path = wish.out / head.file_name
    with (
        registered(wish.rig, rig.rig, path, devices, door=door.address if door else (0, "")),
        guarding(wish.rig, rig, path, devices) as lease,
        _open(devices) as opened,
        LiveLane(observers, lossless=wish.speed is None) as live,
        record(path, head, volume=volume) as session,
        short_pauses(),
    ):
        hands.lease = lease
        writer = _writer(session, devices, volume, live, kill)
        controls = controls or Controls()
        bench = Bench(
            protocol, rig, devices, clock=clock, writer=writer, live=live, person=asked, controls=controls, lease=lease
        )
        finished = _carried_out(bench, wish)
        return (_rest_again(finished, lease, opened) if bench.left else finished), path


def _carried_out(bench: Bench, wish: Wish) -> RunFinished:
    """Run the plan: before other programs where seconds are seconds; a dry run would take the whole computer."""
    if wish.faults is not None:
        bench.log("faults", f"faults are injected, as {wish.faults.name} says", written=read_text(wish.faults))
        for words in too_late(faults_for(wish.faults, bench.protocol, bench.rig), bench.protocol, bench.rig):
            bench.log("note", words)
    if not bench.clock.is_wall_time:
        return Engine(bench).run()
    with going_first() as way:
        words = f"goes before other programs ({way.words})" if way else "waits for its turn among other programs"
        bench.log("precedence", f"the recording {words}", way=way.words if way else "")
        return Engine(bench).run()


@contextmanager
def _open(devices: Devices) -> Iterator[ExitStack]:
    """Open `devices`, and give what closes them: at the end, or before."""
    with ExitStack() as opened:
        opened.enter_context(devices)
        yield opened


def _writer(
    session: Recorder, devices: Devices, volume: FillableVolume, live: LiveLane, kill: Callable[[], None]
) -> WriterLane:
    """Return the way to the file; with faults, one that knows of them."""
    if devices.trouble is None:
        return WriterLane(session)
    return TroubledWriter(session, devices.trouble, volume, live, die=kill)


def _rest_again(finished: RunFinished, lease: Unguarded, opened: ExitStack) -> RunFinished:
    """Give up our devices and let the guardian try with its own: a new connection may do what ours could not."""
    if not lease.guards:
        return finished
    opened.close()
    done = lease.ask_for_rest()
    words = "the guardian did not answer" if done is None else done.words()
    return replace(finished, text="; ".join(told_once(f"{finished.text}; {words}".split("; "))))


def _head(wish: Wish, protocol: Protocol, rig: Rig, devices: Devices) -> SessionHead:
    started = datetime.now(UTC).astimezone()
    return SessionHead(
        protocol=protocol,
        protocol_text=read_text(wish.protocol),
        rig=rig,
        rig_text=read_text(wish.rig),
        identifier=str(uuid.uuid4()),
        session_id=f"{started:%Y%m%dT%H%M%S}-{wish.who.cell}",
        started=started,
        experimenter=wish.who.experimenter,
        subject_id=wish.who.subject,
        cell_id=wish.who.cell,
        seed=devices.seed,
        software=_software() | {f"driver of {kind}": name for kind, name in devices.drivers.items()},
        notes=_notes(wish, devices),
    )


def _notes(wish: Wish, devices: Devices) -> str | None:
    """Return what nobody who opens the file may overlook."""
    if devices.seed is None:
        return None
    told = f"Simulated, seed {devices.seed}: no living cell was recorded."
    return told if wish.faults is None else f"{told} Faults were injected on purpose, as {wish.faults.name} says."


def _software() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in SOFTWARE}
    return {**versions, "python": platform.python_version(), "system": platform.platform()}
