"""A report as pages of A4: its words, tables and figures, drawn by matplotlib."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from speaksep_dashboards.reports.canvas import WIDTH_IN, drawing
from speaksep_dashboards.reports.lettering import INK, QUIET, lettered
from speaksep_dashboards.reports.values import Excerpt, Part, Report, Table, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase, SubFigure

_PAGE_IN = (8.27, 11.69)
_HEIGHT_IN = 10.2
"""Of a page, for what stands on it."""
_PER_IN = 15.5
"""Letters per inch of nine points, on average."""
_ROW_IN = 0.165
_GAP_IN = 0.2
_COLOURS = {"error": "#b3261e", "warning": "#8a5300", "notice": "#0b5cad"}


class Block(Protocol):
    """Something on a page."""

    @property
    def height_in(self) -> float:
        """How much of a page it takes."""
        ...

    def draw(self, figure: FigureBase) -> None:
        """Draw it into a part of the page of that height."""
        ...


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
        """See `Block.height_in`."""
        return self.before_in + len(self.lines) * self.size * _ROW_IN / 9 + 0.05

    def draw(self, figure: FigureBase) -> None:
        """See `Block.draw`."""
        at = 1 - self.before_in / self.height_in
        figure.text(
            0, at, "\n".join(map(lettered, self.lines)), size=self.size, weight=self.weight, color=self.colour, va="top"
        )


@dataclass(frozen=True)
class Row:
    """A row of a table: cells of wrapped lines, each with its place."""

    cells: tuple[tuple[str, ...], ...]
    at: tuple[float, ...]
    head: bool = False

    @property
    def height_in(self) -> float:
        """See `Block.height_in`."""
        return max(map(len, self.cells)) * _ROW_IN + 0.07

    def draw(self, figure: FigureBase) -> None:
        """See `Block.draw`."""
        for lines, at in zip(self.cells, self.at, strict=True):
            text = "\n".join(map(lettered, lines))
            figure.text(at, 0.92, text, size=8, va="top", color=QUIET if self.head else INK)


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
            figure = Figure(figsize=_PAGE_IN, layout="constrained")
            FigureCanvasAgg(figure)
            for block, part in zip(blocks, _parts(figure, blocks), strict=True):
                block.draw(part)
            foot = f"{lettered(report.title, 60)} · SpeakSep, {made:%Y-%m-%d %H:%M} UTC · {number} of {len(pages)}"
            figure.text(0.5, 0.03, foot, size=7, color=QUIET, ha="center")
            pdf.savefig(figure)
    return out.getvalue()


def _parts(figure: Figure, blocks: Sequence[Block]) -> list[SubFigure]:
    """A part of a page for each block, one below the other, between margins."""
    heights_in = [block.height_in for block in blocks]
    top_in = (_PAGE_IN[1] - _HEIGHT_IN) / 2
    side_in = (_PAGE_IN[0] - WIDTH_IN) / 2
    ratios = [top_in, *heights_in, max(0.01, _PAGE_IN[1] - top_in - sum(heights_in))]
    grid = figure.add_gridspec(len(ratios), 3, width_ratios=[side_in, WIDTH_IN, side_in], height_ratios=ratios)
    return [figure.add_subfigure(grid[number, 1]) for number in range(1, len(ratios) - 1)]


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
    for number, row in enumerate((table.columns, *table.rows)):
        cells = tuple(_cell(cell, width) for cell, width in zip(row, widths, strict=True))
        yield Row(cells, at, head=number == 0)


def _cell(text: str, width: int) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, width - 2)) or ("",)


def _wrapped(text: str, size: float = 9.0) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, int(WIDTH_IN * _PER_IN * 9 / size))) or ("",)
