"""Telegraph tables and their decoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.telegraphs import TOLERANCE, GainTelegraph, NotAStep, nearest, tables, telegraphs_of
from protocols.errors import HardwareError
from protocols.sweeps import ClampMode

WITH_GAIN = sorted(name for name, table in tables().items() if table.gain)
WITH_KNOB = sorted(name for name, table in tables().items() if table.mode and table.mode.positions)
OFF = st.floats(-TOLERANCE + 1e-6, TOLERANCE - 1e-6)


def gap(steps, i):
    return min(abs(s - steps[i]) for k, s in enumerate(steps) if k != i)


def test_every_table_names_its_source_and_has_unlike_steps():
    assert len(tables()) >= 20
    for table in tables().values():
        assert table.source
        if table.gain:
            assert len(set(table.gain.steps)) == len(table.gain.gains) == len(set(table.gain.gains))


@given(data=st.data(), name=st.sampled_from(WITH_GAIN), off=OFF)
def test_every_gain_of_every_amplifier_is_found_again_within_the_tolerance(data, name, off):
    telegraph = tables()[name].gain
    i = data.draw(st.integers(0, len(telegraph.gains) - 1))
    volts = telegraph.steps[i] + off * gap(telegraph.steps, i)
    assert telegraph.decode(max(volts, 0.0) if telegraph.negative else volts) == telegraph.gains[i]


@given(data=st.data(), name=st.sampled_from(WITH_GAIN))
def test_halfway_between_two_gains_is_neither(data, name):
    telegraph = tables()[name].gain
    i = data.draw(st.integers(0, len(telegraph.gains) - 2))
    with pytest.raises(NotAStep, match=r"none of its steps .*is the cable in"):
        telegraph.decode((telegraph.steps[i] + telegraph.steps[i + 1]) / 2)


@given(data=st.data(), name=st.sampled_from(WITH_KNOB), off=OFF)
def test_every_position_of_every_mode_knob_is_found_again(data, name, off):
    mode = tables()[name].mode
    i = data.draw(st.integers(0, len(mode.positions) - 1))
    volts = [p.volts for p in mode.positions]
    assert mode.decode(volts[i] + off * gap(volts, i)) == mode.positions[i]


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_voltage_means_a_step_or_is_refused(volts):
    telegraph = tables()["axopatch_200b"].gain
    try:
        gain = telegraph.decode(volts)
    except NotAStep as error:
        assert error.device == "gain telegraph"  # noqa: PT017  both ways out are right
    else:
        assert abs(telegraph.steps[telegraph.gains.index(gain)] - volts) <= TOLERANCE * 0.5 + 1e-12


@pytest.mark.parametrize(
    ("volts", "gain"),
    [(0.5, 0.05), (1.0, 0.1), (1.5, 0.2), (2.0, 0.5), (2.5, 1), (4.0, 10), (5.0, 50), (5.5, 100), (6.5, 500)],
)
def test_gains_of_the_axopatch_200b(volts, gain):
    assert tables()["axopatch_200b"].gain.decode(volts) == gain


@pytest.mark.parametrize("volts", [0.0, -1.0, 7.0, 0.25, 2.75])
def test_what_the_axopatch_200b_cannot_telegraph_is_refused(volts):
    with pytest.raises(NotAStep) as caught:
        tables()["axopatch_200b"].gain.decode(volts)
    assert caught.value.volts == volts


@pytest.mark.parametrize(
    ("name", "volts", "gain"),
    [
        ("axopatch_1d", 1.6, 10),
        ("axopatch_1d", -1.6, 1000),
        ("epc_800", 0.0, 1),
        ("epc_800", 8.5, 400e3),
        ("am_2400", 8.5, 500e3),
        ("am_2400_newer", 0.3, 2),
        ("am_2400_newer", 8.3, 500e3),
        ("dagan_3900a", 3.24, 500),
        ("npi_turbotec_10c", 1.0, 1.25),
        ("biologic_rk_400", -4.0, 100e3),
        ("cairn_optopatch", 9.5, 500e3),
        ("esf_wpc_100", 6.5, 1e3),
        ("warner_pc_505b", 7.0, 20e3),
        ("warner_oc_725c", 2.6, 10e3),
    ],
)
def test_first_and_last_gains_of_other_amplifiers(name, volts, gain):
    assert tables()[name].gain.decode(volts) == gain


@pytest.mark.parametrize(
    ("volts", "knob", "clamp"),
    [(6, "V-CLAMP", "voltage"), (4, "TRACK", None), (3, "I = 0", "zero"), (2, "I-CLAMP NORMAL", "current"),
     (1, "I-CLAMP FAST", "current")],
)  # fmt: skip
def test_modes_of_the_axopatch_200b(volts, knob, clamp):
    position = tables()["axopatch_200b"].mode.decode(volts)
    assert (position.knob, position.clamp) == (knob, clamp)


def test_a_threshold_separates_two_modes():
    assert tables()["am_2400"].mode.decode(3.0).clamp == "current"
    assert tables()["am_2400"].mode.decode(1.0).clamp == "voltage"
    assert tables()["cairn_optopatch"].mode.decode(3.0).clamp == "voltage"
    assert [p.clamp for p in tables()["am_2400"].mode.leading_to(ClampMode.VOLTAGE)] == ["voltage"]
    assert not tables()["am_2400"].mode.leading_to(ClampMode.ZERO)


def test_the_sign_of_the_capacitance_telegraph_is_its_switch():
    capacitance = tables()["axopatch_200b"].capacitance
    assert capacitance.decode(3.3) == pytest.approx(33e-12)
    assert capacitance.decode(-3.3) is None


@pytest.mark.parametrize(("volts", "hertz"), [(2, 1e3), (4, 2e3), (6, 5e3), (8, 10e3), (10, 100e3)])
def test_corners_of_the_axopatch_200b(volts, hertz):
    assert tables()["axopatch_200b"].frequency.decode(volts) == hertz


def test_a_lone_step_has_a_tolerance_too():
    assert nearest(1.3, [1.0], "x") == 0
    with pytest.raises(NotAStep):
        nearest(1.5, [1.0], "x")


def test_a_table_that_is_not_there_is_named_with_the_likely_one():
    with pytest.raises(HardwareError, match="did you mean 'axopatch_200b'"):
        telegraphs_of("axopatch200b")


@pytest.mark.parametrize("wrong", [{}, {"start": 1.0}, {"volts": [1.0, 2.0]}, {"volts": [1.0], "start": 1, "step": 1}])
def test_a_gain_table_with_gaps_is_refused(wrong):
    with pytest.raises(ValidationError):
        GainTelegraph(gains=(1.0,), **wrong)
