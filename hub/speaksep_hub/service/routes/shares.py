"""Shares: let others look at your results, see who may, end it; links that lead there, and what people said."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.answers import Failure
from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.identity.exchange import moment
from speaksep_hub.service.paging import Page, WantedPage, cursor_of
from speaksep_hub.service.platform import Platform, ThePlatform
from speaksep_hub.service.work.audited import told
from speaksep_hub.service.work.shares import (
    CommentAnswer,
    LinkAnswer,
    LinkMade,
    ShareAnswer,
    comment_answer,
    link_answer,
    link_made,
    share_answer,
    until,
    votes_table,
)
from speaksep_hub.service.work.shown import IdempotencyKey, own_key, pointing_to
from speaksep_kernel.catalogue.share import MOST_PEOPLE, Share
from speaksep_kernel.catalogue.subjects import check_theirs
from speaksep_kernel.errors import InputError

router = APIRouter(tags=["shares"])

DAY_S = 86400
LONGEST_S = 3660 * DAY_S
Sharer = Annotated[Caller, Security(needs, scopes=["dashboards:share"])]
Names = Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=MOST_PEOPLE)]
Seconds = Annotated[int, Field(ge=1, le=LONGEST_S)]
OVER: dict[int | str, dict[str, Any]] = {410: {"model": Failure, "description": "The share is over."}}


class ShareWanted(BaseModel):
    """What others shall see, who, and for how long."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "recording", "what": {"job": "51c4f1d20a9b7e36"}, "users": ["vera"], "expires_in": 30 * DAY_S},
                {"kind": "collection", "what": {"all": True}, "groups": ["editors"], "download": True},
                {"kind": "compare", "what": {"a": "51c4f1d20a9b7e36", "b": "0c9f4a6d2b1e8f73"}, "users": ["vera"]},
            ]
        },
    )

    kind: str = Field(max_length=16, description="recording, collection, batch or compare.")
    what: dict[str, Any] = Field(
        description="A recording: `job`. A collection: `jobs`, `batch`, or `all`: true, what you make later included. "
        "A batch: `batch`. To compare: jobs `a` and `b`, and `truth`, recordings of each speaker alone, if any."
    )
    title: str = Field("", max_length=255, description="What you call it; they see it.")
    users: Names = Field(default_factory=list, description="Names of people who may see it.")
    groups: Names = Field(default_factory=list, description="Names of groups whose members may.")
    download: bool = Field(False, description="Whether they may save its files.")
    expires_in: Seconds | None = Field(None, description="Seconds; until you revoke it, if left out.")


class ShareChange(BaseModel):
    """What shall be otherwise; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"users": ["vera", "viktor"]}]})

    title: str = Field("", max_length=255)
    users: Names = Field(default_factory=list, description="All who may see it from now on.")
    groups: Names = Field(default_factory=list)
    download: bool = False
    expires_in: Seconds | None = Field(None, description="Seconds from now; null: until you revoke it.")

    def changes(self) -> dict[str, Any]:
        """As the catalogue takes them."""
        changed = self.model_dump(exclude_unset=True)
        if "expires_in" in changed:
            changed["expires_at"] = until(changed.pop("expires_in"))
        return changed


class LinkWanted(BaseModel):
    """For how long a link shall work, and for whom it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"expires_in": 7 * DAY_S}]})

    expires_in: Seconds = Field(30 * DAY_S, description="Seconds; never longer than the share.")
    note: str = Field("", max_length=255, description="For whom it is; only you see this.")


@router.post("/shares", status_code=201)
def make_share(
    wanted: ShareWanted,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["dashboards:share", "recordings:read"])],
    key: IdempotencyKey = None,
) -> ShareAnswer:
    """Let others see something of yours: by name, by group, or by links that you make afterwards."""
    check_theirs(platform.jobs, platform.catalogue, caller.name, wanted.kind, wanted.what)
    share = platform.catalogue.shares.create(
        caller.name,
        wanted.kind,
        wanted.what,
        title=wanted.title,
        users=wanted.users,
        groups=wanted.groups,
        download=wanted.download,
        expires_at=until(wanted.expires_in),
        key=own_key(key),
    )
    told(
        platform,
        request,
        caller,
        "share-made",
        share=share.id,
        kind=share.kind,
        what=", ".join(f"{name} {value}" for name, value in share.what.items())[:300],
        users=list(share.users),
        groups=list(share.groups),
        download=share.download,
        expires=moment(share.expires_at),
    )
    pointing_to(response, request, "share", id=share.id)
    return share_answer(platform, share)


@router.get("/shares")
def shares(platform: ThePlatform, caller: Sharer, page: WantedPage) -> Page[ShareAnswer]:
    """What you let others see, the newest first; what is over stays in the list."""
    before = None if page.after is None else str(page.after)
    found = platform.catalogue.shares.list(caller.name, limit=page.limit + 1, before=before)
    shown = found[: page.limit]
    more = cursor_of(shown[-1].id) if len(found) > page.limit else None
    return Page(items=[share_answer(platform, each) for each in shown], next=more)


@router.get("/shares/{id}")
def share(id: str, request: Request, platform: ThePlatform, caller: Sharer) -> ShareAnswer:
    """One of them."""
    return share_answer(platform, _own(platform, request, caller, id))


@router.patch("/shares/{id}", responses=OVER)
def change_share(id: str, wanted: ShareChange, request: Request, platform: ThePlatform, caller: Sharer) -> ShareAnswer:
    """Change who may see it, for how long, whether they may save files, what it is called."""
    changes = wanted.changes()
    _own(platform, request, caller, id)
    share = platform.catalogue.shares.change(caller.name, id, changes)
    now = {"users": list(share.users), "groups": list(share.groups), "download": share.download, "title": share.title}
    fields = {name: value for name, value in now.items() if name in changes}
    if "expires_at" in changes:
        fields["expires"] = moment(share.expires_at)
    told(platform, request, caller, "share-changed", share=share.id, **fields)
    return share_answer(platform, share)


@router.delete("/shares/{id}")
def revoke_share(id: str, request: Request, platform: ThePlatform, caller: Sharer) -> ShareAnswer:
    """End it, with all its links, for good. Pages that are open are told within seconds. Twice is once."""
    _own(platform, request, caller, id)
    share = platform.catalogue.shares.revoke(caller.name, id)
    told(platform, request, caller, "share-revoked", share=share.id)
    return share_answer(platform, share)


@router.get("/shares/{id}/links")
def links(id: str, request: Request, platform: ThePlatform, caller: Sharer) -> Page[LinkAnswer]:
    """Links to it, the newest first; never what they read."""
    _own(platform, request, caller, id)
    found = platform.catalogue.shares.links.list(caller.name, id)
    return Page(items=[link_answer(each) for each in found], next=None)


@router.post("/shares/{id}/links", status_code=201, responses=OVER)
def make_link(id: str, wanted: LinkWanted, request: Request, platform: ThePlatform, caller: Sharer) -> LinkMade:
    """A new link: whoever has it may see the share. Unlike all else it is made anew each time, and told this once."""
    _own(platform, request, caller, id)
    link, token = platform.catalogue.shares.links.new(caller.name, id, until(wanted.expires_in), note=wanted.note)
    told(
        platform,
        request,
        caller,
        "link-made",
        share=link.share,
        link=link.id,
        expires=moment(link.expires_at),
        note=link.note,
    )
    return link_made(platform, link, token)


@router.delete("/shares/{id}/links/{link}")
def revoke_link(id: str, link: str, request: Request, platform: ThePlatform, caller: Sharer) -> LinkAnswer:
    """End a link; the share and its other links stay. Twice is once."""
    _own(platform, request, caller, id)
    ended = platform.catalogue.shares.links.revoke(caller.name, id, link)
    told(platform, request, caller, "link-revoked", share=ended.share, link=ended.id)
    return link_answer(ended)


@router.get("/shares/{id}/votes.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def votes(id: str, request: Request, platform: ThePlatform, caller: Sharer) -> Response:
    """What people chose where they listened blind: one line per vote that counts."""
    share = _own(platform, request, caller, id)
    table = votes_table(platform.catalogue.remarks.votes(share))
    told(platform, request, caller, "download", what="votes", id=share.id)
    headers = {
        "Content-Disposition": f'attachment; filename="votes-{share.id}.csv"',
        "Cache-Control": "private, no-cache",
    }
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/shares/{id}/comments")
def comments(id: str, request: Request, platform: ThePlatform, caller: Sharer) -> Page[CommentAnswer]:
    """What people wrote about it, the oldest first."""
    share = _own(platform, request, caller, id)
    found = platform.catalogue.remarks.all_comments(share)
    return Page(items=[comment_answer(each) for each in found], next=None)


@router.delete("/shares/{id}/comments/{comment}", status_code=204)
def remove_comment(id: str, comment: int, request: Request, platform: ThePlatform, caller: Sharer) -> None:
    """Take a comment away, whoever wrote it. Twice is once."""
    share = _own(platform, request, caller, id)
    platform.catalogue.remarks.remove_comment(share, caller.name, comment)
    told(platform, request, caller, "comment", share=share.id, comment=comment, removed=True)


def _own(platform: Platform, request: Request, caller: Caller, share: str) -> Share:
    """A share of the caller; the trail is told who asks for others."""
    try:
        return platform.catalogue.shares.get(caller.name, share)
    except InputError as error:
        told(platform, request, caller, "share-refused", reason=error.reason, share=share[:40])
        raise
