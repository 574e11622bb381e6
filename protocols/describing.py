"""A step in one line, for tables, logs and the person at the rig."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocols.steps import Apply, Find, Hold, MembraneTest, Note, Prompt, Series, Step, SwitchTo, Wait

if TYPE_CHECKING:
    from protocols.parts import TtlPulses
    from protocols.protocol import Protocol


def describe(step: Step, protocol: Protocol) -> str:
    """Return one line that says what `step` does, in the words and units of the file."""
    match step:
        case Hold():
            pulses = f", {step.test_pulses.step} pulses every {step.test_pulses.every}" if step.test_pulses else ""
            text = f"hold {step.voltage} for {step.for_}{pulses}{_ttl(step)}"
        case MembraneTest():
            text = f"membrane test, {step.average} pulses of {step.step} for {step.width}"
        case SwitchTo():
            text = _switch(step)
        case Find():
            text = f"find '{step.name}': {step.step} for {step.width} until {step.until_spikes} spikes{_ttl(step)}"
        case Series():
            text = f"series '{step.name}': {step.step} for {step.width} every {step.every}, {_end(step)}{_ttl(step)}"
        case Apply():
            wait = ", wait for arrival" if step.wait_for_arrival else ""
            text = f"apply {protocol.solutions[step.solution].label}{wait}"
        case Wait():
            text = f"wait {step.for_}"
        case Note():
            text = f"note: {step.text}"
        case Prompt():
            text = f"ask: {step.question}"
        case _:
            text = step.verb
    return text


def _switch(step: SwitchTo) -> str:
    if step.clamp == "voltage":
        return "switch to voltage clamp" + (f" at {step.holding}" if step.holding is not None else "")
    bias = f", bias to {step.bias_to} with at most {step.max_bias}" if step.bias_to is not None else ""
    return f"switch to current clamp{bias}, bridge {step.bridge}"


def _ttl(step: Hold | Find | Series) -> str:
    """Return which TTL lines are pulsed when, in words."""
    return "".join(f", TTL {_pulse(wish)}" for wish in step.ttl)


def _pulse(wish: TtlPulses) -> str:
    since = {"sweep_start": "", "step_start": " from the step's start", "step_end": " from the step's end"}
    many = f", {wish.count} times every {wish.every}" if wish.count > 1 else ""
    return f"'{wish.line}' at {wish.at}{since[wish.counted_from]} for {wish.width}{many}"


def _end(step: Series) -> str:
    """Return when a series ends, in words."""
    since = " from the solution's arrival" if step.counted_from == "arrival" else ""
    ends = [f"{step.sweeps} sweeps"] if step.sweeps is not None else []
    ends += [f"for {step.for_}{since}"] if step.for_ is not None else []
    if step.until_stable is not None:
        least = f"{step.at_least} to " if step.at_least is not None else "at most "
        ends.append(f"until {step.until_stable.measure} is steady ({least}{step.at_most}{since})")
    return " or ".join(ends)
