"""How each device of a rig was left, for the person: what stands there, what could not be done, what to do by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocols.errors import HardwareError, PatchrigError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from config.rig import Rig
    from drivers.base import Device
    from drivers.build import Devices

LONGEST = 240
"""Letters of a failure that a line shows; vendors' texts have up to 2000, and the cure is in the first."""
TURN = "TURN IT TO I=0 BY HAND"


@dataclass(frozen=True)
class Told:
    """One device."""

    device: str
    """'command', 'amplifier', 'perfusion' or 'pump'; 'rig' for what belongs to none."""
    at_rest: bool
    words: str
    """How it was left, or what could not be done."""
    by_hand: str = ""
    """What the person must do."""

    def line(self) -> str:
        """Return all of it as one line."""
        if self.at_rest:
            return f"{self.device}: {self.words}"
        return f"{self.device}: NOT AT REST: {_sentence(self.words)} {self.by_hand}".strip()


def told(devices: Devices, rig: Rig, closed: Mapping[str, str], left: Sequence[str]) -> tuple[Told, ...]:
    """Return how each device was left.

    Parameters
    ----------
    devices
        As far as they could be opened, after `put_to_rest`.
    rig
        Says what rest is.
    closed
        Kind of device -> why it could not be opened.
    left
        What `put_to_rest` could not do.
    """
    knows = "amplifier" not in closed and _mode(devices) is not None
    of_card = [words for words in left if _is_of(words, devices.daq, closed.get("daq"))]
    others = [words for words in left if words not in of_card]
    lines = [_command(devices, of_card, closed.get("daq"), mode=_mode(devices) if knows else None)]
    asks: tuple[tuple[str, str, Callable[[Devices, Rig], str]], ...] = (
        ("amplifier", f"LOOK AT ITS FRONT PANEL, AND {TURN}", _amplifier),
        ("perfusion", f"OPEN '{rig.safe.line}' AND CLOSE THE OTHER VALVES BY HAND", _perfusion),
        ("pump", "STOP IT BY HAND", _pump),
    )
    for kind, by_hand, ask in asks:
        if (device := devices.by_kind.get(kind)) is None:
            continue
        failed = [words for words in (*of_card, *others) if _is_of(words, device, closed.get(kind))]
        others = [words for words in others if words not in failed]
        why = closed.get(kind) or next(iter(failed), None)
        lines.append(_one(kind, by_hand, why, lambda ask=ask: ask(devices, rig)))  # type: ignore[misc]
    return (*lines, *(Told("rig", at_rest=False, words=short(words)) for words in others))


def short(words: str) -> str:
    """Return the beginning of a failure's text, on one line."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rsplit(' ', 1)[0]} ..."


def _sentence(words: str) -> str:
    return words if words.endswith(("?", ".", "!")) else f"{words}."


def _is_of(words: str, device: Device, closed: str | None) -> bool:
    return words == closed or words.startswith(f"{device.name}: ")


def _mode(devices: Devices) -> ClampMode | None:
    """Return the mode; None if the amplifier does not say, which is told as its own failure."""
    try:
        return devices.amplifier.mode()
    except Exception:  # noqa: BLE001  whatever a driver raises, the other devices must be told
        return None


def _command(devices: Devices, failed: Sequence[str], closed: str | None, *, mode: ClampMode | None) -> Told:
    """Tell what stands at the output; where it could not be written, what keeps it from the cell."""
    if closed or failed:
        why = short(closed or failed[0])
        if mode is ClampMode.ZERO:
            return Told(
                "command", at_rest=False, words=f"{_sentence(why)} The amplifier is at I=0: nothing reaches the cell"
            )
        return Told("command", at_rest=False, words=why, by_hand=TURN.replace("IT", "THE AMPLIFIER"))
    try:
        volts = devices.daq.output_volts()
    except Exception as error:  # noqa: BLE001  as above
        return Told("command", at_rest=False, words=_words(error), by_hand=TURN.replace("IT", "THE AMPLIFIER"))
    stands = "UNKNOWN VOLTS" if math.isnan(volts) else f"{volts:.4g} V"
    if mode is None:
        words = f"{stands} STAND AT THE OUTPUT, and nobody knows the amplifier's mode"
        return Told("command", at_rest=False, words=words)
    return Told("command", at_rest=True, words="written" if math.isnan(volts) else f"{stands} at the output")


def _one(kind: str, by_hand: str, why: str | None, ask: Callable[[], str]) -> Told:
    if why is not None:
        return Told(kind, at_rest=False, words=short(why), by_hand="" if by_hand in why else by_hand)
    try:
        return Told(kind, at_rest=True, words=ask())
    except Exception as error:  # noqa: BLE001  as above
        return Told(kind, at_rest=False, words=_words(error), by_hand=by_hand)


def _words(error: Exception) -> str:
    return short(str(error) if isinstance(error, PatchrigError) else f"{type(error).__name__}: {error}")


def _amplifier(devices: Devices, rig: Rig) -> str:
    mode = devices.amplifier.mode()
    kept = ", as the rig file says ('safe: amplifier: keep')" if rig.safe.amplifier == "keep" else ""
    return "at I=0: no command reaches the cell" if mode is ClampMode.ZERO else f"in {mode}{kept}"


def _perfusion(devices: Devices, rig: Rig) -> str:  # noqa: ARG001  as the others
    return f"'{devices.perfusion.selected()}' is open"


def _pump(devices: Devices, rig: Rig) -> str:
    if devices.pump is None or not devices.pump.running():
        return "stands"
    if rig.safe.pump != "keep":
        raise HardwareError(devices.pump.name, "still runs")
    return "runs, as the rig file says ('safe: pump: keep')"
