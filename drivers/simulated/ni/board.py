"""The board: tasks, the two converters' engines, digital lines, and the one stream of samples they share.

Whoever calls brings the board up to the present first (`advance`), so nothing needs a thread: a sample exists from
its moment on, whoever looks. One running task conducts; the preparation on the amplifier moves with its clock.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from drivers.simulated.ni import codes
from drivers.simulated.ni.buffers import InputBuffer, OutputBuffer
from drivers.simulated.ni.card import STEPS, Card, expanded
from drivers.simulated.ni.codes import DaqmxError
from drivers.simulated.ni.faults import Faults, refusal
from drivers.simulated.ni.task import REGENERATE, Channel, State, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from drivers.simulated.ni.buffers import Volts
    from drivers.simulated.ni.pace import Pace
    from drivers.simulated.ni.preparation import Preparation

LONGEST = 1.0
"""Seconds that are played at a stretch."""
ON_DEMAND = -1
"""Sample of an edge that was written while no clocked line ran."""
TTL_HIGH = 5.0
"""Volts of a digital line that is high."""


class Board:
    """One card with a preparation behind it. Callers hold `lock` or use `present`."""

    def __init__(self, preparation: Preparation, pace: Pace, *, card: Card | None = None, faults: Faults | None = None):
        """Switch on: lines low, outputs at 0 V; the command stands where the last program left it, holding the cell."""
        self.card, self.preparation, self.pace = card or Card(), preparation, pace
        self.faults = faults or Faults()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.tasks: dict[str, Task] = {}
        self.levels = dict.fromkeys(self.card.pins("ao"), 0.0)
        self.lines = dict.fromkeys(self.card.pins("line"), False)
        self.edges: list[tuple[str, int, bool]] = []
        """What digital lines did since the inputs were started last: line, sample of its task, whether it rose."""
        self._numbers = count()
        self._conductor: Task | None = None
        self.levels[preparation.wires.command] = preparation.world.volts
        preparation.wires.cables.update(self.card.own_outputs())

    # --- entry ----------------------------------------------------------------------------------------------------

    @contextmanager
    def present(self, call: str = "") -> Iterator[None]:
        """Hold the board, up to date; `call` is counted and may meet a fault."""
        with self.lock:
            if call:
                self._meet(call)
            self.advance()
            yield

    def _meet(self, call: str) -> None:
        fault = self.faults.meet(call)
        if fault is None:
            return
        moment = self.pace.now() + fault.stall
        while self.pace.now() < moment:
            self.pace.wait(self.changed, moment)
        if not fault.code:
            return
        self.advance()
        error = refusal(fault, call)
        task = self.running("do" if call.startswith("WriteD") else "ao" if call.startswith("Write") else "ai")
        if fault.breaks and task is not None:
            task.break_off(error)
            self._appoint()
        raise error

    # --- tasks ----------------------------------------------------------------------------------------------------

    def create_task(self, name: str) -> Task:
        """Return a new task; without a name it gets one."""
        name = name or f"_unnamedTask<{next(self._numbers):X}>"
        if name in self.tasks:
            raise DaqmxError(codes.DUPLICATE_TASK, f"Task Name: {name}")
        self.tasks[name] = task = Task(name, self.card)
        return task

    def task(self, name: str) -> Task:
        """Return the task of that name."""
        if name not in self.tasks:
            raise DaqmxError(codes.INVALID_TASK)
        return self.tasks[name]

    def add_analogue(
        self, task: Task, kind: str, pins: str, names: str, low: float, high: float, terminal: int
    ) -> None:
        """Add voltage channels `pins` ('Dev1/ai0:3') of `kind` 'ai' or 'ao'."""
        found = [self._pin(kind, p) for p in expanded(pins)]
        largest = max(self.card.input_ranges if kind == "ai" else self.card.output_ranges)
        if not low < high or max(abs(low), abs(high)) > largest:
            raise DaqmxError(codes.BAD_VALUE, f"Minimum Value: {low}\nMaximum Value: {high}\nLargest: {largest}")
        reach = self.card.input_range(low, high) if kind == "ai" else largest
        labels = expanded(names) if names else [f"{self.card.device}/{p}" for p in found]
        task.add(kind, [Channel(n, (p,), low, high, reach, terminal) for n, p in zip(labels, found, strict=False)])

    def add_digital(self, task: Task, kind: str, pins: str, names: str, *, per_line: bool) -> None:
        """Add lines or whole ports, one channel each or all in one."""
        lines = [line for p in expanded(pins) for line in self._lines(p)]
        groups = [(line,) for line in lines] if per_line else [tuple(lines)]
        labels = expanded(names) if names else [self._label(g) for g in groups]
        task.add(kind, [Channel(n, g) for n, g in zip(labels, groups, strict=False)])

    def _label(self, lines: tuple[str, ...]) -> str:
        return f"{self.card.device}/{lines[0]}" + ("..." if len(lines) > 1 else "")

    def _pin(self, kind: str, name: str) -> str:
        device, _, pin = name.partition("/")
        if device != self.card.device:
            raise DaqmxError(codes.NO_SUCH_DEVICE, f"Device Specified: {device}")
        if pin not in self.card.pins(kind) and not (kind == "ai" and pin in self.card.own_outputs()):
            raise DaqmxError(codes.NO_SUCH_CHANNEL, f"Physical Channel Name: {name}")
        return pin

    def _lines(self, name: str) -> list[str]:
        if "/line" in name:
            return [self._pin("line", name)]
        port = self._pin("port", name)
        return [line for line in self.card.pins("line") if line.startswith(f"{port}/")]

    def clear(self, task: Task) -> None:
        """Abort and forget `task`."""
        self._halt(task)
        task.home = task.state = State.VERIFIED
        self.tasks.pop(task.name, None)
        self.changed.notify_all()

    def reset(self) -> None:
        """Abort all tasks and go to the power-up state, as DAQmxResetDevice does on this series."""
        for task in self.tasks.values():
            self.control(task, 6)
        if self.card.to_zero_on_reset:
            self.set_levels(dict.fromkeys(self.levels, 0.0))
        self.set_lines(dict.fromkeys(self.lines, False))

    # --- states ---------------------------------------------------------------------------------------------------

    def control(self, task: Task, action: int) -> None:
        """Do DAQmxTaskControl's start 0, stop 1, verify 2, commit 3, reserve 4, unreserve 5, abort 6."""
        match action:
            case 0:
                self.start(task)
            case 1:
                self.stop(task)
            case 2:
                pass
            case 3 | 4:
                self.reserve(task)
                if task.state < State.ARMED:
                    task.state = task.home = State.COMMITTED if action == 3 else State.RESERVED
            case 5 | 6:
                self._halt(task)
                task.error = None
                task.state = task.home = State.VERIFIED
                self.changed.notify_all()
            case _:
                raise DaqmxError(codes.BAD_VALUE, f"Action: {action}")

    def reserve(self, task: Task) -> None:
        """Check that nobody else holds what `task` needs."""
        if not task.channels:
            raise DaqmxError(codes.NO_CHANNELS, f"Task Name: {task.name}")
        for other in self.tasks.values():
            if other is task or other.state is State.VERIFIED or other.kind != task.kind:
                continue
            shared = set(other.pins) & set(task.pins)
            # one converter and one clock for all inputs; outputs share the clock, software-timed ones only a channel
            if shared or task.kind == "ai" or (task.kind in ("ao", "do") and task.timing and other.timing):
                code = codes.LINES_RESERVED if task.kind in ("do", "di") else codes.RESOURCE_RESERVED
                raise DaqmxError(code, f"Task Name: {task.name}\nHeld by task: {other.name}")

    def start(self, task: Task) -> None:
        """Arm `task`, or let it run if it waits for nothing; whatever waits for it starts with it."""
        task.check_not_running()
        self.reserve(task)
        if task.kind in ("ao", "do") and task.timing is not None and not task.output.written:
            raise DaqmxError(codes.OUTPUT_BUFFER_EMPTY, f"Task Name: {task.name}")
        task.error, task.position, task.read_position = None, 0, 0
        task.input = InputBuffer(len(task.channels), task.input_room)
        if task.kind == "ai":
            self.edges = []
        if task.triggered_by is not None:
            task.state = State.ARMED
        else:
            self._trigger(task)
        self._appoint()
        self.changed.notify_all()

    def _trigger(self, task: Task) -> None:
        now = self.pace.now()
        task.begin(now)
        for other in self.tasks.values():
            if other.state is State.ARMED and other.triggered_by == task.kind:
                other.begin(now)

    def stop(self, task: Task) -> None:
        """Stop; outputs stay where they are. An error that nobody has fetched is raised after that."""
        self._halt(task)
        self.changed.notify_all()
        error, task.error = task.error, None
        if error is not None and task.kind in ("ao", "do"):
            raise DaqmxError(error.code, f"Task Name: {task.name}")

    def _halt(self, task: Task) -> None:
        if task.state < State.ARMED:
            return
        task.state = task.home
        task.played_out = True
        if task.regeneration != REGENERATE:
            task.output = OutputBuffer(len(task.pins))
        self._appoint()

    # --- time -----------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Live through the time up to now."""
        now = self.pace.now()
        while (task := self._conductor) is not None:
            n = min(task.due(now) - task.position, max(1, round(LONGEST * task.rate)))
            if n <= 0:
                return
            self._play(task, n)
            if not task.plays:
                self._appoint()
        self.preparation.idle()

    def running(self, kind: str) -> Task | None:
        """Return the task of `kind` whose clock ticks."""
        return next((t for t in self.tasks.values() if t.kind == kind and t.plays), None)

    def _appoint(self) -> None:
        """Let the right task conduct: one with a clock of its own, inputs first."""
        running = [self.running(kind) for kind in ("ai", "ao", "do")]
        task = next((t for t in running if t is not None and t.clocked_by in (None, t.kind)), None)
        self._conductor = task
        if task is None:
            self.preparation.end()
            return
        ai = self.running("ai")
        inputs = zip(ai.pins, ai.steps, strict=True) if ai else ()
        self.preparation.begin(task.rate, tuple((pin, float(step)) for pin, step in inputs))

    def _play(self, task: Task, n: int) -> None:
        """Play and record the conductor's next `n` samples."""
        ai, ao, do = self.running("ai"), self.running("ao"), self.running("do")
        volts: dict[str, Volts] = {}
        if ao is not None:
            _, block = self._generated(ao, task, n)
            volts = {pin: self.converted(row) for pin, row in zip(ao.pins, block, strict=True)}
            self.levels.update({pin: float(row[-1]) for pin, row in volts.items()})
        if do is not None:
            numbers, block = self._generated(do, task, n)
            volts |= {pin: TTL_HIGH * row for pin, row in zip(do.pins, block, strict=True)}
            self._move_lines(do, numbers, block)
        counts = self.preparation.play(n, volts, self.potentials)
        if ai is not None:
            ai.acquire(counts)
        self.changed.notify_all()

    def _generated(self, output: Task, conductor: Task, n: int) -> tuple[NDArray[np.int64], Volts]:
        """Return which samples an output puts out while the conductor makes `n`, and what they are, (pins, n)."""
        numbers = self._numbers_of(output, conductor, n)
        if numbers[-1] < 0:
            return numbers, np.tile([[self.potentials.get(pin, 0.0)] for pin in output.pins], n)
        return numbers, output.generate(numbers)

    def _move_lines(self, do: Task, numbers: NDArray[np.int64], block: Volts) -> None:
        """Take note of the edges of clocked lines, and leave them where the block ends."""
        for pin, row in zip(do.pins, block, strict=True):
            highs = np.concatenate([[self.lines[pin]], row > 0])
            found = np.flatnonzero(highs[1:] != highs[:-1])
            self.edges += [(pin, int(numbers[i]), bool(highs[i + 1])) for i in found]
        self._stand_lines({pin: bool(row[-1] > 0) for pin, row in zip(do.pins, block, strict=True)})

    @property
    def potentials(self) -> dict[str, float]:
        """Volts at all outputs; digital lines that are low are not among them."""
        return {**self.levels, **{line: TTL_HIGH for line, is_high in self.lines.items() if is_high}}

    @staticmethod
    def _numbers_of(ao: Task, conductor: Task, n: int) -> NDArray[np.int64]:
        """Return which of its samples `ao` puts out at each of the conductor's next `n`."""
        if ao is conductor or ao.clocked_by == conductor.kind:
            return np.arange(ao.position, ao.position + n)
        ahead = conductor.started - ao.started
        moments = ahead + np.arange(conductor.position, conductor.position + n) / conductor.rate
        numbers = np.floor(moments * ao.rate + 1e-6).astype(np.int64)
        last = ao.timing.count - 1 if ao.timing is not None and ao.finite else np.iinfo(np.int64).max
        return np.clip(numbers, 0, last)

    # --- outputs --------------------------------------------------------------------------------------------------

    def converted(self, volts: Volts) -> Volts:
        """Return what the 16-bit converter makes of `volts`."""
        step = max(self.card.output_ranges) / STEPS
        return np.clip(np.round(volts / step), -STEPS, STEPS - 1) * step

    def set_levels(self, volts: Mapping[str, float]) -> None:
        """Write outputs on demand; they stay there."""
        self.levels.update({pin: float(self.converted(np.array([v]))[0]) for pin, v in volts.items()})
        self.preparation.stand(self.levels)

    def set_lines(self, lines: Mapping[str, bool]) -> None:
        """Write digital lines on demand; they stay there."""
        do = self.running("do")
        at = do.position if do is not None else ON_DEMAND
        self.edges += [(pin, at, is_high) for pin, is_high in lines.items() if is_high != self.lines[pin]]
        self._stand_lines(lines)

    def _stand_lines(self, lines: Mapping[str, bool]) -> None:
        if any(self.lines[pin] != is_high for pin, is_high in lines.items()):
            self.lines.update(lines)
            self.preparation.switch_valves(self.lines)
