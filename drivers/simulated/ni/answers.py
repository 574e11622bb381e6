"""What can be asked of a served board by its side door, `drivers.simulated.link`; SI, degC for the bath."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from drivers.base import Filling, Gains
from drivers.simulated.ni.faults import fault_of
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.simulated.ni.board import Board

    Answer = Callable[[dict[str, Any]], dict[str, Any]]

Question = dict[str, Any]


class Answers:
    """Everything that goes in or out by the side door."""

    def __init__(self, board: Board) -> None:
        """Keep the board."""
        self._board, self._preparation = board, board.preparation
        self._amplifier, self._world = self._preparation.amplifier, self._preparation.world

    def all(self) -> Mapping[str, Answer]:
        """Return what can be asked, by name; the board is brought up to the present first."""
        acts: dict[str, Answer] = {
            "amplifier.get": lambda _: self._amplifier_now(),
            "amplifier.mode": self._switch,
            "amplifier.knobs": self._turn,
            "amplifier.scales": self._rescale,
            "amplifier.auto_bridge": lambda _: {"bridge": self._amplifier.auto_bridge()},
            "telegraph": self._telegraph,
            "perfusion.get": lambda _: {"lines": list(self._preparation.open)},
            "perfusion.fill": self._fill,
            "perfusion.select": self._select,
            "thermometer.read": lambda _: {"temperature": self._preparation.thermometer.read()},
            "cable": self._cable,
            "board.get": lambda _: self._board_now(),
            "clock.now": lambda _: {"now": self._board.pace.now()},
            "clock.wait_until": self._wait,
            "fault.add": self._add_fault,
            "fault.clear": lambda _: self._well_again(),
        }
        return {name: self._at_present(act) for name, act in acts.items()}

    def _at_present(self, act: Answer) -> Answer:
        def answer(question: Question) -> dict[str, Any]:
            with self._board.present():
                return act(question)

        return answer

    # --- amplifier ------------------------------------------------------------------------------------------------

    def _amplifier_now(self) -> dict[str, Any]:
        gains = self._amplifier.gains()
        return {
            "mode": str(gains.mode),
            "command": gains.command,
            "inputs": {name: [unit, per_volt] for name, (unit, per_volt) in gains.inputs.items()},
            "knobs": asdict(self._world.knobs),
            "access_resistance": self._world.access_resistance,
            "volts": self._world.volts,
        }

    def _switch(self, question: Question) -> dict[str, Any]:
        if "mode" in question:
            self._world.switch(ClampMode(question["mode"]))
        return {"mode": str(self._world.mode)}

    def _turn(self, question: Question) -> dict[str, Any]:
        if question:
            self._world.turn(replace(self._world.knobs, **{k: float(v) for k, v in question.items()}))
        return asdict(self._world.knobs)

    def _rescale(self, question: Question) -> dict[str, Any]:
        """Change the true scales of one mode: {mode, command, primary, secondary}, the latter in SI per volt."""
        mode = ClampMode(question["mode"])
        old = self._amplifier.gains_in(mode)
        inputs = {name: (unit, float(question.get(name, per_volt))) for name, (unit, per_volt) in old.inputs.items()}
        self._amplifier.rescale(Gains(mode, float(question.get("command", old.command)), inputs))
        return {"command": self._amplifier.gains_in(mode).command}

    def _telegraph(self, question: Question) -> dict[str, Any]:
        """Put volts on an input pin whatever is connected there; without volts, let go of it again."""
        forced = self._preparation.wires.forced
        if "pin" in question:
            pin, volts = str(question["pin"]), question.get("volts")
            if volts is None:
                forced.pop(pin, None)
            else:
                forced[pin] = float(volts)
        pins = {**self._preparation.wires.telegraphs, **forced}
        return {"volts": {pin: self._preparation.glance(pin, self._board.potentials) for pin in pins}}

    # --- bath -----------------------------------------------------------------------------------------------------

    def _fill(self, question: Question) -> dict[str, Any]:
        """Say what stands on lines: {lines: {drug: {label, compound, concentration}}}, in mol/L."""
        self._preparation.fill({line: Filling(**filling) for line, filling in question["lines"].items()})
        return {"lines": list(self._preparation.fillings)}

    def _select(self, question: Question) -> dict[str, Any]:
        """Let {line} flow; null closes all. For valves that are not on the board's lines."""
        line = question.get("line")
        self._preparation.select(() if line is None else (str(line),))
        return {"lines": list(self._preparation.open)}

    # --- board ----------------------------------------------------------------------------------------------------

    def _cable(self, question: Question) -> dict[str, Any]:
        """Connect an input pin to an output pin: {input: ai6, output: ao1}; without output, pull it out."""
        cables, pin = self._preparation.wires.cables, str(question["input"])
        cables.pop(pin, None)
        if (output := question.get("output")) is not None:
            if output not in (*self._board.levels, *self._board.lines):
                raise HardwareError("cable", f"the card has no output '{output}'")
            cables[pin] = str(output)
        return {"cables": cables}

    def _board_now(self) -> dict[str, Any]:
        board = self._board
        return {
            "outputs": board.levels,
            "high": [line for line, level in board.lines.items() if level],
            "edges": board.edges,
            "tasks": {
                t.name: {"kind": t.kind, "state": t.state.name, "position": t.position} for t in board.tasks.values()
            },
            "calls": dict(board.faults.calls),
        }

    def _wait(self, question: Question) -> dict[str, Any]:
        moment = float(question["moment"])
        while self._board.pace.now() < moment:
            self._board.pace.wait(self._board.changed, moment)
        return {"now": self._board.pace.now()}

    def _add_fault(self, question: Question) -> dict[str, Any]:
        self._board.faults.add(fault_of(question))
        return {"faults": len(self._board.faults.rows)}

    def _well_again(self) -> dict[str, Any]:
        self._board.faults.clear()
        return {"faults": 0}
