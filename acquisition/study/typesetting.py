"""Words on a sheet of paper: lines broken by their measured width, drawn with matplotlib."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from acquisition.figure_story import INK, QUIET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

POINTS = 72.0
"""In an inch."""
LEADING = 1.42
"""Distance of lines over the size of the letters."""


@lru_cache(maxsize=20_000)
def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of `text` in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / POINTS


def broken(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Return `text` as lines no wider than `width` inches; a word that is wider stands alone."""
    lines: list[str] = []
    for word in text.split(" "):  # not at spaces that hold a number and its unit together
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


class Sheet:
    """A page with a pen that moves down; inches from the upper left corner."""

    def __init__(self, figure: Figure, *, margin: float, number: int) -> None:
        """Begin at the upper left of the page's `figure`."""
        self.figure, self.margin, self._number = figure, margin, number
        self.width, self.height = (float(x) for x in figure.get_size_inches())
        self.down = margin
        self._written: list[tuple[str, float, float, dict[str, Any]]] = []
        self.put(f"{number}", self.width - margin, self.height - 0.35, size=8, align="right", colour=QUIET)

    def onto(self, figure: Figure) -> Sheet:
        """Return a page with what was written here, on another `figure` of the same size."""
        other = Sheet(figure, margin=self.margin, number=self._number)
        for text, x, y, style in self._written[1:]:  # the first is the page's number
            other.put(text, x, y, **style)
        other.down = self.down
        return other

    @property
    def room(self) -> float:
        """Inches left to the lower margin."""
        return self.height - self.margin - self.down

    @property
    def measure(self) -> float:
        """Inches between the margins."""
        return self.width - 2 * self.margin

    def put(
        self, text: str, x: float, y: float, *, size: float, bold: bool = False, align: str = "left", colour: str = INK
    ) -> None:
        """Draw one line with its upper edge `y` inches below the page's."""
        self._written.append((text, x, y, {"size": size, "bold": bold, "align": align, "colour": colour}))
        self.figure.text(x / self.width, 1 - y / self.height, text, size=size, weight="bold" if bold else "normal",
                         ha=align, va="top", color=colour, parse_math=False)  # fmt: skip

    def lines(self, lines: Sequence[str], *, size: float, bold: bool = False, colour: str = INK) -> None:
        """Draw lines one below the other and move down."""
        for line in lines:
            self.put(line, self.margin, self.down, size=size, bold=bold, colour=colour)
            self.down += LEADING * size / POINTS

    def rule(self, weight: float, *, left: float | None = None, right: float | None = None) -> None:
        """Draw a horizontal rule at the pen."""
        from matplotlib.lines import Line2D

        x = [(left or self.margin) / self.width, (right or self.width - self.margin) / self.width]
        y = 1 - self.down / self.height
        self.figure.add_artist(Line2D(x, [y, y], lw=weight, color=INK))
