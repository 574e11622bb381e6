"""A second process that puts the rig to rest when the first one cannot any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.guardian.lease import Lease, Unguarded

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.build import Devices

__all__ = ["Lease", "Unguarded", "guarding", "record_of"]


def guarding(rig: Path, nwb: Path, devices: Devices) -> Unguarded:
    """Return the lease for a run on `devices`, to be entered before they are opened.

    Devices with a time of their own go on when the process that commands them dies: these need a guardian.
    """
    return Lease(rig, record_of(nwb)) if any(d.needs_wall_time for d in devices.all) else Unguarded()


def record_of(nwb: Path) -> Path:
    """Return where the guardian of a session writes what it had to do."""
    return nwb.with_name(nwb.name + ".guardian.json")
