"""What flows to the bath: which solution, whether the pump runs, how warm it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.state import Flow
from drivers.base import Filling
from protocols.errors import HardwareError, StoppedByPerson

if TYPE_CHECKING:
    from collections.abc import Callable

    from acquisition.bench import Bench
    from drivers.base import Pump
    from drivers.clock import Clock

EVERY, SILENT = 5.0, 30.0
"""Seconds between looks at the pump in a wait, and until a pump that did not answer is asked again: it may cost 3 s."""
START, WITHOUT, STOP = "start it", "go on without", "stop"


def fill_lines(bench: Bench) -> None:
    """Say what stands on the lines, and start with the first solution; see `Bench.fill_lines`."""
    fillings = {}
    for s in bench.protocol.solutions.values():
        c = s.compound
        fillings[s.line] = Filling(s.label, c.name if c else None, float(c.concentration) if c else 0.0)
    bench.devices.perfusion.fill(fillings)
    if bench.protocol.solutions:
        apply(bench, next(iter(bench.protocol.solutions)), dead_time=0.0)


def apply(bench: Bench, name: str, *, dead_time: float | None = None) -> None:
    """Switch to the solution called `name`; see `Bench.apply`."""
    solution, perfusion = bench.protocol.solutions[name], bench.devices.perfusion
    delay = perfusion.dead_time if dead_time is None else dead_time
    perfusion.select(solution.line)
    now = bench.clock.now()
    bench.state.flow = flow = Flow(name, solution.label, now, now + delay)
    bench.log(
        "solution",
        f"{solution.label} on line {solution.line}" + (f", in the bath in {delay:g} s" if delay else ""),
        solution=name,
        label=solution.label,
        line=solution.line,
        switched=flow.switched,
        arrives=flow.arrives,
        compound=solution.compound.name if solution.compound else None,
        concentration=float(solution.compound.concentration) if solution.compound else None,
    )


def condition(bench: Bench) -> str:
    """Return what the cell experiences now, in words."""
    flow = bench.state.flow
    if flow is None:
        return "no solution declared"
    remark = bench.pump.remark or ("" if bench.clock.now() >= flow.arrives else "arriving")
    return f"{flow.label} ({remark})" if remark else flow.label


def read_temperature(bench: Bench) -> float | None:
    """Read, store and note the bath's temperature; see `Bench.read_temperature`."""
    if bench.devices.thermometer is None:
        return None
    try:
        value = bench.devices.thermometer.read()
    except HardwareError as error:
        if (fault := str(error)) != bench.state.thermometer_fault:
            bench.state.thermometer_fault = fault
            bench.log("fault", f"no bath temperature: {fault}")
        return None
    bench.state.thermometer_fault = None
    bench.writer.temperature(bench.clock.now(), value)
    bench.vitals.note("temperature", value)
    return value


class PumpWatch:
    """Asks a pump that ran at the run's start whether it still does, and tells each change once.

    A pump that stops ends no run: the cell may live, and the person decides. The log and each sweep's condition say it.
    """

    def __init__(self, pump: Pump | None, clock: Clock, log: Callable[..., None]) -> None:
        """Watch nothing yet; `log` is the bench's."""
        self._pump, self._clock, self._log = pump, clock, log
        self._is_watched = False
        self._ran = self._looked = 0.0
        self.remark = ""
        """'no flow' or 'flow unknown', for the condition of sweeps; empty when all is well."""

    def begin(self, ask: Callable[..., str]) -> None:
        """See to it that the pump runs, with the person's word, and watch it from now on.

        Raises
        ------
        StoppedByPerson
            The person does not want to go on without solution.
        HardwareError
            It does not answer, or does not start.
        """
        if self._pump is None:
            return
        if not self._pump.running():
            question = f"The pump stands, and the bath gets no solution. Start it at {_in_words(self._pump.rate())}?"
            answer = ask(question, (START, WITHOUT, STOP), otherwise=WITHOUT)
            if answer == STOP:
                raise StoppedByPerson("the pump stands")
            if answer == WITHOUT:
                self._log("fault", "the pump stands: the bath gets solution only if something else moves it")
                return
            self._pump.run()
            self._log("pump", f"the pump was started at {_in_words(self._pump.rate())}")
        self._pump.alarms()  # what it complained of before it ran is history
        self._is_watched, self._ran, self._looked = True, self._clock.now(), self._clock.now()

    def look(self) -> None:
        """Look after a sweep."""
        if self._is_watched and (self.remark != "flow unknown" or self._clock.now() >= self._looked + SILENT):
            self._look()

    def glance(self) -> None:
        """Look in a wait, if it is time."""
        if self._is_watched and self._clock.now() >= self._looked + EVERY:
            self.look()

    def _look(self) -> None:
        assert self._pump is not None
        try:
            runs, alarms = self._pump.running(), self._pump.alarms()
        except HardwareError as error:
            words = f"the pump does not answer any more, so nobody knows whether the bath gets solution: {error}"
            self._tell("flow unknown", words)
        else:
            self._judge(alarms, runs=runs)
        self._looked = self._clock.now()

    def _judge(self, alarms: tuple[str, ...], *, runs: bool) -> None:
        now, why = self._clock.now(), f" ({', '.join(alarms)})" if alarms else ""
        if not runs:
            words = f"the bath gets no solution since {self._ran:.0f} s or soon after: the pump stands{why}"
            self._tell("no flow", f"{words}. Start it again at the pump; the run goes on")
            return
        if self.remark == "no flow":
            words = f"the pump runs again{why}: the bath was without solution for up to {now - self._ran:.0f} s"
            self._log("pump", words, stood_since=self._ran)
        elif self.remark:
            self._log("pump", f"the pump answers again, and runs{why}")
        elif why:
            self._log("fault", f"the pump runs, and complains{why}", alarms=list(alarms))
        self.remark, self._ran = "", now

    def _tell(self, remark: str, words: str) -> None:
        """Log a fault once."""
        if remark != self.remark:
            self.remark = remark
            self._log("fault", words, ran_at=self._ran)


def _in_words(rate: float) -> str:
    return f"{rate * 60e6:.3g} mL/min"
