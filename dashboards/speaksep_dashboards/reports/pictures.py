"""Figures of reports: values that draw themselves with matplotlib, once for SVG and once for PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from speaksep_dashboards.reports.lettering import LINE, QUIET, lettered
from speaksep_kernel.results.picture import COLOURS
from speaksep_kernel.voices.turns import Turn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

COLUMNS = 700
"""Entries of a waveform: more cannot be told apart at the width of a page."""
MOST_POINTS = 1000
_LABEL = 22
_PARTS = (COLOURS[5], COLOURS[3])
"""Of bars: none of the first three speakers' colours."""


@dataclass(frozen=True)
class Lane:
    """One row of `WhoSpokeWhen`.

    Attributes
    ----------
    name
        What stands beside it.
    wave
        (COLUMNS, 2) lowest and highest sample, full scale 1.
    turns
        When somebody speaks.
    colour
        Index into the palette; -1 is grey.
    """

    name: str
    wave: NDArray[np.float32]
    turns: tuple[Turn, ...] = ()
    colour: int = -1


@dataclass(frozen=True)
class WhoSpokeWhen:
    """The recording above, a lane for every speaker below: sound and turns."""

    caption: str
    alt: str
    seconds: float
    lanes: tuple[Lane, ...]

    @property
    def height_in(self) -> float:
        """See `Picture.height_in`."""
        return 0.55 + 0.55 * len(self.lanes)

    def draw(self, figure: FigureBase) -> None:
        """See `Picture.draw`."""
        rows = np.atleast_1d(figure.subplots(len(self.lanes), 1, sharex=True))
        at_s = np.linspace(0, self.seconds, COLUMNS)
        # Quiet people are seen, too; all lanes have one scale, so that they can be compared.
        top = max(0.02, *(float(np.abs(lane.wave).max(initial=0)) for lane in self.lanes))
        for axes, lane in zip(rows, self.lanes, strict=True):
            colour = LINE if lane.colour < 0 else COLOURS[lane.colour % len(COLOURS)]
            spans = _spans(lane.turns, self.seconds / COLUMNS)
            axes.broken_barh(spans, (-top, 2 * top), color=colour, alpha=0.25, linewidth=0)
            axes.fill_between(at_s, lane.wave[:, 0], lane.wave[:, 1], color=colour, linewidth=0)
            _plain(axes)
            axes.set(ylim=(-top, top), yticks=[])
            axes.tick_params(bottom=lane is self.lanes[-1])
            axes.set_ylabel(lettered(lane.name, _LABEL), rotation=0, ha="right", va="center")
        rows[-1].set(xlim=(0, self.seconds))
        rows[-1].xaxis.set_major_formatter(lambda at, _: _clock(at, self.seconds))


@dataclass(frozen=True)
class Bars:
    """Lying bars, each made of parts.

    Attributes
    ----------
    names
        What stands beside each.
    parts
        Name of a part and its length in every bar.
    unit
        What is measured along them.
    """

    caption: str
    alt: str
    names: tuple[str, ...]
    parts: tuple[tuple[str, tuple[float, ...]], ...]
    unit: str

    @property
    def height_in(self) -> float:
        """See `Picture.height_in`."""
        return 0.75 + 0.3 * len(self.names) + (0.25 if len(self.parts) > 1 else 0)

    def draw(self, figure: FigureBase) -> None:
        """See `Picture.draw`."""
        axes = figure.subplots()
        left = np.zeros(len(self.names))
        for number, (name, lengths) in enumerate(self.parts):
            axes.barh(range(len(self.names)), lengths, 0.7, left=left, color=_PARTS[number], label=lettered(name))
            left += lengths
        axes.set(yticks=range(len(self.names)), yticklabels=[lettered(name, _LABEL) for name in self.names])
        axes.set(xlabel=self.unit, ylim=(len(self.names) - 0.5, -0.5))
        if len(self.parts) > 1:
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(self.parts), frameon=False, borderpad=0)
        _plain(axes)


@dataclass(frozen=True)
class Distribution:
    """How often which value comes: of whole numbers a bar for each, of others twenty bins."""

    caption: str
    alt: str
    values: tuple[float, ...]
    unit: str
    height_in: float = 2.2

    def draw(self, figure: FigureBase) -> None:
        """See `Picture.draw`."""
        from matplotlib.ticker import MaxNLocator

        axes = figure.subplots()
        values = np.asarray(self.values)
        whole = bool(np.all(values == np.round(values))) and np.ptp(values) <= 20
        bins: Any = np.arange(values.min() - 0.5, values.max() + 1) if whole else 20
        axes.hist(values, bins=bins, color=_PARTS[0], rwidth=0.85 if whole else 0.95)
        if whole:
            axes.set_xlim(min(values.min(), 0) - 0.5, max(values.max(), 5) + 0.5)
        axes.set(xlabel=self.unit, ylabel="recordings")
        axes.xaxis.set_major_locator(MaxNLocator(integer=whole))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        _plain(axes)


@dataclass(frozen=True)
class Points:
    """Two measures of everything, a point each."""

    caption: str
    alt: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    units: tuple[str, str]
    days: bool = False
    height_in: float = 2.6

    def draw(self, figure: FigureBase) -> None:
        """See `Picture.draw`; with ``days``, ``x`` are seconds since 1970."""
        axes = figure.subplots()
        along: Any = np.asarray(self.x)
        if self.days:
            from matplotlib import dates

            untyped: Any = dates
            locator = untyped.AutoDateLocator(maxticks=8)
            along = np.asarray(np.round(along), "datetime64[s]")
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator))
        many = len(self.y) > MOST_POINTS  # then a picture of them is smaller
        axes.scatter(along, self.y, s=16, alpha=0.6, color=_PARTS[0], linewidth=0, rasterized=many)
        axes.set(xlabel=self.units[0], ylabel=self.units[1])
        _plain(axes)


def _spans(turns: Sequence[Turn], least_s: float) -> list[tuple[float, float]]:
    """Start and length of turns; those that nobody could tell apart are one."""
    found: list[tuple[float, float]] = []
    for turn in sorted(turns):
        start_s, end_s = turn.start_s, turn.end_s
        if found and start_s - sum(found[-1]) < least_s:
            start_s, length_s = found.pop()
            end_s = max(end_s, start_s + length_s)
        found.append((start_s, end_s - start_s))
    return found


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=QUIET, labelsize=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=QUIET, size=8)


def waveform(peaks: NDArray[np.int16]) -> NDArray[np.float32]:
    """(n, 2) peaks of any number as the float32 that a `Lane` takes."""
    return np.asarray(peaks, dtype=np.float32) / np.float32(32767)


def listed(values: Sequence[str], most: int = 5) -> str:
    """A few of them in words.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(values[:most]) + more


def _clock(at_s: float, whole_s: float) -> str:
    if whole_s < 10:
        return f"{at_s:.3g} s"
    minutes, seconds = divmod(round(at_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if whole_s >= 3600 else f"{minutes}:{seconds:02}"
