"""The rig's devices, each opened by itself and only looked at: nothing is commanded.

Some drivers write when they are opened (a valve goes to the safe line, a bath to its temperature). These are opened
only when the person has given the rig to us, or with that wish left out.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any

from acquisition.doctor.finding import Check, Finding, Section, Verdict, bad, note, ok, section
from acquisition.doctor.trial import Trial
from acquisition.guardian import Unguarded
from acquisition.guardian.claim import claimed
from drivers.build import Context, Devices, open_devices
from drivers.scales import differences
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from config.rig import Rig
    from drivers.base import Daq, Device, Gains
    from drivers.clock import Clock
    from drivers.hands import Hands

VENDORS: Mapping[str, str] = {"nidaqmx": "drivers.ni.looking"}
"""Driver of the card -> module with `driver_seen`, `tasks_left` and `card_seen`."""

WRITES: Mapping[str, str] = {
    "digital_valves": "its digital lines are there if the card fits",
    "valvelink": "the controller never answers; only its port can be looked for",
}
"""Drivers that write when they are opened -> what else is known of them."""

WISHES: Mapping[str, tuple[str, ...]] = {"tc200": ("set_temperature",)}
"""Driver -> options that are wishes, which opening would fulfil; left out here."""

WOUND: Mapping[str, str] = {"ne1000": "watchdog"}
"""Driver -> option that winds a watchdog: opening and closing would stop a running device later."""

CURES: Mapping[str, str] = {
    "card": "is it plugged in and powered, and its name as in the rig file? 'patchrig devices' lists what is seen",
    "amplifier": "switch it on, and start its program; compare the rig file's 'amplifier'",
    "thermometer": "is it on, and its cable in? compare the rig file's 'thermometer'",
    "pump": "is it on, its address and port as in the rig file? 'patchrig devices' lists ports",
    "perfusion": "is it on, its port as in the rig file? 'patchrig devices' lists ports",
}
OFF_BY = 5.0
"""degC from 20 to 40 beyond which a bath is surprising."""
BATH = (20.0, 40.0)
"""degC of baths for slices, room temperature to physiological."""


def quiet(rig: Rig) -> Rig:
    """Return the rig without the wishes that opening a device would fulfil."""
    entry = rig.thermometer
    if entry is None or entry.driver not in WISHES:
        return rig
    options = {k: v for k, v in entry.options.items() if k not in WISHES[entry.driver]}
    return rig.model_copy(update={"thermometer": entry.model_copy(update={"options": options})})


# --- the vendor's software ------------------------------------------------------------------------------------------


def look_at_drivers(rig: Rig, clock: Clock) -> Section:
    """Return what is to be said of vendors' drivers, before anything is opened."""
    module = VENDORS.get(rig.daq.driver)
    if module is None:
        return Section("Vendors' drivers", (ok("drivers", f"'{rig.daq.driver}' needs no vendor's driver"),))

    def ask(what: str) -> Any:
        return getattr(import_module(module), what)(Context(rig, clock, 1))

    install = "install NI-DAQmx, or start the device server that the rig file names ('grpc')"
    title = "Vendors' drivers"
    driver = section(title, (Check("driver", lambda: [ok("driver", ask("driver_seen"))], install),))
    if any(f.verdict is Verdict.BAD for f in driver.findings):
        return driver  # all else would fail for the same reason
    behind = section(
        title,
        (
            Check("card", lambda: [ok("card", ask("card_seen"))], CURES["card"]),
            Check("tasks", lambda: _left(ask("tasks_left")), "restart the device server"),
        ),
    )
    return Section(title, (*driver.findings, *behind.findings))


def _left(names: list[str]) -> Iterator[Finding]:
    if names:
        words = f"left on the device server: {', '.join(names)}"
        yield note("tasks", words, "nothing: opening the card takes them away, unless a program still reads from them")
    else:
        yield ok("tasks", "no task of ours is left on the card")


# --- the rig --------------------------------------------------------------------------------------------------------


class Looking:
    """Opens the devices of a rig one by one, and looks at each; a context manager that closes what it opened."""

    def __init__(
        self,
        rig: Rig,
        clock: Clock,
        hands: Hands,
        *,
        guard: Callable[[Devices], Unguarded] | None = None,
        claims: Path | None = None,
    ) -> None:
        """Take the rig.

        Parameters
        ----------
        rig, clock, hands
            As for a run.
        guard
            Gives the lease under which the rig is commanded: the person has given it to us, so every device may be
            opened. None: nothing is commanded.
        claims
            Where rigs are claimed; the user's state folder if left out.
        """
        self._commands, self._guard = guard is not None, guard
        self.rig = rig if self._commands else quiet(rig)
        self._clock, self._hands, self._claims, self._stack = clock, hands, claims, ExitStack()
        self._lease = Unguarded()
        self._trial: Trial | None = None
        self.devices: Devices | None = None
        self.opened: set[str] = set()

    def __enter__(self) -> Looking:
        """Open nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what was opened, and release the guardian."""
        if self._trial is not None:
            self._trial.end()
        self._stack.close()

    def look(self) -> Section:
        """Return what is to be said of the rig."""
        made = section(f"Rig: {self.rig.rig}", (Check("drivers", self._make, "correct the rig file"),))
        if self.devices is None:
            return made
        parts = (
            Check("file", self._file, "correct the rig file"),
            Check("card", self._card, CURES["card"]),
            Check("amplifier", self._amplifier, CURES["amplifier"]),
            Check("perfusion", self._perfusion, CURES["perfusion"]),
            Check("thermometer", self._thermometer, CURES["thermometer"]),
            Check("pump", self._pump, CURES["pump"]),
        )
        return section(made.title, parts)

    @property
    def trial(self) -> Trial | None:
        """What loop and model cell command; None if card and amplifier are not open."""
        if self.devices is None or not {"daq", "amplifier"} <= self.opened:
            return None
        self._trial = self._trial or Trial(self.rig, self.devices, self._lease)
        return self._trial

    def _make(self) -> Iterator[Finding]:
        """Make the devices, and have the rig for us alone: a guardian may still be at work on it.

        What commands has a guardian, which has the rig for both of us.
        """
        made = open_devices(self.rig, self._clock, hands=self._hands)
        if self._guard is not None:
            self._lease = self._stack.enter_context(self._guard(made))
        if any(d.needs_wall_time for d in made.all) and not self._lease.guards:
            self._stack.enter_context(claimed(self.rig, os.getpid(), self._claims))
        self.devices = made
        yield from ()

    def _open(self, kind: str, device: Device) -> None:
        self._stack.enter_context(device)
        self.opened.add(kind)

    def _file(self) -> Iterator[Finding]:
        if ignored := [name for name in self.rig.outputs if name != "command"]:
            words = f"outputs beside the command: {', '.join(ignored)}"
            yield note("file", words, "protocols drive 'command' alone; an NI card holds these at 0 V during sweeps")

    # --- card and amplifier ---------------------------------------------------------------------------------------

    def _card(self) -> Iterator[Finding]:
        daq = self._known.daq
        self._open("daq", daq)
        rate = daq.rate(float(self.rig.daq.sampling_limit))
        yield ok("card", f"{daq.name} fits the rig file: {', '.join(self.rig.inputs)}; {rate / 1e3:g} kHz at most")
        yield self._output(daq)

    def _output(self, daq: Daq) -> Finding:
        volts = daq.output_volts()
        if volts != volts:  # noqa: PLR0124  NaN: the card cannot read its output back
            return note("output", "this card cannot measure its own output", "wire it to an input: 'read_back: ai6'")
        return ok("output", f"{volts:.4g} V stand at the command output")

    def _amplifier(self) -> Iterator[Finding]:
        amplifier = self._known.amplifier
        self._open("amplifier", amplifier)
        gains = amplifier.gains()
        yield ok("amplifier", f"{amplifier.name} answers: {gains.mode}")
        yield self._gains(gains)
        for doubt in amplifier.doubts():
            yield note("telegraph", doubt, "turn that knob: the reading must follow (patchrig doctor, once more)")
        if gains.mode is not ClampMode.ZERO and "daq" in self.opened:
            yield self._commanded(gains)
        state = amplifier.state()
        yield ok("filter", f"output filter {state.low_pass / 1e3:g} kHz")

    def _gains(self, gains: Gains) -> Finding:
        wrong = differences(gains, self._known.amplifier.gains_in(gains.mode))
        if wrong:
            return bad("gains", wrong, "set the amplifier's gain to the rig file's, or correct the rig file")
        others = ", ".join(str(m) for m in ClampMode if m is not gains.mode)
        return ok("gains", f"as in the rig file, in {gains.mode}; {others} are seen at the next switch")

    def _commanded(self, gains: Gains) -> Finding:
        """Say what the cell is commanded, if anything stands on the pipette."""
        level = self._known.daq.output_volts() * gains.command
        unit, factor = ("mV", 1e3) if gains.mode is ClampMode.VOLTAGE else ("pA", 1e12)
        limits = self.rig.limits.voltage if gains.mode is ClampMode.VOLTAGE else self.rig.limits.current
        words = f"{level * factor:.4g} {unit} in {gains.mode}"
        if level != level or limits.low <= level <= limits.high:  # noqa: PLR0124  NaN
            return ok("command", words)
        return bad("command", f"{words}, beyond this rig's limits ({limits})", "patchrig safe, with this rig file")

    # --- the others -----------------------------------------------------------------------------------------------

    def _perfusion(self) -> Iterator[Finding]:
        entry, lines = self.rig.perfusion, ", ".join(self.rig.perfusion.lines)
        if entry.driver in WRITES and not self._commands:
            words = f"not opened, for that would switch to '{self.rig.safe.line}': {WRITES[entry.driver]} ({lines})"
            yield note("perfusion", words, "listen to the valves: patchrig safe switches to the safe line")
            yield from _port("perfusion", entry.options)
            return
        perfusion = self._known.perfusion
        self._open("perfusion", perfusion)
        yield ok("perfusion", f"lines {lines}; '{perfusion.selected()}' is open")

    def _thermometer(self) -> Iterator[Finding]:
        thermometer = self._known.thermometer
        if thermometer is None:
            yield note("thermometer", "none in the rig file", "sessions will carry no temperature")
            return
        self._open("thermometer", thermometer)
        degrees = thermometer.read()
        words = f"{degrees:.1f} °C"
        if BATH[0] - OFF_BY <= degrees <= BATH[1] + OFF_BY:
            yield ok("thermometer", words)
        else:
            yield bad("thermometer", f"{words} is no bath for slices", CURES["thermometer"])

    def _pump(self) -> Iterator[Finding]:
        pump, entry = self._known.pump, self.rig.pump
        if pump is None or entry is None:
            return
        if entry.options.get(WOUND.get(entry.driver, "")) and not self._commands:
            yield note("pump", "not opened, for its watchdog would stop it afterwards", "look at its display")
            yield from _port("pump", entry.options)
            return
        self._open("pump", pump)
        running = "runs" if pump.running() else "stands"
        words = f"{pump.name} {running}, {pump.rate() * 60e6:.3g} mL/min"
        alarms = pump.alarms()
        yield note("pump", f"{words}; it complains: {', '.join(alarms)}", "look at it") if alarms else ok("pump", words)

    @property
    def _known(self) -> Devices:
        if self.devices is None:
            raise HardwareError(self.rig.rig, "its devices could not be made")
        return self.devices


def _port(what: str, options: Mapping[str, Any], seen: Callable[[], list[str]] | None = None) -> Iterator[Finding]:
    """Look for a serial port among those of this computer, without opening it."""
    wanted = options.get("resource")
    if not isinstance(wanted, str) or "::" in wanted:
        return
    ports = (seen or _ports)()
    if wanted in ports:
        yield ok(what, f"its port {wanted} is there")
    else:
        words = f"its port {wanted} is not among those of this computer: {', '.join(ports) or 'none'}"
        yield bad(what, words, "plug it in; compare 'resource' with 'patchrig devices'")


def _ports() -> list[str]:
    from drivers.visa.discovery import instruments

    return [name for name, _ in instruments() if name != "-"]
