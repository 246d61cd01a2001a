"""Recordings that come in pieces: tus 1.0 with creation, checksum, termination and expiration."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Request, Response, Security

from speaksep_hub.service.answers import Failure
from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.intake import tus
from speaksep_hub.service.intake.pieces import drop, finish, take_piece
from speaksep_hub.service.intake.taking import HOUR_S, check_room, quota_of
from speaksep_hub.service.platform import Platform, ThePlatform
from speaksep_kernel.catalogue.values import Upload
from speaksep_kernel.errors import InputError
from speaksep_kernel.recording.names import clean_name

router = APIRouter(tags=["recordings"])

UploadId = Annotated[str, Path(alias="id", description="Last part of the upload's address.", max_length=64)]
Sender = Annotated[Caller, Security(needs, scopes=["recordings:write"])]
Version = Annotated[str | None, Header(alias="Tus-Resumable", description="1.0.0")]


@router.options("/uploads", status_code=204)
def what_uploads_can(platform: ThePlatform) -> Response:
    """Which tus this is."""
    told = {
        "Tus-Version": tus.VERSION,
        "Tus-Extension": tus.EXTENSIONS,
        "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
        "Tus-Max-Size": str(int(platform.settings.store.upload_bytes)),
    }
    return Response(status_code=204, headers=tus.RESUMABLE | told)


@router.post("/uploads", status_code=201, response_class=Response)
def begin_upload(
    request: Request,
    platform: ThePlatform,
    caller: Sender,
    version: Version = None,
    length: Annotated[str | None, Header(alias="Upload-Length", description="Bytes of the file.")] = None,
    about: Annotated[
        str,
        Header(
            alias="Upload-Metadata",
            description="`filename BASE64` and, if known, `sha256 BASE64` (of its hexadecimal form).",
        ),
    ] = "",
    key: Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)] = None,
) -> Response:
    """Announce a recording; send its pieces by `PATCH` to the address in `Location`."""
    tus.check_version(version)
    size, told = tus.number("Upload-Length", length), tus.metadata(about)
    name = clean_name(told.get("filename") or told.get("name") or "recording")
    if not size:
        raise InputError(f"{name}: the file is empty", reason="empty-file", hint="send a recording with sound in it")
    check_room(platform, caller.name, size, name)
    upload = platform.catalogue.uploads.begin(
        caller.name,
        name,
        size,
        keep_s=platform.settings.store.upload_hours * HOUR_S,
        sha256=_sha256(told.get("sha256")),
        quota=quota_of(platform, caller.name),
        key=_key(key),
    )
    address = request.url_for("how_far_an_upload_is", id=upload.id).path
    return Response(status_code=201, headers=tus.standing(upload) | {"Location": address})


@router.head("/uploads/{id}", response_class=Response)
async def how_far_an_upload_is(
    request: Request, platform: ThePlatform, caller: Sender, upload_id: UploadId, version: Version = None
) -> Response:
    """Where to go on: `Upload-Offset`; `SpeakSep-Recording` has the recording's id once all has come."""
    tus.check_version(version)
    upload = await _upload(platform, caller, upload_id)
    if upload.received == upload.length and upload.recording is None:  # whoever took the last piece was killed
        upload = await finish(platform, caller, request, upload)
    return Response(status_code=200, headers=tus.standing(upload))


@router.patch(
    "/uploads/{id}",
    status_code=204,
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {tus.PIECE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    responses={460: {"model": Failure, "description": "The piece was damaged on its way."}},
)
async def send_piece(
    request: Request,
    platform: ThePlatform,
    caller: Sender,
    upload_id: UploadId,
    version: Version = None,
    offset: Annotated[str | None, Header(alias="Upload-Offset", description="Where the piece begins.")] = None,
    checksum: Annotated[
        str | None, Header(alias="Upload-Checksum", description="`sha256 BASE64` of the piece.")
    ] = None,
) -> Response:
    """Send the next piece. With the last one the file is looked into, and becomes a recording."""
    tus.check_version(version)
    if request.headers.get("content-type", "").lower() != tus.PIECE_TYPE:
        raise tus.NoPiece(
            "the body is not marked as a piece", reason="content-type", hint=f"Content-Type: {tus.PIECE_TYPE}"
        )
    start, wanted = tus.number("Upload-Offset", offset), tus.checksum(checksum)
    upload = await _upload(platform, caller, upload_id)
    upload = await take_piece(platform, request, upload, start, wanted)
    if upload.received == upload.length and upload.recording is None:
        upload = await finish(platform, caller, request, upload)
    return Response(status_code=204, headers=tus.standing(upload))


@router.delete("/uploads/{id}", status_code=204, response_class=Response)
async def drop_upload(platform: ThePlatform, caller: Sender, upload_id: UploadId, version: Version = None) -> Response:
    """Give an upload up. A recording that it has become stays."""
    tus.check_version(version)
    upload = await _upload(platform, caller, upload_id)
    await to_thread.run_sync(drop, platform, upload)
    return Response(status_code=204, headers=tus.RESUMABLE)


async def _upload(platform: Platform, caller: Caller, upload_id: str) -> Upload:
    return await to_thread.run_sync(platform.catalogue.uploads.get, caller.name, upload_id)


def _sha256(said: str | None) -> str | None:
    if said is None:
        return None
    if len(said) != 64 or set(said) - set("0123456789abcdef"):
        raise tus.BadHeader(f"sha256 {said[:100]!r}", reason="bad-header", hint="64 hexadecimal digits")
    return said


def _key(said: str | None) -> str | None:
    if said is not None and not said.isprintable():
        raise tus.BadHeader(
            "an Idempotency-Key with invisible characters", reason="bad-header", hint="letters and digits"
        )
    return said
