"""Whether a protocol can run on a rig is known before anything is opened, with the place in the protocol."""

from pathlib import Path

import pytest

from config.fit import check_fit, fit, load_fitting
from config.loading import rig_from_text
from protocols.errors import InvalidFile, Refused
from protocols.loading import protocol_from_text

BROKEN = Path(__file__).parents[1] / "broken"
PROTOCOL = (BROKEN / "good_protocol.yaml").read_text(encoding="utf-8")
RIG = (BROKEN / "good_rig.yaml").read_text(encoding="utf-8")


def reasons(protocol: str = PROTOCOL, rig: str = RIG) -> list[str]:
    return fit(protocol_from_text(protocol, "p"), rig_from_text(rig, "r"))


def test_a_good_pair_fits() -> None:
    assert reasons() == []
    read, on = load_fitting(BROKEN / "good_protocol.yaml", BROKEN / "good_rig.yaml")
    check_fit(read, on)


@pytest.mark.parametrize(
    ("in_protocol", "in_rig", "words"),
    [
        (
            ("line: drug", "line: third"),
            ("", ""),
            "'blocker' is to stand on line 'third'; 'Test rig' has control, drug",
        ),
        (("[primary, secondary]", "[primary, field]"), ("", ""), "channel 'field' is to be recorded"),
        (("", ""), ("200 kHz", "10 kHz"), "20 kHz is more than this rig's card can sample"),
        (("voltage: -70 mV", "voltage: -130 mV"), ("", ""), "hold -130 mV for 5 min"),
        (("", ""), ("-120 mV .. 60 mV", "-74 mV .. 60 mV"), "could command -75 mV .. -70 mV; this rig allows -74 mV"),
        (("", ""), ("pin: ao0, range: 10 V", "pin: ao0, range: 1 V"), "1 V at the output are 20 mV"),
    ],
)
def test_what_does_not_fit_is_said(in_protocol, in_rig, words) -> None:
    found = reasons(PROTOCOL.replace(*in_protocol), RIG.replace(*in_rig))
    assert any(words in r for r in found), found


def test_what_does_not_fit_is_refused_with_all_reasons() -> None:
    protocol = protocol_from_text(PROTOCOL.replace("line: drug", "line: third"), "p")
    with pytest.raises(Refused, match=r"'third'.*\n.*20 kHz"):
        check_fit(protocol, rig_from_text(RIG.replace("200 kHz", "10 kHz"), "r"))


def test_loading_both_shows_the_place_in_the_protocol(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(PROTOCOL.replace("line: drug", "line: third"), encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        load_fitting(path, BROKEN / "good_rig.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (20, 11)
