"""What can be wrong with a rig's digital lines: valves and TTL lines share the card's ports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from protocols.draft import mapping
from protocols.marks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

NI_LINE = r"port[0-9]+/line[0-9]+"
"""As NI-DAQmx names a digital line of the rig's own card, whose sample clock it must follow."""


def ttl_findings(data: dict[str, Any]) -> Iterator[Finding]:
    """Check that each TTL line has a connector of its own, under a name that the card's driver knows."""
    lines = mapping(data.get("ttl"))
    taken = {pin: f"perfusion line '{name}'" for name, pin in _pins(mapping(data.get("perfusion")).get("lines"))}
    for name, pin in _pins(lines):
        if (owner := taken.setdefault(pin, f"'{name}'")) != f"'{name}'":
            yield Finding(("ttl", name, "pin"), f"'{pin}' is taken by {owner}")
    yield from _names(data)


def _names(data: dict[str, Any]) -> Iterator[Finding]:
    daq = mapping(data.get("daq"))
    if daq.get("driver") != "nidaqmx":
        return
    for name, pin in _pins(mapping(data.get("ttl"))):
        own = pin.removeprefix(f"{daq.get('device', 'Dev1')}/")
        if "/" in pin and re.fullmatch(rf"\w+/{NI_LINE}", own):
            words = "is on another card: a TTL line follows the sample clock of the rig's own, such as 'port0/line4'"
            yield Finding(("ttl", name, "pin"), f"'{pin}' {words}")
        elif not re.fullmatch(NI_LINE, own):
            words = f"'{pin}' is no name of this kind of connector; write one such as 'port0/line4'"
            yield Finding(("ttl", name, "pin"), words)


def _pins(entries: object) -> Iterator[tuple[str, str]]:
    """Yield name and connector of each line that has one."""
    for name, entry in mapping(entries).items():
        if isinstance(pin := mapping(entry).get("pin"), str):
            yield name, pin
