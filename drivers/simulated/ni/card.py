"""What the card is and can do, as its own driver tells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

STEPS = 32768
"""Of a 16-bit converter, each way."""
TIMEBASE = 100e6
"""Hz; sample clocks are this divided by a whole number (X Series manual, 'Clock Routing')."""
TERMINALS = (
    "ai/SampleClock", "ai/StartTrigger", "ao/SampleClock", "ao/StartTrigger", "do/SampleClock", "do/StartTrigger",
    "PFI0", "PFI1", "PFI2", "100MHzTimebase",
)  # fmt: skip


@dataclass(frozen=True)
class Card:
    """One multifunction card.

    The defaults are a PCIe-6363: one converter behind a multiplexer, 2 MS/s on one input, 1 MS/s on all together,
    outputs 2.86 MS/s (NI, 'PCIe-6363 Specifications').
    """

    device: str = "Dev1"
    product: str = "PCIe-6363"
    serial: int = 0x01A2B3C4
    inputs: int = 32
    outputs: int = 4
    ports: tuple[int, ...] = (32, 8, 8)
    """Lines of each digital port."""
    clocked_ports: tuple[int, ...] = (0,)
    """Ports that have a sample clock: of X Series the first (X Series manual, 'Digital I/O')."""
    line_rate: float = 10e6
    """Hz, of clocked digital lines."""
    single_rate: float = 2e6
    aggregate_rate: float = 1e6
    """Hz, all channels together; per channel where sampling is simultaneous."""
    simultaneous: bool = False
    output_rate: float = 2.86e6
    lowest_rate: float = 0.023
    input_ranges: tuple[float, ...] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
    """Volts, each way."""
    output_ranges: tuple[float, ...] = (5.0, 10.0)
    driver: tuple[int, int, int] = (24, 8, 0)
    """Version of NI-DAQmx that is reported."""
    to_zero_on_reset: bool = True
    """M, C and X Series outputs go to 0 V on a reset (NI, 'Initialized States')."""
    terminals: tuple[str, ...] = field(default=TERMINALS)

    def pins(self, kind: str) -> tuple[str, ...]:
        """Return the names, without the device, of all channels of `kind`: ai, ao, line or port."""
        match kind:
            case "ai":
                return tuple(f"ai{i}" for i in range(self.inputs))
            case "ao":
                return tuple(f"ao{i}" for i in range(self.outputs))
            case "port":
                return tuple(f"port{i}" for i in range(len(self.ports)))
            case _:
                return tuple(f"port{p}/line{i}" for p, width in enumerate(self.ports) for i in range(width))

    def listed(self, kind: str) -> str:
        """Return the same as the driver lists them."""
        return ", ".join(f"{self.device}/{pin}" for pin in self.pins(kind))

    def is_clocked(self, line: str) -> bool:
        """Return whether a digital line can follow a sample clock."""
        return any(line.startswith(f"port{port}/") for port in self.clocked_ports)

    def own_outputs(self) -> dict[str, str]:
        """Return input -> output, for the internal channels by which the card measures its own outputs."""
        return {f"_{pin}_vs_aognd": pin for pin in self.pins("ao")}

    def input_limit(self, channels: int) -> float:
        """Return the highest rate per channel, Hz."""
        if channels == 1:
            return self.single_rate
        return self.aggregate_rate if self.simultaneous else self.aggregate_rate / max(channels, 1)

    def input_range(self, low: float, high: float) -> float:
        """Return the smallest range that holds `low` to `high` volts, or the largest there is."""
        wanted = max(abs(low), abs(high))
        return next((r for r in self.input_ranges if r >= wanted * (1 - 1e-9)), self.input_ranges[-1])


def coerced(rate: float) -> float:
    """Return the rate that the clock's divider makes of `rate`."""
    return TIMEBASE / max(1, round(TIMEBASE / rate))


def expanded(names: str) -> list[str]:
    """Return 'Dev1/ai0:2, Dev1/ai7' one by one; descending ranges and '/Dev1' are understood as by the driver."""
    found: list[str] = []
    for part in (p.strip().removeprefix("/") for p in names.split(",") if p.strip()):
        match = re.fullmatch(r"(.*?)(\d+):(\d+)", part)
        if not match:
            found.append(part)
            continue
        first, last = int(match[2]), int(match[3])
        step = 1 if last >= first else -1
        found += [f"{match[1]}{i}" for i in range(first, last + step, step)]
    return found
