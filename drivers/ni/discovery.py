"""The cards that NI-DAQmx sees on this computer, for `patchrig devices`."""

from __future__ import annotations


def cards() -> list[tuple[str, str]]:
    """Return (name, description) of the cards NI-DAQmx sees, or one line that says why it sees none."""
    try:
        from nidaqmx.errors import DaqNotFoundError, DaqNotSupportedError, Error
        from nidaqmx.system import System
    except ImportError as error:
        return [("-", f"the nidaqmx package does not import: {error}")]
    try:
        found = [(d.name, f"{d.product_type}, serial {d.serial_num:X}") for d in System.local().devices]
    except (DaqNotFoundError, DaqNotSupportedError):
        return [("-", "no NI-DAQmx driver on this computer: python -m nidaqmx installdriver (needs administrator)")]
    except Error as error:
        return [("-", f"NI-DAQmx answers: {error}")]
    return found or [("-", "NI-DAQmx is installed and sees no card; NI MAX can make a simulated one")]
