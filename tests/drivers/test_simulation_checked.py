"""A 'simulation' that no cell can have is refused when the rig file is read, with its place and a cure."""

import pytest

from acquisition.files import load_fitting, load_rig
from protocols.errors import InvalidFile
from tests.kit import RIG, ROOT


@pytest.fixture
def rig_with(tmp_path):
    def write(simulation):
        before, _ = RIG.read_text("utf-8").split("simulation:")
        (tmp_path / "rig.yaml").write_text(f"{before}simulation:\n  {simulation}\n", "utf-8")
        return tmp_path / "rig.yaml"

    return write


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("tempreature: 32 degC", "did you mean 'temperature'"),
        ("population: ca1_old", "there is no population 'ca1_old'; did you mean"),
        ("cell: ca3", "there is no cell 'ca3'"),
        (
            "parameters: {sensor_tau: 0}",
            "0 is no 'sensor_tau' that a cell can have: it must be more than 0, such as 1750",
        ),
        ("parameters: {g_ahp: -5}", "must be 0 or more"),
        ("parameters: {capacitance_soma: 0}", "must be more than 0"),
        ("parameters: {na_slope: 0}", "must be more than 0"),
        ("parameters: {leak_reversal: -700}", "must be -150 to 150 mV"),
        ("parameters: {g_nah: 3}", "'g_nah' is not a parameter"),
        ("parameters: {g_na: .nan}", "valid number"),
        (
            "sahp_fluctuation: 60 %",
            "'60 %' would leave sweeps without any slow AHP; write '50 %' or less, such as '6 %'",
        ),
        ("epsp_rate: 2 kHz", "'2 kHz' is more than the simulated cell can have, one in every millisecond"),
        ("epsp_rate: often", "write a rate of events such as '0.5 Hz'"),
        ("spontaneous_spikes: 2 kHz", "'2 kHz' is more than the simulated cell can have"),
        ("hum: -3 mV", "'-3 mV' must be 0 or more"),
        ("membrane_fluctuation: -3 pA", "'-3 pA' must be 0 or more"),
    ],
)
def test_a_wrong_simulation_is_refused_with_its_line(rig_with, written, words):
    rig = rig_with(written)
    last = len(rig.read_text("utf-8").splitlines())
    with pytest.raises(InvalidFile) as refused:
        load_fitting(ROOT / "protocols" / "library" / "sahp_short.yaml", rig)
    assert words in str(refused.value)
    assert f"{rig}:{last}:" in str(refused.value)


def test_every_parameter_may_stay_as_it_is(rig_with):
    from dataclasses import asdict

    from drivers.simulated.cell import preset

    written = ", ".join(f"{key}: {value}" for key, value in asdict(preset("ca1_pyramidal")).items())
    assert load_rig(rig_with(f"parameters: {{{written}}}")).simulation
