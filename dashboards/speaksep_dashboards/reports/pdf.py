"""A report as pages of A4: its words, tables and figures, drawn by matplotlib."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from speaksep_dashboards.reports.canvas import WIDTH_IN, drawing
from speaksep_dashboards.reports.lettering import INK, QUIET, lettered
from speaksep_dashboards.reports.values import Excerpt, Part, Picture, Report, Table, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_PAGE_IN = (8.27, 11.69)
_HEIGHT_IN = 10.2
"""Of a page, for what stands on it."""
_PER_IN = 15.5
"""Letters per inch of nine points, on average."""
_ROW_IN = 0.165
_MOST_ROWS = 100
"""Of a table: paper is for figures."""
_GAP_IN = 0.2
_COLOURS = {"error": "#b3261e", "warning": "#8a5300", "notice": "#0b5cad"}


@dataclass(frozen=True)
class Line:
    """Lines of text of one look."""

    lines: tuple[str, ...]
    size: float = 9.0
    weight: str = "normal"
    colour: str = INK
    before_in: float = 0.0

    @property
    def height_in(self) -> float:
        """How much of a page it takes."""
        return self.before_in + len(self.lines) * self.size * _ROW_IN / 9 + 0.05

    def write(self, page: Figure, top_in: float) -> None:
        """Write it so far above the lower end of a page."""
        text = "\n".join(map(lettered, self.lines))
        at = _at(0.0, top_in - self.before_in)
        page.text(*at, text, size=self.size, weight=self.weight, color=self.colour, va="top")


@dataclass(frozen=True)
class Row:
    """A row of a table: cells of wrapped lines, each with its place along the page, from 0 to 1."""

    cells: tuple[tuple[str, ...], ...]
    places: tuple[float, ...]
    head: bool = False

    @property
    def height_in(self) -> float:
        """How much of a page it takes."""
        return max(map(len, self.cells)) * _ROW_IN + 0.07

    def write(self, page: Figure, top_in: float) -> None:
        """Write it so far above the lower end of a page."""
        for lines, place in zip(self.cells, self.places, strict=True):
            text = "\n".join(map(lettered, lines))
            page.text(*_at(place, top_in), text, size=8, va="top", color=QUIET if self.head else INK)


Block: TypeAlias = "Line | Row | Picture"


def as_pdf(report: Report) -> bytes:
    """The whole file.

    Parameters
    ----------
    report
        What it says; its sound is left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    out = io.BytesIO()
    made = datetime.fromtimestamp(report.made_at, UTC)
    about = {"Title": report.title, "Creator": "SpeakSep", "Producer": None, "CreationDate": made}
    pages = list(_pages([*_head(report), *_body(report)]))
    with drawing(), PdfPages(out, metadata=about) as pdf:
        for number, blocks in enumerate(pages, 1):
            figure = Figure(figsize=_PAGE_IN)
            FigureCanvasAgg(figure)
            pictures: list[tuple[Picture, float]] = []
            for block, top_in in zip(blocks, _tops(blocks), strict=True):
                if isinstance(block, Line | Row):
                    block.write(figure, top_in)
                else:
                    pictures.append((block, top_in))
            figure.set_layout_engine("constrained" if pictures else "none")  # it draws a page twice
            for (picture, _), part in zip(pictures, _parts(figure, pictures), strict=True):
                picture.draw(part)
            foot = f"{lettered(report.title, 60)} · SpeakSep, {made:%Y-%m-%d %H:%M} UTC · {number} of {len(pages)}"
            figure.text(0.5, 0.03, foot, size=7, color=QUIET, ha="center")
            pdf.savefig(figure)
    return out.getvalue()


def _tops(blocks: Sequence[Block]) -> list[float]:
    """Inches of the upper ends of blocks above the lower end of a page."""
    used_in = accumulate((block.height_in for block in blocks), initial=0.0)
    return [(_PAGE_IN[1] + _HEIGHT_IN) / 2 - each for each in used_in][:-1]


def _at(place: float, above_in: float) -> tuple[float, float]:
    """Share of a page's width and height."""
    side_in = (_PAGE_IN[0] - WIDTH_IN) / 2
    return (side_in + place * WIDTH_IN) / _PAGE_IN[0], above_in / _PAGE_IN[1]


def _parts(figure: Figure, pictures: Sequence[tuple[Picture, float]]) -> list[SubFigure]:
    """A part of a page for each picture, between margins and text."""
    ratios, above_in = [], _PAGE_IN[1]
    for picture, top_in in pictures:
        ratios += [max(0.01, above_in - top_in), picture.height_in]
        above_in = top_in - picture.height_in
    side_in = (_PAGE_IN[0] - WIDTH_IN) / 2
    ratios.append(max(0.01, above_in))
    grid = figure.add_gridspec(len(ratios), 3, width_ratios=[side_in, WIDTH_IN, side_in], height_ratios=ratios)
    return [figure.add_subfigure(grid[number, 1]) for number in range(1, len(ratios), 2)]


def _pages(blocks: list[Block]) -> Iterator[list[Block]]:
    """Blocks of one page after the other; a heading is never the last."""
    page: list[Block] = []
    used_in = 0.0
    for number, block in enumerate(blocks):
        follows = blocks[number + 1].height_in if _leads(block) and number + 1 < len(blocks) else 0.0
        if page and used_in + block.height_in + follows > _HEIGHT_IN:
            yield page
            page, used_in = [], 0.0
        page.append(block)
        used_in += block.height_in
    if page:
        yield page


def _leads(block: Block) -> bool:
    return (isinstance(block, Line) and block.weight == "bold") or (isinstance(block, Row) and block.head)


def _head(report: Report) -> list[Block]:
    numbers = " · ".join(f"{value} {label}" for value, label in report.numbers)
    return [
        Line(_wrapped(report.title, 16), 16, "bold"),
        Line(_wrapped(report.lead), colour=QUIET),
        *([Line(_wrapped(numbers, 10), 10, before_in=0.1)] if numbers else []),
    ]


def _body(report: Report) -> Iterator[Block]:
    for section in report.sections:
        if all(isinstance(part, Excerpt) for part in section.parts[1:]) and len(section.parts) > 1:
            continue  # there is nothing to hear in a PDF
        yield Line(_wrapped(section.title, 12), 12, "bold", before_in=_GAP_IN)
        for part in section.parts:
            yield from _blocks(part)


def _blocks(part: Part) -> Iterator[Block]:
    match part:
        case Words():
            title = " ".join(filter(None, (part.severity, part.title)))
            if title:
                yield Line(_wrapped(title), 9, "bold", _COLOURS.get(part.severity, INK), before_in=0.05)
            yield Line(_wrapped(part.text))
        case Table():
            yield from _rows(part)
        case Excerpt():
            return
        case picture:
            yield Line(_wrapped(picture.caption), 8, colour=QUIET, before_in=0.1)
            yield picture


def _rows(table: Table) -> Iterator[Block]:
    columns = [*zip(table.columns, *table.rows, strict=True)]
    # A column is as wide as its longest cell, but not so that one leaves nothing to the others.
    wanted = [min(max(map(len, column)) * 1.15 + 2, 80) for column in columns]
    letters = WIDTH_IN * _PER_IN * 9 / 8
    share = min(1.0, letters / sum(wanted))
    widths = [max(6, int(width * share)) for width in wanted]
    at = tuple(sum(widths[:number]) / letters for number in range(len(widths)))
    yield Line(_wrapped(table.caption), 8, "bold", before_in=0.1)
    for number, row in enumerate((table.columns, *table.rows[:_MOST_ROWS])):
        cells = tuple(_cell(cell, width) for cell, width in zip(row, widths, strict=True))
        yield Row(cells, at, head=number == 0)
    if len(table.rows) > _MOST_ROWS:
        yield Line((f"and {len(table.rows) - _MOST_ROWS} more: the HTML report has them",), 8, colour=QUIET)


def _cell(text: str, width: int) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, width - 2)) or ("",)


def _wrapped(text: str, size: float = 9.0) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, int(WIDTH_IN * _PER_IN * 9 / size))) or ("",)
