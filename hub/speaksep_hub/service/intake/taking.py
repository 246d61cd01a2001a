"""What has come becomes a recording of somebody: looked into by a process of its own, stored once, noted."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from speaksep_hub.service.identity import Caller
from speaksep_hub.service.intake.digests import check_digest
from speaksep_kernel.catalogue.values import Quota, StoredRecording, Upload
from speaksep_kernel.errors import CapacityError, StoreError
from speaksep_kernel.recording.inspection import Bounds, inspect_file
from speaksep_kernel.recording.limits import Limits
from speaksep_kernel.store import keys
from speaksep_kernel.store.incoming import Incoming
from speaksep_kernel.store.store import Store

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

HOUR_S, DAY_S = 3600.0, 86400.0
REMEMBERED_S = 60.0
"""How long the size of somebody's results is believed: to count them all takes a while."""
SPARE_BYTES = 256 << 20
"""Left free on the disk of the store."""

_AT_ONCE = CapacityLimiter(max(2, os.cpu_count() or 2))
"""Files that are looked into at a time; each takes a core."""


async def take_in(
    platform: Platform,
    caller: Caller,
    request: Request,
    file: Incoming,
    name: str,
    *,
    sha256: str | None = None,
    upload: Upload | None = None,
) -> tuple[StoredRecording, bool]:
    """Store what has come as a recording of the caller.

    Parameters
    ----------
    file
        What has come.
    name
        A plain file name.
    sha256
        What it must come to.
    upload
        The upload that it was.

    Returns
    -------
    The recording, and whether the caller did not have it before.

    Raises
    ------
    InputError
        Reason ``digest-mismatch``, or what it is instead of a recording.
    CapacityError
        It is beyond a limit, or the quota.
    """
    made, new = await to_thread.run_sync(_take_in, platform, caller.name, file, name, sha256, upload, limiter=_AT_ONCE)
    await platform.audit.arecord(
        "upload",
        actor=caller.name,
        request_id=request.state.request_id,
        address=request.client.host if request.client else "",
        recording=made.id,
        bytes=made.bytes,
        sha256=made.sha256,
        name=made.name,
        known=not new,
    )
    return made, new


def _take_in(
    platform: Platform, owner: str, file: Incoming, name: str, sha256: str | None, upload: Upload | None
) -> tuple[StoredRecording, bool]:
    catalogue, store, settings = platform.catalogue, platform.store, platform.settings.store
    check_digest(name, sha256, file.sha256)
    limits = Limits(max_bytes=int(settings.upload_bytes), max_seconds=settings.recording_hours * HOUR_S)
    known = catalogue.find(owner, file.sha256)  # then it was looked into before
    bounds = Bounds(decoded_bytes=int(settings.decoded_bytes))
    sound = known.sound if known else inspect_file(file.path, name, limits, bounds)
    keep_s = settings.recordings_days * DAY_S if settings.recordings_days else None
    try:
        with catalogue.claim(file.sha256) as claim:
            store.keep(file)
            return catalogue.add(
                owner, name, claim, file.bytes, sound, quota=quota_of(platform, owner), keep_s=keep_s,
                upload=upload.id if upload else None,
            )  # fmt: skip
    except CapacityError:
        catalogue.unclaimed(file.sha256, store.remove)
        raise


def quota_of(platform: Platform, owner: str) -> Quota:
    """What somebody may keep in recordings: their quota less what their results take."""
    settings = platform.settings.store
    if not settings.quota_bytes:
        return Quota(1 << 62, settings.quota_recordings)
    results = _result_bytes(platform.store, owner, int(time.monotonic() / REMEMBERED_S))
    return Quota(max(0, int(settings.quota_bytes) - results), settings.quota_recordings)


@lru_cache(maxsize=1024)
def _result_bytes(store: Store, owner: str, _when: int) -> int:
    return sum(store.files(keys.owned(owner)).values())


def check_room(platform: Platform, owner: str, length: int, name: str) -> None:
    """Refuse, before it comes, what could not be kept.

    Raises
    ------
    CapacityError
        Reasons ``too-many-bytes``, ``quota-bytes``, ``quota-recordings``.
    StoreError
        Reason ``disk-full``.
    """
    Limits(max_bytes=int(platform.settings.store.upload_bytes)).check_bytes(length, name)
    platform.catalogue.check_quota(owner, length, quota_of(platform, owner))
    free = platform.store.free_bytes()
    if free is not None and free < length + SPARE_BYTES:
        raise StoreError(
            f"{name}: {length} bytes do not fit on the disk of the service",
            reason="disk-full",
            hint="try again later; whoever runs the service must make room",
        )
