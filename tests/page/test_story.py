"""A journal read as the page reads it: what a viewer who comes late is told of a real run."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pytest

from acquisition.acceptance import HEADLINE
from acquisition.page.board import Board
from acquisition.page.following import Following, Found
from acquisition.page.story import Story
from acquisition.page.telling import Teller
from acquisition.run import Wish, run
from acquisition.session.journal import Kind, Tail, journal_path
from acquisition.session.recovery import open_recovered
from tests.kit import HEAD, RIG

STEPS = """
steps:
  - hold: {voltage: -70 mV, for: 4 s, test_pulses: {step: -5 mV, width: 50 ms, every: 1 s}}
  - switch_to: {clamp: current, bias_to: -60 mV, bridge: auto}
  - series: &bursts
      {name: baseline, step: 200 pA, width: 150 ms, every: 10 s, after: 5 s, require: {spikes: 1..9, on_fail: skip},
       until_stable: {measure: A_1000, last: 4, drift_below: 90 % per min}, at_most: 50 s, if_not_stable: note}
  - apply: {solution: blocker}
  - series: {name: drug, step: 200 pA, width: 150 ms, every: 10 s, after: 5 s, sweeps: 7}
stop_when:
  - {access_resistance: above 1 MOhm, then: note}
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A finished dry run."""
    folder = tmp_path_factory.mktemp("story")
    (folder / "protocol.yaml").write_text(HEAD + STEPS, encoding="utf-8")
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    try:
        _, path = run(Wish(folder / "protocol.yaml", RIG, folder, simulate=True))
    finally:
        os.environ.pop("XDG_STATE_HOME") if before is None else os.environ.update(XDG_STATE_HOME=before)
    return path


def told(following):
    """Return what a new viewer is told of a story, by section."""
    board = Board()
    Teller(board, following.session).tell(following.story, following.story.latest, 10**11, following.size)
    return {m["is"]: m for m in map(json.loads, board.news({}))}


@pytest.fixture(scope="module")
def late(session):
    """What somebody is told who comes when everything is over."""
    following = Following(Found(session, None))
    following.read_all()
    yield told(following)
    following.close()


def test_the_steps_are_done_with_their_results(late):
    steps = late["steps"]["steps"]
    assert [s["state"] for s in steps] == ["done"] * 5
    assert "sweeps" in steps[2]["result"]
    assert "MEM 1003 1 µM on line drug" in steps[3]["result"]


def test_every_sweep_has_its_numbers_as_in_the_file(late, session):
    rows = {r["sweep"]: r for r in late["sweeps"]["rows"]}
    with open_recovered(session) as opened:
        assert sorted(rows) == [s.index for s in opened.sweeps]
        for m in opened.measurements:
            if m.name == HEADLINE and np.isfinite(m.value):
                assert rows[m.sweep]["values"][HEADLINE] == m.value


def test_the_reference_is_the_mean_of_the_baseline_sweeps_from_their_baselines(late):
    reference = late["reference"]
    n_baseline = sum(r["label"] == "baseline" and r["accepted"] for r in late["sweeps"]["rows"])
    assert reference["n"] == n_baseline
    values = np.array(reference["values"], float)
    times = reference["start"] + reference["column"] * np.arange(len(values))
    at_1_s = values[(times > 0.95) & (times < 1.05)].mean()
    assert at_1_s == pytest.approx(1e3 * reference["mean"], abs=0.02)
    assert abs(values[(times > -0.6) & (times < -0.2)].mean()) < 0.05


def test_the_drug_is_a_bar_with_its_way_to_the_bath(late):
    control, drug = late["solutions"]["bars"]
    assert control["is_control"]
    assert drug["arrives"] - drug["switched"] == pytest.approx(45.0)
    assert drug["until"] is None


def test_a_gate_that_does_not_hold_is_shown_with_limit_time_and_advice(late):
    tile = next(t for t in late["tiles"]["tiles"] if t["name"] == "Rs")
    assert tile["level"] == "note"
    assert tile["limit"] == "note if above 1 MOhm"
    assert tile["lines"] == [1e6]
    warning = next(w for w in late["warnings"]["warnings"] if w["id"] == "gate access_resistance")
    assert "suction" in warning["todo"]


def test_tile_and_warning_agree_since_when_and_the_tile_says_that_the_gate_looks_at_a_median(late):
    tile = next(t for t in late["tiles"]["tiles"] if t["name"] == "Rs")
    warning = next(w for w in late["warnings"]["warnings"] if w["id"] == "gate access_resistance")
    assert tile["since"] == warning["since"]
    assert re.fullmatch(r"median [+−]\d+ % of start", tile["note"])


def test_the_percentage_is_of_the_baseline(late):
    tiles = {t["name"]: t["value"] for t in late["tiles"]["tiles"]}
    assert tiles["percent"] == pytest.approx(100 * tiles["sAHP"] / late["reference"]["mean"])


def test_who_came_early_has_been_told_the_same(session, late):
    early = Following(Found(session, None))
    board, seen, heard = Board(), {}, {}
    teller = Teller(board, session)
    while early.read(1 << 16):
        if early.story is not None:
            teller.tell(early.story, early.story.latest, 10**11, early.size)
            for message in map(json.loads, board.news(seen)):
                key = {"sweeps": "rows", "log": "lines", "bath": "readings"}.get(message["is"])
                rows = [*heard.get(message["is"], {key: []})[key][: message["from"]], *message[key]] if key else []
                heard[message["is"]] = {**message, "from": 0, key: rows} if key else message
    early.close()
    for section in ("steps", "sweeps", "reference", "solutions", "log", "session", "sweep"):
        assert heard[section] == late[section], section


def test_columns_of_the_last_sweep_are_those_of_its_samples(session):
    following = Following(Found(session, None))
    following.read_all()
    present = following.story.present
    with open_recovered(session) as opened:
        stored = opened.sweep(present.header.sweep.index).stored["primary"]
    width = present.width
    np.testing.assert_array_equal(
        present.columns[0].rows[1], [stored[i : i + width].max() for i in range(0, len(stored), width)]
    )
    following.close()


def test_measures_in_mid_sweep_are_those_that_the_run_stores(session):
    with Tail(journal_path(session)) as tail:
        records = []
        while found := tail.read():
            records += found
    last = max(i for i, r in enumerate(records) if r.kind is Kind.SWEEP_BEGIN)
    story = Story.of(records[0])
    for record in records[1:last]:
        story.take(record)
    for record in records[last:]:
        if record.kind in (Kind.SWEEP_BEGIN, Kind.DATA):
            story.take(record)
            if record.kind is Kind.DATA and record.seq % 7 == 0:
                story.present.measure()
    story.present.measure()
    stored = next(r for r in records[last:] if r.kind is Kind.MEASURED)
    recorded = {m["name"]: m["value"] for m in json.loads(stored.payload)}
    live = {name: m.value for name, m in story.present.values.items() if np.isfinite(m.value)}
    assert HEADLINE in live
    assert live == {name: recorded[name] for name in live}


def test_no_viewer_is_told_in_which_folder_the_session_is(late, session):
    assert late["session"]["name"] == session.name
    assert str(session.parent) not in json.dumps(late["session"])
