from dataclasses import replace

import pytest

from acquisition.analysis.analyser import Settings, analyse
from acquisition.recomputing import STORED_SETTINGS, log_settings, recompute
from protocols.sweeps import LogEntry

WANTED = Settings(target_spikes=(3, 4))


class Recorded:
    """A session as `recompute` sees it: lists of plain values, in memory."""

    def __init__(self, sweeps, measurements, settings=WANTED):
        self._sweeps = {s.header.sweep.index: s for s in sweeps}
        self.sweeps = [s.header.sweep for s in sweeps]
        self.measurements = measurements
        text, data = log_settings(settings)
        self.log = [LogEntry(0.0, STORED_SETTINGS, text, data)]

    def is_intact(self, index):
        return True

    def sweep(self, index):
        return self._sweeps[index]


@pytest.fixture(scope="module")
def burst():
    from tests.analysis.synthetic import burst_command, header, recorded, voltage

    command = burst_command()
    return recorded(header(command), voltage(command, spikes=(1.52, 1.55, 1.58), noise=0.2e-3))


def test_numbers_come_out_of_the_samples_again_to_the_last_bit(burst):
    stored = analyse(burst, WANTED)
    found = recompute(Recorded([burst], stored))
    assert (found.ok, found.same) == (True, len(stored))


def test_settings_come_from_the_file_and_not_from_this_version_s_defaults(burst):
    odd = Settings(target_spikes=(1, 1), most_hum=0.0)
    assert recompute(Recorded([burst], analyse(burst, odd), odd)).ok


def test_one_changed_bit_is_found_and_named(burst):
    stored = analyse(burst, WANTED)
    at = next(i for i, m in enumerate(stored) if m.name == "A_1000")
    stored[at] = replace(stored[at], value=stored[at].value * (1 + 2**-52))
    (d,) = recompute(Recorded([burst], stored)).differences
    assert (d.sweep, d.measure, d.why) == (7, "A_1000", "the same analyser and settings give another value")


def test_a_number_of_another_version_says_which(burst):
    stored = [replace(m, analyser="sahp 1.0", value=m.value + (m.name == "D50")) for m in analyse(burst, WANTED)]
    found = recompute(Recorded([burst], stored))
    assert [d.why for d in found.differences] == [f"made by sahp 1.0, now sahp 2.3 {WANTED.digest}"]
    assert "D50" in "\n".join(found.lines())


def test_a_number_that_was_not_stored_is_named(burst):
    stored = [m for m in analyse(burst, WANTED) if m.name != "Rin"]
    (d,) = recompute(Recorded([burst], stored)).differences
    assert (d.measure, d.stored, d.why) == ("Rin", None, "a new measure")


def test_changed_flags_alone_are_a_difference(burst):
    stored = analyse(burst, WANTED)
    stored[0] = replace(stored[0], flags=("vhold",))
    (d,) = recompute(Recorded([burst], stored)).differences
    assert d.why == "the same value, with another window or other flags"
