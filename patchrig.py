"""patchrig for notebooks and scripts.

>>> import patchrig
>>> with patchrig.open_session("sub-R1_ses-1_icephys.nwb") as session:  # doctest: +SKIP
...     session.sweep(12).primary
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acquisition.analysis.settings import Settings
    from acquisition.figure import review_figure
    from acquisition.foreign.arrays import analyse
    from acquisition.run import Who, Wish, run
    from acquisition.session.reader import Session
    from acquisition.session.recovery import open_recovered as open_session
    from config.loading import load_rig
    from config.rig import Rig
    from protocols.errors import PatchrigError
    from protocols.loading import load_protocol
    from protocols.protocol import Protocol

__version__ = version("patchrig")

_WHERE = {
    "PatchrigError": "protocols.errors",
    "Protocol": "protocols.protocol",
    "Rig": "config.rig",
    "Session": "acquisition.session.reader",
    "Settings": "acquisition.analysis.settings",
    "Who": "acquisition.run",
    "Wish": "acquisition.run",
    "analyse": "acquisition.foreign.arrays",
    "load_protocol": "protocols.loading",
    "load_rig": "config.loading",
    "review_figure": "acquisition.figure",
    "run": "acquisition.run",
}

__all__ = [
    "PatchrigError",
    "Protocol",
    "Rig",
    "Session",
    "Settings",
    "Who",
    "Wish",
    "analyse",
    "load_protocol",
    "load_rig",
    "open_session",
    "review_figure",
    "run",
]


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import patchrig` costs nothing."""
    if name == "open_session":  # a session that was cut off is recovered when it is opened
        from acquisition.session.recovery import open_recovered

        return open_recovered
    if name not in _WHERE:
        raise AttributeError(f"patchrig has no '{name}'; it offers {', '.join(__all__)}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)
