"""Lists of faults: what can be written, what is refused with words, what a seed makes of chance."""

import json
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from acquisition.project_folder import schema_text
from acquisition.reports import check_files, the_plan
from config.faults import KINDS, FaultList, faults_for, faults_from_text, load_faults
from config.loading import load_rig
from drivers.build import open_devices
from drivers.clock import DemandClock
from drivers.simulated.faults import FaultPlan, load
from protocols.errors import HardwareError, InvalidFile, Refused
from protocols.loading import load_protocol
from protocols.marks import read_marked
from tests.kit import RIG, ROOT

SHIPPED = sorted((ROOT / "config" / "fault_lists").glob("*.yaml"))
LIBRARY = ROOT / "protocols" / "library"
SHORT, RIG_TEXT = (LIBRARY / "sahp_short.yaml").read_text("utf-8"), RIG.read_text("utf-8")
HEAD = "trouble: For a test\nformat: 1\nfaults:\n"


def listed(*lines: str) -> FaultList:
    return faults_from_text(HEAD + "".join(f"  - {line}\n" for line in lines), "faults.yaml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_list_fits_the_shipped_study(path):
    assert faults_for(path, load_protocol(LIBRARY / "sahp_short.yaml"), load_rig(RIG)).faults


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("access_jmp: {at: 3 min}", "4:5", "'access_jmp' is not a kind; did you mean 'access_jump'?"),
        ("hum: {for: 3 s}", "4:10", "say when: 'at: 12 min', 'after: drug', 'in_sweep: 20' or 'about_every: 1 h'"),
        ("hum: {at: 3}", "4:15", "'3' has no unit: write a duration such as '150 ms'"),
        ("hum: {at: 3 s, fr: 2 s}", "4:20", "'fr' is not known here; did you mean 'for'?"),
        ("hum: {at: 3 s, about_every: 1 h}", "4:11", "a fault that comes 'about_every' so often has no other moment"),
        ("hum: {after: drug, in_sweep: 2}", "4:24", "write 'after' or 'in_sweep', not both"),
        ("hum: {at: 3 s, chance: 200 %}", "4:28", "'200 %' is more than always"),
        ("seal_loss: {at: 1 s, to: 0 MOhm}", "4:30", "'0 MOhm' must be more than 0"),
        ("wrong_gain: {at: 1 s, times: 0}", "4:34", "must be more than 0"),
        ("mode_turned: {at: 1 s, to: curent}", "4:32", "did you mean 'current'?"),
        ("epsp_barrage: {at: 1 s, rate: 50 kHz}", "4:35", "'50 kHz' is more than the simulated cell can have"),
        ("epsp_barrage: {at: 1 s, rate: often}", "4:35", "write a rate of events such as '0.5 Hz'"),
        ("hum: {at: 1 s, voltage: -3 mV}", "4:29", "'-3 mV' must be 0 or more"),
        (
            "late_block: {about_every: 10 ms}",
            "4:31",
            "'10 ms' is too often for faults that come one by one; write '100 ms'",
        ),
        ("hum", "4:5", "a fault is a kind with what belongs to it, such as '- access_jump: 12 min'"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_a_cure(line, place, words):
    with pytest.raises(InvalidFile) as found:
        listed(line)
    (problem,) = found.value.problems
    assert f"{problem.line}:{problem.column}" == place
    assert words in problem.message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("hum: {after: drugs}", "the protocol has no series, search or solution 'drugs'; did you mean 'drug'?"),
        ("stuck_valve: {at: 1 s, line: drain}", "'Simulated slice rig' has no line 'drain'; known are control, drug"),
        ("saturated_input: {at: 1 s, input: primry}", "did you mean 'primary'?"),
        ("hum: {in_sweep: 4000}", "the protocol has at most"),
    ],
)
def test_what_protocol_and_rig_have_not_is_named_with_its_place(tmp_path, line, words):
    assert words in refusal(tmp_path, line, SHORT, RIG_TEXT)


def refusal(folder, line, protocol, rig):
    """Return what is said of a fault that does not fit these files."""
    for name, text in (("faults", f"{HEAD}  - {line}\n"), ("protocol", protocol), ("rig", rig)):
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    with pytest.raises(InvalidFile, match=r"faults\.yaml:4:") as found:
        faults_for(folder / "faults.yaml", load_protocol(folder / "protocol.yaml"), load_rig(folder / "rig.yaml"))
    return str(found.value)


def test_an_input_that_shows_nothing_cannot_stand_at_full_scale(tmp_path):
    secondary, photodiode = (f"saturated_input: {{at: 1 s, input: {name}}}" for name in ("secondary", "photodiode"))
    words = refusal(tmp_path, secondary, SHORT.replace("[primary, secondary]", "[primary]"), RIG_TEXT)
    assert "4:39: the protocol does not record 'secondary', so nobody would see it" in words
    more = RIG_TEXT.replace("\noutputs:", "  photodiode: {pin: ai2, range: 10 V}\n\noutputs:")
    words = refusal(tmp_path, photodiode, SHORT.replace("secondary]", "secondary, photodiode]"), more)
    assert "4:39: no signal drives 'photodiode': only primary and secondary are the amplifier's" in words


def test_a_valve_that_never_moves_cannot_stick(tmp_path):
    rig = RIG_TEXT.replace("  dead_time: 45 s", "    spare: {pin: port0/line2}\n  dead_time: 45 s")
    words = refusal(tmp_path, "stuck_valve: {at: 1 s, line: spare}", SHORT, rig)
    assert (
        "4:34: no solution of the protocol stands on 'spare', so its valve never moves; used are control, drug" in words
    )


def test_a_rig_without_a_thermometer_has_none_that_could_be_silent(tmp_path):
    words = refusal(
        tmp_path, "silent_thermometer: 1 s", SHORT, RIG_TEXT.replace("thermometer:\n  driver: simulated", "")
    )
    assert "4:5: 'Simulated slice rig' has no thermometer" in words


def test_a_name_of_a_step_and_of_a_solution_is_no_moment(tmp_path):
    """Or the fault would come with the valve, a minute before the series that was meant."""
    same = SHORT.replace("  blocker:\n", "  drug:\n").replace("{solution: blocker}", "{solution: drug}")
    words = refusal(tmp_path, "hum: {after: drug}", same, RIG_TEXT)
    assert "4:18: 'drug' is a step and a solution of the protocol: give one of them another name" in words


def test_check_looks_at_a_list_together_with_the_protocol_beside_it(tmp_path):
    path, protocol = tmp_path / "faults.yaml", LIBRARY / "sahp_short.yaml"
    path.write_text(f"{HEAD}  - hum: {{after: baselin}}\n  - stuck_valve: {{at: 1 s, line: drg}}\n", "utf-8")
    alone, (beside, _) = check_files([path], None, RIG), check_files([path, protocol], None, RIG)
    assert alone[0].ok
    assert "give one protocol beside it" in alone[0].text
    assert [p.line for p in beside.problems] == [4, 5]
    assert "did you mean 'baseline'?" in beside.text


def test_every_kind_can_be_written_with_its_moment_alone():
    made = listed(*(f"{kind}: 12 min" for kind in KINDS))
    assert [f.verb for f in made.faults] == list(KINDS)
    assert {float(f.at) for f in made.faults} == {720.0}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_editors_take_a_shipped_list_and_mark_a_kind_that_does_not_exist(path):
    from jsonschema import Draft7Validator

    schema = Draft7Validator(json.loads(schema_text("faults")))
    data = read_marked(path.read_text("utf-8")).data
    assert not list(schema.iter_errors(data))
    assert list(schema.iter_errors({**data, "faults": [{"access_jmp": {"at": "3 s"}}]}))


def moments(drawn, verb: str = "hum", within: float = 12 * 3600.0) -> list[float]:
    """Return when the faults of a kind come that are drawn at random, s."""
    random = [one.moments for one in drawn if one.fault.verb == verb and one.moments is not None]
    return [m for found in random for m in takewhile(lambda moment: moment < within, found)]


def test_the_same_seed_draws_the_same_faults_and_another_seed_others():
    plan = FaultPlan.of(listed("hum: {about_every: 30 min, for: 1 s}"))
    assert moments(plan.drawn(3)) == moments(plan.drawn(3))
    assert moments(plan.drawn(3)) != moments(plan.drawn(4))


def test_random_faults_come_as_often_as_written():
    plan = FaultPlan.of(
        listed("hum: {about_every: 30 min, for: 1 s}", "dropped_block: {about_every: 15 min, chance: 25 %}",
               "dropped_block: {about_every: 1 s, chance: 0 %}", "access_jump: {at: 1 s, chance: 25 %}")
    )  # fmt: skip
    drawn = [plan.drawn(seed) for seed in range(200)]
    assert sum(len(moments(d)) for d in drawn) / 200 == pytest.approx(24, rel=0.05)
    assert sum(len(moments(d, "dropped_block")) for d in drawn) / 200 == pytest.approx(12, rel=0.07)
    assert sum(one.number == 4 for d in drawn for one in d) / 200 == pytest.approx(0.25, abs=0.07)


def test_a_fault_more_in_the_list_changes_no_other():
    one = ("hum: {about_every: 1 h}",)
    two = (*one, "access_jump: {about_every: 1 h}")
    first, both = (FaultPlan.of(listed(*lines)).drawn(5) for lines in (one, two))
    assert moments(first) == moments(both) != []


def test_faults_that_come_often_are_drawn_one_at_a_time():
    (one,) = FaultPlan.of(listed("late_block: {about_every: 100 ms}")).drawn(1)
    assert 0 < next(one.moments) < next(one.moments) < 5


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("access_jump: {at: 5 h}", "fault 1 (access_jump, at 5 h) will not come"),
        ("hum: {after: drug, at: 14 min}", "fault 1 (hum, 14 min after the start of 'drug') will not come"),
        ("hum: {after: blocker, at: 14 min}", "fault 1 (hum, 14 min after the start of 'blocker') will not come"),
        ("hum: {in_sweep: 3, at: 20 min}", "fault 1 (hum, 20 min after the start of sweep 3) will not come"),
    ],
)
def test_a_moment_beyond_the_longest_run_is_warned_of_when_files_are_checked(tmp_path, line, words):
    path, protocol = tmp_path / "faults.yaml", LIBRARY / "sahp_short.yaml"
    path.write_text(f"{HEAD}  - {line}\n", "utf-8")
    beside, _ = check_files([path, protocol], None, RIG)
    assert beside.ok
    assert words in beside.text
    assert any(words in note for note in the_plan(protocol, RIG, path).notes)


def test_a_moment_within_the_longest_run_is_no_warning(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text(f"{HEAD}  - hum: {{at: 15 min}}\n  - hum: {{after: drug, at: 5 min}}\n", "utf-8")
    assert the_plan(LIBRARY / "sahp_short.yaml", RIG, path).notes == the_plan(LIBRARY / "sahp_short.yaml", RIG).notes


def test_a_plan_is_read_from_a_file():
    assert load(SHIPPED[0]).faults == load_faults(SHIPPED[0]).faults


def test_devices_of_metal_are_never_broken_on_purpose():
    rig = load_rig(ROOT / "config" / "rigs" / "ni_multiclamp.yaml")
    with pytest.raises(Refused, match=r"simulated devices only; daq \('nidaqmx'\) is not: use --simulate"):
        open_devices(rig, DemandClock(), faults=listed("hum: 1 s"))


def test_noise_that_is_switched_off_cannot_be_made_louder(tmp_path):
    quiet = tmp_path / "rig.yaml"
    quiet.write_text(RIG.read_text("utf-8") + "  noise: no\n", "utf-8")
    with pytest.raises(HardwareError, match="'hum' needs 'noise: yes'"):
        open_devices(load_rig(quiet), DemandClock(), faults=listed("hum: 1 s"))


def patchrig(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from acquisition.cli import main; main()", *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, encoding="utf-8", check=False)


def test_the_command_line_checks_lists_and_refuses_them_on_a_real_rig(tmp_path):
    assert patchrig("check", *SHIPPED).returncode == 0
    bad = tmp_path / "faults.yaml"
    bad.write_text(HEAD + "  - humm: 1 s\n", "utf-8")
    done = patchrig("run", LIBRARY / "membrane_test.yaml", "--simulate", "--faults", bad, "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "faults.yaml:4:5: 'humm' is not a kind; did you mean 'hum'?" in done.stderr
    assert not list(Path(tmp_path / "out").glob("*"))
