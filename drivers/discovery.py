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
    """Return our drivers, then NI cards, then VISA instruments; a missing vendor driver is a line, not an error."""
    from drivers import nidaq, visa
    from drivers.build import known_drivers

    ours = [Seen("driver", name, text) for name, text in known_drivers().items()]
    return [*ours, *(Seen("ni-daqmx", *d) for d in nidaq.cards()), *(Seen("visa", *d) for d in visa.instruments())]
