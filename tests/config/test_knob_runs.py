"""A run on a rig whose amplifier has knobs: the session says what the amplifier did, not what the protocol asked."""

from types import SimpleNamespace

import pytest

from acquisition.run import Wish, run
from acquisition.session.recovery import open_recovered
from acquisition.study.methods import _recording
from config.fit import load_fitting
from protocols.loading import protocol_from_text
from tests.kit import HEAD, ROOT

RIGS = ROOT / "config" / "rigs"
STEPS = "steps:\n  - hold: {voltage: -70 mV, for: 1 s}\n"


@pytest.mark.parametrize("rig", sorted(p.name for p in RIGS.glob("*.yaml")))
@pytest.mark.parametrize("protocol", sorted(p.name for p in (ROOT / "protocols" / "library").glob("*.yaml")))
def test_every_shipped_protocol_fits_every_shipped_rig(protocol, rig):
    load_fitting(ROOT / "protocols" / "library" / protocol, RIGS / rig)


def test_the_next_filter_above_is_recorded_with_and_said(tmp_path):
    protocol = tmp_path / "p.yaml"
    protocol.write_text(HEAD + STEPS, encoding="utf-8")
    finished, path = run(Wish(protocol, RIGS / "ni_axopatch.yaml", tmp_path, simulate=True))
    assert finished.reason == "finished", finished.text
    with open_recovered(path) as session:
        assert session.filtering == "low-pass 5 kHz"
        assert session.sweep(0).header.amplifier["low_pass"] == 5e3
        assert any("asks for a low-pass of 4 kHz" in entry.text for entry in session.log)


def test_the_methods_text_has_the_filters_of_the_sessions():
    protocol = protocol_from_text(HEAD + STEPS, "p")
    for corners, words in ((["5 kHz", "4 kHz"], "4 kHz and 5 kHz"), (["5 kHz"], "5 kHz"), ([], "4 kHz")):
        cells = [SimpleNamespace(filtering=f"low-pass {corner}") for corner in corners]
        assert f"low-pass filtered at {words} and sampled" in " ".join(_recording(protocol, cells))
