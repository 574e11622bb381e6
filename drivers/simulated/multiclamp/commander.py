"""A MultiClamp Commander without amplifier: answers every call of the control library, and telegraphs.

It is as strict as the real one is known to be: settings belong to the mode, signals of another mode are refused, a
handle has one selected headstage, and the list of headstages ends with FALSE without an error.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drivers.multiclamp.library import Headstage
from drivers.multiclamp.table import (
    ACTS,
    API_VERSION,
    MODES,
    PRIMARY_RANGE,
    SECONDARY_RANGE,
    SERIAL_SIZE,
    VALUE_TYPE,
    Code,
    Hardware,
)
from drivers.multiclamp.telegraph import SIZE_700A, SIZE_700B, Telegraph, TelegraphData, TelegraphError, decode
from drivers.simulated.multiclamp.exports import Exports
from drivers.simulated.multiclamp.settings import OwnStore
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.simulated.multiclamp.settings import Store

FIRST_HANDLE = 0x7F0000000001
"""Wider than 32 bits, as handles are in a 64-bit process: a binding that cuts it in half is found out."""
USUAL_PATIENCE = 3000
AUTO_TAKES = 4000
"""ms an automatic procedure takes: longer than the library waits by default, as on a rig."""

OF_VOLTAGE_CLAMP = frozenset(
    ["FastCompCap", "FastCompTau", "SlowCompCap", "SlowCompTau", "SlowCompTauX20Enable", "WholeCellCompCap",
     "WholeCellCompResist", "WholeCellCompEnable", "RsCompBandwidth", "RsCompCorrection", "RsCompPrediction",
     "RsCompEnable", "LeakSubResist", "LeakSubEnable", "AutoFastComp", "AutoSlowComp", "AutoWholeCellComp",
     "AutoLeakSub"]
)  # fmt: skip
OF_CURRENT_CLAMP = frozenset(
    ["BridgeBalResist", "BridgeBalEnable", "AutoBridgeBal", "NeutralizationCap", "NeutralizationEnable",
     "SlowCurrentInjEnable", "SlowCurrentInjLevel", "SlowCurrentInjSettlingTime"]
)  # fmt: skip

TEXTS: Mapping[int, str] = {
    Code.OK: "no error",
    Code.OUT_OF_MEMORY: "out of memory",
    Code.NOT_OPEN: "the Commander is not open",
    Code.BAD_HANDLE: "invalid handle",
    Code.BAD_PARAMETER: "invalid parameter",
    Code.TIMEOUT: "time is up",
    Code.COMMAND_FAILED: "the command failed",
}


class Refusal(Exception):
    """A call ends with a code."""

    def __init__(self, code: int) -> None:
        """Keep it."""
        super().__init__(code)
        self.code = code


@dataclass
class Fault:
    """The n-th call of a name (or of any) from now on ends with a code."""

    call: str | None
    nth: int
    code: int

    def hits(self, call: str) -> bool:
        """Count this call; say whether it is the one."""
        if self.call not in (None, call):
            return False
        self.nth -= 1
        return self.nth == 0


@dataclass
class Connection:
    """What the library keeps for a handle."""

    patience: int = USUAL_PATIENCE
    selected: Headstage | None = None
    shown: int = 0


def two_demo_headstages() -> dict[Headstage, Store]:
    """Return what a Commander in demo mode shows."""
    return {Headstage(Hardware.MC700B, "Demo", 0, 0, channel): OwnStore() for channel in (1, 2)}


@dataclass
class FakeCommander:
    """The Commander: headstages with their settings, handles, faults, and a list of the calls."""

    headstages: dict[Headstage, Store] = field(default_factory=two_demo_headstages)
    late: int = 0
    """How many telegraphs still show the old mode after a switch."""
    is_running: bool = True
    calls: list[str] = field(default_factory=list)
    silent: bool = False
    """Whether the telegraph says nothing."""
    _faults: list[Fault] = field(default_factory=list)
    _connections: dict[int, Connection] = field(default_factory=dict)
    _before: dict[Headstage, tuple[ClampMode, int]] = field(default_factory=dict)

    def fail(self, code: int, *, call: str | None = None, nth: int = 1) -> None:
        """Let the `nth` call from now end with `code`: of `call`, or of any."""
        self._faults.append(Fault(call, nth, code))

    def library(self) -> Exports:
        """Return a library on disk that this Commander answers."""
        return Exports(self.answer)

    # --- the control library --------------------------------------------------------------------------------

    def answer(self, call: str, *arguments: Any) -> Any:
        """Carry out one call of the control library, with addresses for pointers."""
        self.calls.append(call)
        match call:
            case "CheckAPIVersion":
                return int(ctypes.string_at(arguments[0]) == API_VERSION)
            case "DestroyObject":
                self._connections.pop(arguments[0], None)
                return None
            case "BuildErrorText":
                _, code, text, size = arguments
                _write_text(text, TEXTS.get(code, "unknown"), size)
                return 1
        return self._checked(call, arguments)

    def _checked(self, call: str, arguments: tuple[Any, ...]) -> int:
        """Do what has an error code at the end; return TRUE, FALSE, or the new handle."""
        *rest, error = arguments
        try:
            self._trip(call)
            done = self._create() if call == "CreateObject" else self._with_handle(call, *rest)
        except Refusal as refused:
            error[0] = refused.code
            return 0
        except HardwareError:  # the amplifier is gone, and no exception can pass through a C library
            error[0] = Code.NOT_OPEN
            return 0
        error[0] = Code.OK
        return done

    def _trip(self, call: str) -> None:
        for fault in [f for f in self._faults if f.hits(call)]:
            self._faults.remove(fault)
            raise Refusal(fault.code)

    def _create(self) -> int:
        handle = FIRST_HANDLE + len(self._connections)
        self._connections[handle] = Connection()
        return handle

    def _with_handle(self, call: str, handle: int | None, *arguments: Any) -> int:
        connection = self._connections.get(handle or 0)
        if connection is None:
            raise Refusal(Code.BAD_HANDLE)
        if call == "SetTimeOut":
            connection.patience = arguments[0]
            return 1
        if not self.is_running:
            raise Refusal(Code.NOT_OPEN)
        if call in ("FindFirstMultiClamp", "FindNextMultiClamp"):
            return self._show(connection, *arguments, first=call == "FindFirstMultiClamp")
        if call == "SelectMultiClamp":
            return self._select(connection, *arguments)
        return self._at(connection, call, *arguments)

    def _show(self, connection: Connection, model: Any, serial: int, size: int, *rest: Any, first: bool) -> int:
        if size < SERIAL_SIZE:
            raise Refusal(Code.BAD_PARAMETER)
        connection.shown = 0 if first else connection.shown
        if connection.shown >= len(self.headstages):
            return 0
        shown = list(self.headstages)[connection.shown]
        connection.shown += 1
        _write_text(serial, shown.serial, size)
        for pointer, value in zip((model, *rest), (shown.model, shown.com, shown.device, shown.channel), strict=True):
            pointer[0] = int(value)
        return 1

    def _select(self, connection: Connection, model: int, serial: int, com: int, device: int, channel: int) -> int:
        wanted = (model, ctypes.string_at(serial).decode("ascii"), com, device, channel)
        for h in self.headstages:
            if (h.model, h.serial, h.com, h.device, h.channel) == wanted:
                connection.selected = h
                return 1
        raise Refusal(Code.NOT_OPEN)

    def _at(self, connection: Connection, call: str, *arguments: Any) -> int:
        if connection.selected is None:
            raise Refusal(Code.NOT_OPEN)
        where = connection.selected
        if call in ACTS:
            self._act(where, call, connection.patience)
        elif call == "GetMeterValue":
            arguments[0][0] = 0.0
        elif call.startswith("Set"):
            self._set(where, call.removeprefix("Set"), arguments[0])
        elif call.startswith("Get"):
            self._read(where, call.removeprefix("Get"), arguments[0])
        return 1

    def _read(self, where: Headstage, name: str, pointer: Any) -> None:
        store = self.headstages[where]
        value = MODES[store.mode()] if name == "Mode" else self._in_mode(store, name).get(name)
        pointer[0] = value if VALUE_TYPE[name] == "d" else int(value)

    def _set(self, where: Headstage, name: str, value: float) -> None:
        store = self.headstages[where]
        if name == "Mode":
            self._switch(where, int(value))
            return
        clamped = store.mode() is ClampMode.VOLTAGE
        allowed = {"PrimarySignal": PRIMARY_RANGE, "SecondarySignal": SECONDARY_RANGE}.get(name)
        if allowed is not None and where.model is Hardware.MC700B and int(value) not in allowed[clamped]:
            raise Refusal(Code.BAD_PARAMETER)
        self._in_mode(store, name).set(name, float(value))

    def _switch(self, where: Headstage, number: int) -> None:
        known = {n: mode for mode, n in MODES.items()}
        if number not in known:
            raise Refusal(Code.BAD_PARAMETER)
        self._before[where] = (self.headstages[where].mode(), self.late)
        self.headstages[where].switch(known[number])

    def _act(self, where: Headstage, call: str, patience: int) -> None:
        store = self._in_mode(self.headstages[where], call)
        if call.startswith("Auto") and patience < AUTO_TAKES:
            raise Refusal(Code.TIMEOUT)
        if call == "AutoBridgeBal":
            store.set("BridgeBalResist", store.auto_bridge())
        elif call == "AutoFastComp":
            store.set("FastCompCap", 5e-12)

    @staticmethod
    def _in_mode(store: Store, name: str) -> Store:
        """Return `store` if `name` exists in its mode."""
        clamped = store.mode() is ClampMode.VOLTAGE
        if name in (OF_CURRENT_CLAMP if clamped else OF_VOLTAGE_CLAMP):
            raise Refusal(Code.COMMAND_FAILED)
        return store

    # --- the telegraph --------------------------------------------------------------------------------------

    def record(self, where: Headstage) -> bytes:
        """Return the telegraph record of `where`, as the real Commander would send it."""
        store = self.headstages[where]
        scales, mode = store.scales(), self._telegraphed_mode(where)
        is_700a = where.model is Hardware.MC700A
        data = TelegraphData(
            uVersion=5 if is_700a else 13,
            uStructSize=SIZE_700A if is_700a else SIZE_700B,
            uComPortID=where.com,
            uAxoBusID=where.device,
            uChannelID=where.channel,
            uOperatingMode=MODES[mode],
            dLPFCutoff=store.get("PrimarySignalLPF"),
            dExtCmdSens=scales.command,
            uHardwareType=int(where.model),
            szSerialNumber=(where.serial if where.serial.isdigit() else "0").encode("ascii"),
        )
        gain = store.get("PrimarySignalGain")
        data.dScaleFactor, data.uScaleFactorUnits = _telegraphed(*scales.primary, gain)
        gain_other = 1.0 if is_700a else store.get("SecondarySignalGain")
        data.dRawScaleFactor, data.uRawScaleFactorUnits = _telegraphed(*scales.secondary, gain_other)
        data.dAlpha, data.dSecondaryAlpha = gain, gain_other
        return bytes(data)[: data.uStructSize]

    def _telegraphed_mode(self, where: Headstage) -> ClampMode:
        """Return the mode, or the one before while the switch still takes effect."""
        before, late = self._before.get(where, (ClampMode.ZERO, 0))
        if late <= 0:
            return self.headstages[where].mode()
        self._before[where] = (before, late - 1)
        return before


class FakeTelegraph:
    """The telegraph of a `FakeCommander`; its records go through the same decoder as the real ones."""

    def __init__(self, commander: FakeCommander) -> None:
        """Listen to `commander`."""
        self._commander = commander

    def open(self) -> None:
        """Nothing to do."""

    def read(self, headstage: Headstage) -> Telegraph:
        """Return what `headstage` telegraphs now."""
        if self._commander.silent or not self._commander.is_running:
            raise TelegraphError(f"no telegraph of the {headstage}: is MultiClamp Commander running?")
        return decode(self._commander.record(headstage))

    def close(self) -> None:
        """Nothing to do."""


def _telegraphed(unit: str, volts: float, gain: float) -> tuple[float, int]:
    """Return (scale factor at gain 1, number of its unit): V/V, or V/nA for currents."""
    return (volts / gain, 0) if unit == "V" else (volts / gain * 1e-9, 6)


def _write_text(address: int, text: str, size: int) -> None:
    raw = text.encode("ascii")[: size - 1] + b"\0"
    ctypes.memmove(address, raw, len(raw))
