"""What an editor would accept is what the loader accepts."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from config.rig import Rig
from protocols.conditions import CurrentCondition, Drift, ResistanceCondition, SpikeCount, TemperatureCondition
from protocols.errors import InvalidFile
from protocols.loading import protocol_from_text
from protocols.marks import read_marked
from protocols.protocol import Protocol
from protocols.quantities import Current, CurrentSteps, Duration, Resistance, Temperature, Voltage, VoltageRange
from protocols.schema import schema_of

BROKEN = Path(__file__).parents[1] / "broken"
GOOD = (BROKEN / "good_protocol.yaml").read_text(encoding="utf-8")
FILES = [*sorted(Path("protocols/library").glob("*.yaml")), BROKEN / "good_protocol.yaml"]


@pytest.fixture(scope="module")
def editor() -> jsonschema.Draft7Validator:
    jsonschema.Draft7Validator.check_schema(schema_of(Protocol))
    return jsonschema.Draft7Validator(schema_of(Protocol))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_shipped_protocols_are_accepted(editor, path) -> None:
    editor.validate(read_marked(path.read_text(encoding="utf-8")).data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("voltage: -70 mV", "voltage: -70"),
        ("voltage: -70 mV", "voltage: 5 ms"),
        ("voltage: -70 mV", "volage: -70 mV"),
        ("  - hold:", "  - hod:"),
        ("clamp: current", "clamp: currant"),
        ("below 25 MOhm", "under 25 MOhm"),
        ("  - apply: {solution: blocker}", "  - {apply: {solution: blocker}, wait: 5 s}"),
        ("format: 1\n", ""),
        ("last: 10}", "last: 1}"),
        ("until_spikes: 3..4", "until_spikes: many"),
        ("step: 200 pA .. 400 pA by 25 pA", "step: 200 pA .. 400 pA"),
    ],
)
def test_what_the_loader_refuses_is_refused(editor, old, new) -> None:
    text = GOOD.replace(old, new)
    assert not editor.is_valid(read_marked(text).data)
    with pytest.raises(InvalidFile):
        protocol_from_text(text, "x")


def test_short_steps_are_accepted(editor) -> None:
    text = GOOD.replace(
        "  - apply: {solution: blocker}",
        "  - wait: 2 min\n  - note: slice turned\n  - prompt: Ready?\n  - apply: {solution: blocker}",
    )
    editor.validate(read_marked(text).data)
    assert protocol_from_text(text, "x").steps[5].for_ == 120.0


def test_nothing_internal_is_offered() -> None:
    text = json.dumps(schema_of(Protocol)["definitions"])
    assert '"null"' not in text
    assert '"title"' not in text
    assert "$defs" not in text
    assert '"for_"' not in text


def test_steps_are_offered_as_verbs_with_explanations() -> None:
    step = schema_of(Protocol)["definitions"]["Step"]
    assert list(step["properties"]) == [
        "hold", "membrane_test", "switch_to", "find", "series", "apply", "wait", "note", "prompt",
    ]  # fmt: skip
    hold = schema_of(Protocol)["definitions"]["Hold"]["properties"]
    assert hold["voltage"]["description"] == "Holding potential, such as '-70 mV'."
    assert "-70 mV" in hold["voltage"]["patternErrorMessage"]


def test_the_rig_schema_accepts_the_shipped_rigs() -> None:
    jsonschema.Draft7Validator.check_schema(schema_of(Rig))
    for path in sorted(Path("config/rigs").glob("*.yaml")):
        jsonschema.Draft7Validator(schema_of(Rig)).validate(read_marked(path.read_text(encoding="utf-8")).data)


TEXTS = [
    "-70 mV", "\u221270 mV", "5 min", "3e-3 s", ".5 nA", "20 MOhm", "20 M\u2126", "30 °C", "30 degC",
    "200..400 pA by 25 pA",
    "200 pA .. 400 pA by 25 pA", "below 25 MOhm", "outside 30 % of start", "-300 .. 100 pA", "15 % per 10 min",
    "3..4", "4",
    "1 % per min", "outside 29 °C .. 31 °C", "-120 mV .. 60 mV", "above 1 \u03bcA",
]  # fmt: skip
WRITTEN = [
    Voltage, Current, Duration, Resistance, Temperature, CurrentSteps, VoltageRange, SpikeCount, Drift,
    ResistanceCondition, CurrentCondition, TemperatureCondition,
]  # fmt: skip


@given(st.sampled_from(WRITTEN), st.sampled_from(TEXTS))
def test_a_pattern_accepts_every_text_that_is_read(kind, text) -> None:
    try:
        kind.parse(text)
    except PydanticCustomError:
        return
    jsonschema.Draft7Validator(kind.json_schema()).validate(text)
