"""One executor per step, with the same name as the step's verb in `protocols/steps.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.steps.apply import apply
from acquisition.steps.find import find
from acquisition.steps.hold import hold
from acquisition.steps.membrane_test import membrane_test
from acquisition.steps.series import series
from acquisition.steps.switch_to import switch_to
from acquisition.steps.words import note, prompt, wait
from protocols import steps as verbs

if TYPE_CHECKING:
    from acquisition.bench import Bench


def execute(step: verbs.Step, bench: Bench) -> None:
    """Do `step` at `bench`."""
    match step:
        case verbs.Hold():
            hold(step, bench)
        case verbs.MembraneTest():
            membrane_test(step, bench)
        case verbs.SwitchTo():
            switch_to(step, bench)
        case verbs.Find():
            find(step, bench)
        case verbs.Series():
            series(step, bench)
        case verbs.Apply():
            apply(step, bench)
        case verbs.Wait():
            wait(step, bench)
        case verbs.Note():
            note(step, bench)
        case verbs.Prompt():
            prompt(step, bench)
        case _:
            raise TypeError(f"no executor for '{step.verb}'")
