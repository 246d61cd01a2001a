"""Pieces of an upload: each is stored as it comes, and together they become a recording."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request

from speaksep_hub.service.identity import Caller
from speaksep_hub.service.intake.receiver import Receiver
from speaksep_hub.service.intake.taking import HOUR_S, take_in
from speaksep_hub.service.intake.tus import Checksum, OutOfStep
from speaksep_kernel.catalogue.values import Upload
from speaksep_kernel.errors import CapacityError, InputError, StoreError
from speaksep_kernel.store import keys
from speaksep_kernel.store.incoming import Incoming

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform


async def take_piece(
    platform: Platform, request: Request, upload: Upload, start: int, wanted: Checksum | None
) -> Upload:
    """Store the body of a request as the piece that begins at a byte; also what came of it before it was cut off.

    Raises
    ------
    OutOfStep
        Reason ``offset-conflict``: the upload stands elsewhere, or another request was faster.
    Damaged
        Reason ``checksum-mismatch``: nothing of it is kept.
    CapacityError
        More bytes than were announced.
    InputError
        It is no recording: the upload is dropped.
    """
    if start != upload.received:
        raise _out_of_step(upload, start)
    cut = None
    with platform.store.incoming(upload.name, upload.length - start) as file:
        try:
            async with Receiver(file, upload.name, begins=start == 0) as receiver:
                try:
                    async for chunk in request.stream():
                        await receiver.feed(chunk)
                except ClientDisconnect as error:
                    if wanted is not None:
                        raise  # what cannot be checked is not kept
                    cut = error
                await receiver.flush()
        except InputError:
            await to_thread.run_sync(drop, platform, upload)
            raise
        if wanted is not None:
            await to_thread.run_sync(wanted.check, file)
        if file.bytes:
            upload = await to_thread.run_sync(_store_piece, platform, upload, start, file)
    if cut is not None:
        raise cut
    return upload


async def finish(platform: Platform, caller: Caller, request: Request, upload: Upload) -> Upload:
    """Make a recording of an upload of which all has come. Doing so twice is harmless.

    Raises
    ------
    InputError, CapacityError
        It is no recording, or may not be kept: the upload is dropped.
    StoreError
        The store does not answer; the upload stands, and this may be done again.
    """
    try:
        with await to_thread.run_sync(_assembled, platform, upload) as file:
            await take_in(platform, caller, request, file, upload.name, sha256=upload.sha256, upload=upload)
    except (InputError, CapacityError):
        await to_thread.run_sync(drop, platform, upload)
        raise
    except StoreError:
        # Another request for the same upload may have finished it meanwhile, and removed the pieces.
        upload = await to_thread.run_sync(platform.catalogue.uploads.get, caller.name, upload.id)
        if upload.recording is None:
            raise
        return upload
    await to_thread.run_sync(_tidy, platform, upload)
    return await to_thread.run_sync(platform.catalogue.uploads.get, caller.name, upload.id)


def drop(platform: Platform, upload: Upload) -> None:
    """Forget an upload and what has come of it."""
    _tidy(platform, upload)
    platform.catalogue.uploads.drop(upload.id)


def _store_piece(platform: Platform, upload: Upload, start: int, file: Incoming) -> Upload:
    key = keys.part(upload.id, start, secrets.token_hex(8))
    platform.store.put(file.path, key)
    try:
        keep_s = platform.settings.store.upload_hours * HOUR_S
        return platform.catalogue.uploads.advance(upload, start, file.bytes, key, keep_s=keep_s)
    except StoreError as error:
        platform.store.remove(key)
        if error.reason != "offset-conflict":
            raise
        raise _out_of_step(upload, start) from error


def _assembled(platform: Platform, upload: Upload) -> Incoming:
    file = platform.store.incoming(upload.name, upload.length)
    try:
        for place in platform.catalogue.uploads.places(upload.id):
            for chunk in platform.store.read(place):
                file.write(chunk)
        if file.bytes != upload.length:
            raise StoreError(
                f"upload {upload.id}: {file.bytes} of {upload.length} bytes are there",
                reason="not-stored",
                hint="send it again",
            )
    except BaseException:
        file.close()
        raise
    return file


def _tidy(platform: Platform, upload: Upload) -> None:
    platform.store.remove(keys.parts(upload.id))
    platform.catalogue.uploads.forget_parts(upload.id)


def _out_of_step(upload: Upload, start: int) -> OutOfStep:
    return OutOfStep(
        f"upload {upload.id} is not at byte {start}",
        reason="offset-conflict",
        hint="ask where it is by HEAD, and go on there",
    )
