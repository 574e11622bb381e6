"""Every mistake in a rig file is answered with its place and its cure."""

from pathlib import Path

import pytest

from config.loading import load_rig, rig_from_text
from protocols.errors import InvalidFile
from tests.broken.edits import RIG, Mistake, make

GOOD = (Path(__file__).parents[1] / "broken" / "good_rig.yaml").read_text(encoding="utf-8")


def test_the_good_rig_is_good() -> None:
    rig = rig_from_text(GOOD, "good")
    assert rig.amplifier.voltage_clamp.command == 0.02
    assert rig.daq.block == 0.05


@pytest.mark.parametrize("mistake", RIG, ids=str)
def test_a_mistake_in_a_rig_is_named_with_place_and_cure(mistake: Mistake) -> None:
    text, places = make(GOOD, mistake)
    with pytest.raises(InvalidFile) as caught:
        rig_from_text(text, "rig.yaml")
    found = caught.value.problems
    assert any(mistake.words in p.message for p in found), [p.message for p in found]
    if places:
        assert [(p.line, p.column) for p in found] == places


def test_the_shipped_rigs_are_good() -> None:
    for path in sorted(Path("config/rigs").glob("*.yaml")):
        assert load_rig(path).safe.voltage_clamp == -0.07
