from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.session import platform
from acquisition.session.journal import HEADER, Journal, Kind, Tail, frame_parts, is_held, parse, scan
from protocols.errors import SessionError

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = st.lists(st.tuples(st.sampled_from(list(Kind)), st.binary(max_size=300)), max_size=12)


def written(path: Path, payloads: list[bytes]) -> Path:
    with Journal(path) as journal:
        for payload in payloads:
            journal.append(Kind.DATA, payload)
    return path


def forever(call) -> None:
    while True:
        call()


def as_bytes(frames: list[tuple[Kind, bytes]]) -> bytes:
    return b"".join(bytes(p) for seq, (kind, data) in enumerate(frames) for p in frame_parts(kind, seq, 5, data))


@given(FRAMES)
def test_every_frame_comes_back_as_it_was(frames: list[tuple[Kind, bytes]]) -> None:
    found = list(parse(as_bytes(frames), 0, 0))
    assert [(r.kind, r.payload) for r in found] == frames
    assert [r.seq for r in found] == list(range(len(frames)))


@given(FRAMES, st.data())
def test_a_changed_byte_ends_the_journal_before_its_frame(
    frames: list[tuple[Kind, bytes]], data: st.DataObject
) -> None:
    whole = bytearray(as_bytes([*frames, (Kind.CLOSE, b"end")]))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    before = [r for r in parse(as_bytes([*frames, (Kind.CLOSE, b"end")]), 0, 0) if r.stop <= place]
    found = list(parse(bytes(whole), 0, 0))
    # A changed byte of padding harms nothing; everything else ends the journal.
    assert found[: len(before)] == before
    assert len(found) in (len(before), len(frames) + 1)


@given(FRAMES, st.integers(0, 4000))
def test_a_cut_journal_has_the_frames_before_the_cut(frames: list[tuple[Kind, bytes]], cut: int) -> None:
    whole = as_bytes(frames)
    assert list(parse(whole[:cut], 0, 0)) == [r for r in parse(whole, 0, 0) if r.stop <= cut]


def test_frames_are_aligned(tmp_path: Path) -> None:
    path = written(tmp_path / "j", [b"x" * n for n in range(20)])
    assert all(r.position % 8 == 0 for r in scan(path))
    assert path.stat().st_size == list(scan(path))[-1].stop


def test_a_frame_out_of_sequence_is_the_end(tmp_path: Path) -> None:
    path = written(tmp_path / "j", [b"a", b"b"])
    first = path.read_bytes()
    path.write_bytes(first + first)  # an older block of the disk shows through: right checksums, wrong number
    assert [r.payload for r in scan(path)] == [b"a", b"b"]


def test_a_kind_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "j"
    parts = [*frame_parts(99, 0, 0, b"?"), *frame_parts(Kind.DATA, 1, 0, b"x")]
    path.write_bytes(b"".join(parts))
    assert [(r.kind, r.payload) for r in scan(path)] == [(Kind.UNKNOWN, b"?"), (Kind.DATA, b"x")]


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = written(tmp_path / "j", [bytes([n]) for n in range(9)])
    everything = list(scan(path))
    middle = everything[4]
    assert list(scan(path, middle.position, middle.seq)) == everything[4:]


def test_a_tail_sees_frames_as_they_come(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal, Tail(tmp_path / "j") as tail:
        assert tail.read() == []
        journal.append(Kind.LOG, b"one")
        assert [r.payload for r in tail.read()] == [b"one"]
        journal.append(Kind.LOG, b"two")
        journal.append(Kind.LOG, b"three")
        assert [r.payload for r in tail.read()] == [b"two", b"three"]
        assert (tail.left_over(), tail.read()) == (0, [])


def test_a_tail_waits_for_the_rest_of_a_frame(tmp_path: Path) -> None:
    whole = as_bytes([(Kind.DATA, b"abc" * 100)])
    path = tmp_path / "j"
    path.write_bytes(whole[:150])
    with Tail(path) as tail:
        assert (tail.read(), tail.left_over()) == ([], 150)
        path.write_bytes(whole)
        assert [r.payload for r in tail.read()] == [b"abc" * 100]


def test_a_frame_longer_than_a_reading_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "j", [b"x" * 5000, b"y"])
    with Tail(path) as tail:
        assert len(tail.read(most=100)[0].payload) == 5000
        assert tail.read(most=100)[0].payload == b"y"


def test_concurrent_reading_sees_every_frame_once(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", sync_every=0.001) as journal, Tail(tmp_path / "j") as tail:
        writer = threading.Thread(target=lambda: [journal.append(Kind.DATA, bytes(n)) for n in range(2000)])
        writer.start()
        found = []
        while len(found) < 2000:
            found += tail.read(most=10_000)
        writer.join()
    assert [len(r.payload) for r in found] == list(range(2000))


def test_an_existing_journal_is_not_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path / "j", [b"precious"])
    with pytest.raises(SessionError, match="never overwritten"):
        Journal(path)
    assert [r.payload for r in scan(path)] == [b"precious"]


@pytest.mark.parametrize("act", [Journal, lambda p: list(scan(p))])
def test_a_missing_folder_is_said_in_words(tmp_path: Path, act) -> None:
    with pytest.raises(SessionError, match="cannot be"):
        act(tmp_path / "nowhere" / "j")


def test_a_journal_is_held_while_it_is_recorded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    assert is_held(tmp_path / "j")
    journal.close()
    assert not is_held(tmp_path / "j")


def test_a_frame_that_did_not_fit_can_be_appended_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = os.pwritev

    def half_then_full(descriptor, parts, position):
        if position == 0:
            return genuine(descriptor, [b"".join(parts)[:20]], position)
        raise OSError(errno.ENOSPC, "No space left on device")

    with Journal(tmp_path / "j") as journal:
        with monkeypatch.context() as full:
            full.setattr(os, "pwritev", half_then_full)
            with pytest.raises(OSError, match="No space"):
                journal.append(Kind.LOG, b"x" * 100)
        assert (journal.position, journal.seq) == (0, 0)
        assert list(scan(tmp_path / "j")) == []
        journal.append(Kind.LOG, b"y" * 10)
    assert [r.payload for r in scan(tmp_path / "j")] == [b"y" * 10]


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = os.pwritev
    monkeypatch.setattr(os, "pwritev", lambda d, parts, at: genuine(d, [b"".join(parts)[:7]], at))
    path = written(tmp_path / "j", [b"abcdefghijk" * 9, b""])
    assert [r.payload for r in scan(path)] == [b"abcdefghijk" * 9, b""]


def test_a_failed_sync_is_not_taken_for_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, genuine = threading.Event(), platform.sync_data

    def failing(descriptor):
        asked.set()
        raise OSError(errno.EIO, "Input/output error")

    journal = Journal(tmp_path / "j", sync_every=0.001)
    monkeypatch.setattr(platform, "sync_data", failing)
    journal.append(Kind.LOG, b"x")
    assert asked.wait(5)
    monkeypatch.setattr(platform, "sync_data", genuine)
    with pytest.raises(OSError, match="Input/output"):
        forever(lambda: journal.append(Kind.LOG, b"y"))
    with pytest.raises(OSError, match="Input/output"):
        journal.close()


@pytest.mark.parametrize("has_positions", [True, False])
def test_systems_without_positional_writes_make_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_positions: bool
) -> None:
    monkeypatch.setattr(platform, "HAS_POSITIONS", has_positions)
    path = written(tmp_path / "j", [b"one", b"two" * 1000, b""])
    assert [r.payload for r in scan(path)] == [b"one", b"two" * 1000, b""]


def test_a_rename_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    platform.replace(tmp_path / "new", tmp_path / "old")
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "new"


def test_a_rename_over_an_open_file_is_tried_again_then_left_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").write_text("new")
    tries = []

    def busy(source, target):
        tries.append(source)
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(platform, "IS_WINDOWS", True)
    monkeypatch.setattr(platform, "RENAME_PATIENCE", 0.02)
    monkeypatch.setattr(platform, "RENAME_PAUSE", 0.001)
    monkeypatch.setattr(os, "replace", busy)
    with pytest.raises(PermissionError):
        platform.replace(tmp_path / "new", tmp_path / "old")
    assert len(tries) > 1
    assert (tmp_path / "new").read_text() == "new"


@pytest.mark.parametrize("free", [True, False])
def test_windows_locks_one_byte_beyond_every_file(monkeypatch: pytest.MonkeyPatch, free: bool) -> None:
    calls = []
    kernel = SimpleNamespace(
        LockFileEx=lambda handle, how, _0, low, high, place: (
            calls.append((handle.value, how, low, high, place)) or free
        ),
        UnlockFileEx=lambda handle, _0, low, high, place: calls.append((handle.value, "unlock", low, high, place)),
    )
    monkeypatch.setattr(platform, "IS_WINDOWS", True)
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel, raising=False)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(get_osfhandle=lambda d: d + 1000))
    assert platform.try_lock(7) is free
    platform.unlock(7)
    assert [call[:4] for call in calls] == [(1007, 3, 1, 0), (1007, "unlock", 1, 0)]
    assert [call[4]._obj[2] for call in calls] == [1 << 62, 1 << 62]


@settings(max_examples=30)
@given(st.binary(min_size=0, max_size=400))
def test_no_bytes_are_read_as_a_frame_by_accident(noise: bytes) -> None:
    assert list(parse(noise, 0, 0)) == []
    assert HEADER == 32
