"""What is looked at while a sweep runs, besides its samples: the amplifier, and whether samples are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.base import differences
from protocols.errors import HardwareError, ModeMismatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from drivers.base import Amplifier, Gains
    from protocols.sweeps import ClampMode, Frame, Sweep


class Watch:
    """Looks at the amplifier from a sweep's start to its end, and keeps what it saw."""

    def __init__(self, amplifier: Amplifier, gains: Gains, *, every: float) -> None:
        """Look every `every` seconds, between blocks; `gains` are those the samples are scaled by."""
        self._amplifier, self._gains, self._every = amplifier, gains, every
        self._looked, self._looks, self._end = 0, 0, 0
        self._found: ClampMode | None = None
        self._gaps: list[tuple[int, int]] = []

    def saw(self, frame: Frame, rate: float) -> None:
        """Take note of a block that was recorded at `rate`, and look if it is time.

        Raises
        ------
        ModeMismatch
            Somebody has turned the knob.
        """
        if frame.first > self._end:
            self._gaps.append((self._end, frame.first))
        self._end = frame.first + frame.n_samples
        if self._end >= self._looked + self._every * rate:
            self._looked = self._end
            self.look()

    def check_gains(self) -> None:
        """Raise if the samples are not what they are taken for: before the first one, and after the last.

        Raises
        ------
        ModeMismatch, HardwareError
            Somebody has turned the mode knob, or a gain.
        """
        self.look()
        if wrong := differences(self._amplifier.gains(), self._gains):
            words = f"somebody has turned a gain since it was read: {wrong.replace('declared', 'used')}"
            raise HardwareError(self._amplifier.name, words)

    def look(self) -> None:
        """Raise if the amplifier is not in the sweep's mode any more."""
        self._looks += 1
        self._found = None
        self._found = self._amplifier.mode()
        if self._found is not self._gains.mode:
            words = f"it is in {self._found} now; the sweep needs {self._gains.mode}. Who turned it?"
            raise ModeMismatch(self._amplifier.name, words)

    def told(self, sweep: Sweep) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield lines for the log, (kind, text, data): the mode at the end or its change, and each gap."""
        number, mode, rate = sweep.index, sweep.mode, sweep.rate
        facts = {"before": str(mode), "looks": self._looks, "time_in_sweep": self._end / rate}
        if self._found is mode:
            yield "mode_at_end", f"sweep {number} was in {mode} to its end", {**facts, "after": str(mode)}
        elif self._found is not None:
            words = f"sweep {number}: turned by hand from {mode} to {self._found} at {self._end / rate:.2f} s or before"
            yield "mode", words, {**facts, "after": str(self._found)}
        elif self._looks:
            yield "mode", f"sweep {number}: the amplifier did not say its mode any more", {**facts, "after": None}
        for first, stop in self._gaps:
            words = f"sweep {number}: {stop - first} samples ({(stop - first) / rate:.3f} s) are lost from {first} on"
            yield "fault", words, {"lost_from": first, "lost_to": stop}


def joined(blocks: Sequence[tuple[int, Mapping[str, NDArray[np.float32]]]]) -> dict[str, NDArray[np.float32]]:
    """Return the channels of a sweep from its blocks (number of the first sample, samples); what is lost is NaN."""
    if not blocks:
        return {}
    last, ending = blocks[-1]
    made = {name: np.full(last + len(row), np.nan, np.float32) for name, row in ending.items()}
    for first, block in blocks:
        for name, row in block.items():
            made[name][first : first + len(row)] = row
    return made
