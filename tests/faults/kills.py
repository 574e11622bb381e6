"""Kill -9: of the recorder, of the packer, of both; at a random moment and at a chosen call to the system."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acquisition.session.journal import journal_path
from tests.faults.lab import Death, Progress, Verdict, forked, judge, kill, record

if TYPE_CHECKING:
    from pathlib import Path

VICTIMS = ("recorder", "packer", "both")
TIMINGS = ("paced", "tight", "between writes")
PATIENCE = 20.0
MOST_SWEEPS = 12
"""Sessions are short: how much is lost does not depend on what lies before."""


@dataclass(frozen=True)
class Plan:
    """One crash, decided by its seed."""

    seed: int
    victim: str
    timing: str

    @property
    def death(self) -> Death | None:
        """When the victim kills itself; None for a kill at a random moment."""
        if self.timing != "between writes":
            return None
        dice = random.Random(self.seed)
        return Death(dice.randrange(1, 120), dice.choice(["before", "amid", "after"]))

    @property
    def pause(self) -> float:
        """Seconds between blocks: a tenth of life, so that many sweeps pass; none when tight."""
        return 0.0 if self.timing == "tight" else 0.002

    @property
    def moment(self) -> float:
        """Seconds from the session's start to the kill."""
        soon = self.timing == "tight" and self.victim != "packer"  # twelve sweeps take a tenth of a second
        return random.Random(self.seed).uniform(0.0, 0.1 if soon else 0.3)


def plans(number: int, seed: int = 0) -> list[Plan]:
    """Return `number` crashes, every victim at every timing in turn."""
    return [Plan(seed + k, VICTIMS[k % 3], TIMINGS[k // 3 % 3]) for k in range(number)]


def pack(nwb: Path, death: Death | None = None) -> None:
    """Pack until the session ends, as the packer's own process does."""
    from acquisition.session import packer as module

    module.IDLE = 0.1  # in this child alone: it need not wait long to know that the recorder is dead
    if death is not None:
        death.arm()
    with module.Packer(journal_path(nwb), nwb) as packer:
        packer.run()


def crash(plan: Plan, folder: Path) -> Verdict:
    """Let one crash happen in `folder` and return what became of it."""
    nwb, progress = folder / "crash.nwb", Progress()
    recorder = forked(lambda: recording(nwb, progress, plan))
    wait_for(progress, recorder)
    packer = forked(lambda: pack(nwb, plan.death if plan.victim != "recorder" else None))
    if plan.victim == "packer":
        packer = one_packer_dies(nwb, packer, plan)
    else:
        await_death([recorder] if plan.victim == "recorder" else [recorder, packer], plan)
    if plan.victim == "recorder":
        kill(recorder)
        os.waitpid(packer, 0)  # it sees that the recorder is gone, and ends
    else:
        kill(recorder, packer)
    return judge(nwb, progress)


def recording(nwb: Path, progress: Progress, plan: Plan) -> None:
    """Record as the recorder's process does."""
    if plan.death is not None and plan.victim != "packer":
        plan.death.arm()
    record(nwb, progress, pause=plan.pause, sweeps=MOST_SWEEPS)


def one_packer_dies(nwb: Path, packer: int, plan: Plan) -> int:
    """Kill the packer while the recording goes on, start another, and return it."""
    await_death([packer], plan)
    kill(packer)
    successor = forked(lambda: pack(nwb))
    time.sleep(plan.moment / 2)
    return successor


def await_death(victims: list[int], plan: Plan) -> None:
    """Wait for the random moment, or until one of the victims has killed itself."""
    if plan.death is None:
        time.sleep(plan.moment)
        return
    deadline = time.monotonic() + PATIENCE
    while not any(is_dead(victim) for victim in victims) and time.monotonic() < deadline:
        time.sleep(0.005)


def wait_for(progress: Progress, recorder: int) -> None:
    """Wait until the session has begun, or its recorder died over it."""
    deadline = time.monotonic() + PATIENCE
    while not progress.ready and not is_dead(recorder) and time.monotonic() < deadline:
        time.sleep(0.001)


def is_dead(child: int) -> bool:
    """Whether a child has ended; it can still be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


@dataclass
class Toll:
    """What many crashes came to."""

    crashes: int = 0
    finished: int = 0
    lost_sweeps: int = 0
    lost_blocks: int = 0
    most_blocks: int = 0
    wrong: int = 0
    files: int = 0
    opened: int = 0
    replayed: int = 0
    troubles: tuple[str, ...] = ()

    def add(self, verdict: Verdict, name: str) -> None:
        """Count one more."""
        self.crashes += 1
        self.finished += verdict.finished
        self.lost_sweeps += verdict.lost_sweeps
        self.lost_blocks += verdict.lost_blocks
        self.most_blocks = max(self.most_blocks, verdict.lost_blocks)
        self.wrong += verdict.wrong
        self.files += verdict.had_file
        self.opened += verdict.had_file and verdict.opened_before
        self.replayed += verdict.opened_after_redo
        if verdict.trouble:
            self.troubles += (f"{name}: {verdict.trouble}",)
        if verdict.left_behind:
            self.troubles += (f"{name}: left behind {', '.join(verdict.left_behind)}",)

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all was lost or wrong."""
        unopened = self.files - self.opened - self.replayed
        return not (self.lost_sweeps or self.lost_blocks or self.wrong or self.troubles or unopened)

    def __str__(self) -> str:
        return (
            f"{self.crashes} crashes: {self.lost_sweeps} of {self.finished} finished sweeps lost, "
            f"blocks lost {self.lost_blocks} (at most {self.most_blocks} in one), wrong sweeps {self.wrong}, "
            f"opened in h5py before recovery {self.opened} of {self.files}, {self.replayed} more with the redo file"
            + "".join(f"\n  {t}" for t in self.troubles[:10])
        )
