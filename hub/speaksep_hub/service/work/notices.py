"""Notices as the service makes them: with links to what ended, where there are pages of it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.notices.addresses import Addresses
from speaksep_hub.notices.post import Post
from speaksep_hub.notices.quiet import Quiet
from speaksep_hub.notices.wishes import MOST_ADDRESSES, Wanted, Which, told
from speaksep_hub.notices.words import message
from speaksep_hub.service.work.shares import page_address
from speaksep_kernel.catalogue.notice import Ended, Notice
from speaksep_kernel.catalogue.subjects import SEPARATES

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

RECENT = 20
"""Notices that are told of."""

_WISHES: dict[str, Any] = {
    "addresses": ["ann@example.org"],
    "jobs": "failed",
    "batches": "all",
    "least_s": 60,
    "names": True,
    "quiet": {"begins": "22:00", "ends": "07:00", "zone": "Europe/Berlin"},
}


class NoticesWanted(BaseModel):
    """What you want to be told of, and where."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_WISHES]})

    addresses: list[str] = Field(
        max_length=MOST_ADDRESSES,
        description="`name@example.org`, `service://…` as Apprise writes it, or the id of one that is known.",
    )
    jobs: Which = Field("all", description="Of which jobs; those of a batch are told with it.")
    batches: Which = Field("all", description="Of which batches.")
    least_s: float = Field(
        60, ge=0, le=1e6, description="Of jobs that did not fail, only those that took so many seconds."
    )
    names: bool = Field(True, description="Whether names of recordings and batches are told; else their ids.")
    quiet: Quiet | None = Field(None, description="When nothing is told; it comes afterwards, in one message.")


class AddressAnswer(BaseModel):
    """Where you are told."""

    id: str = Field(description="By which you name it, to keep it.")
    address: str | None = Field(description="Without what is secret of it; null: it has to be given anew.")


class NoticeAnswer(BaseModel):
    """Something you were told, or are to be."""

    address: str = Field(description="Id of the address.")
    title: str
    state: Literal["waiting", "sent", "failed", "dropped"]
    tries: int
    error: str = Field(description="Why it did not arrive the last time; empty if it did.")
    made_at: datetime
    due_at: datetime
    told_at: datetime | None


class NoticesAnswer(BaseModel):
    """What you want to be told, and what you were told last."""

    addresses: list[AddressAnswer]
    jobs: Which
    batches: Which
    least_s: float
    names: bool
    quiet: Quiet | None
    enabled: bool = Field(description="Whether this platform tells anybody anything.")
    mail: bool = Field(description="Whether it sends e-mail.")
    services: list[str] = Field(description="Services that addresses may be of.")
    recent: list[NoticeAnswer]


def post_of(platform: Platform) -> Post:
    """Who makes and sends the notices of a platform."""
    settings = platform.settings.notices
    return Post(
        platform.catalogue.notices,
        Addresses.of(platform.settings),
        gather_s=settings.gather_s,
        keep_days=settings.keep_days,
        link=partial(_page, platform),
    )


def notices_answer(platform: Platform, owner: str) -> NoticesAnswer:
    """All of it, as its owner sees it."""
    notices, settings = platform.catalogue.notices, platform.settings.notices
    wanted = Wanted.read(notices.wishes(owner))
    addresses = told(Addresses.of(platform.settings), wanted) if wanted.addresses else {}
    return NoticesAnswer(
        **{**wanted.written(), "quiet": wanted.quiet}
        | {"addresses": [AddressAnswer(id=name, address=shown) for name, shown in addresses.items()]},
        enabled=settings.enabled,
        mail=settings.mail is not None,
        services=sorted(settings.services),
        recent=[_notice(each, names=wanted.names) for each in notices.recent(owner, RECENT)],
    )


def _notice(notice: Notice, *, names: bool) -> NoticeAnswer:
    title = message([notice.ended], names=names, link=lambda ended: None).title
    times = {name: getattr(notice, name) for name in ("made_at", "due_at", "told_at")}
    when = {name: at and datetime.fromtimestamp(at, UTC) for name, at in times.items()}
    own = {"address": notice.address, "state": notice.state, "tries": notice.tries, "error": notice.error}
    return NoticeAnswer.model_validate({**own, **when, "title": title})


def _page(platform: Platform, ended: Ended) -> str | None:
    if ended.kind == "batch":
        return page_address(platform, f"mine/batch/{ended.id}/")
    done = ended.notebook == SEPARATES and not ended.failed
    return page_address(platform, f"mine/recording/{ended.id}/") if done else None
