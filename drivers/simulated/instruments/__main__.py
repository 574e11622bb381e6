"""Serves one emulated instrument until it is interrupted, and says under which resource.

    python -m drivers.simulated.instruments ne1000 --port 5101
    python -m drivers.simulated.instruments valvelink --link 127.0.0.1:31764 --lines 1=control 3=drug

With the link of a served board ('patchrig serve-board'), valves and thermometer belong to that board's bath.
"""

from __future__ import annotations

import argparse
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from drivers.clock import WallClock
from drivers.simulated.instruments import linked
from drivers.simulated.instruments.ne1000 import NE1000Emulator
from drivers.simulated.instruments.scpi import ScpiBenchEmulator
from drivers.simulated.instruments.serving import Instrument, OnPty, OnSocket
from drivers.simulated.instruments.tc200 import TC200Emulator
from drivers.simulated.instruments.valvelink import ValveLinkEmulator
from drivers.simulated.link import Link

if TYPE_CHECKING:
    from collections.abc import Callable


def main(arguments: list[str]) -> None:
    """Serve what `arguments` ask for."""
    wishes = _parser().parse_args(arguments)
    instrument = _instrument(wishes)
    with OnPty(instrument) if wishes.pty else OnSocket(instrument, wishes.port) as wire:
        sys.stdout.write(f"{wire.resource}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drivers.simulated.instruments")
    parser.add_argument("instrument", choices=["valvelink", "ne1000", "tc200", "scpi"])
    parser.add_argument("--port", type=int, default=0, help="TCP port on loopback; any that is free if left out")
    parser.add_argument("--pty", action="store_true", help="a pseudo-terminal in place of a TCP port; not on Windows")
    parser.add_argument("--link", help="host:port of a served board's side door")
    parser.add_argument("--lines", nargs="*", default=[], help="valve=line, such as 1=control 3=drug")
    return parser


def _instrument(wishes: argparse.Namespace) -> Instrument:
    now, link = WallClock().now, Link(wishes.link) if wishes.link else None
    lines = {int(valve): line for valve, line in (pair.split("=") for pair in wishes.lines)}
    if link is not None and wishes.instrument == "valvelink":
        return linked.valvelink(link, lines, now)
    if link is not None and wishes.instrument == "tc200":
        return linked.tc200(link, now)
    plain: dict[str, Callable[[], Instrument]] = {
        "valvelink": lambda: ValveLinkEmulator(now),
        "ne1000": lambda: NE1000Emulator(now),
        "tc200": lambda: TC200Emulator(now),
        "scpi": ScpiBenchEmulator,
    }
    return plain[wishes.instrument]()


if __name__ == "__main__":
    main(sys.argv[1:])
