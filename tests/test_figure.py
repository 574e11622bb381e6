"""The review figure, drawn from small session files that were recorded through the real writer and analyser."""

import re

import numpy as np
import pytest

from acquisition.analysis.analyser import Settings, analyse
from acquisition.figure import review_figure
from acquisition.session.reader import open_session
from acquisition.session.writer import SessionWriter
from protocols.sweeps import ClampMode, Frame, LogEntry, RecordedSweep, Sweep, SweepHeader
from protocols.waveforms import step_sweep
from tests.analysis.synthetic import MV, PA, PRIMARY, hold_command, patch_current, voltage
from tests.session.synthetic import make_head

RATE = 10_000.0
DRUG = "MEM 1003 1 µM"


class Rig:
    """Writes sweeps of formula cells into a session file, measured as they would be live."""

    def __init__(self, writer):
        self.writer, self.count, self.settings = writer, 0, Settings(target_spikes=(3, 4))

    def record(self, command, values, *, label, kind, start, run, mode, condition="ACSF"):
        settings = {"mode": str(mode), "low_pass": 4000.0, "bridge_balance": 12e6}
        sweep = Sweep(self.count, mode, command)
        head = SweepHeader(sweep, start, label, kind, run, condition, (PRIMARY[mode],), command.holding, settings, 30.0)
        self.count += 1
        counts = np.rint(values / PRIMARY[mode].coefficients[1]).astype(np.int16)[None]
        self.writer.begin_sweep(head)
        self.writer.samples(Frame(0, counts))
        self.writer.end_sweep()
        self.writer.measured(analyse(RecordedSweep(head, {"primary": PRIMARY[mode].stored(counts[0])}), self.settings))
        self.writer.temperature(start, 30.0)

    def burst(
        self, start, *, label="baseline", run=2, condition="ACSF", size=3 * MV, n=4, amplitude=300 * PA, noise=0.1
    ):
        command = step_sweep(
            RATE,
            holding=90 * PA,
            before=0.6,
            width=0.15,
            after=2.3,
            amplitude=amplitude,
            test_pulse=(-50 * PA, 0.3, 0.6),
        )
        spikes = tuple(0.62 + 0.03 * i for i in range(n))
        values = voltage(command, spikes=spikes, size=size, noise=noise * MV, seed=self.count)
        mode = ClampMode.CURRENT
        self.record(command, values, label=label, kind="series", start=start, run=run, mode=mode, condition=condition)

    def hold(self, start, *, label="membrane test", run=1):
        command = hold_command(RATE, duration=2.0, every=0.5)
        values = patch_current(command)
        self.record(command, values, label=label, kind="hold", start=start, run=run, mode=ClampMode.VOLTAGE)

    def reject(self, index, reason):
        self.writer.log(LogEntry(0.0, "rejected", reason, {"sweep": index, "reason": reason}))

    def switch(self, time, label, delay):
        data = {"label": label, "line": "drug", "switched": time, "arrives": time + delay}
        self.writer.log(LogEntry(time, "solution", label, data))


def drug_study(rig):
    rig.switch(0.0, "ACSF", 0.0)
    rig.hold(5.0)
    for i in range(6):
        rig.burst(60.0 + 30 * i, n=2 if i == 1 else 4)
    rig.switch(240.0, DRUG, 45.0)
    for i in range(6):
        rig.burst(300.0 + 30 * i, label="drug", run=3, condition=DRUG, size=1.5 * MV)


def nothing_accepted(rig):
    rig.switch(0.0, "ACSF", 0.0)
    rig.hold(5.0)
    for i in range(6):
        rig.burst(60.0 + 30 * i, n=2)
        rig.reject(rig.count - 1, "spikes is 2; wanted 3..4")
    rig.switch(240.0, DRUG, 45.0)
    for i in range(6):
        rig.burst(300.0 + 30 * i, label="drug", run=3, condition=DRUG, size=1.5 * MV, n=2)
        rig.reject(rig.count - 1, "spikes is 2; wanted 3..4")


def f_i_curve(rig):
    rig.hold(5.0)
    for i in range(6):
        rig.burst(60.0 + 10 * i, label="f_i", n=i, amplitude=50 * PA * i)


def membrane_test_only(rig):
    rig.hold(5.0)
    rig.hold(65.0)


def one_baseline(rig):
    for i in range(4):
        rig.burst(60.0 + 30 * i)


def nothing(rig):
    rig.switch(0.0, "ACSF", 0.0)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Record with a function of a rig, draw, and return the figure; each is recorded and drawn once."""
    figures = {}

    def draw(experiment, *, anew=False):
        if experiment in figures and not anew:
            return figures[experiment]
        head = make_head()
        path = tmp_path_factory.mktemp(experiment.__name__) / head.file_name
        with SessionWriter(path, head) as writer:
            experiment(Rig(writer))
        with open_session(path) as session:
            figures[experiment] = review_figure(session)
        return figures[experiment]

    return draw


def words(figure):
    from matplotlib.text import Text

    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def labels(figure):
    return {label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel()) if label}


@pytest.mark.parametrize(
    "experiment", [drug_study, nothing_accepted, f_i_curve, membrane_test_only, one_baseline, nothing]
)
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_every_kind_of_session_can_be_drawn_and_saved(drawn, tmp_path, experiment, kind):
    figure = drawn(experiment)
    figure.savefig(tmp_path / f"figure.{kind}")
    assert (tmp_path / f"figure.{kind}").stat().st_size > 5_000


def test_a_drug_study_says_its_result_with_interval_and_number(drawn):
    said = " ".join(words(drawn(drug_study)))
    assert f"{DRUG} (drug): sAHP at 1 s" in said
    assert "95 % interval" in said
    assert "n = 5 and 6 sweeps" in said
    assert "input resistance" in said


def test_axes_have_units_and_time_counts_in_minutes_from_the_drug(drawn):
    found = labels(drawn(drug_study))
    assert f"time from arrival of {DRUG} (min)" in found
    assert {"sAHP at 1 s (mV)", "membrane potential (mV)", "time from end of step (s)"} <= found
    assert {"baseline\n(mV)", "bias\n(pA)", "bath\n(°C)", "spikes"} <= found


def test_sweeps_left_out_of_means_are_hollow(drawn):
    figure = drawn(drug_study)
    (course,) = [a for a in figure.axes if a.get_ylabel() == "sAHP at 1 s (mV)"]
    points = [p for p in course.lines if p.get_marker() == "o" and len(p.get_xdata())]
    assert len(points) == 12
    assert [p.get_markerfacecolor() for p in points].count("white") == 1


def test_a_study_without_an_accepted_sweep_says_so_and_shows_its_bursts(drawn):
    figure = drawn(nothing_accepted)
    assert "No sweep was accepted: spikes 2, wanted 3..4 (12 of 12 sweeps)" in words(figure)
    assert "baseline: ACSF, mean of 6, not accepted" in words(figure)
    assert "sAHP at 1 s (mV)" in labels(figure)


def test_a_solution_has_one_colour_in_all_panels(drawn):
    figure = drawn(drug_study)
    (magnified,) = [a for a in figure.axes if a.get_legend_handles_labels()[1][:1] == ["baseline: ACSF, mean of 5"]]
    (difference,) = [a for a in figure.axes if a.get_ylabel() == "difference (mV)"]
    (course,) = [a for a in figure.axes if a.get_ylabel() == "sAHP at 1 s (mV)"]
    (typical, *_) = [a for a in figure.axes if a.get_ylabel() == "membrane potential (mV)"]
    mean = next(line for line in magnified.lines if str(line.get_label()).startswith("baseline"))
    drug = next(line for line in magnified.lines if str(line.get_label()).startswith("drug"))
    assert mean.get_color() == typical.lines[0].get_color() == course.lines[0].get_markeredgecolor()
    assert drug.get_color() == difference.lines[0].get_color() == course.lines[11].get_markeredgecolor()


def test_the_difference_a_drug_makes_is_drawn_from_after_the_burst_on(drawn):
    figure = drawn(drug_study)
    (difference,) = [a for a in figure.axes if a.get_ylabel() == "difference (mV)"]
    (line,) = [x for x in difference.lines if str(x.get_label()).startswith("drug")]
    t, v = line.get_xdata(), line.get_ydata()
    at_1_s = v[(t > 0.95) & (t < 1.05)].mean()
    truth = 1.5 * (np.exp(-1 / 1.2) - np.exp(-1 / 0.15))
    assert at_1_s == pytest.approx(truth, abs=0.15)
    assert np.isnan(v[(t > -0.15) & (t < 0)]).all()


def test_a_baseline_alone_has_no_difference(drawn):
    assert "difference (mV)" not in labels(drawn(one_baseline))


def test_the_time_course_has_a_scale_in_per_cent_of_the_baseline(drawn):
    figure = drawn(drug_study)
    (course,) = [a for a in figure.axes if a.get_ylabel() == "sAHP at 1 s (mV)"]
    (right,) = [c for c in course.child_axes if c.get_ylabel() == "% of baseline"]
    figure.draw_without_rendering()
    baseline = next(line for line in course.lines if line.get_linewidth() == 2.2 and len(line.get_xdata()))
    percent = np.interp(baseline.get_ydata()[0], course.get_ylim(), right.get_ylim()[::-1])
    assert percent == pytest.approx(100, abs=0.5)


def test_the_figure_says_whether_the_cell_counts_and_which_phase_was_not_steady(drawn):
    said = " ".join(words(drawn(drug_study)))
    assert "cell left out: 5 accepted baseline sweeps, 8 needed; baseline: not steady; drug: not steady" in said


def test_what_could_confound_the_effect_stands_below_the_time_course(drawn):
    assert {"step\n(pA)", "R$_{in}$\n(MΩ)", "R$_{s}$\n(MΩ)"} <= labels(drawn(drug_study))


@pytest.mark.parametrize("experiment", [drug_study, nothing_accepted])
def test_the_key_of_the_time_course_covers_no_sweep(drawn, experiment):
    figure = drawn(experiment)
    figure.canvas.draw()
    (course,) = [a for a in figure.axes if a.get_ylabel() == "sAHP at 1 s (mV)"]
    key = course.get_legend().get_window_extent()
    points = [p for p in course.lines if p.get_marker() == "o" and len(p.get_xdata())]
    assert not any(key.contains(*course.transData.transform(p.get_xydata()[0])) for p in points)


def test_a_range_of_currents_shows_spikes_against_current(drawn):
    figure = drawn(f_i_curve)
    assert {"step current (pA)", "action potentials"} <= labels(figure)
    assert "f_i (ACSF): spikes 0 up to 0 pA, 1 at 50, 2 at 100, 3 at 150, 4 at 200, 5 at 250 pA" in words(figure)


def test_a_membrane_test_shows_the_pulse_and_its_numbers(drawn):
    figure = drawn(membrane_test_only)
    assert {"time from test pulse (ms)", "current (pA)"} <= labels(figure)
    assert any(
        re.match(r"membrane test at 1 min: Ra 1\d\.\d MΩ, Rm \d+ MΩ, Cm \d+ pF, holding ", t) for t in words(figure)
    )


def test_drawing_leaves_no_trace_in_matplotlib(drawn):
    import matplotlib as mpl
    from matplotlib import _pylab_helpers

    before = dict(mpl.rcParams)
    drawn(one_baseline, anew=True)
    assert dict(mpl.rcParams) == before
    assert not _pylab_helpers.Gcf.figs
