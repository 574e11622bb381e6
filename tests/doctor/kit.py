"""What tests of doctor share: rig files with addresses of a served board, a model cell, and how lines are found."""

from __future__ import annotations

from contextlib import contextmanager

from acquisition.doctor.examination import Wish, examine
from acquisition.guardian import Unguarded
from config.loading import load_rig
from drivers.build import serve_board
from drivers.simulated.link import Link, LinkClock
from tests.kit import RIG, ROOT

NI_RIG = ROOT / "config" / "rigs" / "ni_simulated.yaml"
NONE = ("g_na", "g_kdr", "g_ka", "g_km", "g_l_type", "g_hva", "g_ih", "g_sk", "g_ahp", "leak_dendrite", "coupling")
NOTHING_ELSE = "".join(f"    {g}: 0\n" for g in NONE)
MODEL_CELL = f"""
simulation:
  series_resistance: 10 MOhm
  seal: 1000 GOhm
  epsp_rate: null
  variability: 0 %
  temperature: 34 degC   # a resistor is the same at any; these conductances are of 34 degC
  parameters:
    capacitance_soma: 33
    leak_soma: 2
    leak_reversal: 0
    capacitance_dendrite: 1
{NOTHING_ELSE}"""
"""A cell with nothing in it but 500 MOhm and 33 pF, behind 10 MOhm."""


def unguarded(*_):
    return Unguarded()


def rig_file(folder, *changes, template=RIG, more=""):
    """Write a rig file with texts changed, and return its path."""
    text = template.read_text(encoding="utf-8").split("\nsimulation:")[0] + more
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "rig.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def examined(folder, rig=RIG, **how):
    """Return all lines as (section, what) -> findings, of an examination that keeps its state in `folder`.

    No guardian is started unless the test is about it: it is a process, and takes a second.
    """
    found = {}
    for section in examine(Wish(rig, folder, **{"state": folder / "state", "guard": unguarded, **how})):
        for finding in section.findings:
            found.setdefault((section.title.split(":")[0], finding.what), []).append(finding)
    return found


def one(found, section, what):
    """Return the one line of `what` in `section`."""
    (finding,) = found[section, what]
    return finding


class Served:
    """A served NI board, the rig file that names it, and its clock."""

    def __init__(self, board, link, path):
        self.board, self.link, self.path, self.clock = board.board, link, path, LinkClock(link)

    def examined(self, folder, **how):
        return examined(folder, self.path, clock=self.clock, **how)


@contextmanager
def served(folder, *changes, more=""):
    """Serve a board to a rig file with texts changed."""
    path = rig_file(folder, *changes, template=NI_RIG, more=more)
    with serve_board(load_rig(path), speed=None) as board, Link(board.link) as link:
        text = path.read_text(encoding="utf-8")
        text = text.replace("127.0.0.1:31763", board.address).replace("127.0.0.1:31764", board.link)
        path.write_text(text, encoding="utf-8")
        yield Served(board, link, path)
