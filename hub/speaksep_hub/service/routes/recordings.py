"""Recordings: send them, list them, get them back, remove them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.answers import Failure
from speaksep_hub.service.errors import Conflict, Refusal
from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.intake.digests import announced_sha256
from speaksep_hub.service.intake.forms import FileBegins, form_files
from speaksep_hub.service.intake.receiver import Receiver
from speaksep_hub.service.intake.taking import check_room, take_in
from speaksep_hub.service.paging import Page, WantedPage, cursor_of
from speaksep_hub.service.platform import Platform, ThePlatform
from speaksep_hub.service.work.sending import send_file
from speaksep_kernel.catalogue.values import StoredRecording
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.states import FINISHED, State
from speaksep_kernel.recording.names import clean_name
from speaksep_kernel.store import keys
from speaksep_kernel.store.incoming import Incoming

router = APIRouter(tags=["recordings"])

_EXAMPLE: dict[str, Any] = {
    "id": "7b0d1c52e4aa4f0c",
    "name": "meeting.m4a",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "bytes": 1_843_221,
    "seconds": 118.4,
    "rate_hz": 44100,
    "channels": 2,
    "format": "MOV",
    "created_at": "2026-05-04T09:11:58.000+00:00",
    "expires_at": None,
}

RecordingId = Annotated[str, Path(alias="id", description="Id of one of your recordings.", max_length=64)]


class RecordingAnswer(BaseModel):
    """A recording of yours."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    name: str = Field(description="What the file was called.")
    sha256: str = Field(description="Hash of the file, hexadecimal.")
    bytes: int
    seconds: float
    rate_hz: int = Field(description="Sample rate.")
    channels: int
    format: str = Field(description="What it is, by its content.")
    created_at: datetime
    expires_at: datetime | None = Field(description="When it is removed; null: when you remove it.")


class UnsupportedCoding(Refusal):
    """A body that is packed."""

    status = 415


_BINARY = {"type": "string", "format": "binary"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file itself; or a form with one or more of them.",
        "content": {
            "application/octet-stream": {"schema": _BINARY},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": _BINARY}, "required": ["file"]},
            },
        },
    }
}


@router.post(
    "/recordings",
    status_code=201,
    openapi_extra=_BODY,
    responses={200: {"model": RecordingAnswer | Page[RecordingAnswer], "description": "You had it already."}},
)
async def upload_recording(
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["recordings:write"])],
    name: Annotated[
        str, Query(max_length=1000, description="What the file is called; in a form, the parts say it.")
    ] = "recording",
    repr_digest: Annotated[
        str | None, Header(description="`sha-256=:BASE64:`, hash of the file. What you have already is not sent again.")
    ] = None,
) -> RecordingAnswer | Page[RecordingAnswer]:
    """Send a recording: any format, whatever its name says. The same file twice is one recording.

    With a form the answer is a list. If one of its files is refused, those before it are kept: send the form again
    without it.
    """
    coding = request.headers.get("content-encoding", "identity")
    if coding != "identity":
        raise UnsupportedCoding(
            f"Content-Encoding {coding[:40]!r}", reason="content-coding", hint="send the file as it is"
        )
    length = _length(request)
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        await to_thread.run_sync(check_room, platform, caller.name, length, "the form")
        taken = await _form(platform, caller, request)
        response.status_code = 201 if any(new for _, new in taken) else 200
        return Page(items=[answer(recording) for recording, _ in taken], next=None)
    name, wanted = clean_name(name), announced_sha256(repr_digest)
    known = await to_thread.run_sync(platform.catalogue.find, caller.name, wanted) if wanted else None
    if known is not None:
        if request.headers.get("expect", "").lower() != "100-continue":
            await _pass_over(request)  # it is on its way already, and would be cut off
        response.status_code = 200
        return answer(known)
    await to_thread.run_sync(check_room, platform, caller.name, length, name)
    with _incoming(platform, name) as file:
        async with Receiver(file, name) as receiver:
            async for chunk in request.stream():
                await receiver.feed(chunk)
            await receiver.end()
        recording, new = await take_in(platform, caller, request, file, name, sha256=wanted)
    response.status_code = 201 if new else 200
    response.headers["Location"] = request.url_for("show_recording", id=recording.id).path
    return answer(recording)


@router.get("/recordings")
def list_recordings(
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["recordings:read"])],
    page: WantedPage,
    sha256: Annotated[
        str | None, Query(pattern="^[0-9a-f]{64}$", description="Only the one with this hash, if you have it.")
    ] = None,
) -> Page[RecordingAnswer]:
    """Your recordings, the newest first."""
    if sha256 is not None:
        known = platform.catalogue.find(caller.name, sha256)
        return Page(items=[] if known is None else [answer(known)], next=None)
    if page.after is not None and (type(page.after) is not int or abs(page.after) >= 1 << 63):
        raise InputError(
            "this cursor is of another list", reason="bad-cursor", hint="give next of the page before, unchanged"
        )
    found = platform.catalogue.recordings(caller.name, limit=page.limit + 1, before=page.after)
    more = len(found) > page.limit
    found = found[: page.limit]
    return Page(items=[answer(each) for each in found], next=cursor_of(found[-1].number) if more else None)


@router.get("/recordings/{id}")
def show_recording(
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["recordings:read"])],
    recording: RecordingId,
) -> RecordingAnswer:
    """What is known of a recording."""
    return answer(platform.catalogue.get(caller.name, recording))


@router.delete(
    "/recordings/{id}", status_code=204, responses={409: {"model": Failure, "description": "A job still reads it."}}
)
def remove_recording(
    request: Request,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["recordings:write"])],
    recording: RecordingId,
) -> None:
    """Remove a recording. What was made of it stays."""
    known = platform.catalogue.get(caller.name, recording)
    for job in platform.jobs.jobs(owner=caller.name, states=[state for state in State if state not in FINISHED]):
        if (job.about or {}).get("recording") == known.id:
            raise Conflict(
                f"job {job.id} still reads recording {known.id}",
                reason="recording-in-use",
                hint="cancel it, or wait for it",
            )
    platform.catalogue.remove(caller.name, known.id, platform.store.remove)
    platform.audit.record(
        "recording-removed",
        actor=caller.name,
        request_id=request.state.request_id,
        address=request.client.host if request.client else "",
        recording=known.id,
        reason="asked",
    )


@router.get(
    "/recordings/{id}/audio",
    response_class=Response,
    responses={
        200: {"content": {"*/*": {"schema": _BINARY}}, "description": "The file as it was sent."},
        206: {
            "content": {"*/*": {"schema": _BINARY}},
            "description": "The part asked for by Range.",
        },
        307: {"description": "It is to be had straight from the store."},
    },
)
def recording_audio(
    request: Request,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["recordings:read"])],
    recording: RecordingId,
) -> Response:
    """The file, byte for byte; by parts, with `Range`."""
    known = platform.catalogue.get(caller.name, recording)
    platform.audit.record(
        "download",
        actor=caller.name,
        request_id=request.state.request_id,
        address=request.client.host if request.client else "",
        what="recording",
        id=known.id,
        file=known.name,
        format=known.format,
    )
    return send_file(platform, request, keys.blob(known.sha256), name=known.name, sha256=known.sha256)


def answer(recording: StoredRecording) -> RecordingAnswer:
    """A recording as its owner sees it."""
    return RecordingAnswer(
        id=recording.id,
        name=recording.name,
        sha256=recording.sha256,
        bytes=recording.bytes,
        seconds=recording.seconds,
        rate_hz=recording.rate_hz,
        channels=recording.channels,
        format=recording.format,
        created_at=datetime.fromtimestamp(recording.created_at, UTC),
        expires_at=None if recording.expires_at is None else datetime.fromtimestamp(recording.expires_at, UTC),
    )


async def _form(platform: Platform, caller: Caller, request: Request) -> list[tuple[StoredRecording, bool]]:
    taken: list[tuple[StoredRecording, bool]] = []
    parts = form_files(request)
    async for each in parts:
        assert isinstance(each, FileBegins)
        name = clean_name(each.name)
        with _incoming(platform, name) as file:
            async with Receiver(file, name) as receiver:
                async for piece in parts:
                    if not isinstance(piece, bytes):
                        break
                    await receiver.feed(piece)
                await receiver.end()
            taken.append(await take_in(platform, caller, request, file, name))
    if not taken:
        raise InputError("the form has no file", reason="bad-form", hint="send it as curl -F file=@talk.wav does")
    return taken


def _incoming(platform: Platform, name: str) -> Incoming:
    return platform.store.incoming(name, int(platform.settings.store.upload_bytes))


def _length(request: Request) -> int:
    """Bytes that are announced; 0 where nothing is."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else 0


async def _pass_over(request: Request) -> None:
    async for _ in request.stream():
        pass
