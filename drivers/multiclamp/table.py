"""The calls of the MultiClamp control library (AxMultiClampMsg, API 1.0.0.7): names and types, written by us.

The maker's header is not ours to ship; these are the facts a caller needs. Every `MCCMSG_<name>` returns TRUE when it
worked; otherwise the last argument, an int, holds one of the codes below. Values are SI; the three series-resistance
settings differ: correction and prediction are percent, bandwidth is Hz.

Types, one letter each: h handle, s text, u unsigned, b BOOL, d double, i int, e the error code; capitals are pointers
to be written to.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping

API_VERSION = b"1.0.0.7"
PREFIX = "MCCMSG_"

DOUBLES = (
    "Holding", "PipetteOffset", "FastCompCap", "FastCompTau", "SlowCompCap", "SlowCompTau", "NeutralizationCap",
    "WholeCellCompCap", "WholeCellCompResist", "RsCompBandwidth", "RsCompCorrection", "RsCompPrediction",
    "PrimarySignalGain", "PrimarySignalLPF", "PrimarySignalHPF", "ScopeSignalLPF", "SecondarySignalGain",
    "SecondarySignalLPF", "OutputZeroAmplitude", "LeakSubResist", "BridgeBalResist", "PulseAmplitude",
    "PulseDuration", "ZapDuration", "BuzzDuration", "TestSignalAmplitude", "TestSignalFrequency",
    "SlowCurrentInjLevel", "SlowCurrentInjSettlingTime",
)  # fmt: skip
SWITCHES = (
    "ModeSwitchEnable", "HoldingEnable", "TestSignalEnable", "SlowCurrentInjEnable", "SlowCompTauX20Enable",
    "NeutralizationEnable", "WholeCellCompEnable", "RsCompEnable", "OscKillerEnable", "OutputZeroEnable",
    "LeakSubEnable", "BridgeBalEnable", "MeterResistEnable", "MeterIrmsEnable",
)  # fmt: skip
CHOICES = ("Mode", "PrimarySignal", "SecondarySignal")
ACTS = (
    "AutoPipetteOffset", "AutoFastComp", "AutoSlowComp", "AutoWholeCellComp", "AutoOutputZero", "AutoLeakSub",
    "AutoBridgeBal", "ClearPlus", "ClearMinus", "Pulse", "Zap", "Buzz", "Reset", "ToggleAlwaysOnTop", "ToggleResize",
)  # fmt: skip

VALUE_TYPE: Mapping[str, str] = {
    **dict.fromkeys(DOUBLES, "d"),
    **dict.fromkeys(SWITCHES, "b"),
    **dict.fromkeys(CHOICES, "u"),
}
"""Type of each setting that can be set and read."""


def _settings() -> dict[str, str]:
    found = {}
    for name, letter in VALUE_TYPE.items():
        found[f"Set{name}"] = f"h{letter}e"
        found[f"Get{name}"] = f"h{letter.upper()}e"
    return found


CALLS: Mapping[str, str] = {
    "CheckAPIVersion": "s",
    "CreateObject": "e",
    "DestroyObject": "h",
    "SetTimeOut": "hue",
    "BuildErrorText": "hisu",
    "FindFirstMultiClamp": "hUsuUUUe",
    "FindNextMultiClamp": "hUsuUUUe",
    "SelectMultiClamp": "husuuue",
    **_settings(),
    "GetMeterValue": "hDue",
    "QuickSelectButton": "hue",
    **dict.fromkeys(ACTS, "he"),
}
"""All 117 calls and the types of their arguments."""

RETURNS: Mapping[str, str] = {"CreateObject": "h", "DestroyObject": ""}
"""What is returned where it is not a BOOL."""


class Code(IntEnum):
    """What a call may end with."""

    OK = 6000
    OUT_OF_MEMORY = 6001
    NOT_OPEN = 6002
    BAD_HANDLE = 6003
    BAD_PARAMETER = 6004
    TIMEOUT = 6005
    COMMAND_FAILED = 6006


class Hardware(IntEnum):
    """Which amplifier."""

    MC700A = 0
    MC700B = 1


SERIAL_SIZE = 16
"""Bytes of a serial number with its closing zero: the least a caller's buffer must have."""

MODES: Mapping[ClampMode, int] = {ClampMode.VOLTAGE: 0, ClampMode.CURRENT: 1, ClampMode.ZERO: 2}
"""The library and the telegraph number the modes alike."""

MEMBRANE_SIGNALS: Mapping[tuple[Hardware, bool], tuple[int, int]] = {
    (Hardware.MC700B, True): (0, 1),
    (Hardware.MC700B, False): (7, 8),
    (Hardware.MC700A, True): (0, 1),
    (Hardware.MC700A, False): (2, 8),
}
"""(amplifier, is voltage clamp) -> numbers of (primary, secondary) for the membrane's response and its other signal.

700B: membrane current 0, membrane potential 1; in current clamp 7 and 8. The 700A's primary output takes numbers of
voltage clamp in current clamp, too, where 2 is the membrane potential (found by ACQ4, `multiclamp.py`, SIGNAL_MAP)."""

PRIMARY_RANGE: Mapping[bool, range] = {True: range(7), False: range(7, 14)}
"""Numbers a 700B accepts for its primary output, by 'is voltage clamp'."""
SECONDARY_RANGE: Mapping[bool, range] = {True: range(7), False: range(7, 15)}
"""And for its secondary output."""
