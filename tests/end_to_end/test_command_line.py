"""The program as a person types it: exit codes, one JSON object on stdout, words on stderr, never a traceback."""

import json
import subprocess
import sys

import pytest

from drivers.simulated.population import recording_of
from drivers.simulated.settings import Simulation
from tests.kit import RIG, ROOT

STUDY = ROOT / "protocols" / "library" / "sahp_l_type_block.yaml"


def patchrig(*arguments, cwd=None):
    program = [sys.executable, "-c", "from acquisition.cli import main; main()"]
    done = subprocess.run(
        [*program, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", cwd=cwd, check=False
    )
    assert "Traceback" not in done.stderr
    return done


def test_every_shipped_file_is_valid():
    done = patchrig("check", *sorted(STUDY.parent.glob("*.yaml")), *sorted(RIG.parent.glob("*.yaml")))
    assert done.returncode == 0, done.stderr


def test_check_of_a_wrong_file_exits_with_3_and_points_at_the_mistake(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(STUDY.read_text(encoding="utf-8").replace("voltage: -70 mV", "voltage: 5 ms", 1), encoding="utf-8")
    done = patchrig("check", bad, "--json")
    line = next(n for n, text in enumerate(bad.read_text(encoding="utf-8").splitlines(), 1) if "5 ms" in text)
    assert done.returncode == 3
    assert f"bad.yaml:{line}:16: '5 ms' is a duration, but a voltage belongs here" in done.stderr
    (problem,) = json.loads(done.stdout)["files"][0]["problems"]
    assert (problem["line"], problem["column"]) == (line, 16)


def test_a_file_that_is_not_there_exits_with_3():
    assert patchrig("check", "nowhere.yaml").returncode == 3


def test_an_unknown_option_exits_with_2():
    assert patchrig("run", STUDY, "--sped", "max").returncode == 2


def test_plan_tells_the_shortest_and_longest_time():
    answer = json.loads(patchrig("plan", STUDY, "--json").stdout)
    assert answer["ok"]
    assert 30 * 60 < answer["shortest"] < answer["longest"] < 90 * 60


def test_plan_refuses_what_could_exceed_the_rigs_limits(tmp_path):
    tight = tmp_path / "rig.yaml"
    tight.write_text(RIG.read_text(encoding="utf-8").replace("-500 pA .. 1000 pA", "-500 pA .. 300 pA"), "utf-8")
    done = patchrig("plan", STUDY, "--rig", tight)
    assert done.returncode == 3
    assert "could command" in done.stderr
    assert "-500 pA .. 300 pA" in done.stderr


def test_a_rig_with_a_driver_we_do_not_have_is_refused(tmp_path):
    other = tmp_path / "rig.yaml"
    other.write_text(RIG.read_text(encoding="utf-8").replace("driver: simulated", "driver: marvellous", 1), "utf-8")
    done = patchrig("run", STUDY, "--rig", other, "--out", tmp_path)
    assert done.returncode == 3
    assert "no driver of this part is named 'marvellous'" in done.stderr
    assert "simulated" in done.stderr


def test_init_makes_a_folder_whose_files_are_valid(tmp_path):
    assert patchrig("init", tmp_path / "study").returncode == 0
    made = tmp_path / "study"
    shipped = [p for folder in ("protocols", "rigs", "faults") for p in made.glob(f"{folder}/*.yaml")]
    assert patchrig("check", *shipped).returncode == 0
    first = (made / "protocols" / "sahp_short.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert (made / "protocols" / first.split("$schema=")[1]).resolve().is_file()


def test_init_leaves_files_that_exist_alone(tmp_path):
    mine = tmp_path / "protocols" / "sahp_short.yaml"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    patchrig("init", tmp_path)
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("what", ["protocol", "rig", "faults"])
def test_schema_is_json(what):
    assert json.loads(patchrig("schema", what).stdout)["properties"]


def test_devices_lists_our_drivers_and_says_what_is_missing():
    done = patchrig("devices")
    assert done.returncode == 0
    assert "simulated" in done.stdout
    assert "ni-daqmx" in done.stdout


def test_review_of_something_else_is_refused_in_words(tmp_path):
    other = tmp_path / "x.nwb"
    other.write_bytes(b"not hdf5")
    done = patchrig("review", other)
    assert done.returncode == 1
    assert "not an NWB file" in done.stderr


def test_a_membrane_test_runs_from_file_to_table(tmp_path):
    done = patchrig("run", STUDY.parent / "membrane_test.yaml", "--simulate", "--out", tmp_path, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    review = patchrig("review", answer["session"], "--json")
    sweeps = json.loads(review.stdout)["sweeps"]
    true = float(recording_of(Simulation(), 1).series_resistance)
    assert sweeps[-1]["measures"]["Rs"] == pytest.approx(true, rel=0.2)
    csv = tmp_path / "sweeps.csv"
    assert patchrig("export", answer["session"], "--csv", csv).returncode == 0
    assert "Rs_MOhm" in csv.read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process can answer")
def test_a_polite_kill_puts_the_rig_to_rest_and_closes_the_session(tmp_path):
    study = [STUDY, "--simulate", "--speed", "life", "--out", tmp_path, "--yes", "--json"]
    running = subprocess.Popen(
        [sys.executable, "-c", "from acquisition.cli import main; main()", "run", *map(str, study)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    for line in running.stderr:
        if "step 1" in line:
            running.terminate()
            break
    out, _ = running.communicate(timeout=60)
    answer = json.loads(out)
    assert running.returncode == 130
    assert answer["reason"] == "stopped by the person"
    assert answer["sealed"]


def test_a_figure_that_could_not_be_written_is_refused_before_the_run(tmp_path):
    done = patchrig("run", STUDY, "--simulate", "--out", tmp_path, "--figure", tmp_path / "figure.xyz")
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_answered_in_words(tmp_path):
    (tmp_path / "file").write_text("x")
    done = patchrig("run", STUDY.parent / "membrane_test.yaml", "--simulate", "--out", tmp_path / "file" / "x")
    assert done.returncode == 1
    assert "file" in done.stderr


def test_a_simulated_session_says_that_it_is_one(tmp_path):
    from acquisition.session.reader import open_session

    done = patchrig("run", STUDY.parent / "membrane_test.yaml", "--simulate", "--out", tmp_path, "--json")
    with open_session(json.loads(done.stdout)["session"]) as session:
        assert session.seed == 1
        assert "no living cell" in session.notes
        assert session.software["driver of daq"] == "simulated"
