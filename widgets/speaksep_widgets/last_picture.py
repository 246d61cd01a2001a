"""What a notebook keeps of a widget for readers without its kernel: a picture, the same as text, a word about it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
from IPython import display
from numpy.typing import NDArray
from PIL import Image, ImageColor

Spans: TypeAlias = "Sequence[tuple[float, float]]"

LANE_PX = 48
MOST_TURNS = 1000
"""In the table; more are in the files of the result."""
SHADE = 56
"""Opacity of a turn, of 255."""

# With the widget on the page, what it left is hidden, and where it was, a complaint of the page that it is not there.
# Both wait until widgets had time to come. Pages that take no styles from notebooks they do not trust show both.
STYLE = """<style>
@keyframes speaksep-later { from { max-height: 0; overflow: hidden; } }
@keyframes speaksep-gone { to { max-height: 0; overflow: hidden; } }
.speaksep-last-KEY { animation: speaksep-later 0s 4s both; font: 13px/1.4 system-ui, sans-serif; }
.speaksep-last-KEY table { border-collapse: collapse; text-align: left; margin: 4px 0; }
.speaksep-last-KEY .lanes { width: 100%; }
.speaksep-last-KEY .lanes th { width: 12em; vertical-align: middle; text-align: left; font-weight: normal; }
.speaksep-last-KEY .lanes td { padding: 0; text-align: left; }
.speaksep-last-KEY img { display: block; width: 100%; height: 48px; margin: 0; }
body:has(.speaksep-KEY) .speaksep-last-KEY { display: none; }
body:has(.speaksep-KEY) .jp-OutputArea-child:has(> .jp-OutputArea-output .speaksep-last-KEY) { display: none; }
.jp-OutputArea-child:has(+ .jp-OutputArea-child .speaksep-last-KEY):not(:has(.speaksep-KEY)) {
  animation: speaksep-gone 0s 4s both;
}
</style>"""


_show: Any = display.display  # it has no types


class LeavesPicture:
    """A widget that leaves its last picture in the notebook, as a second output beside itself.

    Notebooks are opened again when the kernel is gone, converted to pages, read on sites that run nothing. What is
    shown there is HTML without scripts. It is hidden while the widget is on the page.
    """

    _left: tuple[Any, ...] = ()
    _part_of: LeavesPicture | None = None
    model_id: str

    def _last_picture(self) -> str:
        """What is shown, as HTML; the word that it is not live comes before it."""
        return ""

    def _last_name(self) -> str:
        """What is shown, in a few words."""
        return type(self).__name__

    def _ipython_display_(self, **how: Any) -> None:
        self.add_class(f"speaksep-{self.model_id}")  # type: ignore[attr-defined]  # every DOM widget has it
        view = self._repr_mimebundle_(**how)  # type: ignore[attr-defined]
        data, metadata = view if isinstance(view, tuple) else (view, {})
        _show({**data, "text/plain": self._last_name()}, metadata=metadata, raw=True)
        handle = _show(self._left_output(), raw=True, display_id=True)
        self._left = (*self._left, handle) if handle is not None else self._left

    def _leave_picture(self) -> None:
        """What was left so far is replaced by how it is now."""
        for handle in self._left:
            handle.update(self._left_output(), raw=True)
        if self._part_of is not None:
            self._part_of._leave_picture()

    def _left_output(self) -> dict[str, str]:
        word = f"Not live: the last picture of {self._last_name()}. Run the cell again to go on."
        return {
            "text/plain": word,
            "text/html": f'{STYLE.replace("KEY", self.model_id)}<div class="speaksep-last-{self.model_id}">'
            f"<p><strong>{escape(word)}</strong></p>{self._last_picture()}</div>",
        }


def picture_of_lanes(
    titles: Mapping[str, str],
    peaks: NDArray[np.int16],
    colours: Mapping[str, str],
    spans: Mapping[str, Spans],
    seconds: float,
) -> str:
    """Lanes one below the other, a picture each.

    Parameters
    ----------
    titles
        What to call each lane, by lane.
    peaks
        (lanes, columns, 2) lowest and highest sample per column.
    colours
        ``#rrggbb`` by lane; grey without, which is seen on light and dark pages.
    spans
        Stretches to shade, in seconds, by lane.
    seconds
        Length of what is shown.
    """
    loudest = max(int(np.abs(peaks.astype(np.int32)).max(initial=0)), 1)
    rows = []
    for (lane, title), values in zip(titles.items(), peaks, strict=True):
        image = _png(values / (1.05 * loudest), colours.get(lane, "#808080"), spans.get(lane, ()), seconds)
        src = f"data:image/png;base64,{b64encode(image).decode()}"
        text = f"Waveform of {title}, 0 to {seconds:.0f} s"
        rows.append(f'<tr><th>{escape(title)}</th><td><img src="{src}" width="100%" height="48" alt="{escape(text)}">')
    return f'<table class="lanes">{"".join(rows)}</table>'


def _png(values: NDArray[np.float64], colour: str, spans: Spans, seconds: float) -> bytes:
    columns = len(values)
    inked = np.zeros((LANE_PX, columns), np.uint8)
    for start, stop in spans:
        first = int(start / seconds * columns)
        inked[:, first : max(int(np.ceil(stop / seconds * columns)), first + 1)] = 1
    at = np.linspace(1, -1, LANE_PX)[:, None]
    low, high = np.minimum(values[:, 0], -1 / LANE_PX), np.maximum(values[:, 1], 1 / LANE_PX)
    inked[(at >= low) & (at <= high)] = 2
    image = Image.fromarray(inked, "P")
    image.putpalette(bytes(3) + bytes(ImageColor.getrgb(colour)) * 2)
    out = BytesIO()
    image.save(out, "PNG", transparency=bytes((0, SHADE, 255)), optimize=True)
    return out.getvalue()


def table_of_turns(turns: Sequence[tuple[str, float, float, float]]) -> str:
    """Who speaks when, folded away: (name, start_s, end_s, confidence) each."""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{start:.2f}</td><td>{end:.2f}</td><td>{100 * sure:.0f} %</td></tr>"
        for name, start, end, sure in turns[:MOST_TURNS]
    )
    more = f"<p>And {len(turns) - MOST_TURNS} more.</p>" if len(turns) > MOST_TURNS else ""
    head = "".join(f'<th scope="col">{title}</th>' for title in ("Speaker", "From (s)", "To (s)", "Certainty"))
    return f"<details><summary>{len(turns)} turns</summary><table><tr>{head}</tr>{rows}</table>{more}</details>"
