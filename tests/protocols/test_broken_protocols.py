"""Every mistake is answered with its place and its cure."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols.errors import InvalidFile
from protocols.loading import load_protocol, protocol_from_text, read_text
from protocols.marks import read_marked
from tests.broken.edits import PROTOCOL, Mistake, make

BROKEN = Path(__file__).parents[1] / "broken"
GOOD = (BROKEN / "good_protocol.yaml").read_text(encoding="utf-8")


def problems_of(text: str) -> InvalidFile:
    with pytest.raises(InvalidFile) as caught:
        protocol_from_text(text, "x.yaml")
    return caught.value


def test_the_good_file_is_good() -> None:
    assert protocol_from_text(GOOD, "good").protocol == "Slow AHP before and during a drug"


@pytest.mark.parametrize("mistake", PROTOCOL, ids=str)
def test_a_mistake_is_named_with_place_and_cure(mistake: Mistake) -> None:
    text, places = make(GOOD, mistake)
    found = problems_of(text).problems
    assert any(mistake.words in p.message for p in found), [p.message for p in found]
    if places:
        assert [(p.line, p.column) for p in found] == places, [p.message for p in found]


def test_all_mistakes_are_found_in_one_pass() -> None:
    text = GOOD
    for old, new in (
        ("voltage: -70 mV", "voltage: -70"),
        ("{solution: blocker}", "{solution: bloker}"),
        ("low_pass: 4 kHz", "lowpass: 4 kHz"),
        ("measure: sAHP", "measure: sAHPP"),
        ("label: ACSF", "labl: ACSF"),
        ("  - find:", "  - fnd:"),
    ):
        text = text.replace(old, new)
    words = "\n".join(p.message for p in problems_of(text).problems)
    for expected in (
        "'-70' has no unit",
        "'bloker'",
        "'lowpass' is not known",
        "'sAHPP'",
        "'labl' is not known",
        "'label' is missing",
        "'fnd' is not a verb",
    ):
        assert expected in words


def test_the_message_shows_the_line_with_a_caret() -> None:
    shown = str(problems_of("protocol: x y z\nformat: 1\nrecord: {sampling: 20 KHz, low_pass: 4 kHz}\n"))
    assert "x.yaml:3:20: 'KHz' is not a unit of frequency" in shown
    line, caret = shown.splitlines()[-2:]
    assert line.index("20 KHz") == caret.index("^")


def test_a_missing_key_is_placed_at_the_mapping_it_belongs_to() -> None:
    text = GOOD.replace("      for: 5 min\n", "")
    (problem,) = problems_of(text).problems
    assert text.splitlines()[problem.line - 1] == "  - hold:"
    assert problem.column == 5


def test_a_merged_mistake_is_said_once_at_its_source() -> None:
    text = GOOD.replace("        width: 150 ms\n        every", "        width: 150 mV\n        every")
    (problem,) = problems_of(text).problems
    assert "150 mV" in text.splitlines()[problem.line - 1]


SHIPPED = Path("protocols/library/sahp_l_type_block.yaml").read_text(encoding="utf-8")


def test_a_merged_mistake_names_the_step_where_the_anchor_stands() -> None:
    text = SHIPPED.replace("        every: 30 s\n", "        every: 6 s\n")
    (problem,) = problems_of(text).problems
    assert text.splitlines()[problem.line - 1] == "        every: 6 s"
    assert problem.where == "steps[4].series.every"


def test_a_gate_on_the_baseline_needs_one_in_every_sweep() -> None:
    text = SHIPPED.replace("        rebias: {to: -60 mV}\n", "").replace("before: 1500 ms", "before: 500 ms")
    (problem,) = problems_of(text).problems
    assert problem.message.startswith("the 'baseline_voltage' in 'stop_when' needs the baseline")


@pytest.mark.parametrize(("measure", "ends"), [("A_5000", "5.05 s"), ("A_2000", "2.05 s")])
def test_a_criterion_on_what_the_sweep_does_not_contain_is_refused(measure: str, ends: str) -> None:
    text = SHIPPED.replace("after: 6350 ms", "after: 1950 ms").replace("measure: sAHP", f"measure: {measure}")
    words = [p.message for p in problems_of(text).problems]
    assert words == [f"'{measure}' ends {ends} after the step, and only 1950 ms are recorded"] * 2


@pytest.mark.parametrize(("measure", "ends"), [("A_m", "0.3 s"), ("A_pk", "1 s"), ("D50", "1 s"), ("S_fix", "2 s")])
def test_a_criterion_on_a_peak_or_an_area_needs_its_whole_window(measure: str, ends: str) -> None:
    text = "\n".join(line for line in SHIPPED.splitlines() if "sAHP: {" not in line and "test_pulse:" not in line)
    text = text.replace("after: 6350 ms", "after: 290 ms").replace("measure: sAHP", f"measure: {measure}")
    words = [p.message for p in problems_of(text).problems]
    assert words == [f"'{measure}' ends {ends} after the step, and only 290 ms are recorded"] * 2


def test_null_unsets_what_a_merge_brought() -> None:
    text = GOOD.replace("      <<: *sweeps\n", "      <<: *sweeps\n      test_pulse: null\n      require:\n")
    *_, drug = protocol_from_text(text, "x").steps
    assert drug.test_pulse is None
    assert drug.require is None
    assert drug.every == 30.0


def test_an_own_key_wins_over_a_merged_one_and_keeps_its_place() -> None:
    text = GOOD.replace("      <<: *sweeps\n", "      <<: *sweeps\n      after: 7 V\n")
    (problem,) = problems_of(text).problems
    assert text.splitlines()[problem.line - 1] == "      after: 7 V"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"# nothing\n", "the file is empty"),
        (b"- hold: {}\n", "must begin with keys and values"),
        (b"\x89PNG\r\n\x1a\n\x00", "not UTF-8"),
        (b"a: \x00\n", "U+0000"),
        ("protocol: x".encode("utf-16"), "UTF-16"),
        (b"a: 1\n---\nb: 2\n", "a second document"),
        (b"[" * 1000, "nested too deeply"),
        (b"&a [*a]", "must begin with keys"),
        (b"a: &a {b: *a}\n", "stands inside what it stands for"),
        (b"a: &a\n  <<: *a\n", "merged into itself"),
        (b"? {a: 1}\n: 2\n", "a key is one word"),
        (b"x" * 2_000_000, "2 MB is too much"),
    ],
)  # fmt: skip
def test_what_is_no_protocol_is_answered_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match=r"file\.yaml:") as caught:
        load_protocol(path)
    assert words in str(caught.value)


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert "do aliases multiply" in str(problems_of("\n".join(lines)))


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "there.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"no such file; beside it are there\.yaml"):
        load_protocol(tmp_path / "ther.yaml")


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="folder"):
        load_protocol(tmp_path)


@pytest.mark.parametrize("encode", [lambda t: t.encode("utf-8-sig"), lambda t: t.replace("\n", "\r\n").encode()])
def test_byte_order_marks_and_windows_line_ends_are_read(tmp_path: Path, encode) -> None:
    path = tmp_path / "Bücher µ und Ähnliches.yaml"
    path.write_bytes(encode(GOOD))
    assert load_protocol(path) == protocol_from_text(GOOD, "good")
    assert not read_text(path).startswith("\ufeff")


def problems_or_none(text: str):
    try:
        protocol_from_text(text, "x")
    except InvalidFile as error:
        return error.problems
    return None


SNIPPETS = st.sampled_from(
    ["", " ", "\n", "\t", "- ", ": ", "{", "}", "[", "]", "*sweeps", "<<: ", "&a ", "null", "-70", "5 ms", "~", "'",
     '"',
     "steps:", "  - hold:", "1e999 mV", "−", "Ω", "!!int x", "find",
     "|", ">", "%", "#", "?", "..", "\u2028", "{voltage: -70 mV}"]
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 40), SNIPPETS), min_size=1, max_size=3))
def test_a_damaged_file_is_read_or_refused_and_never_crashes(damages: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for at, length, snippet in damages:
        text = text[:at] + snippet + text[at + length :]
    problems = problems_or_none(text)
    assert problems is None or problems
    assert all(p.line >= 1 and p.column >= 1 and p.message for p in problems or ())


ODD = st.sampled_from(
    [None, [], {}, "", "x", -1, 1e300, True, ["x"], {"x": 1}, {"hold": None}, [[]], "5 ms", "burst", [{}]]
)


def places(data: object, path: tuple = ()) -> list[tuple]:
    """Return the paths to all values in plain data."""
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(p for key, value in pairs for p in places(value, (*path, key)))]


PLAIN = read_marked(GOOD).data
PLACES = places(PLAIN)[1:]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=3))
def test_values_of_any_shape_are_read_or_refused(changes: list[tuple[tuple, object]]) -> None:
    data = copy.deepcopy(PLAIN)
    for path, odd in changes:
        inner = data
        for part in path[:-1]:
            inner = inner[part] if isinstance(inner, dict | list) and part in _parts(inner) else {}
        if isinstance(inner, dict) or (isinstance(inner, list) and path[-1] in _parts(inner)):
            inner[path[-1]] = copy.deepcopy(odd)
    problems = problems_or_none(json.dumps(data))
    assert problems is None or problems


def _parts(inner: dict | list):
    return inner if isinstance(inner, dict) else range(len(inner))
