"""The steps that touch no device: wait, note, prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.errors import StoppedByPerson

if TYPE_CHECKING:
    from acquisition.bench import Bench
    from protocols.steps import Note, Prompt, Wait


def wait(step: Wait, bench: Bench) -> None:
    """Stay at the present level."""
    bench.wait_until(bench.clock.now() + step.for_, f"wait {step.for_}")


def note(step: Note, bench: Bench) -> None:
    """Write a line."""
    bench.log("note", step.text)


def prompt(step: Prompt, bench: Bench) -> None:
    """Ask; 'stop' ends the run."""
    if bench.ask(step.question, step.options, otherwise=step.options[0]) == "stop":
        raise StoppedByPerson(step.question)
