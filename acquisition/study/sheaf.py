"""The report as PDF: A4 pages of words, figures as vectors, tables across."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from acquisition.figure_story import INK, QUIET
from acquisition.study.typesetting import LEADING, POINTS, Sheet, broken, width_of
from acquisition.study.words import tight

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from acquisition.study.report import Picture, Report
    from acquisition.study.sheets import Sheet as Table

A4 = (8.27, 11.69)
MARGIN = 0.85
TEXT, SMALL, TABLE = 10.0, 8.5, 6.8
"""Points."""
WIDEST = 1.9
"""Inches that a column of words may have before its lines break."""
GAP = 0.14
"""Inches between columns."""


def write_pdf(report: Report, path: Path) -> None:
    """Write the report as PDF."""
    from matplotlib.backends.backend_pdf import PdfPages

    facts = {"Title": report.title, "Creator": f"patchrig {version('patchrig')}", "CreationDate": None}
    with PdfPages(path, metadata=facts) as pdf:
        book = _Book(pdf)
        _front(book, report)
        for number, picture in enumerate(report.pictures, start=1):
            _picture(book, picture, number)
        for table in report.sheets:
            _table(book, table)
        _methods(book, report)
        book.close()


class _Book:
    """Pages one after the other; the present one is written when the next begins."""

    def __init__(self, pdf: Any) -> None:
        self._pdf, self._number, self._across = pdf, 0, False
        self._page: Sheet | None = None

    def page(self, *, across: bool = False) -> Sheet:
        """Begin a page, upright or across."""
        from matplotlib.figure import Figure

        self.close()
        self._number, self._across = self._number + 1, across
        page = Sheet(Figure(figsize=A4[::-1] if across else A4), margin=MARGIN, number=self._number)
        self._page = page
        return page

    def with_room(self, inches: float, *, across: bool = False) -> Sheet:
        """Return the present page if it has the room and lies the same way, a new one otherwise."""
        if self._page is None or self._across != across or self._page.room < inches:
            return self.page(across=across)
        return self._page

    def onto(self, figure: Figure) -> Sheet:
        """Make `figure`, which has a page's size, the present page, with what is written there already."""
        page = self._page or self.page()
        self._page = page.onto(figure)
        return self._page

    def close(self) -> None:
        """Write the present page."""
        if self._page is not None:
            self._pdf.savefig(self._page.figure)
            self._page = None


def _front(book: _Book, report: Report) -> None:
    page = book.page()
    page.lines(broken(report.title, page.measure, 19, bold=True), size=19, bold=True)
    page.down += 0.05
    page.lines(broken(report.byline, page.measure, SMALL), size=SMALL, colour=QUIET)
    page.down += 0.25
    for sentence in report.answer:
        page = _paragraph(book, sentence, TEXT + 1)
    page.down += 0.1
    for caveat in report.caveats:
        page = _paragraph(book, caveat, SMALL, colour=QUIET)


def _paragraph(book: _Book, text: str, size: float, *, colour: str = INK) -> Sheet:
    """Set a paragraph, over the page's end if it must be."""
    page = book.with_room(LEADING * size / POINTS)
    for line in broken(tight(text), page.measure, size):
        page = book.with_room(LEADING * size / POINTS)
        page.lines([line], size=size, colour=colour)
    page.down += 0.5 * size / POINTS
    return page


def _picture(book: _Book, picture: Picture, number: int) -> None:
    """Set a figure as large as it was drawn with its legend below, under what is written on the page if it fits."""
    figure = picture.figure
    width, height = figure.get_size_inches()
    scale = min(1.0, (A4[0] - 1.0) / width, (A4[1] - 2.5) / height)
    head = broken(f"Figure {number}. {picture.heading}", A4[0] - 2 * MARGIN, SMALL, bold=True)
    legend = broken(picture.legend, A4[0] - 2 * MARGIN, SMALL)
    below = 0.25 + LEADING * SMALL / POINTS * (len(head) + len(legend))
    above = book.with_room(scale * height + below + 0.2) if number == 1 else book.page()
    top = above.down + (0.2 if above.down > MARGIN else 0.0)
    _place(figure, scale, 0.5 * (A4[0] - scale * width), top)
    page = book.onto(figure)
    page.down = top + scale * height + 0.25
    page.lines(head, size=SMALL, bold=True)
    page.lines(legend, size=SMALL, colour=QUIET)


def _place(figure: Figure, scale: float, left: float, top: float) -> None:
    """Make a figure a page, its panels `left` and `top` inches from the upper left corner."""
    width, height = figure.get_size_inches()
    places = [(axes, axes.get_position()) for axes in figure.axes]
    figure.set_size_inches(A4)
    figure.set_facecolor("white")
    for axes, at in places:
        x, y = left + scale * width * at.x0, A4[1] - top - scale * height * (1 - at.y0)
        axes.set_position((x / A4[0], y / A4[1], scale * width * at.width / A4[0], scale * height * at.height / A4[1]))


def _methods(book: _Book, report: Report) -> None:
    if not report.methods:
        return
    page = book.page()
    page.lines(["Methods"], size=14, bold=True)
    for m in report.methods:
        page = book.with_room(0.6)
        page.down += 0.08
        page.lines([m.heading], size=TEXT, bold=True)
        _paragraph(book, m.text, TEXT)


def _table(book: _Book, table: Table) -> None:
    """Set a table across the page, its head again on every page."""
    page = book.with_room(2.2, across=True)
    page.down += 0.2 if page.down > MARGIN else 0.0
    page.lines([table.heading], size=12, bold=True)
    if table.note:
        page.lines(broken(table.note, page.measure, SMALL), size=SMALL, colour=QUIET)
    page.down += 0.06
    if not table.rows:
        return
    widths = _widths(table, page.measure)
    rows = [[broken(text, w, TABLE) for text, w in zip(row, widths, strict=True)] for row in table.rows]
    _head(page, table, widths)
    for row in rows:
        high = LEADING * TABLE / POINTS * max(map(len, row)) + 0.03
        if page.room < high:
            page.rule(1.0, right=page.margin + sum(widths) + GAP * (len(widths) - 1))
            page = book.page(across=True)
            _head(page, table, widths)
        _row(page, row, table, widths)
        page.down += high
    page.rule(1.0, right=page.margin + sum(widths) + GAP * (len(widths) - 1))


def _widths(table: Table, measure: float) -> list[float]:
    """Return the columns' widths: words break beyond `WIDEST`, and all shrink together if they must."""
    columns = list(zip(*table.rows, strict=True))
    out = []
    for i, (name, column) in enumerate(zip(table.head, columns, strict=True)):
        wide = max(width_of(text, TABLE) for text in column)
        named = max(width_of(word, TABLE, bold=True) for word in name.split())
        out.append(max(min(wide, WIDEST) if i in table.texts else wide, named) + 0.02)
    over = sum(out) + GAP * (len(out) - 1) - measure
    if over <= 0:
        return out
    words = sum(w for i, w in enumerate(out) if i in table.texts)
    return [w - over * w / words if i in table.texts and words > over else w for i, w in enumerate(out)]


def _head(page: Sheet, table: Table, widths: Sequence[float]) -> None:
    names = [broken(name, w, TABLE, bold=True) for name, w in zip(table.head, widths, strict=True)]
    right = page.margin + sum(widths) + GAP * (len(widths) - 1)
    page.rule(1.0, right=right)
    page.down += 0.05
    _row(page, names, table, widths, bold=True)
    page.down += LEADING * TABLE / POINTS * max(map(len, names)) + 0.02
    page.rule(0.5, right=right)
    page.down += 0.05


def _row(
    page: Sheet, row: Sequence[Sequence[str]], table: Table, widths: Sequence[float], *, bold: bool = False
) -> None:
    for i, (x, lines) in enumerate(zip(_edges(page.margin, widths), row, strict=True)):
        at, align = (x, "left") if i in table.texts else (x + widths[i], "right")
        for n, line in enumerate(lines):
            page.put(line, at, page.down + n * LEADING * TABLE / POINTS, size=TABLE, bold=bold, align=align)


def _edges(start: float, widths: Sequence[float]) -> Iterator[float]:
    for width in widths:
        yield start
        start += width + GAP
