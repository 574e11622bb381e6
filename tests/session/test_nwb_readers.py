"""The programs of the field open our file and find in it what was recorded."""

from __future__ import annotations

import gzip
import json
import warnings

import numpy as np
import pytest

from acquisition.session.schema import shipped_schema
from acquisition.session.writer import SessionWriter
from protocols.sweeps import ClampMode, Frame
from tests.session.synthetic import burst, make_counts, make_head, make_header

pynwb = pytest.importorskip("pynwb")


@pytest.fixture(scope="module")
def nwb(recorded):
    with pynwb.NWBHDF5IO(str(recorded[0]), "r") as io:
        yield io.read()


def complaints(path) -> list[str]:
    inspector = pytest.importorskip("nwbinspector")
    found = inspector.inspect_nwbfile(nwbfile_path=str(path), config=inspector.load_config("dandi"))
    harmless = inspector.Importance.BEST_PRACTICE_SUGGESTION
    return [f"{m.check_function_name}: {m.location}: {m.message}" for m in found if m.importance.value > harmless.value]


def test_it_is_valid_nwb(recorded):
    assert pynwb.validate(path=str(recorded[0])) == []


def test_the_inspector_has_no_complaint(recorded):
    assert complaints(recorded[0]) == []


def test_a_session_that_ended_at_once_is_valid_too(tmp_path):
    path = tmp_path / "empty.nwb"
    SessionWriter(path, make_head()).close("failed")
    assert pynwb.validate(path=str(path)) == []
    assert complaints(path) == []


def test_a_session_cut_off_within_a_sweep_is_valid_too(tmp_path):
    path, header = tmp_path / "cut.nwb", make_header(0, burst(), ClampMode.CURRENT)
    with SessionWriter(path, make_head()) as writer:
        for k in range(3):
            writer.temperature(10.0 * k, 30.0)
        writer.begin_sweep(header)
        writer.samples(Frame(0, make_counts(header, 500)))
    assert pynwb.validate(path=str(path)) == []
    assert complaints(path) == []


def test_pynwb_reads_samples_in_si(nwb, recorded):
    live = recorded[1].live
    for index, kind, unit in ((0, "VoltageClampSeries", "amperes"), (3, "CurrentClampSeries", "volts")):
        series = nwb.acquisition[f"sweep_{index:05d}_primary"]
        assert (series.neurodata_type, series.unit) == (kind, unit)
        assert (series.rate, series.starting_time) == (live[index].rate, live[index].header.start)
        np.testing.assert_allclose(series.get_data_in_units(), live[index].primary, rtol=1e-12)
    assert nwb.acquisition["sweep_00001_primary"].neurodata_type == "IZeroClampSeries"
    assert nwb.acquisition["sweep_00003_secondary"].neurodata_type == "TimeSeries"


def test_pynwb_reads_the_amplifier(nwb):
    voltage, current = nwb.acquisition["sweep_00000_primary"], nwb.acquisition["sweep_00003_primary"]
    assert voltage.gain == pytest.approx(1e9)
    assert voltage.resistance_comp_correction == pytest.approx(60.0)
    assert voltage.whole_cell_series_resistance_comp == pytest.approx(12e6)
    assert current.bridge_balance == pytest.approx(12.3e6)
    assert current.bias_current == pytest.approx(-35e-12)


def test_pynwb_reads_commands_in_si(nwb, recorded):
    rows = nwb.intracellular_recordings.to_dataframe()
    for row, index in enumerate((0, 1, 2, 3, 4, 5, 6, 7, 8)):
        stimulus = rows["stimuli"]["stimulus"][row]
        if index == 1:
            assert stimulus.count is None
            continue
        played = stimulus.timeseries.get_data_in_units()[: stimulus.count]
        expected = recorded[1].live[index].command.values(0, stimulus.count)
        np.testing.assert_allclose(played, expected, rtol=1e-6, atol=1e-18)


def test_pynwb_reads_the_icephys_tables(nwb):
    rows = nwb.intracellular_recordings.to_dataframe()
    assert rows["responses"]["sweep"].tolist() == list(range(9))
    assert rows["responses"]["complete"].tolist() == [True] * 8 + [False]
    assert rows["responses"]["n_dropped"].tolist() == [0] * 6 + [800, 0, 0]
    assert rows["electrodes"]["series_resistance"][0] == 14.2e6
    assert rows["electrodes"]["input_resistance"][2] == 101e6
    runs = nwb.icephys_sequential_recordings.to_dataframe()
    assert runs["stimulus_type"].tolist() == ["hold -70 mV", "rest", "baseline", "drug", "drug"]
    assert [len(r) for r in runs["simultaneous_recordings"]] == [1, 1, 4, 2, 1]
    conditions = nwb.icephys_experimental_conditions.to_dataframe()
    assert conditions["drug"].tolist() == ["", "(Rac)-MEM 1003", "(Rac)-MEM 1003"]
    assert conditions["concentration"].tolist() == ["", "1 µM", "1 µM"]
    assert [len(r) for r in conditions["repetitions"]] == [3, 1, 1]


def test_pynwb_reads_intervals_log_and_measures(nwb, recorded):
    assert len(nwb.intervals["sweeps"].to_dataframe()) == 10
    pulses = nwb.intervals["pulses"].to_dataframe()
    assert pulses[pulses["sweep"] == 3]["role"].tolist() == ["step", "test_pulse"]
    assert pulses[pulses["sweep"] == 8]["stop_time"].iloc[0] == pytest.approx(240.1 + 4321 / 20_000)
    assert list(nwb.acquisition["session_log"].data[:]) == [e.text for e in recorded[1].entries]
    measures = nwb.processing["icephys"]["measures"].to_dataframe()
    assert measures["measure"].tolist() == [m.name for m in recorded[1].measured]


def test_pynwb_reads_who_and_what(nwb):
    assert nwb.subject.age == "P22M/P26M"
    assert (nwb.subject.species, nwb.subject.strain, nwb.subject.sex) == ("Rattus norvegicus", "Fischer 344", "M")
    assert nwb.icephys_electrodes["electrode"].location == "CA1"
    assert "recorded, not applied" in nwb.icephys_electrodes["electrode"].description
    assert "(Rac)-MEM 1003 1 µM" in nwb.pharmacology


def test_neo_makes_one_segment_per_sweep(recorded):
    neo = pytest.importorskip("neo")
    path, r = recorded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = {b.name: b for b in neo.NWBIO(str(path), "r").read_all_blocks()}
    segments = {s.name: s for s in blocks["session"].segments}
    assert list(segments) == [f"sweep_{i:05d}" for i in range(9)]
    primary = segments["sweep_00003"].analogsignals[0]
    np.testing.assert_allclose(primary.rescale("V").magnitude.ravel(), r.live[3].primary, rtol=1e-5)
    assert float(primary.t_start.rescale("s")) == r.live[3].header.start
    assert len(blocks["default"].segments[0].epochs[0]) == 3


def test_the_embedded_schema_is_pynwbs_own(tmp_path):
    import h5py

    schema = shipped_schema()
    from datetime import UTC, datetime

    with pynwb.NWBHDF5IO(str(tmp_path / "x.nwb"), "w") as io:
        io.write(pynwb.NWBFile("x", "x", datetime.now(UTC)))
    with h5py.File(tmp_path / "x.nwb") as file:
        theirs = {n: list(v) for n, v in file["specifications"].items()}
        if theirs["core"] != [schema.version]:
            pytest.skip(f"this pynwb has schema {theirs['core']}, the suite ships {schema.version}")
        for source, text in schema.namespaces["core"][schema.version].items():
            assert json.loads(file[f"specifications/core/{schema.version}/{source}"].asstr()[()]) == json.loads(text)


def test_the_shipped_schema_carries_its_licence():
    from importlib.resources import files

    content = json.loads(gzip.decompress((files("acquisition.session") / "nwb_schema.json.gz").read_bytes()))
    assert "Redistribution and use in source and binary forms" in content["licence"]
