"""The Commander of a served board: its headstage is on the board's cell, so settings and telegraphs are the board's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config.amplifiers import MultiClampOptions
from config.ni import options_of
from drivers.multiclamp.amplifier import Doors
from drivers.multiclamp.library import Commander, Headstage, load
from drivers.multiclamp.table import Hardware
from drivers.multiclamp.telegraph import TelegraphError
from drivers.simulated.link import Link
from drivers.simulated.multiclamp.commander import FakeCommander, FakeTelegraph
from drivers.simulated.multiclamp.settings import OwnStore, Scales
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.build import Context
    from drivers.multiclamp.telegraph import Telegraph
    from drivers.simulated.multiclamp.exports import Exports

KNOBS: Mapping[str, tuple[str, float]] = {
    "PrimarySignalLPF": ("low_pass", 1.0),
    "BridgeBalResist": ("bridge", 1.0),
    "NeutralizationCap": ("capacitance_compensation", 1.0),
    "FastCompCap": ("capacitance_compensation", 1.0),
    "WholeCellCompCap": ("whole_cell_capacitance", 1.0),
    "WholeCellCompResist": ("whole_cell_series_resistance", 1.0),
    "RsCompCorrection": ("resistance_correction", 100.0),
}
"""Setting -> (knob of the board's amplifier, how many of the setting's units are one of the knob's)."""
SWITCHED: Mapping[str, str] = {
    "BridgeBalEnable": "BridgeBalResist",
    "NeutralizationEnable": "NeutralizationCap",
    "WholeCellCompEnable": "WholeCellCompCap",
    "RsCompEnable": "RsCompCorrection",
}
"""Switch -> the setting that is 0 at the board's amplifier while the switch is off."""


class LinkedStore(OwnStore):
    """A headstage on a served board's cell; what the board's amplifier has no knob for is kept here."""

    def __init__(self, link: Link, hardware: Hardware) -> None:
        """Ask the board through `link`."""
        super().__init__(hardware)
        self._link = link
        self._last: dict[str, float] = {}

    def mode(self) -> ClampMode:
        """Return the board's mode."""
        self.present = ClampMode(self._link.ask("amplifier.mode")["mode"])
        return self.present

    def switch(self, mode: ClampMode) -> None:
        """Turn the board's mode switch."""
        self.present = ClampMode(self._link.ask("amplifier.mode", mode=str(mode))["mode"])

    def get(self, name: str) -> float:
        """Return a setting: the board's, if it has such a knob."""
        self.mode()
        if name in SWITCHED:
            return float(self.get(SWITCHED[name]) > 0)
        if name not in KNOBS:
            return super().get(name)
        knob, per_unit = KNOBS[name]
        return float(self._knobs()[knob]) * per_unit

    def set(self, name: str, value: float) -> None:
        """Change a setting: at the board, if it has such a knob and it is not so already."""
        self.mode()
        if name in SWITCHED:
            self._turn_on(SWITCHED[name], value > 0)
        elif name == "PrimarySignalGain":
            self._rescale(value)
        elif name not in KNOBS:
            super().set(name, value)
        elif value != self.get(name):
            knob, per_unit = KNOBS[name]
            self._link.ask("amplifier.knobs", **{knob: value / per_unit})

    def auto_bridge(self) -> float:
        """Let the board's amplifier balance its bridge."""
        return float(self._link.ask("amplifier.auto_bridge")["bridge"])

    def scales(self) -> Scales:
        """Return what a volt means at the board now."""
        said = self._link.ask("amplifier.get")
        outputs = {name: (str(unit), 1 / float(per_volt)) for name, (unit, per_volt) in said["inputs"].items()}
        return Scales(float(said["command"]), outputs["primary"], outputs["secondary"])

    def _knobs(self) -> dict[str, Any]:
        return self._link.ask("amplifier.knobs")

    def _turn_on(self, name: str, on: bool) -> None:
        """Switch off by turning the knob to 0, and on by turning it back."""
        now = self.get(name)
        if now and not on:
            self._last[name] = now
            self.set(name, 0.0)
        elif on and not now and name in self._last:
            self.set(name, self._last[name])

    def _rescale(self, gain: float) -> None:
        _, volts = self.scales().primary
        at_one = volts / super().get("PrimarySignalGain")
        self._link.ask("amplifier.scales", mode=str(self.present), primary=1 / (at_one * gain))
        super().set("PrimarySignalGain", gain)


class ServedCommander:
    """A Commander whose one headstage is the one the rig file means, connected to a served board when it is opened."""

    def __init__(self, address: str, headstage: Headstage) -> None:
        """Take the board's side door, 'host:port'."""
        self._address, self._headstage = address, headstage
        self._link: Link | None = None
        self._exports: Exports | None = None
        self._telegraph: FakeTelegraph | None = None
        self.commander: FakeCommander | None = None

    def connect(self) -> Commander:
        """Return a connection through a control library on disk, as on a rig."""
        self.close()
        self._link = Link(self._address)
        self.commander = FakeCommander({self._headstage: LinkedStore(self._link, self._headstage.model)})
        self._telegraph = FakeTelegraph(self.commander)
        self._exports = self.commander.library()
        return Commander(load(str(self._exports.path)))

    def open(self) -> None:
        """Nothing to do: the telegraph is there with the connection."""

    def read(self, headstage: Headstage) -> Telegraph:
        """Return what `headstage` telegraphs now."""
        if self._telegraph is None:
            raise TelegraphError("is not open")
        return self._telegraph.read(headstage)

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
        if self._exports is not None:
            self._exports.close()
        self._link = self._exports = self._telegraph = self.commander = None


def doors(context: Context, address: str) -> Doors:
    """Return the ways to the Commander of the board that is served at `address`."""
    options = options_of("amplifier", MultiClampOptions, context.rig.amplifier.options)
    served = ServedCommander(address, _wanted(options, context.rig.amplifier.channel))
    return Doors(served.connect, served)


def _wanted(options: MultiClampOptions, channel: int) -> Headstage:
    """Return the headstage that the rig file means, on a 700A if it names a port."""
    if options.com is not None or options.device is not None:
        return Headstage(Hardware.MC700A, "", options.com or 0, options.device or 0, channel)
    return Headstage(Hardware.MC700B, options.serial or "Demo", 0, 0, channel)
