"""The run in a terminal: what happened, one line each, and one live line that carries science.

Everything goes to stderr; stdout is for data.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.prompt import Prompt
from rich.text import Text

from acquisition.events import (
    Event,
    Logged,
    Measured,
    RunFinished,
    SeriesProgress,
    StepStarted,
    SweepFinished,
    SweepStarted,
    Waiting,
)
from acquisition.person import Person
from protocols.errors import StoppedByPerson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from acquisition.keys import Keys
    from protocols.sweeps import LogEntry, Measurement

MARKS = {
    "step": ("▸", "bold"),
    "mode": ("⇄", "cyan"),
    "bridge": ("·", "dim"),
    "membrane_test": ("Ω", "green"),
    "found": ("✓", "green"),
    "not_found": ("!", "yellow"),
    "pause": ("‖", "yellow"),
    "fault": ("!", "red"),
    "faults": ("↯", "red"),
    "injected": ("↯", "red"),
    "missed_fault": ("↯", "yellow"),
    "solution": ("≈", "magenta"),
    "pump": ("≈", "green"),
    "series": ("✓", "green"),
    "step_current": ("·", "yellow"),
    "rest": ("·", "dim"),
    "steady": ("≡", "dim"),
    "gate": ("!", "yellow"),
    "question": ("?", "yellow"),
    "late": ("!", "yellow"),
    "note": ("·", "white"),
    "mark": ("◆", "white"),
    "rejected": ("×", "yellow"),
    "restored": ("✓", "yellow"),
    "skipped": ("»", "yellow"),
    "end": ("■", "bold"),
}
"""Kinds of log entries that are shown, with mark and style; others are in the file only."""


def clock_text(seconds: float) -> str:
    """Return m:ss, or h:mm:ss from an hour on."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def science(latest: dict[str, Measurement]) -> str:
    """Return the numbers a person wants to see after a sweep: 'sAHP -2.94 mV  Ra 15.2 MOhm  4 spikes'."""
    shown = (
        ("A_1000", "sAHP {:.2f} mV", 1e3),
        ("Rs", "Ra {:.1f} MOhm", 1e-6),
        ("Rin", "Rin {:.0f} MOhm", 1e-6),
        ("Rm", "Rm {:.0f} MOhm", 1e-6),
        ("V_b", "Vm {:.1f} mV", 1e3),
        ("n_ap", "{:.0f} spikes", 1.0),
        ("I_hold", "hold {:.0f} pA", 1e12),
    )
    present = [(form, latest[name].value * factor) for name, form, factor in shown if name in latest]
    words = [form.format(value) for form, value in present if math.isfinite(value)]
    if "n_ap" in latest and "ap_count" in latest["n_ap"].flags:
        words.append("(not the count wanted)")
    return "  ".join(words)


class Terminal:
    """An observer that writes to a terminal, or plainly to a pipe."""

    sees_samples = False

    def __init__(self, console: Console | None = None) -> None:
        """Draw on `console`, stderr by default; without a terminal no bar is drawn."""
        self._console = console or Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("  [bold]{task.description}"),
            BarColumn(bar_width=18),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[science]}"),
            TextColumn("[dim]{task.fields[waiting]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, count="", science="", waiting="", visible=False)
        self._latest: dict[str, Measurement] = {}

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

    @contextmanager
    def stilled(self) -> Iterator[Console]:
        """Draw nothing meanwhile, and lend the console."""
        self._progress.stop()
        try:
            yield self._console
        finally:
            self._progress.start()

    def __call__(self, event: Event) -> None:
        """Draw what `event` changes."""
        match event:
            case StepStarted():
                self._progress.reset(self._task, total=None, visible=False, count="", science="", waiting="")
            case SweepStarted(header):
                self._latest = {}
                self._line(header.label, waiting="recording")
            case Measured(measurements):
                self._latest.update({m.name: m for m in measurements})
                self._progress.update(self._task, science=science(self._latest))
            case SweepFinished():
                self._progress.update(self._task, science=science(self._latest), waiting="")
            case SeriesProgress():
                self._series(event)
            case Waiting(time, until, text):
                self._progress.update(self._task, waiting=f"{text}: {until - time:.0f} s")
            case Logged(entry):
                self._say(entry)
            case RunFinished():
                self._progress.update(self._task, visible=False)
            case _:
                return

    def say(self, text: str) -> None:
        """Write a line for the person."""
        self._progress.console.print(Text("  ? ", style="yellow").append(text), soft_wrap=True)

    def _line(self, label: str, *, waiting: str) -> None:
        self._progress.update(self._task, description=label, waiting=waiting, visible=True)

    def _series(self, event: SeriesProgress) -> None:
        count = f"{event.done}/{event.expected}"
        self._progress.update(self._task, completed=event.done, total=event.expected, count=count)

    def _say(self, entry: LogEntry) -> None:
        if entry.kind not in MARKS:
            return
        mark, style = MARKS[entry.kind]
        line = Text(f"{clock_text(entry.time):>8}  {mark} ", style="dim")
        self._progress.console.print(line.append(entry.text, style=style), soft_wrap=True)


class TerminalPerson(Person):
    """Asks on the terminal. Ctrl-C and Ctrl-D at a question stop the run."""

    def __init__(self, terminal: Terminal, keys: Keys) -> None:
        """Ask between the lines of `terminal`, while `keys` keeps its hands off the keyboard."""
        self._terminal, self._keys = terminal, keys
        self.is_asking = False

    def ask(self, question: str, options: tuple[str, ...], *, otherwise: str) -> str:  # noqa: ARG002  somebody is here
        """Return one of `options`; Enter takes the first."""
        self.is_asking = True
        with self._terminal.stilled() as console, self._keys.suspended():
            try:
                return Prompt.ask(
                    f"  [yellow]?[/] {question}", choices=list(options), default=options[0], console=console
                )
            except (KeyboardInterrupt, EOFError) as error:
                raise StoppedByPerson(f"at the question: {question}") from error
            finally:
                self.is_asking = False
