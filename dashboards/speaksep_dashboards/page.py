"""What a view is, wherever it is shown: data for the first paint, answers to later questions, files to take away."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import ValidationError, validate_call

from speaksep_dashboards.places import without_folders
from speaksep_kernel.errors import InputError, SpeakSepError

if TYPE_CHECKING:
    from speaksep_dashboards.desk import Desk
    from speaksep_kernel.catalogue.share import Share

KINDS = ("recording", "collection", "batch", "compare", "operations")
MOST_BYTES = 2 << 20
"""No answer has more; comms and phones carry no larger ones."""


@dataclass(frozen=True)
class Reader:
    """Who looks.

    Attributes
    ----------
    name
        As the hub knows them; "" is whoever has the link.
    groups
        Of the hub.
    admin
        Whether they run the platform.
    """

    name: str
    groups: frozenset[str] = frozenset()
    admin: bool = False


@dataclass(frozen=True)
class Answer:
    """What comes back for a question: JSON-ready fields, and bytes beside them."""

    content: dict[str, Any]
    buffers: tuple[bytes, ...] = ()


class Page(Protocol):
    """A view of stored things as one reader may see it."""

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        ...

    @property
    def title(self) -> str:
        """What it is called."""
        ...

    @property
    def reads(self) -> frozenset[str]:
        """Kinds of questions that change nothing: the same one has the same answer while `version` is the same."""
        ...

    @property
    def writes(self) -> frozenset[str]:
        """Kinds of questions that change something; those that come again with their ``key`` change nothing more."""
        ...

    def version(self) -> str:
        """A word that changes whenever `data` would; cheap."""
        ...

    def data(self) -> dict[str, Any]:
        """JSON for the first paint, see `ViewPage.data`."""
        ...

    def answer(self, question: dict[str, Any]) -> Answer:
        """Answer ``{"ask": kind, …}``; an InputError for what is no question of this page."""
        ...

    def files(self) -> dict[str, str]:
        """Keys in the store of what may be downloaded, by name; none unless the share says so."""
        ...


class ViewPage:
    """What pages have in common. Several threads may use one at once; it looks anew each time.

    A page says what it shows in `shown`, what makes that change in `state`, and answers ``{"ask": "peaks", …}`` in
    ``answer_peaks(*, …)``, whose annotations the fields must fit.

    Parameters
    ----------
    share
        What may be seen of whose things; one without an id is an owner's look at things that were never shared.
    reader
        Who looks.
    desk
        Where the things are.
    """

    kind: ClassVar[str]
    reads: ClassVar[frozenset[str]] = frozenset()
    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, share: Share, reader: Reader, desk: Desk) -> None:
        self.share, self.reader, self.desk = share, reader, desk

    @property
    def title(self) -> str:
        """The share's, or what the page would call itself."""
        return self.share.title or self._own_title()

    def _own_title(self) -> str:
        return self.kind.capitalize()

    def state(self) -> Any:
        """Whatever makes `shown` another, JSON-ready and cheap."""
        raise NotImplementedError

    def shown(self) -> dict[str, Any]:
        """What this page adds to `data`."""
        raise NotImplementedError

    def can(self) -> dict[str, bool]:
        """What the reader may do here."""
        return {
            "download": bool(self.share.download),
            "comment": "comment" in self.writes,
            "vote": "vote" in self.writes,
            "explore": True,
        }

    def version(self) -> str:
        """A digest of `state`, for this reader: what is cached by it is nobody else's."""
        told = json.dumps(
            [self.kind, self.reader.name, self.title, self.can(), self.state()], sort_keys=True, default=str
        )
        return hashlib.sha256(told.encode()).hexdigest()[:20]

    @property
    def id(self) -> str:
        """Of the share and of what is seen of it: what a browser keeps for this page, it keeps under this word."""
        what = json.dumps(self.share.what, sort_keys=True, default=str)
        return f"{self.share.id or 'mine'}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"

    def data(self) -> dict[str, Any]:
        """``{"kind", "id", "reader", "title", "version", "made_at", "can", …}`` and what the page shows."""
        version = self.version()  # of what was there before it is read: what comes meanwhile is a new version
        head: dict[str, Any] = {"kind": self.kind, "id": self.id, "reader": self.reader.name, "title": self.title}
        head |= {"version": version, "made_at": iso(time.time())}
        return {**head, "can": self.can(), **self.shown()}

    def answer(self, question: dict[str, Any]) -> Answer:
        """Answer a question.

        Raises
        ------
        InputError
            Reasons ``unknown-ask``, ``bad-question`` and ``answer-too-large``, and those of the answer itself.
        """
        asked = question.get("ask")
        if not isinstance(asked, str) or asked not in self.reads | self.writes:
            raise InputError(f"nobody answers {str(asked)[:40]!r} here", reason="unknown-ask", hint="reload the page")
        fields = {str(name): value for name, value in question.items() if name not in ("id", "ask")}
        try:
            found: Answer = _checked(getattr(type(self), f"answer_{asked}"))(self, **fields)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, wrong["loc"]))
            raise InputError(
                f"{asked}: {place}: {wrong['msg']}", reason="bad-question", hint="reload the page"
            ) from None
        if sum(map(len, found.buffers)) > MOST_BYTES:
            raise InputError(
                f"{asked} would be more than {MOST_BYTES} bytes", reason="answer-too-large", hint="ask for less at once"
            )
        return found

    def files(self) -> dict[str, str]:
        """None, unless a page has some."""
        return {}


@cache
def _checked(method: Callable[..., Answer]) -> Callable[..., Answer]:
    return validate_call(method)


def without_places(error: SpeakSepError) -> SpeakSepError:
    """The same error for people who do not see the machine: without the folders of files."""
    return type(error)(without_folders(error.error), reason=error.reason, hint=without_folders(error.hint))


def iso(seconds: float | None) -> str | None:
    """A time (seconds since 1970) as ISO 8601 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
