"""What tests of the engine share: a protocol's head, a recorder in memory, a person with prepared answers."""

from __future__ import annotations

from pathlib import Path

from acquisition.person import Person

ROOT = Path(__file__).parents[1]
RIG = ROOT / "config" / "rigs" / "simulated.yaml"
HEAD = """
protocol: A protocol for tests
format: 1
preparation:
  subject: {species: Rattus norvegicus, strain: Fischer 344, sex: male, age: 24 months}
  slice: {region: CA1, thickness: 400 µm}
  bath: {composition: ACSF, gas: 95 % O2 / 5 % CO2, temperature: 30 °C}
  internal: {composition: K-methylsulfate}
record: {sampling: 20 kHz, low_pass: 4 kHz}
solutions:
  acsf: {label: ACSF, line: control}
  blocker: {label: MEM 1003 1 µM, line: drug, compound: {name: MEM 1003, concentration: 1 µM}}
"""


class Tape:
    """A recorder that keeps what it is given in memory; `fail_after` frames it fails like a full disk."""

    def __init__(self, fail_after: int | None = None) -> None:
        self.headers, self.frames, self.ends, self.measurements, self.entries = [], [], [], [], []
        self.temperatures, self.closed = [], None
        self._left = fail_after

    def begin_sweep(self, header):
        self.headers.append(header)
        self.frames.append([])

    def samples(self, frame):
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise OSError("no space left on device")
        self.frames[-1].append(frame)

    def end_sweep(self, *, complete=True, reason=None):
        self.ends.append((complete, reason))

    def measured(self, measurements):
        self.measurements.extend(measurements)

    def log(self, entry):
        self.entries.append(entry)

    def temperature(self, time, value):
        self.temperatures.append((time, value))

    def close(self, reason="finished"):
        self.closed = reason

    def said(self, kind):
        return [e for e in self.entries if e.kind == kind]

    def counts(self):
        return b"".join(f.counts.tobytes() for frames in self.frames for f in frames)


class Answers(Person):
    """A person with prepared answers; the first option when they run out."""

    def __init__(self, *answers: str) -> None:
        self.asked, self._answers = [], list(answers)

    def ask(self, question, options, *, otherwise):
        self.asked.append(question)
        return self._answers.pop(0) if self._answers else options[0]
