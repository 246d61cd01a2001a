"""What a report says, before anybody decides how it looks: numbers, sections, and their parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from speaksep_kernel.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase


@dataclass(frozen=True)
class Words:
    """A paragraph; ``severity`` ("notice", "warning", "error") makes a remark of it, under a ``title``."""

    text: str
    severity: str = ""
    title: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of text; the first cell of each says what the row is about."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(Protocol):
    """A figure; what it shows stands in ``alt``, for those who do not see it."""

    @property
    def caption(self) -> str:
        """What it is."""
        ...

    @property
    def alt(self) -> str:
        """What can be seen in it."""
        ...

    @property
    def height_in(self) -> float:
        """Inches high, at the width of a page."""
        ...

    def draw(self, figure: FigureBase) -> None:
        """Draw it into an empty figure, or a part of one."""
        ...


@dataclass(frozen=True)
class Excerpt:
    """A few seconds of sound, as a file of Ogg Opus."""

    caption: str
    opus: bytes


Part: TypeAlias = "Words | Table | Excerpt | Picture"


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Report:
    """A report that needs nothing but itself.

    Attributes
    ----------
    title, lead
        What it is about, and the one line under it.
    numbers
        The few that matter most, each with what it is.
    sections
        The rest.
    made_at
        When, in seconds since 1970.

    Examples
    --------
    >>> report = Report("Nothing", "", (), (Section("Why", (Words("Nobody spoke."),)),), made_at=0.0)
    >>> report.html().startswith("<!doctype html>"), report.pdf()[:5]
    (True, b'%PDF-')
    """

    title: str
    lead: str
    numbers: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    made_at: float

    def html(self) -> str:
        """One file with everything in it: figures, sound, style; no script, and nothing from any network."""
        from speaksep_dashboards.reports.html import as_html

        return as_html(self)

    def pdf(self) -> bytes:
        """Its words, tables and figures on pages of A4."""
        from speaksep_dashboards.reports.pdf import as_pdf

        return as_pdf(self)

    def save(self, path: str | Path) -> Path:
        """Write it as what the ending says, .html or .pdf; the file is wholly old or wholly new.

        Raises
        ------
        InputError
            Reason ``unknown-report-format``.
        StoreError
            It cannot be written.
        """
        from speaksep_kernel.atomic import write_atomically

        place = Path(path)
        check_ending(place)
        write_atomically(place, self.pdf() if place.suffix.lower() == ".pdf" else self.html().encode(), mode=0o644)
        return place

    def _repr_html_(self) -> str:
        from html import escape

        frame = 'sandbox style="width:100%;height:640px;border:1px solid #8c959f;border-radius:6px"'
        return f'<iframe title="{escape(self.title)}" srcdoc="{escape(self.html())}" {frame}></iframe>'


def check_ending(path: Path) -> None:
    """Refuse what is neither .html nor .pdf.

    Raises
    ------
    InputError
        Reason ``unknown-report-format``.
    """
    if path.suffix.lower() not in (".html", ".pdf"):
        raise InputError(
            f"a report cannot be written as {path.name!r}",
            reason="unknown-report-format",
            hint="end it in .html or .pdf",
        )
