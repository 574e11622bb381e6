"""What this computer sees: drivers we have, cards and instruments that answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """One line of `patchrig devices`."""

    kind: str
    name: str
    text: str


def look_around() -> list[Seen]:
    """Return our drivers, then what vendors' drivers see; a missing one is a line, not an error."""
    from drivers.build import known_drivers
    from drivers.multiclamp import discovery as multiclamp
    from drivers.ni import discovery as ni
    from drivers.visa import discovery as visa

    ours = [Seen("driver", name, text) for name, text in known_drivers().items()]
    seen = {"ni-daqmx": ni.cards(), "multiclamp": multiclamp.headstages(), "visa": visa.instruments()}
    return [*ours, *(Seen(kind, *line) for kind, lines in seen.items() for line in lines)]
