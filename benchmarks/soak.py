"""Two hours of experiment in one session: does memory stay flat?

    python benchmarks/soak.py [HOURS]

The simulated rig on the demand clock, blocks of 20 ms as on a rig, journal and packer as always. Prints the resident
memory of the recording process and of its packer along the way. Linux only (reads /proc).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import config
import protocols
from acquisition.events import Event, SweepFinished
from acquisition.person import AlwaysYes
from acquisition.run import Wish, run

RIG = Path(config.__path__[0]) / "rigs" / "simulated.yaml"
STUDY = Path(protocols.__path__[0]) / "library" / "sahp_l_type_block.yaml"
PAGE = os.sysconf("SC_PAGE_SIZE")


def protocol(hours: float) -> str:
    """Return a protocol of `hours`: the study's head, then one long series."""
    head = STUDY.read_text(encoding="utf-8").split("steps:")[0]
    return head + (
        "steps:\n"
        "  - hold: {voltage: -70 mV, for: 5 min, test_pulses: {every: 10 s}}\n"
        "  - switch_to: {clamp: current, bias_to: -60 mV, if_not_reached: note}\n"
        "  - series: {name: soak, step: 300 pA, width: 150 ms, every: 15 s, before: 1500 ms, after: 6350 ms,\n"
        f"             rebias: {{to: -60 mV}}, for: {hours:g} h}}\n"
    )


def resident(process: int | str) -> float:
    """Return a process's resident memory, MB."""
    return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * PAGE / 1e6


def packers() -> list[int]:
    """Return our child processes."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return [int(c) for c in children.split()]


class Watch:
    """Prints memory every hundred sweeps."""

    def __init__(self) -> None:
        self.sweeps, self.seen = 0, list[tuple[float, float]]()
        self._start = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Count sweeps."""
        if not isinstance(event, SweepFinished):
            return
        self.sweeps += 1
        if self.sweeps % 50 == 0:
            here, packer = resident("self"), max((resident(p) for p in packers()), default=float("nan"))
            self.seen.append((here, packer))
            print(
                f"{event.header.start / 3600:5.2f} h of experiment, {time.monotonic() - self._start:5.0f} s, "
                f"{self.sweeps:5d} sweeps: recorder {here:6.1f} MB, packer {packer:6.1f} MB",
                flush=True,
            )


def main() -> None:
    """Run and compare the second half with the first."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "soak.yaml"
        path.write_text(protocol(hours), encoding="utf-8")
        finished, session = run(Wish(path, RIG, Path(folder), simulate=True), observers=[watch], person=AlwaysYes())
        size = session.stat().st_size / 1e6
    half = len(watch.seen) // 2
    growth = [watch.seen[-1][k] - watch.seen[half][k] for k in (0, 1)]
    print(
        f"{finished.reason}: {watch.sweeps} sweeps, {size:.0f} MB; over the second half the recorder grew by "
        f"{growth[0]:+.1f} MB, the packer by {growth[1]:+.1f} MB"
    )


if __name__ == "__main__":
    main()
