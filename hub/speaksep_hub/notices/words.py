"""What a notice says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from speaksep_kernel.catalogue.notice import Ended

MOST_LINES = 20
LONGEST_NAME = 80
"""Characters of a name."""

_KINDS = {
    "separate": "separation",
    "diagnose": "diagnosis",
    "edit": "correction",
    "identify": "identification",
    "convert": "export",
    "enroll": "enrolment",
}


@dataclass(frozen=True)
class Message:
    """A message to one person.

    Attributes
    ----------
    title, body
        Plain text, the first of one line.
    bad
        Whether something failed.
    """

    title: str
    body: str
    bad: bool


def message(ended: Sequence[Ended], *, names: bool, link: Callable[[Ended], str | None]) -> Message:
    """One message about everything that ended.

    Parameters
    ----------
    ended
        At least one.
    names
        Whether recordings and batches are called by their names.
    link
        Where something can be seen; None: nowhere.
    """
    lines = [_line(each, names=names) for each in ended]
    bad = any(each.failed for each in ended)
    if len(ended) == 1:
        where = link(ended[0])
        return Message(lines[0], "\n".join([f"{lines[0]}{_after(ended[0])}.", *filter(None, [where])]), bad)
    failed = sum(each.failed for each in ended)
    title = f"{len(ended)} jobs and batches have ended" + (f", {failed} with failures" if failed else "")
    more = [f"… and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return Message(title, "\n".join([*lines[:MOST_LINES], *more]), bad)


def _line(ended: Ended, *, names: bool) -> str:
    if ended.kind == "test":
        return "SpeakSep reaches you here"
    name = (_clean(ended.name) if names else "") or _clean(ended.id)
    if ended.kind == "job":
        kind = _KINDS.get(ended.notebook, f"notebook {_clean(ended.notebook)}").capitalize()
        return f"{kind} of {name} failed ({_clean(ended.reason)})" if ended.failed else f"{kind} of {name} is done"
    words = {"succeeded": "done", "failed": "failed", "cancelled": "cancelled"}
    counted = ", ".join(f"{ended.counts[state]} {word}" for state, word in words.items() if ended.counts.get(state))
    return f"Batch {name} has ended: {counted}"


def _after(ended: Ended) -> str:
    if ended.kind == "test":
        return ": this is what notices come like"
    hours, seconds = divmod(round(ended.seconds), 3600)
    minutes, seconds = divmod(seconds, 60)
    return (
        f", {hours} h {minutes} min after it was asked for"
        if hours
        else f", {minutes} min {seconds} s after it was asked for"
    )


def _clean(name: str) -> str:
    """A name that ends no line and begins no header, tag or mention."""
    plain = "".join(letter for letter in name if letter.isprintable() and letter not in "<>@`*|")
    return plain if len(plain) <= LONGEST_NAME else f"{plain[:LONGEST_NAME]}…"
