"""`patchrig convert`: a session like one of ours, with the file's own samples, and honest about what is not known."""

from dataclasses import replace

import numpy as np
import pyabf
import pytest

from acquisition.foreign.converting import _as_counts
from acquisition.foreign.papers import Animal, protocol_of, rig_of
from acquisition.foreign.reading import read
from acquisition.recomputing import recompute
from acquisition.session.recovery import open_recovered, prove
from protocols.errors import Refused, SessionError
from tests.foreign import synthetic_files as files


@pytest.fixture(scope="module")
def session(folder, burst, patchrig):
    """A converted file, as the command makes it."""
    done = patchrig("convert", burst[0], "--out", folder / "burst.nwb", "--subject", "R17", "--cell", "c3", "--json")
    assert done.code == 0, done.error
    assert done.data["sealed"]
    return folder / "burst.nwb"


def test_it_is_sealed_proved_and_valid_nwb(session):
    assert prove(session).ok
    with open_recovered(session) as opened:
        assert opened.seal["ok"]
        assert opened.seal["invalid"] == []  # what pynwb's validator found
        assert (opened.subject_id, opened.cell_id, opened.closed) == ("R17", "c3", "finished")


def test_its_samples_are_pyabf_s_to_the_last_bit(session, burst):
    abf = pyabf.ABF(str(burst[0]))
    with open_recovered(session) as opened:
        assert len(opened.sweeps) == abf.sweepCount
        for i in range(abf.sweepCount):
            abf.setSweep(i)
            assert np.array_equal(opened.sweep(i).stored["primary"], abf.sweepY)
            assert opened.sweeps[i].start == pytest.approx(i * abf.sweepIntervalSec)


def test_its_measures_are_those_of_analyse_and_come_out_again(session, burst, patchrig):
    analysed = patchrig("analyse", burst[0], "--json").data["sweeps"]
    with open_recovered(session) as opened:
        assert recompute(opened).ok
        for sweep, row in enumerate(analysed):
            stored = {m.name: m.value for m in opened.measurements if m.sweep == sweep and m.value == m.value}
            assert stored == {name: v for name, v in row["measures"].items() if v is not None}


def test_review_figure_and_export_work_on_it(session, patchrig, tmp_path):
    drawn = patchrig("review", session, "--figure", tmp_path / "a.png")
    assert drawn.code == 0, drawn.error
    assert (tmp_path / "a.png").stat().st_size > 10_000
    assert patchrig("export", session, "--csv", tmp_path / "a.csv").code == 0
    assert "A_1000_mV" in (tmp_path / "a.csv").read_text().splitlines()[0]


def test_it_says_that_it_was_converted_and_what_is_not_known(session, burst):
    with open_recovered(session) as opened:
        assert "Nothing here was carried out by patchrig" in opened.protocol_text
        assert "placeholder" in opened.protocol_text
        assert opened.protocol.preparation.subject.strain == "unknown"
        (entry,) = (e for e in opened.log if e.kind == "converted")
        assert entry.data["file"] == burst[0].name
        assert len(entry.data["sha256"]) == 64
        assert "patchrig recorded none of it" in opened.notes


def test_a_sweep_with_two_steps_becomes_two_and_leaves_no_sample_out(patchrig, tmp_path):
    epochs = [(8000, 0, 0), (5000, -50, 0), (4000, 0, 0), (5000, 100, 25), (12_000, 0, 0), (5000, 100, 25)]
    path = files.write_abf(tmp_path / "two.abf", [files.neuron([], seed=i) for i in range(2)], epochs=epochs)
    done = patchrig("convert", path, "--out", tmp_path / "two.nwb", "--json")
    assert done.code == 0, done.error
    abf = pyabf.ABF(str(path))
    abf.setSweep(0)
    with open_recovered(tmp_path / "two.nwb") as opened:
        here = [s for s in opened.sweeps if s.start < abf.sweepIntervalSec]
        assert [s.label for s in here] == ["before the step", "step 1", "step 2"]
        seen = np.full(len(abf.sweepY), np.nan, np.float32)
        for s in here:
            first = round(s.start * s.rate)
            seen[first : first + s.n_samples] = opened.sweep(s.index).stored["primary"]
        assert np.array_equal(seen, abf.sweepY)
        assert recompute(opened).ok


def test_voltage_clamp_becomes_membrane_tests(patchrig, tmp_path):
    done = patchrig("convert", files.patch_file(tmp_path / "v.abf"), "--out", tmp_path / "v.nwb", "--json")
    assert done.code == 0, done.error
    shown = patchrig("review", tmp_path / "v.nwb")
    assert "membrane test at 0 min: Ra 1" in shown.out


def test_a_file_without_a_command_needs_a_stated_step(patchrig, tmp_path):
    path, (on, off) = files.burst_file(tmp_path / "off.abf", generator=False, n_sweeps=1)
    assert isinstance(patchrig("convert", path).error, Refused)
    done = patchrig("convert", path, "--step", f"{on}..{off}", "--out", tmp_path, "--json")
    assert done.code == 0, done.error
    (made,) = tmp_path.glob("sub-unknown_ses-*.nwb")
    with open_recovered(made) as opened:
        assert {m.name: m.value for m in opened.measurements}["n_ap"] == 4
        assert recompute(opened).ok
    assert patchrig("review", made, "--figure", tmp_path / "a.png").code == 0


def test_implausible_numbers_make_no_session(patchrig, tmp_path):
    path, _ = files.burst_file(tmp_path / "units.abf", units="pA")
    done = patchrig("convert", path, "--out", tmp_path / "units.nwb")
    assert isinstance(done.error, Refused)
    assert "none is made" in str(done.error)
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_overwritten_and_the_file_is_left_as_it_was(patchrig, burst, session):
    before, stamp = burst[0].read_bytes(), session.stat().st_mtime_ns
    done = patchrig("convert", burst[0], "--out", session)
    assert isinstance(done.error, SessionError)
    assert burst[0].read_bytes() == before
    assert session.stat().st_mtime_ns == stamp


def test_only_abf_files_are_converted(patchrig, session):
    assert "is not an ABF file" in str(patchrig("convert", session).error)


def test_what_a_person_says_of_the_animal_stands_in_the_protocol(burst):
    said = Animal("R17", "Mus musculus", "C57BL/6J", "female", "5 months", "CA1")
    protocol, text = protocol_of(read(burst[0]), said)
    animal = protocol.preparation.subject
    assert (animal.species, animal.strain, animal.sex, animal.age) == ("Mus musculus", "C57BL/6J", "female", "5 months")
    assert "5 months" in text


@pytest.mark.parametrize("name", ['a "quoted": name', "tabs\tand\nlines # {}", "Übergang µ", ""])
def test_whatever_the_other_program_called_its_protocol_the_text_can_be_read(burst, name):
    recording = replace(read(burst[0]), protocol=name, program=name)
    protocol, _ = protocol_of(recording, Animal())
    assert protocol.steps[0].verb == "note"
    assert rig_of(recording)[0].amplifier.driver == "converted"


def test_a_second_channel_of_the_other_kind_comes_along(patchrig, tmp_path):
    path = files.with_current_channel(files.burst_file(tmp_path / "one.abf", n_sweeps=1)[0], tmp_path / "both.abf")
    done = patchrig("convert", path, "--out", tmp_path / "both.nwb", "--json")
    assert done.code == 0, done.error
    abf = pyabf.ABF(str(path))
    abf.setSweep(0, channel=1)
    with open_recovered(tmp_path / "both.nwb") as opened:
        assert np.array_equal(opened.sweep(0).stored["secondary"], abf.sweepY)


def test_floating_point_samples_become_counts_fine_enough(burst):
    source = read(burst[0])
    sweeps = tuple(replace(s, counts=None) for s in source.sweeps)
    made, (note,) = _as_counts(replace(source, sweeps=sweeps))
    for before, after in zip(sweeps, made.sweeps, strict=True):
        off = np.abs(made.channel.stored(after.counts) - before.stored).max()
        assert off <= 0.5 * np.abs(before.stored).max() / 30_000
    assert "each off by half at most" in note


def test_an_age_that_is_none_is_refused_with_its_place(patchrig, tmp_path):
    path, _ = files.burst_file(tmp_path / "a.abf", n_sweeps=1)
    done = patchrig("convert", path, "--age", "old", "--out", tmp_path / "a.nwb")
    assert "24 months" in str(done.error)
    assert not (tmp_path / "a.nwb").exists()
