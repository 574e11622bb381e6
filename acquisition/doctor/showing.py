"""What doctor says, on a terminal: a mark, what was looked at, what was found, and beneath it what to do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from acquisition.doctor.finding import NOTHING, Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from acquisition.doctor.finding import Section

MARKS = {Verdict.OK: ("✓", "green"), Verdict.NOTE: ("•", "yellow"), Verdict.BAD: ("✗", "bold red")}
PIPE_WIDTH = 140
"""Columns where there is no terminal."""


def console(*, err: bool = False) -> Console:
    """Return a console on stdout, or on stderr."""
    found = Console(highlight=False, stderr=err)
    return found if found.is_terminal else Console(highlight=False, stderr=err, width=PIPE_WIDTH)


def show(section: Section, on: Console) -> None:
    """Print one section."""
    if not section.findings:
        return
    on.print(Text(f"\n{section.title}", style="bold"))
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(width=4)
    table.add_column(width=19)
    table.add_column(overflow="fold")
    for finding in section.findings:
        mark, style = MARKS[finding.verdict]
        table.add_row(Text(mark, style), Text(finding.verdict, style), finding.what, _words(finding))
    on.print(table)


def _words(finding: Finding) -> Text:
    words = Text(finding.found, style="" if finding.verdict is not Verdict.OK else "dim")
    if finding.do != NOTHING:
        words.append(f"\n→ {finding.do}", style="cyan")
    return words


def summary(sections: Iterable[Section]) -> Text:
    """Return the last line."""
    counts = Counter(f.verdict for s in sections for f in s.findings)
    if n := counts[Verdict.BAD]:
        return Text(f"\n{n} to mend before an experiment, {counts[Verdict.NOTE]} to know.", style="bold red")
    return Text(f"\nNothing is in the way of an experiment; {counts[Verdict.NOTE]} to know.", style="bold green")


def as_mappings(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """Return all lines for `--json`."""
    return [{"section": s.title, **vars(f)} for s in sections for f in s.findings]


class TerminalHands:
    """The person in front of doctor, who turns knobs."""

    def __init__(self, on: Console) -> None:
        """Speak on `on`."""
        self._on = on

    def tell(self, text: str) -> None:
        """Show what is to be done."""
        self._on.print(Text(f"  ? {text}", style="yellow"))

    def confirm(self, text: str) -> bool:
        """Ask whether it is done."""
        from rich.prompt import Confirm

        return Confirm.ask(Text(f"  ? {text}: done?", style="yellow"), console=self._on, default=False)
