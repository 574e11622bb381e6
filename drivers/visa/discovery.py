"""The instruments that this computer sees, for `patchrig devices`."""

from __future__ import annotations


def instruments() -> list[tuple[str, str]]:
    """Return (resource, description) of what there is, or one line that says why nothing is seen.

    Serial ports are asked for by themselves. A search of the network by pyvisa-py takes seconds and warns about
    packages that few have, so it is left to a vendor's VISA, which knows its instruments.
    """
    found = [*_serial_ports(), *_vendors()]
    return found or [("-", "no serial port and no VISA instrument on this computer")]


def _serial_ports() -> list[tuple[str, str]]:
    try:
        from serial.tools.list_ports import comports
    except ImportError as error:
        return [("-", f"the pyserial package does not import: {error}")]
    return [(port.device, f"serial port: {port.description}") for port in comports()]


def _vendors() -> list[tuple[str, str]]:
    """Return what an installed NI-VISA or Keysight VISA lists, serial ports left out; nothing without one."""
    import pyvisa

    try:
        manager = pyvisa.ResourceManager("@ivi")
        names = manager.list_resources("?*::INSTR")
    except (OSError, ValueError, pyvisa.errors.Error):
        return []
    return [(name, "answers to VISA ('visa_library: @ivi')") for name in names if not name.startswith("ASRL")]
