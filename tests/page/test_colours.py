"""The page's colours, as they are seen: by everyone, and by people who lack a kind of cone."""

from __future__ import annotations

import re
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import acquisition.page

colour = pytest.importorskip("colour", reason="needs 'colour-science'")

STYLES = sorted((Path(acquisition.page.__file__).parent / "static" / "css").glob("*.css"))
THEMES = {"dark": ":root", "light": ':root[data-theme="light"]'}
LACKS = ("Protanomaly", "Deuteranomaly", "Tritanomaly")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", colour.utilities.ColourUsageWarning)  # that the third kind is an approximation
    EYES = {"all cones": np.eye(3), **{lack: colour.matrix_cvd_Machado2009(lack, 1.0) for lack in LACKS}}
"""Matrices on linear sRGB of eyes that lack a kind of cone: severity 1 of Machado, Oliveira and Fernandes 2009,
doi:10.1109/TVCG.2009.113."""
TOGETHER = {
    "the present sweep": ("trace", "reference", "ghost"),
    "its current": ("second", "ghost"),
    "a strip of potentials with solution and limit": ("trace", "solution-edge", "bad"),
    "a strip of currents with solution and limit": ("second", "solution-edge", "bad"),
    "a strip of resistances with solution and limit": ("reference", "solution-edge", "bad"),
    "means of conditions": ("phase-0", "phase-1", "phase-2", "phase-3", "phase-4"),
}
TOLD_APART = 10
"""CIEDE2000; 1 is just noticed side by side. Good, note and bad are told by signs, recorded values by short bars."""
WORDS = {
    "text": ("back", "panel", "raised", "good-back", "note-back", "bad-back"),
    "dim": ("back", "panel", "raised", "note-back", "bad-back"),
    "good": ("back", "panel", "good-back"),
    "note": ("back", "panel", "note-back"),
    "bad": ("back", "panel", "bad-back"),
    "trace": ("back", "panel"),
    "reference": ("back", "panel"),
    "solution-edge": ("panel",),
}
READABLE = 4.5
"""WCAG 2.2, 1.4.3."""


def colours(theme):
    """Return the colours of a theme by name, sRGB from 0 to 1; the light one changes some of the dark."""
    found = {}
    for selector in dict.fromkeys((THEMES["dark"], THEMES[theme])):
        for style in STYLES:
            for body in re.findall(rf"(?m)^{re.escape(selector)} \{{([^}}]*)\}}", style.read_text(encoding="utf-8")):
                found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", body))
    return {name: colour.notation.HEX_to_RGB(value) for name, value in found.items()}


def seen(rgb, eye):
    """Return a colour as `eye` sees it, in CIE Lab."""
    linear = np.clip(EYES[eye] @ colour.models.eotf_sRGB(rgb), 0, 1)
    return colour.XYZ_to_Lab(colour.RGB_to_XYZ(linear, "sRGB"))


def luminance(rgb):
    return float(colour.models.eotf_sRGB(rgb) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("place", TOGETHER)
def test_colours_that_stand_in_one_plot_are_told_apart(theme, eye, place):
    shown = colours(theme)
    near = {
        (a, b): round(float(difference), 1)
        for a, b in combinations(TOGETHER[place], 2)
        if (difference := colour.delta_E(seen(shown[a], eye), seen(shown[b], eye), method="CIE 2000")) < TOLD_APART
    }
    assert near == {}


@pytest.mark.parametrize("theme", THEMES)
def test_words_stand_out_from_their_ground(theme):
    shown = colours(theme)
    pale = {}
    for ink, grounds in WORDS.items():
        for ground in grounds:
            dark, light = sorted(luminance(shown[name]) for name in (ink, ground))
            if (light + 0.05) / (dark + 0.05) < READABLE:
                pale[ink, ground] = round((light + 0.05) / (dark + 0.05), 2)
    assert pale == {}


def test_good_note_and_bad_are_told_by_a_sign_as_well():
    base = next(style for style in STYLES if style.name == "base.css").read_text(encoding="utf-8")
    signs = [
        re.search(rf'data-level="{level}"\] \.quality::before \{{ content: "(.) "', base)[1]
        for level in ("good", "note", "bad")
    ]
    assert len(set(signs)) == 3
