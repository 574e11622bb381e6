"""VISA and serial instruments, through pyvisa."""

from __future__ import annotations


def instruments() -> list[tuple[str, str]]:
    """Return (resource, description) of what VISA sees, or one line that says why it sees nothing."""
    import pyvisa

    try:
        manager = pyvisa.ResourceManager()
    except (OSError, ValueError, pyvisa.errors.Error) as error:
        return [("-", f"no VISA library on this computer (NI-VISA, or pip install pyvisa-py): {error}")]
    try:
        found = [(name, "answers to VISA") for name in manager.list_resources()]
    finally:
        manager.close()
    return found or [("-", "VISA is installed and sees no instrument")]
