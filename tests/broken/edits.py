"""One mistake at a time, made in a good file. '⟪' in the new text marks where the caret must stand."""

from __future__ import annotations

from dataclasses import dataclass

CARET = "⟪"


@dataclass(frozen=True)
class Mistake:
    """Replace `old` by `new`; expect a caret at each mark and `words` in the message."""

    old: str
    new: str
    words: str

    def __str__(self) -> str:
        """Name the test."""
        return self.new.replace(CARET, "").strip().splitlines()[0][:50] if self.new.strip() else f"without {self.old}"


def make(good: str, mistake: Mistake) -> tuple[str, list[tuple[int, int]]]:
    """Return the text with the mistake, and the places of the marks."""
    assert good.count(mistake.old) == 1, f"{mistake.old!r} occurs {good.count(mistake.old)} times"
    marked = good.replace(mistake.old, mistake.new)
    places = []
    for number, line in enumerate(marked.splitlines(), 1):
        parts = line.split(CARET)
        places += [(number, len("".join(parts[:i])) + 1) for i in range(1, len(parts))]
    return marked.replace(CARET, ""), places


PROTOCOL = [
    # quantities
    Mistake("voltage: -70 mV", "voltage: ⟪-70", "'-70' has no unit: write a voltage such as '-70 mV'"),
    Mistake("voltage: -70 mV", "voltage: ⟪0", "'0' has no unit"),
    Mistake("voltage: -70 mV", "voltage: ⟪5 ms", "'5 ms' is a duration, but a voltage belongs here, such as '-70 mV'"),
    Mistake("voltage: -70 mV", "voltage: ⟪-70 V", "outside -1 V .. 1 V: is the unit right?"),
    Mistake("voltage: -70 mV", "voltage: ⟪–70 mV", "dash (U+2013)"),
    Mistake("voltage: -70 mV", "voltage: ⟪-70,5 mV", "comma"),
    Mistake("voltage: -70 mV", "voltage: ⟪nan mV", "not a number and a unit"),
    Mistake("voltage: -70 mV", "voltage: ⟪1e400 mV", "is the unit right?"),
    Mistake("voltage: -70 mV", "voltage: ⟪yes", "not a number and a unit"),
    Mistake("voltage: -70 mV", "voltage: ⟪[-70 mV]", "a voltage belongs here, such as '-70 mV'"),
    Mistake("sampling: 20 kHz", "sampling: ⟪20 KHz", "did you mean 'kHz'?"),
    Mistake("for: 5 min", "for: ⟪5 m", "did you mean 'min'?"),
    Mistake("for: 5 min", "for: ⟪-5 min", "cannot be negative"),
    Mistake("for: 5 min", "for: ⟪0 s", "must be more than 0"),
    Mistake("temperature: 30 °C}", "temperature: ⟪30 C}", "did you mean '°C'?"),
    Mistake("step: 200 pA .. 400 pA by 25 pA", "step: ⟪400 pA .. 200 pA by 25 pA", "runs backwards"),
    Mistake("step: 200 pA .. 400 pA by 25 pA", "step: ⟪200 pA .. 400 pA", "grid of currents"),
    Mistake("step: 200 pA .. 400 pA by 25 pA", "step: ⟪200 pA .. 400 pA by 75 pA", "last one below it is 350 pA"),
    Mistake("until_spikes: 3..4", "until_spikes: ⟪four", "write a number of spikes"),
    Mistake("below 25 MOhm", "⟪< 25 MOhm", "use the word 'below'"),
    Mistake("below 25 MOhm", "⟪below 25 mV", "is a voltage, but a resistance belongs here"),
    Mistake("outside 29 °C .. 31 °C", "⟪outside 5 % of start", "says nothing"),
    # keys, verbs, choices
    Mistake("low_pass: 4 kHz", "⟪lowpass: 4 kHz\n  low_pass: 4 kHz", "did you mean 'low_pass'?"),
    Mistake("  - hold:\n", "  - ⟪hod:\n", "did you mean 'hold'?"),
    Mistake("  - apply: {solution: blocker}", "  - ⟪aply: {solution: blocker}", "did you mean 'apply'?"),
    Mistake("      for: 5 min\n", "", "'for' is missing"),
    Mistake("clamp: current,", "clamp: ⟪currant,", "did you mean 'current'?"),
    Mistake("on_fail: ask", "on_fail: ⟪panic", "one of 'ask', 'note', 'skip' or 'stop' belongs here"),
    Mistake("format: 1", "format: ⟪2", "1 belongs here"),
    Mistake("format: 1\n", "", "'format' is missing"),
    Mistake("sex: male", "sex: ⟪mail", "did you mean 'male'?"),
    Mistake("species: Rattus norvegicus", "species: ⟪rat", "Latin binomial"),
    Mistake("age: 22 .. 26 months", "age: ⟪P14",
            "'P14' is not understood: write an age such as '24 months' or '22 .. 26 months'"),
    Mistake("thickness: 400 µm", "thickness: ⟪400 mm", "outside 20 µm .. 2 mm: is the unit right?"),
    Mistake("thickness: 400 µm", "thickness: ⟪4 µm", "outside 20 µm .. 2 mm: is the unit right?"),
    Mistake("thickness: 400 µm", "thickness: ⟪400 ms", "is a duration, but a thickness belongs here"),
    Mistake("strain: Fischer 344", "strain: ⟪344", "put it in quotes"),
    Mistake("average: 20", "average: ⟪many", "a whole number belongs here"),
    Mistake("average: 20", "average: ⟪0", "must be at least 1"),
    Mistake("name: burst", "name: the burst", "cannot be a name"),
    Mistake("  sAHP: {kind", "  s AHP: {kind", "cannot be a name"),
    Mistake("test_pulses: {step: -5 mV, width: 50 ms, every: 10 s}", "test_pulses: ⟪-5 mV", "keys and values belong"),
    Mistake("channels: [primary, secondary]", "channels: ⟪primary", "a list belongs here"),
    Mistake("  - apply: {solution: blocker}", "  - apply:\n    ⟪solution: blocker", "indent it"),
    Mistake("  - apply: {solution: blocker}", "  - ⟪membrane_test", "write 'membrane_test: {}'"),
    Mistake("record:\n", "⟪format: 1\nrecord:\n", "was given before, on line 3"),
    Mistake("  - apply: {solution: blocker}", "  - note: ⟪3\n  - apply: {solution: blocker}", "text belongs here"),
    Mistake("  - apply: {solution: blocker}", "  - prompt: ⟪3\n  - apply: {solution: blocker}", "text belongs here"),
    Mistake("  - apply: {solution: blocker}", "  - wait: ⟪3\n  - apply: {solution: blocker}",
            "'3' has no unit: write a duration"),
    Mistake("  - apply: {solution: blocker}", "  - wait: ⟪3 m\n  - apply: {solution: blocker}", "did you mean 'min'?"),
    # names that point nowhere
    Mistake("  - apply: {solution: blocker}", "  - apply: {solution: ⟪bloker}", "did you mean 'blocker'?"),
    Mistake("        step: burst", "        step: ⟪brst", "did you mean 'burst'?"),
    Mistake("measure: sAHP", "measure: ⟪A_1001", "no measure is named 'A_1001'"),
    Mistake("  sAHP: {kind", "  ⟪A_1000: {kind: mean, from: 0 s, to: 1 s}\n  sAHP: {kind", "is a standard measure"),
    Mistake("<<: *sweeps", "<<: ⟪*sweps", "not given to anything above with '&'"),
    Mistake("name: drug", "name: ⟪baseline", "another step is named 'baseline'"),
    Mistake("    line: drug", "    line: ⟪control", "'acsf' stands on line 'control' already"),
    Mistake("    label: Blocker 1 µM", "    label: ⟪ACSF", "'acsf' is labelled 'ACSF' already and has something else"),
    Mistake("channels: [primary, secondary]", "channels: ⟪[secondary]", "'primary' must be among"),
    # what cannot be done
    Mistake("low_pass: 4 kHz", "low_pass: ⟪10 kHz", "not below half the sampling rate"),
    Mistake("        every: 30 s", "        ⟪every: 6 s", "a sweep lasts 7.65 s"),
    Mistake("      counted_from: arrival\n      for: 10 min", "      counted_from: arrival",
            "say when the series ends"),
    Mistake("      at_most: 20 min\n", "", "'until_stable' needs 'at_most'"),
    Mistake("at_least: 5 min", "⟪at_least: 25 min", "longer than 'at_most'"),
    Mistake("last: 10}", "last: ⟪60}", "there are 40 at most"),
    Mistake("from: 950 ms", "from: ⟪-5 s", "would look at -3.35 s to"),
    Mistake("from: 950 ms", "from: 2 s", "ends (1050 ms) before it begins (2 s)"),
    Mistake("to: 1050 ms", "to: 5.5 s", "test pulse falls into the window of 'sAHP'"),
    Mistake("before_end: 800 ms", "before_end: 5800 ms", "test pulse comes before the window of 'sAHP'"),
    Mistake("measure: sAHP", "measure: ⟪Rm", "in voltage clamp only"),
    Mistake("until_stable: {measure: sAHP", "before: ⟪300 ms\n      until_stable: {measure: D50",
            "'D50' needs the baseline, which is measured from 510 ms to 10 ms before the step"),
    Mistake("until_stable: {measure: sAHP", "before: ⟪300 ms\n      until_stable: {measure: sAHP", "'sAHP' needs"),
    Mistake("until_stable: {measure: sAHP",
            "before: ⟪509 ms\n      rebias: {to: -60 mV}\n      until_stable: {measure: n_ap",
            "'rebias' needs the baseline"),
    Mistake("      until_spikes: 3..4\n", "      until_spikes: 3..4\n      rebias: {to: -60 mV}\n      before: ⟪0 s\n",
            "0 s are too short, write '510 ms' or more"),
    Mistake("        after: 6 s", "        after: 6 s\n        before: ⟪500 ms", "'sAHP' needs the baseline"),
    Mistake("        require: {", "        before: ⟪500 ms\n        require: {baseline_voltage: -62 mV .. -58 mV, ",
            "the 'baseline_voltage' that is required needs"),
    Mistake("before_end: 800 ms", "before_end: ⟪7 s", "not after the step"),
    Mistake("width: 300 ms", "width: ⟪900 ms", "leaves the sweep"),
    Mistake("every: 10 s}", "every: ⟪6 min}", "the hold is over"),
    Mistake("  - switch_to: {clamp: current, bias_to: -60 mV, max_bias: 250 pA}\n", "", "needs current clamp"),
    Mistake("holding: -70 mV}", "⟪bias_to: -60 mV}", "belongs to current clamp"),
    Mistake("  - apply: {solution: acsf}", "  - ⟪series: {name: x, <<: *sweeps, step: 1 pA, sweeps: 1}",
            "also runs after a stop"),
    Mistake("  - switch_to: {clamp: voltage, holding: -70 mV}\n", "", "in which mode the run ends"),
    # gates
    Mistake("{access_resistance: below 25 MOhm,", "{⟪spikes: 4,", "'spikes' is not measured here"),
    Mistake("{access_resistance: below 25 MOhm, on_fail: ask}", "{on_fail: ask}", "no condition is given"),
    Mistake("access_resistance: above 30 MOhm", "access_resistance: ⟪within 30 % of start",
            "write 'outside 30 % of start'"),
    Mistake("below 25 MOhm", "⟪outside 30 % of start", "write 'within 30 % of start'"),
    Mistake("outside 29 °C .. 31 °C", "⟪outside 33 °C .. 35 °C", "this gate would speak at once"),
    # syntax
    Mistake("  sampling: 20 kHz", "⟪\tsampling: 20 kHz", "a tab"),
    Mistake("label: ACSF,", "label: ⟪@ACSF,", "put the text in quotes"),
    Mistake("region: CA1,", 'region: ⟪"CA1,', "never closed"),
    Mistake("protocol: Slow AHP before", "protocol: Slow AHP⟪: before", "needs quotes"),
    Mistake("below 25 MOhm", "⟪> 25 MOhm", "'above 60 MOhm'"),
    Mistake("line: control}", "line: ⟪!!python/name:os.system x}", "is a tag"),
]  # fmt: skip

RIG = [
    Mistake("command: 20 mV/V", "command: ⟪400 pA/V", "in voltage clamp the command is a voltage"),
    Mistake("command: 400 pA/V", "command: ⟪20 mV/V", "in current clamp the command is a current"),
    Mistake("command: 400 pA/V", "command: ⟪1 V/nA", "is an output scale, but a command scale belongs here"),
    Mistake("primary: 1 V/nA", "primary: ⟪10 mV/mV", "in voltage clamp the primary output is the current"),
    Mistake("primary: 50 mV/mV", "primary: ⟪1 V/nA", "in current clamp the primary output is the voltage"),
    Mistake("  primary: {pin: ai0, range: 10 V}\n", "", "'primary' must be among the inputs"),
    Mistake("  command: {pin", "  comand: {pin", "is it called 'comand'?"),
    Mistake("pin: ai1", "pin: ⟪ai0", "is taken by 'primary'"),
    Mistake("  line: control", "  line: ⟪contol", "did you mean 'control'?"),
    Mistake("  voltage_clamp: -70 mV", "  voltage_clamp: ⟪-130 mV", "outside this rig's own limits"),
    Mistake("  current_clamp: 0 pA", "  current_clamp: ⟪0 mV", "is a voltage, but a current belongs here"),
    Mistake("current: -500 pA .. 1000 pA", "current: ⟪1000 pA .. -500 pA", "runs backwards"),
    Mistake("sampling_limit: 200 kHz", "⟪sampling_rate: 200 kHz, sampling_limit: 200 kHz",
            "did you mean 'sampling_limit'?"),
    Mistake("dead_time: 45 s", "dead_time: ⟪45", "'45' has no unit"),
    Mistake("secondary: {pin: ai1, range: 10 V}", "secondary: {pin: ai1, range: ⟪0 V}", "must be more than 0"),
    Mistake("secondary: {pin: ai1, range: 10 V}", "secondary: {pin: ai1, range: ⟪100 V}", "is more than a card has"),
    Mistake("daq: {driver: simulated", "daq: {driver: ⟪simulted", "did you mean 'simulated'?"),
    Mistake("sampling_limit: 200 kHz", "sampling_limit: 200 kHz, block: ⟪5 s", "must be from 5 ms to 200 ms"),
    Mistake("sampling_limit: 200 kHz", "sampling_limit: 200 kHz, block: ⟪1 ms", "must be from 5 ms to 200 ms"),
]  # fmt: skip
