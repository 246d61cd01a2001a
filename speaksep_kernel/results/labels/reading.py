"""Label files of other tools, read back as corrections of who speaks when."""

from __future__ import annotations

import math
from pathlib import Path
from unicodedata import category

from speaksep_kernel.errors import InputError
from speaksep_kernel.plugins import Loaded, available, create
from speaksep_kernel.results.handover import ReadableFormat, Span

ROUNDING_S = 0.05
"""By so much a label may reach beyond the recording or into the speaker's next one: tools round, each in its way."""


def read_labels(path: str | Path, *, seconds: float | None = None) -> tuple[Span, ...]:
    """Who speaks when, out of a label file.

    Parameters
    ----------
    path
        An RTTM file, Praat TextGrid, Audacity or ELAN file, CSV table, SegLST, or what other plugins can read; its
        suffix says which.
    seconds
        Length of the recording; labels that end later are refused. Not looked at if ``None``.

    Returns
    -------
    (start_s, end_s, label) of each, by start; labels of one name do not overlap.

    Raises
    ------
    InputError
        Reasons ``file-not-found``, ``unknown-format``, ``bad-encoding``, ``bad-labels`` (damaged, not what the suffix
        says, backwards, before the start, two labels of a name at once), ``past-the-end``, ``no-labels``.
    """
    path = Path(path)
    readers = {
        suffix: name
        for name, plugin in available("speaksep.formats").items()
        if isinstance(plugin, Loaded)
        for suffix in getattr(plugin.cls, "reads", ())
    }
    if path.suffix.lower() not in readers:
        raise InputError(
            f"{path.name}: labels are not read from {path.suffix or 'files without a suffix'}",
            reason="unknown-format",
            hint=f"give one of: {', '.join(sorted(readers))}",
        )
    reader: ReadableFormat = create("format", readers[path.suffix.lower()])
    length_s = math.inf if seconds is None else seconds
    by_label: dict[str, list[Span]] = {}
    for span in sorted(_checked(path, span, length_s) for span in reader.read(path)):
        earlier = by_label.setdefault(span[2], [])
        if earlier and earlier[-1][1] > span[0]:
            earlier[-1] = _cut(path, earlier[-1], span)
        earlier.append(span)
    if not by_label:
        raise InputError(f"{path.name} holds no labels", reason="no-labels", hint="label at least one turn")
    return tuple(sorted(span for spans in by_label.values() for span in spans))


def _checked(path: Path, span: Span, length_s: float) -> Span:
    """The span within the recording, its label without line breaks."""
    start_s, end_s, label = span[0], span[1], " ".join(span[2].split())
    what = f"{path.name}: {label or 'a label without a name'} at {start_s:.3f} to {end_s:.3f} s"
    if not label:
        raise InputError(what, reason="bad-labels", hint="write in it who is speaking")
    if any(category(character) == "Cc" for character in label):
        raise InputError(f"{what!r:.120}: control characters in a label", reason="bad-labels", hint="write it again")
    if not -ROUNDING_S <= start_s < end_s < math.inf:  # false for NaN, too
        raise InputError(
            f"{what} is no stretch of the recording", reason="bad-labels", hint="0 or more, and the end after the start"
        )
    if end_s > length_s + ROUNDING_S or start_s >= length_s:
        raise InputError(
            f"{what} is past the end of the recording, {length_s:.3f} s",
            reason="past-the-end",
            hint="correct the label; or is the file about another recording?",
        )
    return max(0.0, start_s), min(end_s, length_s), label


def _cut(path: Path, span: Span, following: Span) -> Span:
    """The span up to the following one of the same label."""
    if span[1] - following[0] > ROUNDING_S or span[0] == following[0]:
        raise InputError(
            f"{path.name}: {span[2]} speaks twice at once, from {following[0]:.3f} to {span[1]:.3f} s",
            reason="bad-labels",
            hint="join the two labels, or give one of them to somebody else",
        )
    return span[0], following[0], span[2]
