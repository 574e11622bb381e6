"""A board on the wall's clock, and runs on it in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from acquisition.session import platform
from config.loading import load_rig
from drivers.build import serve_board
from drivers.simulated.link import Link
from tests.kit import HEAD
from tests.rig_faults.lab import LINK, RIGS, SERVER

ROOT = Path(__file__).parents[2]
STEPS = "steps:\n  - apply: {solution: blocker}\n  - hold: {voltage: -60 mV, for: 120 s}\n"
VICTIM = """
import sys
sys.executable = {launcher!r}
from tests.rig_faults.victim import main
main(*sys.argv[1:])
"""
AT_WORK, AT_REST = -3.0, -3.5
"""V at the output: -60 mV and the safe -70 mV at 20 mV/V."""
LOOK = 0.01


class Lab:
    """One board, and what stands at it; everything is asked through the side door."""

    def __init__(self, link: Link, folder: Path, rig: Path) -> None:
        self.link, self.folder, self.rig = link, folder, rig
        self.runs: list[subprocess.Popen[str]] = []

    def start(self, *lease: float, steps: str = STEPS, launcher: Path | None = None) -> subprocess.Popen[str]:
        """Start a run; it starts python by `launcher`, if there is one."""
        protocol = self.folder / "protocol.yaml"
        protocol.write_text(HEAD + steps, encoding="utf-8")
        paths = [str(protocol), str(self.rig), str(self.folder / "data")]
        run = subprocess.Popen(
            [sys.executable, "-c", VICTIM.format(launcher=str(launcher or sys.executable)), *paths, *map(str, lease)],
            cwd=ROOT,
            env={**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.runs.append(run)
        return run

    def now(self) -> float:
        return float(self.link.ask("clock.now")["now"])

    def volts(self) -> float:
        return float(self.link.ask("board.get")["outputs"]["ao0"])

    def lines(self) -> list[str]:
        return list(self.link.ask("perfusion.get")["lines"])

    def wait(self, true, within: float, what: str) -> float:
        """Wait until `true()`, and return how long it took, in seconds of the board, which are everybody's."""
        began = self.now()
        while not true():
            if (now := self.now()) > began + within:
                raise AssertionError(f"not within {within} s: {what}; {self.volts():.2f} V, {self.lines()}")
            self.link.ask("clock.wait_until", moment=now + LOOK)
        return self.now() - began

    def at_work(self, run: subprocess.Popen[str]) -> None:
        """Wait until the drug flows and a sweep is played."""

        def is_playing() -> bool:
            if run.poll() is not None:
                raise AssertionError(f"the run ended: {run.communicate()}")
            return abs(self.volts() - AT_WORK) < 0.01 and self.lines() == ["drug"]

        self.wait(is_playing, 40.0, "the run plays")
        began = self.now()
        self.wait(lambda: self.now() > began + 1.0, 5.0, "a second")  # of samples, to be kept

    def at_rest(self, within: float) -> float:
        return self.wait(
            lambda: abs(self.volts() - AT_REST) < 0.01 and self.lines() == ["control"], within, "the rig is at rest"
        )

    def session(self) -> Path:
        journal = next((self.folder / "data").glob("*.nwb.journal"))
        return journal.with_name(journal.name.removesuffix(".journal"))

    def guardian(self) -> int:
        """Return the process number of the guardian, from its claim on the rig."""
        return int(json.loads(self._claim().read_text(encoding="utf-8"))["guardian"])

    def end_guardian(self) -> None:
        """End a guardian that lives: with its board gone it would go on trying."""
        with suppress(StopIteration, ProcessLookupError), self._claim().open("r+b") as claim:
            if not platform.try_lock(claim.fileno()):
                kill(self.guardian())

    def is_claimed(self) -> bool:
        """Return whether a process has the rig."""
        with self._claim().open("r+b") as claim:
            return not platform.try_lock(claim.fileno())

    def _claim(self) -> Path:
        return next((self.folder / "state" / "patchrig" / "rigs").glob("*.json"))


@contextmanager
def lab(folder: Path, *, changes=()):
    """Serve a board on the wall's clock."""
    text = (RIGS / "ni_simulated.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "wired.yaml").write_text(text, encoding="utf-8")
    with serve_board(load_rig(folder / "wired.yaml")) as served, Link(served.link) as link:
        rig = folder / "rig.yaml"
        rig.write_text(text.replace(LINK, served.link).replace(SERVER, served.address), encoding="utf-8")
        made = Lab(link, folder, rig)
        try:
            yield made
        finally:
            for run in made.runs:
                with suppress(ProcessLookupError):
                    run.kill()
                run.communicate()
            made.end_guardian()


def stop(pid: int) -> None:
    """Let a process hang."""
    os.kill(pid, signal.SIGSTOP)


def kill(pid: int) -> None:
    """Kill -9."""
    os.kill(pid, signal.SIGKILL)
