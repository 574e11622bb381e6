"""Which sweeps and cells count stands in the protocol; a limit that cannot be meant is answered with its cure."""

from pathlib import Path

import jsonschema
import pytest

from protocols.acceptance import Accept
from protocols.errors import InvalidFile
from protocols.loading import protocol_from_text
from protocols.marks import read_marked
from protocols.protocol import Protocol
from protocols.schema import schema_of

GOOD = (Path(__file__).parents[1] / "broken" / "good_protocol.yaml").read_text(encoding="utf-8")


def with_block(block, text=GOOD):
    return text.replace("\nsteps:\n", f"\naccept:\n{block}\nsteps:\n", 1)


def loaded(block, text=GOOD):
    return protocol_from_text(with_block(block, text), "x")


def problem(block, text=GOOD):
    with pytest.raises(InvalidFile) as error:
        loaded(block, text)
    (found,) = error.value.problems
    return found


def test_a_protocol_without_the_block_has_the_fields_usual_limits():
    accept = protocol_from_text(GOOD, "x").accept
    assert accept == Accept()
    assert float(accept.sweep.baseline_within) == 3e-3
    assert float(accept.sweep.end_within) == 2e-3
    assert accept.cell.baseline_sweeps == 8
    assert accept.cell.input_resistance.holds(30e6)
    assert not accept.cell.input_resistance.holds(201e6)
    assert float(accept.drug.not_before) == 600.0


def test_what_is_written_counts_and_the_rest_stays():
    accept = loaded("  cell: {access_resistance: below 25 MOhm}\n  sweep: {baseline_within: 2 mV}\n").accept
    assert accept.cell.access_resistance.holds(26e6) is False
    assert accept.cell.input_resistance == Accept().cell.input_resistance
    assert (float(accept.sweep.baseline_within), float(accept.sweep.baseline_warning)) == (2e-3, 1.5e-3)


def test_an_editor_accepts_and_offers_it():
    editor = jsonschema.Draft7Validator(schema_of(Protocol))
    editor.validate(read_marked(with_block("  cell: {resting_potential: below -60 mV}\n")).data)
    assert not editor.is_valid(read_marked(with_block("  cell: {resting_potential: -60 mV}\n")).data)
    fields = schema_of(Protocol)["definitions"]["CellLimits"]["properties"]
    assert fields["resting_potential"]["default"] == "below -55 mV"
    assert fields["access_change_within"]["default"] == "20 %"


@pytest.mark.parametrize(
    ("block", "where", "words"),
    [
        (
            "  cell: {acess_resistance: below 25 MOhm}\n",
            "accept.cell.acess_resistance",
            "did you mean 'access_resistance'",
        ),
        ("  cell: {access_resistance: 25 MOhm}\n", "accept.cell.access_resistance", "write 'below 20 MOhm'"),
        ("  cell: {access_change_within: 20}\n", "accept.cell.access_change_within", "has no unit"),
        ("  sweep: {baseline_within: 5 ms}\n", "accept.sweep.baseline_within", "a voltage belongs here"),
        ("  sweep: {baseline_within: 1 mV}\n", "accept.sweep.baseline_warning", "would come after 'baseline_within'"),
        ("  sweep: {end_warning: 3 mV}\n", "accept.sweep.end_warning", "would come after 'end_within' (2 mV)"),
        ("  cell: {baseline_sweeps: 0}\n", "accept.cell.baseline_sweeps", "at least 1"),
    ],
)
def test_a_mistake_is_answered_with_its_place_and_its_cure(block, where, words):
    found = problem(block)
    assert found.where == where
    assert words in found.message


def test_a_baseline_that_can_never_have_enough_sweeps_is_found_before_the_experiment():
    found = problem("  cell: {baseline_sweeps: 60}\n")
    assert found.where == "accept.cell.baseline_sweeps"
    assert found.message == "'baseline' has 40 sweeps at the most, so that every cell would be left out"


def test_a_drug_series_too_short_for_its_effect_to_count_is_found_before_the_experiment():
    text = GOOD.replace("      for: 10 min\n", "      until_stable: {measure: sAHP}\n      at_most: 20 min\n")
    assert loaded("  drug: {not_before: 15 min}\n", text)
    found = problem("  drug: {not_before: 30 min}\n", text)
    assert found.where.endswith("series.at_most")
    assert "an effect counts as complete from 30 min after the arrival on" in found.message
    assert "two windows of 15 min" in problem("  drug: {window: 15 min}\n", text).message
