"""A second process that puts the rig to rest when the first one cannot any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.guardian.lease import REMOTE_LEASE, Lease, Unguarded
from acquisition.session.guardian_record import record_of

if TYPE_CHECKING:
    from pathlib import Path

    from config.rig import Rig
    from drivers.build import Devices

__all__ = ["Lease", "Unguarded", "guarding", "record_of"]


def guarding(rig_file: Path, rig: Rig, nwb: Path, devices: Devices) -> Unguarded:
    """Return the lease for a run on `devices`, to be entered before they are opened.

    Devices with a time of their own go on when the process that commands them dies: these need a guardian.
    """
    if not any(d.needs_wall_time for d in devices.all):
        return Unguarded()
    remote = {"seconds": REMOTE_LEASE} if rig.daq.options.get("grpc") else {}
    return Lease(rig_file, record_of(nwb), **remote)
