"""What is on the page, as the Python that makes it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from speaksep_kernel.voices.book import Books
from speaksep_widgets.recording_view import LaneWidget

if TYPE_CHECKING:
    from speaksep_widgets.workbench import Workbench

SIGHT = ("view_s", "selection_s", "playhead_s", "scale", "gain", "mixer")
"""Traits that say what is seen and heard, not what is so."""


def python_of(bench: Workbench, source: str | os.PathLike[str] | None) -> str:
    """The verbs that were called and how the page was left.

    Parameters
    ----------
    bench
        The page.
    source
        Path or URL it was opened with; the code says ``recording`` where there is none.
    """
    said = repr(os.fspath(source)) if source is not None else "recording"
    lines = ["import speaksep_kernel as speaksep", ""]
    lines += _verbs(bench, said)
    last = "separation" if bench.tracks is not None else said
    sights = {"view": _sight(bench.view), "tracks": _sight(bench.tracks)}
    settings = [f"bench.{part}.{name} = {value!r}" for part, sight in sights.items() for name, value in sight]
    if settings:
        lines += ["", "from speaksep_widgets import Workbench", "", f"bench = Workbench({last})", *settings, "bench"]
    return "\n".join(lines) + "\n"


def _verbs(bench: Workbench, said: str) -> list[str]:
    lines: list[str] = []
    if bench.recording is not None:
        if bench.diagnosis is not None:
            lines.append(f"diagnosis = speaksep.diagnose({said})")
        if bench.plan is not None:
            lines.append(f"plan = speaksep.plan({', '.join(['diagnosis', *_keywords(bench.plan.choices)])})")
        if bench.tracks is not None:
            place = None if bench.directory is None else str(bench.directory)
            plan = ["plan=plan"] if bench.plan is not None else []
            lines.append(f"separation = speaksep.separate({', '.join([said, repr(place), *plan])})")
    elif bench.tracks is not None:
        lines.append(f"separation = speaksep.Separation.open({str(bench.tracks.separation.directory)!r})")
    if bench.tracks is not None and bench.recording is not None:
        log = bench.tracks.edit_log
        lines += [_correction(edit) for edit in log["edits"][: log["position"]]]
    if bench.voices is not None and bench.voices.named:
        book = "" if bench.book is None else f", {_plain(bench.book)!r}"
        lines.append(f"separation = speaksep.identify(separation{book})")
    if bench.exports is not None and bench.exports.files:
        lines.append(f"files = speaksep.export({', '.join(['separation', *_keywords(bench.exports.choices)])})")
    return lines


def _correction(edit: dict[str, Any]) -> str:
    if edit["op"] != "reseparate":
        return f"separation = speaksep.edit(separation, {edit!r})"
    names = ("speakers", "separator", "separator_options", "quality")
    choices = {name: edit[name] for name in names if edit[name] not in (None, {})}
    words = [repr(edit["start_s"]), repr(edit["end_s"]), *_keywords(choices)]
    return f"separation = speaksep.reseparate(separation, {', '.join(words)})"


def _plain(book: Books) -> Any:
    """Paths of books as text."""
    if book is None or isinstance(book, str | os.PathLike):
        return None if book is None else os.fspath(book)
    return [os.fspath(each) for each in book]


def _keywords(choices: dict[str, Any]) -> list[str]:
    return [f"{name}={value!r}" for name, value in choices.items()]


def _sight(widget: LaneWidget | None) -> list[tuple[str, Any]]:
    """Traits of a view that are not as they were when it was made."""
    if widget is None:
        return []
    found = {name: getattr(widget, name) for name in SIGHT if widget.has_trait(name)}
    usual = {name: widget.traits()[name].default() for name in found} | {"view_s": [0.0, widget.seconds]}
    return [(name, value) for name, value in found.items() if value and value != usual[name]]
