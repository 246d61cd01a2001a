"""What somebody lets others see: a share, the links that lead to it, and what either may say."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import LONGEST_WORD

MOST_PEOPLE = 500
"""Users and groups of one share."""
MOST_JOBS = 5000
"""Results that one share may name; more than that are shared as a batch, or as all."""

WHAT: Mapping[str, tuple[frozenset[str], ...]] = {
    "recording": (frozenset({"job"}),),
    "collection": (frozenset({"jobs"}), frozenset({"batch"}), frozenset({"all"})),
    "batch": (frozenset({"batch"}),),
    "compare": (frozenset({"a", "b"}), frozenset({"a", "b", "truth"})),
}
"""Kinds of shares, and which names tell what is shared: any one of the sets."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """Something of somebody that others may look at. Times are seconds since 1970 (UTC).

    Attributes
    ----------
    id
        Thirty-two hexadecimal digits made by chance; empty where somebody looks at what is their own.
    owner, title
        Whose it is, and what they call it.
    kind, what
        Which dashboard, and of what: see `checked_what`.
    users, groups
        Who may see it, links aside.
    download
        Whether its files may be saved.
    link
        Whether there is a link that leads to it now.
    created_at, expires_at, revoked_at
        Since when, until when (``None``: until it is revoked), and when it was revoked.
    """

    id: str = ""
    owner: str
    kind: str
    title: str = ""
    what: dict[str, Any] = field(default_factory=dict)
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    download: bool = False
    link: bool = False
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None

    def state(self, now: float | None = None) -> str:
        """``"open"``, ``"expired"`` or ``"revoked"``, at a time (now, if left out)."""
        return _state(self.expires_at, self.revoked_at, now)


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link that leads to a share; what it reads is known to whoever has it, and to nobody else.

    Attributes
    ----------
    id
        Sixteen hexadecimal digits, by which it is listed and revoked.
    share, note
        Where it leads, and for whom it was made, in words.
    created_at, expires_at, revoked_at
        As of `Share`.
    """

    id: str
    share: str
    note: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None

    def state(self, now: float | None = None) -> str:
        """As of `Share`."""
        return _state(self.expires_at, self.revoked_at, now)


def own(owner: str, kind: str, which: str) -> Share:
    """What somebody sees of their own without having shared it; it is kept nowhere.

    Parameters
    ----------
    owner
        Who looks.
    kind
        ``recording``, ``collection``, ``batch`` or ``compare``.
    which
        Id of a job, or of a batch; ``"all"`` for the collection of everything; two jobs to compare as ``A..B``.

    Raises
    ------
    InputError
        Reason ``bad-share``.

    Examples
    --------
    >>> own("ann", "compare", "51c4f1d20a9b7e36..0c9f4a6d2b1e8f73").what
    {'a': '51c4f1d20a9b7e36', 'b': '0c9f4a6d2b1e8f73'}
    """
    first, _, second = which.partition("..")
    what: dict[str, Any]
    if kind == "recording":
        what = {"job": which}
    elif kind == "collection":
        what = {"all": True} if which == "all" else {"batch": which}
    elif kind == "compare":
        what = {"a": first, "b": second}
    else:
        what = {"batch": which}
    return Share(owner=owner, kind=kind, what=checked_what(kind, what), download=True)


def checked_what(kind: str, what: Mapping[str, Any]) -> dict[str, Any]:
    """What is shared, if it can be: a recording by its ``job``; a collection by its ``jobs``, a ``batch``, or ``all``;
    a ``batch``; two takes ``a`` and ``b`` to compare, and the ``truth`` (recordings of each speaker alone), if known.

    Raises
    ------
    InputError
        Reason ``bad-share``, or ``empty-share``: nothing would be shared.
    """
    if kind not in WHAT:
        raise bad(f"nothing of the kind {str(kind)[:60]!r} can be shared", f"kinds: {', '.join(WHAT)}")
    if frozenset(what) not in WHAT[kind]:
        wanted = ", or ".join(" and ".join(sorted(names)) for names in WHAT[kind])
        raise bad(f"a {kind} is not told by {', '.join(map(repr, what))[:100] or 'nothing'}", f"give {wanted}")
    for name, value in what.items():
        if name == "all":
            if value is not True:
                raise bad(f"all is {str(value)[:60]!r}", 'give "all": true, or "jobs", or "batch"')
        elif name in ("jobs", "truth"):
            _check_ids(name, value)
        else:
            _check_word(name, value)
    return dict(what)


def checked_owner(name: str) -> str:
    """The name of somebody who can have shares.

    Raises
    ------
    InputError
        Reason ``bad-share``.
    """
    _check_word("the owner", name)
    return name


def checked_title(title: str) -> str:
    """A title that can be shown; it may be empty.

    Raises
    ------
    InputError
        Reason ``bad-share``.
    """
    words = " ".join(title.split())
    if words:
        _check_word("title", words)
    return words


def checked_people(what: str, names: Iterable[str]) -> tuple[str, ...]:
    """Names of users or groups, each once.

    Raises
    ------
    InputError
        Reason ``bad-share``.
    """
    found = tuple(dict.fromkeys(name.strip() for name in names))
    for name in found:
        _check_word(what, name)
    if len(found) > MOST_PEOPLE:
        raise bad(f"{len(found)} {what}", f"at most {MOST_PEOPLE}; a group may have any number of members")
    return found


def bad(error: str, hint: str) -> InputError:
    """The error for a share that makes no sense."""
    return InputError(error, reason="bad-share", hint=hint)


def _check_ids(name: str, value: Any) -> None:
    if not isinstance(value, list | tuple):
        raise bad(f"{name} is {str(value)[:60]!r}", "give a list of ids")
    if not value:
        raise InputError(f"{name} is empty: nothing would be shared", reason="empty-share", hint="name at least one")
    if len(value) > MOST_JOBS:
        raise bad(f"{len(value)} {name}", f"at most {MOST_JOBS}; share a batch, or all")
    for each in value:
        _check_word(name, each)


def _check_word(name: str, value: object) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_WORD or not value.isprintable():
        raise bad(f"{name} is {str(value)[:60]!r}", f"give 1 to {LONGEST_WORD} printable characters")


def _state(expires_at: float | None, revoked_at: float | None, now: float | None) -> str:
    if revoked_at is not None:
        return "revoked"
    over = expires_at is not None and expires_at <= (time.time() if now is None else now)
    return "expired" if over else "open"
