"""Which headstages MultiClamp Commander shows on this computer, and what each telegraphs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from drivers.clock import WallClock
from drivers.multiclamp.library import DEFAULT_LIBRARY, Commander, load
from drivers.multiclamp.window import CommanderTelegraph, MessageWindow
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.multiclamp.library import Headstage
    from drivers.multiclamp.telegraph import Telegraph, TelegraphSource

NONE = "MultiClamp Commander shows no headstage; switch the amplifier on, or start it in demo mode"
NOT_HERE = "MultiClamp Commander runs on Windows only"


def headstages() -> list[tuple[str, str]]:
    """Return (name, what it telegraphs) of each headstage, or one line that says why there is none."""
    if sys.platform != "win32":
        return [("-", NOT_HERE)]
    return look(lambda: Commander(load(DEFAULT_LIBRARY)), CommanderTelegraph(MessageWindow(), WallClock()))


def look(connect: Callable[[], Commander], telegraph: TelegraphSource) -> list[tuple[str, str]]:
    """Return the headstages of one Commander; what fails is said in the line where it fails."""
    try:
        commander = connect()
    except HardwareError as error:
        return [("-", str(error))]
    try:
        telegraph.open()
        found = [(str(headstage), _said(telegraph, headstage)) for headstage in commander.find()]
    except HardwareError as error:
        return [("-", str(error))]
    finally:
        telegraph.close()
        commander.close()
    return found or [
        ("-", "MultiClamp Commander shows no headstage; switch the amplifier on, or start it in demo mode")
    ]


def _said(telegraph: TelegraphSource, headstage: Headstage) -> str:
    try:
        return in_words(telegraph.read(headstage))
    except HardwareError as error:
        return str(error)


def in_words(said: Telegraph) -> str:
    """Return mode and scale factors as a rig file would have them."""
    primary = _scale(said.primary.unit, said.primary.volts_per_unit)
    secondary = _scale(said.secondary.unit, said.secondary.volts_per_unit)
    return f"{said.mode}: {{command: {_command(said)}, primary: {primary}, secondary: {secondary}}}"


def _scale(unit: str, volts: float) -> str:
    if not volts or not unit:
        return "none (an auxiliary signal)"
    return f"{volts * 1e-9:g} V/nA" if unit == "A" else f"{volts:g} mV/mV"


def _command(said: Telegraph) -> str:
    if not said.command:
        return "none in this mode, or OFF in Options > Gains"
    return f"{said.command * 1e3:g} mV/V" if said.mode is ClampMode.VOLTAGE else f"{said.command * 1e12:g} pA/V"
