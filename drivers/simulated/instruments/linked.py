"""Emulated instruments that belong to the world of a served board: its bath flows and warms as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.simulated.instruments.tc200 import TC200Emulator
from drivers.simulated.instruments.valvelink import ValveLinkEmulator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.simulated.link import Link


def valvelink(link: Link, lines: Mapping[int, str], now: Callable[[], float], *, address: int = 0) -> ValveLinkEmulator:
    """Return a valve controller whose valves let the board's perfusion `lines` flow: valve number -> name."""

    def changed(opened: frozenset[int]) -> None:
        flowing = [lines[valve] for valve in sorted(opened) if valve in lines]
        link.ask("perfusion.select", line=flowing[-1] if flowing else None)

    return ValveLinkEmulator(now, address=address, plugged_in=lines, changed=changed)


def tc200(link: Link, now: Callable[[], float]) -> TC200Emulator:
    """Return a temperature controller whose sensor hangs in the board's bath."""
    return TC200Emulator(now, bath=lambda: float(link.ask("thermometer.read")["temperature"]))
