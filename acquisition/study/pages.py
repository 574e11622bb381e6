"""The report as one HTML file that needs nothing else: styles and figures are inside, nothing is fetched."""

from __future__ import annotations

import io
import re
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

from acquisition.figure_story import CONTROL, FAINT, INK, LATER, QUIET
from acquisition.study.words import tight

if TYPE_CHECKING:
    from pathlib import Path

    from acquisition.study.report import Picture, Report

VARIABLES = {
    INK: "--ink",
    QUIET: "--quiet",
    FAINT: "--faint",
    CONTROL: "--control",
    **{colour: f"--c{i}" for i, colour in enumerate(LATER)},
    "#000000": "--ink",
}
"""Colours of the figures -> the page's, which follow the reader's light or dark."""


def write_html(report: Report, path: Path) -> None:
    """Write the report as one HTML file."""
    path.write_text(html(report), encoding="utf-8")


def html(report: Report) -> str:
    """Return the page."""
    from jinja2 import Environment, StrictUndefined, select_autoescape
    from markupsafe import Markup

    text = files("acquisition.study").joinpath("template.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=select_autoescape(default=True, default_for_string=True), undefined=StrictUndefined
    )
    environment.filters["tight"] = tight
    pictures = [
        {"svg": Markup(svg(p, i)), "heading": p.heading, "legend": p.legend} for i, p in enumerate(report.pictures)
    ]
    return environment.from_string(text).render(report=report, pictures=pictures, version=version("patchrig"))


def svg(picture: Picture, place: int) -> str:
    """Return a figure as SVG to be set into a page, in the page's colours."""
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": f"patchrig {place}", "svg.fonttype": "path"}):
        picture.figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{_attribute(picture.heading)}" ', 1)
    text = re.sub(r'(<svg [^>]*?)\swidth="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg [^>]*?)\sheight="[^"]*"', r"\1", text, count=1)
    width = picture.figure.get_figwidth()
    text = text.replace("<svg ", f'<svg style="max-width: {width * 1.28:.2f}in" ', 1)
    for colour, name in VARIABLES.items():
        text = re.sub(rf"((?:fill|stroke): ?){colour}", rf"\1var({name})", text, flags=re.IGNORECASE)
    return re.sub(r'<g id="[a-z0-9_]+"', "<g", text)


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
