"""Notices: where and of what you are told when your jobs and batches end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Security

from speaksep_hub.notices.addresses import Addresses
from speaksep_hub.notices.wishes import Wanted, kept
from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.audited import told
from speaksep_hub.service.work.notices import NoticesAnswer, NoticesWanted, notices_answer

router = APIRouter(tags=["notices"])

Reader = Annotated[Caller, Security(needs, scopes=["jobs:read"])]
Submitter = Annotated[Caller, Security(needs, scopes=["jobs:submit"])]


@router.get("/notices")
def show_notices(platform: ThePlatform, caller: Reader) -> NoticesAnswer:
    """What you want to be told when your jobs end, and what you were told last."""
    return notices_answer(platform, caller.name)


@router.put("/notices")
def wish_notices(wanted: NoticesWanted, request: Request, platform: ThePlatform, caller: Submitter) -> NoticesAnswer:
    """Say what you want to be told from now on: all of it, what is left out is as it comes."""
    notices = platform.catalogue.notices
    before = Wanted.read(notices.wishes(caller.name))
    addresses = kept(Addresses.of(platform.settings), caller.name, wanted.addresses, before)
    own = {name: getattr(wanted, name) for name in ("jobs", "batches", "least_s", "names", "quiet")}
    notices.wish(caller.name, Wanted(addresses=addresses, **own).written())
    told(platform, request, caller, "notices-changed", addresses=len(addresses))
    return notices_answer(platform, caller.name)


@router.delete("/notices", status_code=204)
def forget_notices(request: Request, platform: ThePlatform, caller: Submitter) -> None:
    """Have all of it removed; you are told nothing any more."""
    platform.catalogue.notices.wish(caller.name, None)
    told(platform, request, caller, "notices-changed", addresses=0)


@router.post("/notices/test", status_code=202)
def test_notices(platform: ThePlatform, caller: Submitter) -> NoticesAnswer:
    """Have something sent to all your addresses at once; `GET /notices` tells whether it arrived."""
    notices = platform.catalogue.notices
    notices.try_out(caller.name, Wanted.read(notices.wishes(caller.name)).addresses)
    return notices_answer(platform, caller.name)
