"""Whatever happens to a session, what was acquired comes back bit for bit."""

from __future__ import annotations

import random
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from acquisition.session import layout
from acquisition.session.journal import Kind, journal_path, scan
from acquisition.session.journal_recorder import JournalRecorder
from acquisition.session.packer import Packer
from acquisition.session.reader import open_session
from acquisition.session.recovery import open_recovered, prune, recover, seal, verify
from acquisition.session.transaction import LIBVER, Overlay, redo_path
from acquisition.session.writer import SessionWriter
from protocols.errors import Refused, SessionError
from protocols.sweeps import ClampMode, Frame
from tests.session.synthetic import Recorder, burst, make_counts, make_head, make_header, measures

CC = ClampMode.CURRENT
SWEEPS, CUT = 4, 2000
"""Whole sweeps of the example, and samples of the one that was cut off."""


def header(index: int):
    return make_header(index, burst(seconds=0.1), CC)


def play(writer, sweeps: int = SWEEPS) -> Recorder:
    r = Recorder(writer)
    for i in range(sweeps):
        r.say(30.0 * i, "note", f"before sweep {i}")
        r.play(header(i))
        r.measure(measures(i, 30.0 * i))
    return r


def begin_another(writer, index: int = SWEEPS) -> None:
    writer.begin_sweep(header(index))
    for first in range(0, CUT, 400):
        writer.samples(Frame(first, make_counts(header(index))[:, first : first + 400]))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A session that ended as it should, with its journal."""
    nwb = tmp_path_factory.mktemp("finished") / "a.nwb"
    recorder = JournalRecorder(nwb, make_head(), ballast=0)
    play(recorder)
    recorder.close()
    with Packer(journal_path(nwb), nwb) as packer:
        packer.run()
    return nwb


@pytest.fixture(scope="module")
def crashed(tmp_path_factory) -> Path:
    """A session whose recorder and packer died within a sweep, two sweeps behind."""
    folder = tmp_path_factory.mktemp("crashed")
    nwb, left = folder / "live.nwb", folder / "a.nwb"
    with JournalRecorder(nwb, make_head(), ballast=0) as recorder:
        with Packer(journal_path(nwb), nwb) as packer:
            play(recorder, SWEEPS - 2)
            while packer.step():
                pass
        r = Recorder(recorder)
        for i in range(SWEEPS - 2, SWEEPS):
            r.play(header(i))
        begin_another(recorder)
        shutil.copy(nwb, left)
        shutil.copy(journal_path(nwb), journal_path(left))
    return left


@pytest.fixture
def nwb(finished, tmp_path) -> Path:
    return copied(finished, tmp_path)


@pytest.fixture
def cut(crashed, tmp_path) -> Path:
    return copied(crashed, tmp_path)


def copied(nwb: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy2(journal_path(nwb), folder)
    return Path(shutil.copy2(nwb, folder))


def assert_whole(nwb: Path, sweeps: int = SWEEPS, cut: int | None = None) -> None:
    """The first `sweeps` sweeps are complete; after them comes one with `cut` samples, if that is given."""
    with open_session(nwb) as session:
        assert [s.complete for s in session.sweeps] == [True] * sweeps + [False] * (cut is not None)
        for s in session.sweeps:
            counts = make_counts(header(s.index))[:, : None if s.complete else cut]
            found = session.sweep(s.index)
            assert found.header == header(s.index)
            for channel, row in zip(found.header.channels, counts, strict=True):
                assert found.stored[channel.name].tobytes() == channel.stored(row).tobytes()


def names(nwb: Path) -> list[str]:
    return sorted(p.name for p in nwb.parent.iterdir())


# --- verify ---------------------------------------------------------------------------------------------------------


def test_a_finished_session_is_what_its_journal_says(nwb):
    found = verify(nwb)
    assert found.ok
    assert found.with_journal
    assert [(s.index, s.complete, s.intact) for s in found.sweeps] == [(i, True, True) for i in range(SWEEPS)]


def test_one_changed_sample_is_found(nwb):
    with h5py.File(nwb, "r+") as file:
        data = file[layout.response_path(2, "secondary")]["data"]
        data[1234] = data[1235]
    found = verify(nwb)
    assert [s.index for s in found.sweeps if not s.intact] == [2]
    assert found.missing == (2,)
    assert "sweep 2: the stored samples are not those that were recorded" in found.problems


def spoil(nwb: Path, name: str) -> None:
    """Change one byte of the samples called `name` on the disk, behind HDF5's back."""
    with h5py.File(nwb) as file:
        place = file[name].id.get_chunk_info(0).byte_offset + 7
    raw = bytearray(nwb.read_bytes())
    raw[place] ^= 1
    nwb.write_bytes(raw)


@pytest.mark.parametrize("looked_at", [(), (1,), (2,), (0, 1, 2, 3)])
def test_damaged_samples_are_named_whatever_was_read_before(nwb, looked_at):
    """Samples that were read for their hash are not read a second time; others must be."""
    name = f"{layout.response_path(2, 'secondary')}/data"
    spoil(nwb, name)
    with open_session(nwb) as session:
        for index in looked_at:
            if index == 2:
                with pytest.raises(SessionError, match="damaged"):
                    session.is_intact(index)
            else:
                assert session.is_intact(index)
        assert [where for where, _ in session.damages()] == [name]


def test_samples_behind_those_that_were_recorded_are_read_too(nwb):
    name = f"{layout.response_path(2, 'secondary')}/data"
    with h5py.File(nwb, "r+") as file:
        data = file[name]
        data.resize((layout.CHUNK + 10,))
        data[layout.CHUNK :] = 1.0
        place = data.id.get_chunk_info(1).byte_offset + 7
    raw = bytearray(nwb.read_bytes())
    raw[place] ^= 1
    nwb.write_bytes(raw)
    with open_session(nwb) as session:
        session.is_intact(2)
        assert [where for where, _ in session.damages()] == [name]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"{layout.MEASURES.path}/value", "its measurements are not those of the journal"),
        (layout.LOG_ENTRIES, "its log is not that of the journal"),
    ],
)
def test_a_changed_number_or_line_is_found(nwb, path, words):
    with h5py.File(nwb, "r+") as file:
        file[path][0] = file[path][1]
    assert verify(nwb).problems == (words,)


def test_a_file_without_journal_is_checked_against_its_own_hashes(nwb):
    journal_path(nwb).unlink()
    found = verify(nwb)
    assert (found.ok, found.with_journal) == (True, False)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SessionError, match="no such file"):
        verify(tmp_path / "none.nwb")


# --- recover --------------------------------------------------------------------------------------------------------


def test_a_complete_session_stays_as_it_is(nwb):
    before = nwb.read_bytes()
    done = recover(nwb)
    assert (done.words, done.rebuilt) == ("a.nwb is complete: 4 sweeps, all as recorded", False)
    assert nwb.read_bytes() == before


def test_after_a_crash_the_missing_sweeps_are_added_and_the_interrupted_one_is_kept(cut):
    assert_whole(cut, SWEEPS - 2)
    done = recover(cut)
    assert (done.sweeps, done.added, done.interrupted, done.rebuilt) == (SWEEPS + 1, (2, 3, 4), SWEEPS, True)
    assert_whole(cut, SWEEPS, CUT)
    assert names(cut) == ["a.nwb", "a.nwb.journal"]
    with open_session(cut) as session:
        assert session.sweeps[-1].reason == "the recording ended without being closed"
        assert session.closed == "interrupted: the recording ended without being closed"
    assert verify(cut).ok
    assert not recover(cut).rebuilt


def test_a_recovered_session_is_valid_nwb(cut):
    pynwb = pytest.importorskip("pynwb")
    recover(cut)
    assert pynwb.validate(path=str(cut)) == []


def test_a_lost_file_is_made_anew(nwb):
    nwb.unlink()
    assert recover(nwb).added == tuple(range(SWEEPS))
    assert_whole(nwb)


def test_a_commit_that_was_cut_off_is_completed_first(cut):
    with Overlay(cut) as overlay:
        with h5py.File(overlay, "r+", libver=LIBVER) as file:
            file.attrs["half"] = "done"
        overlay.redo.write(overlay.pieces()[1], cut.stat().st_size)
    recover(cut)
    assert not redo_path(cut).exists()
    assert_whole(cut, SWEEPS, CUT)


def truncated(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def pages(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 8)):
        start = rng.randrange(0, len(data) - 4096, 4096)
        data[start : start + 4096] = rng.randbytes(4096)


def zeroed(data: bytearray, rng: random.Random) -> None:
    data[: rng.choice((8, 96, 2048, 50_000))] = bytes(rng.choice((8, 96, 2048)))


def flipped(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


@pytest.mark.parametrize("damage", [truncated, pages, zeroed, flipped])
def test_a_damaged_file_is_made_anew_and_the_damaged_one_is_kept(finished, tmp_path, damage):
    def try_seed(seed: int) -> None:
        nwb = copied(finished, tmp_path / str(seed))
        data = bytearray(nwb.read_bytes())
        damage(data, random.Random(seed))
        nwb.write_bytes(data)
        done = recover(nwb)
        assert_whole(nwb)
        kept = nwb.with_name("a.nwb.broken")
        assert done.set_aside == (kept if kept.exists() else None), seed
        assert not kept.exists() or kept.read_bytes() == data
        assert done.rebuilt or damage is flipped, seed

    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(try_seed, range(8)))) == 8


def test_damaged_files_never_overwrite_each_other(nwb):
    for k in range(2):
        nwb.write_bytes(b"damaged %d" % k)
        recover(nwb)
    kept = [nwb.with_name(f"a.nwb.broken{suffix}") for suffix in ("", "-1")]
    assert [k.read_bytes() for k in kept] == [b"damaged 0", b"damaged 1"]
    assert_whole(nwb)


def test_of_a_damaged_journal_everything_up_to_the_damage_is_kept(crashed, tmp_path):
    journal = journal_path(crashed).read_bytes()
    frames = list(scan(journal_path(crashed)))
    for seed in range(16):
        rng = random.Random(seed)
        place = rng.randrange(frames[0].stop, len(journal))
        nwb = tmp_path / str(seed) / "a.nwb"
        nwb.parent.mkdir()
        flipped_byte = bytes([journal[place] ^ 0x40])
        journal_path(nwb).write_bytes(journal[:place] + rng.choice((b"", flipped_byte + journal[place + 1 :])))
        done = recover(nwb)
        good = [f for f in frames if f.stop <= place]
        # A flipped byte of padding harms nothing, so more than this may be good, never less.
        assert done.sweeps >= sum(f.kind is Kind.SWEEP_BEGIN for f in good)
        with open_session(nwb) as session:
            for s in session.sweeps:
                assert session.is_intact(s.index)
                stored = session.sweep(s.index).stored["primary"]
                np.testing.assert_array_equal(
                    stored, header(s.index).channels[0].stored(make_counts(header(s.index))[0, : s.n_samples])
                )
            assert sum(s.complete for s in session.sweeps) >= sum(f.kind is Kind.SWEEP_END for f in good)


def test_a_journal_with_a_damaged_end_does_not_take_anything_from_an_intact_file(finished, tmp_path):
    before = finished.read_bytes()
    journal = journal_path(finished).read_bytes()
    for part in (0.0, 0.3, 0.7, 0.95):
        nwb = copied(finished, tmp_path / str(part))
        journal_path(nwb).write_bytes(journal[: int(part * len(journal))])
        assert "stays as it is" in recover(nwb).words
        assert nwb.read_bytes() == before


def test_without_a_readable_journal_a_damaged_file_stays_as_it_is(nwb):
    nwb.write_bytes(b"damaged")
    journal_path(nwb).write_bytes(b"damaged too")
    with pytest.raises(SessionError, match="holds nothing"):
        recover(nwb)
    assert nwb.read_bytes() == b"damaged"
    assert names(nwb) == ["a.nwb", "a.nwb.journal"]


def test_a_file_of_another_session_is_never_touched(nwb):
    nwb.unlink()
    play(SessionWriter(nwb, make_head())).writer.close()
    before = nwb.read_bytes()
    with pytest.raises(SessionError, match="of another session"):
        recover(nwb)
    assert nwb.read_bytes() == before


def test_without_a_journal_there_is_nothing_to_recover_from(nwb):
    journal_path(nwb).unlink()
    with pytest.raises(SessionError, match="no journal beside it"):
        recover(nwb)


def test_a_session_that_is_being_recorded_is_not_recovered(tmp_path):
    nwb = tmp_path / "a.nwb"
    with JournalRecorder(nwb, make_head(), ballast=0) as recorder, Packer(journal_path(nwb), nwb) as packer:
        play(recorder, 1)
        while packer.step():
            pass
        with pytest.raises(SessionError, match="being recorded"):
            recover(nwb)
        with open_recovered(nwb) as session:
            assert [s.index for s in session.sweeps] == [0]


def test_recovery_waits_for_a_packer_that_is_still_at_work(cut):
    packer = Packer(journal_path(cut), cut)
    ending = threading.Timer(0.1, packer.close)
    ending.start()
    assert recover(cut).sweeps == SWEEPS + 1
    ending.join()


# --- open -----------------------------------------------------------------------------------------------------------


def test_opening_recovers_what_was_cut_off(cut):
    with open_recovered(cut) as session:
        assert len(session.sweeps) == SWEEPS + 1
    assert_whole(cut, SWEEPS, CUT)


def test_opening_makes_a_file_that_was_never_packed(nwb):
    nwb.unlink()
    with open_recovered(str(nwb)) as session:
        assert len(session.sweeps) == SWEEPS


def test_opening_repairs_a_file_that_cannot_be_opened(nwb):
    nwb.write_bytes(nwb.read_bytes()[:5000])
    with open_recovered(nwb) as session:
        assert len(session.sweeps) == SWEEPS


def test_opening_a_complete_session_changes_nothing(nwb, monkeypatch):
    monkeypatch.setattr("acquisition.session.recovery.recover", lambda path: pytest.fail("not needed"))
    with open_recovered(nwb) as session:
        assert len(session.sweeps) == SWEEPS


# --- seal and prune -------------------------------------------------------------------------------------------------


def test_a_session_is_sealed_with_its_verdict_and_only_then_loses_its_journal(nwb):
    pynwb = pytest.importorskip("pynwb")
    with pytest.raises(Refused, match="not sealed"):
        prune(nwb)
    verdict = seal(nwb)
    assert (verdict.ok, verdict.sweeps, verdict.problems, verdict.invalid) == (True, SWEEPS, (), ())
    with open_recovered(nwb) as session:
        assert session.seal["ok"]
    assert pynwb.validate(path=str(nwb)) == []
    prune(nwb)
    assert names(nwb) == ["a.nwb"]
    assert verify(nwb).ok
    assert_whole(nwb)


def test_a_sealed_file_that_was_damaged_afterwards_keeps_its_journal(nwb):
    assert seal(nwb).ok
    with h5py.File(nwb, "r+") as file:
        file[layout.response_path(1, "primary")]["data"][5] += 1
    with pytest.raises(Refused, match="its journal stays"):
        prune(nwb)
    assert names(nwb) == ["a.nwb", "a.nwb.journal"]


def test_a_seal_says_what_is_wrong(nwb):
    with h5py.File(nwb, "r+") as file:
        file[f"{layout.MEASURES.path}/value"][0] = 7.0
    verdict = seal(nwb)
    assert not verdict.ok
    assert verdict.problems == ("its measurements are not those of the journal",)
    with pytest.raises(Refused, match="not sealed with a good verdict"):
        prune(nwb)


def test_a_session_that_was_not_closed_is_not_sealed(cut):
    with pytest.raises(SessionError, match="recover it first"):
        seal(cut)


def test_a_session_is_not_sealed_while_it_is_recorded(tmp_path):
    nwb = tmp_path / "a.nwb"
    with JournalRecorder(nwb, make_head(), ballast=0), pytest.raises(SessionError, match="being recorded"):
        seal(nwb)
