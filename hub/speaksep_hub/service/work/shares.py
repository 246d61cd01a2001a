"""Shares as the service tells them to whoever made them."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urljoin

from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.place import beside
from speaksep_kernel.catalogue.remarks import Comment, Vote
from speaksep_kernel.catalogue.share import Link, Share

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

_WHAT: dict[str, Any] = {
    "id": "5f0c2a9be7d14c0f8d1e6a3b7c924f10",
    "kind": "recording",
    "title": "Interview with Ms. Weber",
    "what": {"job": "51c4f1d20a9b7e36"},
    "users": ["vera"],
    "groups": ["editors"],
    "download": False,
    "state": "open",
    "link": True,
    "url": "https://speech.example.org/services/dashboards/share/5f0c2a9be7d14c0f8d1e6a3b7c924f10/",
    "created_at": "2026-05-04T09:12:00.120+00:00",
    "expires_at": "2026-06-03T09:12:00.120+00:00",
    "revoked_at": None,
}

State = Literal["open", "expired", "revoked"]


class ShareAnswer(BaseModel):
    """Something that you let others see."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WHAT]})

    id: str
    kind: str = Field(description="What they see: recording, collection, batch or compare.")
    title: str = Field(description="What you call it.")
    what: dict[str, Any] = Field(description="Of which jobs, as it was shared.")
    users: list[str] = Field(description="Who may see it.")
    groups: list[str] = Field(description="Groups whose members may.")
    download: bool = Field(description="Whether its files may be saved.")
    state: State
    link: bool = Field(description="Whether there is a link that leads to it now.")
    url: str | None = Field(description="Where its page is; null where no dashboards belong to the service.")
    created_at: datetime
    expires_at: datetime | None = Field(description="Until when it may be seen; null: until you revoke it.")
    revoked_at: datetime | None


class LinkAnswer(BaseModel):
    """A link to something that you share, without what it reads."""

    id: str
    note: str = Field(description="For whom it is; only you see this.")
    state: State
    created_at: datetime
    expires_at: datetime | None = Field(description="Until when it works; null: as long as the share.")


class LinkMade(LinkAnswer):
    """A new link."""

    token: str = Field(description="What makes the link one. It is not shown again.")
    url: str | None = Field(description="The link; null where no dashboards belong to the service.")


class CommentAnswer(BaseModel):
    """What somebody wrote about something that you share."""

    id: int
    reader: str = Field(description="Who; empty: somebody with a link who was not signed in.")
    text: str
    at_s: float | None = Field(description="About which second; null: about all of it.")
    made_at: datetime


def share_answer(platform: Platform, share: Share) -> ShareAnswer:
    """A share as its owner sees it."""
    return ShareAnswer(
        id=share.id,
        kind=share.kind,
        title=share.title,
        what=share.what,
        users=list(share.users),
        groups=list(share.groups),
        download=share.download,
        state=_state(share.state()),
        link=share.link,
        url=page_address(platform, f"share/{share.id}/"),
        created_at=_when(share.created_at),
        expires_at=_until(share.expires_at),
        revoked_at=_until(share.revoked_at),
    )


def link_answer(link: Link) -> LinkAnswer:
    """A link as its owner sees it."""
    return LinkAnswer(
        id=link.id,
        note=link.note,
        state=_state(link.state()),
        created_at=_when(link.created_at),
        expires_at=_until(link.expires_at),
    )


def link_made(platform: Platform, link: Link, token: str) -> LinkMade:
    """A link as it is told once."""
    return LinkMade(**link_answer(link).model_dump(), token=token, url=page_address(platform, f"link/{token}"))


def comment_answer(comment: Comment) -> CommentAnswer:
    """A comment."""
    return CommentAnswer(**{**vars(comment), "made_at": _when(comment.made_at)})


def votes_table(votes: Sequence[Vote]) -> bytes:
    """One line per vote that counts, as CSV."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("reader", "item", "choice", "made_at"))
    table.writerows((_cell(v.reader), _cell(v.item), _cell(v.choice), _when(v.made_at).isoformat()) for v in votes)
    return text.getvalue().encode()


def until(expires_in: int | None) -> float | None:
    """Seconds since 1970 when so many seconds are over."""
    return None if expires_in is None else time.time() + expires_in


def page_address(platform: Platform, path: str = "") -> str | None:
    """An address of the dashboards; None where the service is alone, and nobody has said where they are."""
    settings = platform.settings
    if settings.dashboards.url:
        return f"{settings.dashboards.url.rstrip('/')}/{path}"
    if platform.place.hub is None or not settings.dashboards.enabled:
        return None
    return f"{urljoin(settings.hub.url, beside('dashboards'))}{path}"


def _cell(words: str) -> str:
    """Words that no spreadsheet takes for a formula."""
    return f"'{words}" if words.startswith(("=", "+", "-", "@")) else words


def _state(state: str) -> State:
    found: dict[str, State] = {"expired": "expired", "revoked": "revoked"}
    return found.get(state, "open")


def _until(seconds: float | None) -> datetime | None:
    return None if seconds is None else _when(seconds)


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
