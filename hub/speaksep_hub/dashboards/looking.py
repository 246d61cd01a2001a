"""From an address to the page behind it, for whoever asks; every request is looked at anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from fastapi.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from speaksep_hub.dashboards.kept import KeptPage, KeptPages
from speaksep_hub.dashboards.link import link_token
from speaksep_hub.dashboards.visitor import ADMIN, OWN, Visitor, links_for_anyone, visitor_of
from speaksep_hub.service.errors import NotAllowed, NotFound
from speaksep_hub.service.platform import Platform, platform_of
from speaksep_hub.service.work.audited import atold
from speaksep_kernel.catalogue.share import Share, own
from speaksep_kernel.errors import InputError, StoreError

_OF_SHARE, _OF_MINE, _INSIDE = "/share/{share}", "/mine/{kind}/{which}", "/recording/{job}"
PLACES = (_OF_SHARE, _OF_SHARE + _INSIDE, _OF_MINE, _OF_MINE + _INSIDE, "/operations")
"""Where pages are; each has its data, questions, files and reports below it."""

REPORTED = frozenset({"recording", "collection", "batch", "compare"})
"""Kinds of pages of which there are reports."""

_REFUSED = frozenset(
    f"{how}-{what}" for how in ("unknown", "expired", "revoked") for what in ("share", "link", "recording")
)
_LONGEST = 100  # characters of what was asked for that are written down


@dataclass(frozen=True)
class Looked:
    """What a request is about.

    Attributes
    ----------
    visitor
        Who sent it.
    share
        What they may see; without an id, things of their own.
    kept
        The page.
    token
        What the link reads that they came by, if they did.
    inside
        Id of the job whose recording is looked at from within a larger page.
    name
        What the page is called in logs and in the browser's memory: ``share/ID``, ``mine/KIND/ID``, ``operations``.
    """

    visitor: Visitor
    share: Share
    kept: KeptPage
    token: str | None
    inside: str | None
    name: str

    @property
    def page(self) -> Any:
        """The page itself."""
        return self.kept.page

    @property
    def reports(self) -> bool:
        """Whether it can be taken away as a report."""
        return self.share.download and self.page.kind in REPORTED

    def complete(self, data: dict[str, Any]) -> dict[str, Any]:
        """Data of the page with what browsers remember it by, where it has no id of its own."""
        return data if data.get("id") else {**data, "id": self.name}


async def look(request: Request) -> Looked:
    """The page that a request is about, for routes below :data:`PLACES`.

    Raises
    ------
    SignInFirst, NotSignedIn, NotAllowed, TooMany
        As :func:`visitor_of`.
    InputError
        There is no such page, it is not for them, or it cannot be shown: the reasons of
        :func:`~speaksep_dashboards.opening.open_page`, and of shares and links, each of which is written down.
    """
    parameters: dict[str, str] = request.path_params
    platform, kept = platform_of(request), kept_of(request)
    shared = parameters.get("share")
    token = None if shared is None else link_token(request, shared)
    visitor = await visitor_of(request, anyone=token is not None and links_for_anyone(request))
    if shared is None:
        share, token = _own(visitor, parameters), None
    else:
        try:
            share, token = await run_in_threadpool(shared_with, platform, visitor, shared, token)
        except InputError as error:
            await refused(request, visitor, shared, error)
            raise
    inside = parameters.get("job")
    page = await run_in_threadpool(kept.page, share, visitor.reader)
    if inside is not None:
        try:
            page = await run_in_threadpool(_within, kept, page, visitor, inside)
        except InputError as error:
            await refused(request, visitor, _name(parameters), error)
            raise
    return Looked(visitor, share, page, token, inside, _name(parameters))


Looking = Annotated[Looked, Depends(look)]
"""Type of a route's parameter that takes what was looked up."""


def kept_of(connection: HTTPConnection) -> KeptPages:
    """The pages that are kept."""
    found: KeptPages = connection.app.state.kept
    return found


def shared_with(platform: Platform, visitor: Visitor, share: str, token: str | None) -> tuple[Share, str | None]:
    """A share for somebody who is named by it or has a link to it, and what of that link was needed.

    Raises
    ------
    InputError
        As `speaksep_kernel.catalogue.shares.Shares.open` and ``follow``.
    """
    shares = platform.catalogue.shares
    if visitor.caller is not None:
        try:
            return shares.open(share, visitor.name, visitor.caller.groups), None
        except InputError as error:
            if error.reason != "unknown-share" or token is None:
                raise
    found = shares.follow(token or "")
    if found.id != share:
        raise NotFound(f"no share {share[:40]!r}", reason="unknown-share", hint="open the link again")
    return found, token


async def note_opened(request: Request, looked: Looked) -> None:
    """Write down that somebody looks at something."""
    if looked.share.id:
        await atold(request, looked.visitor.name, "share-opened", share=looked.share.id)
    else:
        await atold(request, looked.visitor.name, "view", page=looked.name)


async def refused(request: Request, visitor: Visitor, share: str, error: InputError) -> None:
    """Write down that a share, or a link to it, was asked for in vain."""
    if error.reason in _REFUSED:
        await atold(request, visitor.name, "share-refused", share=share[:_LONGEST], reason=error.reason)


def _own(visitor: Visitor, parameters: dict[str, str]) -> Share:
    if "kind" not in parameters:
        _check(visitor, ADMIN, "how the platform does is for administrators")
        return Share(owner=visitor.name, kind="operations")
    _check(visitor, OWN, f"{visitor.name} has no recordings here")
    return own(visitor.name, parameters["kind"], parameters["which"])


def _check(visitor: Visitor, scope: str, why: str) -> None:
    if not visitor.may(scope):
        raise NotAllowed(f"{why}: {scope} is missing", reason="missing-scope", hint="ask an administrator for a role")


def _within(kept: KeptPages, page: KeptPage, visitor: Visitor, job: str) -> KeptPage:
    inner: Any = getattr(page.page, "within", None)
    if inner is None:
        raise NotFound("this page has no others in it", reason="not-found", hint="go back to it")
    return kept.page(inner(job), visitor.reader)


def _name(parameters: dict[str, str]) -> str:
    if "share" in parameters:
        found = f"share/{parameters['share']}"
    elif "kind" in parameters:
        found = f"mine/{parameters['kind']}/{parameters['which']}"
    else:
        found = "operations"
    return f"{found}/recording/{parameters['job']}" if "job" in parameters else found


async def still_allowed(request: Request, looked: Looked) -> bool:
    """Whether somebody whose page is open may still see it: neither their sign-in nor the share is over."""
    platform = platform_of(request)
    if looked.visitor.caller is not None and not await platform.identity.still(looked.visitor.caller):
        return False
    if not looked.share.id:
        return True
    try:
        await run_in_threadpool(shared_with, platform, looked.visitor, looked.share.id, looked.token)
    except InputError:
        return False
    except StoreError:
        return True  # while the database is away nobody is taken for refused
    return True
