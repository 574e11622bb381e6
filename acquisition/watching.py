"""What is looked at while a sweep runs, besides its samples: the amplifier, and whether samples are missing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.scales import differences
from drivers.telegraphs import NotAStep
from protocols.errors import HardwareError, ModeMismatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from drivers.base import Amplifier, Gains
    from protocols.sweeps import ClampMode, Frame, Sweep


RAILS = (-32768, 32767)
"""Counts of a 16-bit converter at the ends of its range."""
RAILED = 0.01
"""Seconds of a sweep at full scale that are told: a charging transient is shorter."""


class Watch:
    """Looks at the amplifier from a sweep's start to its end, and keeps what it saw."""

    def __init__(self, amplifier: Amplifier, gains: Gains, *, every: float) -> None:
        """Look every `every` seconds, between blocks; `gains` are those the samples are scaled by."""
        self._amplifier, self._gains, self._every = amplifier, gains, every
        self._looked, self._looks, self._end = 0, 0, 0
        self._found: ClampMode | None = None
        self._is_between = self._is_over = False
        self._wrong = ""
        self._gaps: list[tuple[int, int]] = []
        self._railed: dict[int, tuple[int, int]] = {}

    def saw(self, frame: Frame, rate: float) -> None:
        """Take note of a block that was recorded at `rate`, and look if it is time.

        Raises
        ------
        ModeMismatch, HardwareError
            See `look`.
        """
        if frame.first > self._end:
            self._gaps.append((self._end, frame.first))
        self._end = frame.first + frame.n_samples
        self._look_for_rails(frame)
        if self._end >= self._looked + self._every * rate:
            self._looked = self._end
            self._glance()

    def _look_for_rails(self, frame: Frame) -> None:
        """Count the samples at full scale, by input; nearly always there are none.

        Row by row, because for more than 500 numbers numpy gives Python's lock away: the writer's thread takes it, and
        the engine would wait for it here, once for each block, a tenth of a dry run's time.
        """
        if all(row.min(initial=0) > RAILS[0] and row.max(initial=0) < RAILS[1] for row in frame.counts):
            return
        at_rail = (frame.counts == RAILS[0]) | (frame.counts == RAILS[1])
        for row in np.flatnonzero(at_rail.any(axis=1)):
            first, count = self._railed.get(int(row), (frame.first + int(at_rail[row].argmax()), 0))
            self._railed[int(row)] = first, count + int(at_rail[row].sum())

    def _glance(self) -> None:
        """Look, and look again at the next block before a voltage between two steps is a fault.

        A telegraph is averaged over a block: a knob that is turned within it gives a mean that no position has.
        """
        try:
            self.look()
        except NotAStep:
            if self._is_between:
                raise
            self._is_between = True
        else:
            self._is_between = False

    def look(self) -> None:
        """Raise if the amplifier is not any more what the command and the samples are scaled for.

        Raises
        ------
        ModeMismatch, HardwareError
            Somebody has turned the mode knob, or a gain.
        """
        self._looks += 1
        self._found = None
        try:
            gains = self._amplifier.gains()
        except HardwareError:
            self._require(self._amplifier.mode())  # gains that make no sense may be those of another mode
            raise
        self._require(gains.mode)
        if wrong := differences(gains, self._gains, known="it was"):
            self._wrong, self._is_over = wrong, True
            raise HardwareError(self._amplifier.name, f"somebody has turned a gain since it was read: {wrong}")

    def _require(self, found: ClampMode) -> None:
        self._found = found
        if found is not self._gains.mode:
            words = f"it is in {found} now; the sweep needs {self._gains.mode}. Who turned it?"
            raise ModeMismatch(self._amplifier.name, words)

    def look_last(self, n_samples: int) -> None:
        """Look after the last sample of the sweep's `n_samples`, and raise as `look` does."""
        self._note_lost_end(n_samples)
        self.look()
        self._is_over = True

    def _note_lost_end(self, n_samples: int) -> None:
        """Take note that a sweep which played to its end has lost its last block."""
        if self._end < n_samples:
            self._gaps.append((self._end, n_samples))

    def broken_off(self) -> None:
        """Look at the end of a sweep that was stopped, for the log alone: the sweep ends for another reason."""
        with suppress(HardwareError):
            self.look_last(self._end)

    def told(self, sweep: Sweep, inputs: Sequence[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield lines for the log, (kind, text, data): the mode at the end or its change, a gain, gaps, full scale.

        `inputs` are the names of a frame's rows.
        """
        number, mode, rate = sweep.index, sweep.mode, sweep.rate
        facts = {"before": str(mode), "looks": self._looks, "time_in_sweep": self._end / rate}
        if self._found is mode:
            until = (
                "to its end" if self._is_over else f"when it was last looked at, within {self._every:g} s of its end"
            )
            yield "mode_at_end", f"sweep {number} was in {mode} {until}", {**facts, "after": str(mode)}
        elif self._found is not None:
            words = f"sweep {number}: turned by hand from {mode} to {self._found} at {self._end / rate:.2f} s or before"
            yield "mode", words, {**facts, "after": str(self._found)}
        elif self._looks:
            yield "mode", f"sweep {number}: the amplifier did not say its mode any more", {**facts, "after": None}
        if self._wrong:
            words = f"sweep {number}: a gain was turned by hand at {self._end / rate:.2f} s or before: {self._wrong}"
            yield "gain", words, {**facts, "found": self._wrong}
        for first, stop in self._gaps:
            words = f"sweep {number}: {stop - first} samples ({(stop - first) / rate:.3f} s) are lost from {first} on"
            yield "fault", words, {"lost_from": first, "lost_to": stop}
        for row, (first, count) in self._railed.items():
            if count >= RAILED * rate:
                words = f"'{inputs[row]}' stood at full scale for {count / rate:.3g} s, first at {first / rate:.2f} s"
                yield "fault", f"sweep {number}: {words}; is the gain too high, a cable loose?", {"input": inputs[row]}


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
