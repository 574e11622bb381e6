"""The command line. Each command is a few lines that call the rooms; imports happen where they are used."""

from __future__ import annotations

import io
import sys

from acquisition.cli import comparing, measuring, rehearsing, reviewing, running, safety, serving, viewing
from acquisition.cli.app import Exit, app, give, say
from protocols.errors import HardwareError, InvalidFile, PatchrigError

__all__ = ["comparing", "main", "measuring", "rehearsing", "reviewing", "running", "safety", "serving", "viewing"]


def main() -> None:
    """Run the command line; turn our errors into one message and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Windows console or pipe may be set to a code page without 'Ω'
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except (PatchrigError, OSError) as error:
        say(str(error))
        if "--json" in sys.argv:
            give(sys.argv[1] if len(sys.argv) > 1 else "", ok=False, error=str(error))
        code = {InvalidFile: Exit.INVALID, HardwareError: Exit.HARDWARE}
        sys.exit(next((c for kind, c in code.items() if isinstance(error, kind)), Exit.FAILED))
