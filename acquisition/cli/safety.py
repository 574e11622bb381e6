"""Commands that look after a rig: safe."""

from __future__ import annotations

import typer

from acquisition.cli.app import AsJson, Exit, RigFile, app, give, say, shipped_rig


@app.command()
def safe(rig: RigFile = None, json_: AsJson = False) -> None:
    """Put a rig to rest by hand: command and perfusion where its file says, whatever a run has left behind."""
    from acquisition.rest import put_to_rest
    from config.loading import load_rig
    from drivers.build import open_devices
    from drivers.clock import WallClock

    file = rig or shipped_rig()
    loaded = load_rig(file)
    with open_devices(loaded, WallClock()) as devices:
        left = put_to_rest(devices, loaded.safe)
        mode = None if left else devices.amplifier.mode()
    say("\n".join(f"NOT AT REST: {words}" for words in left) or f"{loaded.rig}: at rest ({mode})")
    if json_:
        give("safe", ok=not left, rig=file, not_done=left, mode=mode)
    raise typer.Exit(Exit.HARDWARE if left else Exit.DONE)
