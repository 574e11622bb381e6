"""Drugs: concentration to conductance, how fast, how much stays, and what the potential has to do with it."""

import dataclasses

import numpy as np
import pytest

from drivers.base import Filling
from drivers.simulated import kernel
from drivers.simulated.cell import inactivated, preset, steady_state
from drivers.simulated.packing import Knobs, pack
from drivers.simulated.pharmacology import Action, compound, compounds, concentrations, drug_table
from drivers.simulated.rates import table
from drivers.simulated.records import CONDUCTANCES
from drivers.simulated.settings import Simulation
from drivers.simulated.truth import _under, burst
from drivers.simulated.world import fresh_state
from protocols.quantities import Duration, Percent

CELL = Simulation(variability=Percent(0.0))


class Slice:
    """A cell in a bath; every step is a millisecond of the slow clock, so that minutes of washing take no time."""

    def __init__(self, holding=-60.0, **settings):
        still = CELL.model_copy(update={"noise": False, "exchange": Duration(1e-3), **settings})
        cell = preset("ca1_pyramidal")
        self.parameters = pack(cell, still, Knobs.of(still), rate=20e3, substeps=1)
        self.parameters["per_tick"] = 1
        self.state = fresh_state(steady_state(cell, holding), pipette=holding, access=1e-3, seed=1)
        self.drugs, self.table, self.holding = drug_table(), table(cell, 0.05), holding

    def flow(self, *fillings):
        """Let solutions flow in, each (compound, mol/L)."""
        self.drugs[:, kernel.TARGET] = sum(concentrations(Filling("", *f)) for f in fillings) if fillings else 0.0

    def wait(self, seconds):
        n = round(seconds * 1e3)
        nothing = np.empty((0, 2)), np.empty((0, n), np.int16), np.empty(0)
        kernel.run(self.state, self.parameters, self.drugs, self.table, True, np.full(n, self.holding), *nothing)

    def left(self, name):
        """Return the part of a conductance that is left."""
        k = CONDUCTANCES.index(name)
        return self.state["conductances"][0, k] / self.parameters["conductances"][0, k]


@pytest.mark.parametrize("hill", [1.0, 2.0])
@pytest.mark.parametrize("times", [0.1, 1.0, 10.0])
def test_a_conductance_follows_hills_curve(hill, times):
    action = Action("g_l_type", half=100e-9, effect=-0.8, hill=hill)
    assert action.left(times * 100e-9) == pytest.approx(1 - 0.8 / (1 + times**-hill))


@pytest.mark.parametrize("drug", compounds(), ids=lambda c: c.names[0])
def test_every_compound_reaches_what_its_curve_says(drug):
    brain = Slice()
    brain.flow((drug.names[0], drug.acts[0].half))
    brain.wait(7 * drug.wash_in)
    for action in drug.acts:
        assert brain.left(action.conductance) == pytest.approx(1 + action.effect / 2, abs=0.01)


def test_a_drug_touches_nothing_but_what_it_acts_on():
    brain = Slice()
    brain.flow(("isoproterenol", 1e-6))
    brain.wait(300)
    assert brain.left("g_ahp") < 0.1
    assert [brain.left(g) for g in CONDUCTANCES if g != "g_ahp"] == [1.0] * (len(CONDUCTANCES) - 1)


def test_wash_in_and_wash_out_have_their_time_constants():
    brain = Slice()
    brain.flow(("isoproterenol", 1e-6))
    brain.wait(45.0)
    assert brain.drugs[:, kernel.SITE].max() == pytest.approx(1 - np.exp(-1), rel=0.01)
    brain.wait(450.0)
    brain.flow()
    brain.wait(240.0)
    assert brain.drugs[:, kernel.SITE].max() == pytest.approx(np.exp(-1), rel=0.01)


def test_a_dihydropyridine_never_washes_out_and_isoproterenol_does():
    left = {}
    for name, conductance in (("nimodipine", "g_l_type"), ("isoproterenol", "g_ahp")):
        brain = Slice()
        brain.flow((name, 1e-6))
        brain.wait(300)
        blocked = brain.left(conductance)
        brain.flow()
        brain.wait(1500)
        left[name] = blocked, brain.left(conductance)
    assert left["nimodipine"][1] < left["nimodipine"][0] + 0.2 < 0.5
    assert left["isoproterenol"][0] < 0.1 < 0.9 < left["isoproterenol"][1]


def test_what_stays_is_a_part_of_the_most_there_was():
    brain = Slice()
    brain.flow(("nifedipine", 1e-6))
    brain.wait(300)
    brain.flow(("nifedipine", 1e-7))
    brain.wait(900)
    stays = compound("nifedipine").kept
    assert brain.drugs[:, kernel.SITE].max() == pytest.approx(stays + (1 - stays) * np.exp(-900 / 600), rel=0.01)


def test_agonist_and_blocker_compete_for_one_site():
    """Gaddum: 1 + (effect x + effect' x') / (1 + x + x'), x in half-effective concentrations."""
    brain = Slice()
    brain.flow(("Bay K 8644", 300e-9), ("nimodipine", 150e-9))
    brain.wait(400)
    assert brain.left("g_l_type") == pytest.approx(1 + (1.5 * 3 - 0.95 * 1) / (1 + 3 + 1), rel=0.02)


def test_more_is_blocked_at_depolarised_holding_as_the_modulated_receptor_says():
    """Bean 1984: 1/half is the mean over the states, weighted by the part of the channels in them."""
    drug, cell = compound("nimodipine"), preset("ca1_pyramidal")
    action = drug.acts[0]
    for holding in (-80.0, -60.0, -50.0):
        brain = Slice(holding)
        brain.flow(("nimodipine", 50e-9))
        brain.wait(400)
        tighter = [1 + (action.selectivity - 1) * inactivated(cell, float(v)) for v in (brain.state["soma"][0], -60.0)]
        wanted = dataclasses.replace(action, half=action.half * tighter[1] / tighter[0]).left(50e-9)
        assert brain.left("g_l_type") == pytest.approx(wanted, abs=0.005)


def test_run_down_takes_the_l_type_and_the_slow_ahp_conductance_separately():
    brain = Slice(run_down=Duration(600.0), sahp_run_down=Duration(1200.0))
    brain.wait(600)
    assert brain.left("g_l_type") == pytest.approx(np.exp(-1), rel=0.01)
    assert brain.left("g_ahp") == pytest.approx(np.exp(-0.5), rel=0.01)


def test_two_acts_on_one_conductance_both_count_in_the_truth():
    """`truth` starts the cell in the steady state under the drug; a second act must not overwrite the first."""
    act = Action("g_l_type", half=1e-6, effect=-0.5)
    double = dataclasses.replace(compound("nifedipine"), acts=(act, act))
    cell = preset("ca1_pyramidal")
    assert _under(cell, ("nifedipine", 1e-6), (double,)).g_l_type == pytest.approx(cell.g_l_type * 0.75**2)


def test_isoproterenol_takes_the_slow_ahp_and_not_the_spikes():
    control, blocked = burst(CELL, 275e-12), burst(CELL, 275e-12, drug=("isoproterenol", 1e-6))
    assert blocked.sahp / control.sahp < 0.3
    assert blocked.spikes >= control.spikes


@pytest.mark.parametrize("vehicle", ["DMSO", "ethanol", None])
def test_a_vehicle_does_nothing(vehicle):
    brain = Slice()
    brain.flow((vehicle, 1.4e-3))
    brain.wait(300)
    assert {brain.left(g) for g in CONDUCTANCES} == {1.0}


def test_no_name_means_two_compounds():
    names = [n.casefold() for c in compounds() for n in c.names]
    assert len(names) == len(set(names))


def test_an_action_on_what_the_cell_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"g_bk.*g_l_type"):
        Action("g_bk", half=1e-6, effect=-1.0)
