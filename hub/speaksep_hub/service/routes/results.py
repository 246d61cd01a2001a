"""What came of a job: the manifest, tracks in any format, files; names for its speakers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.paging import Page
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.answers import JobAnswer, job_answer
from speaksep_hub.service.work.audited import told
from speaksep_hub.service.work.books import book_of
from speaksep_hub.service.work.conversions import LABELS, converted
from speaksep_hub.service.work.files import folder_of, key_of, listed
from speaksep_hub.service.work.options import Format
from speaksep_hub.service.work.results import manifest_of, result_of
from speaksep_hub.service.work.revisions import change, pending
from speaksep_hub.service.work.sending import send_file, send_json
from speaksep_hub.service.work.shown import IdempotencyKey, pointing_to
from speaksep_kernel.errors import InputError
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.exporters import BUILT_IN
from speaksep_kernel.voices.book import read_book

router = APIRouter(tags=["results"])

Reader = Annotated[Caller, Security(needs, scopes=["recordings:read"])]
OfRevision = Annotated[int | None, Query(ge=0, description="Which revision; the newest if left out.")]
Wait = Annotated[
    float, Query(ge=0, le=60, description="Seconds to wait for what has to be made first; then 503 with Retry-After.")
]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_AUDIO: dict[int | str, dict[str, Any]] = {
    200: {"content": {"audio/*": _BINARY}, "description": "The track."},
    206: {"content": {"audio/*": _BINARY}, "description": "The part asked for by Range."},
    304: {"description": "It is what If-None-Match says."},
    307: {"description": "It is to be had straight from the store."},
    409: {"description": "There is no result yet."},
}


class SpeakerAnswer(BaseModel):
    """One speaker."""

    model_config = ConfigDict(extra="allow")

    label: str = Field(description="`speaker_1`, as in the names of files and the RTTM.")
    name: str | None = None
    file: str
    seconds: float = Field(description="Seconds of speech.")
    confidence: float


class ResultAnswer(BaseModel):
    """The manifest of a separation: all of docs/edits.md and docs/model.md, and which revision it is."""

    model_config = ConfigDict(extra="allow")

    job: str
    revision: int = Field(description="0 is what the network heard; every correction is the next.")
    pending: JobAnswer | None = Field(description="The change that is under way.")
    speakers: list[SpeakerAnswer]
    diagnosis: dict[str, Any]
    residual: str


class FileAnswer(BaseModel):
    """A file of a result."""

    name: str
    bytes: int


@router.get("/results/{job}")
def result(job: str, platform: ThePlatform, caller: Reader, revision: OfRevision = None) -> ResultAnswer:
    """What came of a separation: speakers, diagnosis, parameters, model, timings, hashes of all files."""
    shown = result_of(platform, caller.name, job, revision)
    now = pending(platform, caller.name, job)
    more = {"job": job, "revision": shown.number, "pending": job_answer(platform, now) if now else None}
    return ResultAnswer(**(manifest_of(platform, shown) | more))


@router.get("/results/{job}/tracks/{label}", response_class=Response, responses=_AUDIO)
async def track(
    job: str,
    label: Annotated[str, Path(description="`speaker_1` …, or `residual`: what belongs to nobody.")],
    request: Request,
    platform: ThePlatform,
    caller: Reader,
    format: Annotated[Format | None, Query(description="Audio format; as it was made, if left out.")] = None,
    revision: OfRevision = None,
    wait_s: Wait = 20,
) -> Response:
    """One speaker's track, by range if you like. Another format is made once, and kept."""
    shown = await run_in_threadpool(result_of, platform, caller.name, job, revision)
    manifest = await run_in_threadpool(manifest_of, platform, shown)
    files = {each["label"]: each["file"] for each in manifest["speakers"]} | {"residual": manifest["residual"]}
    if label not in files:
        raise NotFound(
            f"no track {label[:100]!r} in the result of job {job}",
            reason="unknown-track",
            hint=f"there are: {', '.join(files)}",
        )
    file, key, sha256 = files[label], f"{shown.folder}/{files[label]}", manifest["files"].get(files[label])
    if format is not None and format != manifest["parameters"]["format"]:
        file, sha256 = f"{label}{BUILT_IN[format].suffix}", None
        folder = await converted(platform, caller.name, shown, format, wait_s=wait_s)
        key = f"{folder}/{file}"
    await run_in_threadpool(told, platform, request, caller, "download", what="track", id=job, file=file)
    return await run_in_threadpool(send_file, platform, request, key, name=file, sha256=sha256)


@router.get(
    "/results/{job}/exports/{format}",
    response_class=Response,
    responses={200: {"content": {"*/*": {}}, "description": "The file."}},
)
async def export(
    job: str,
    format: Annotated[str, Path(description=f"One of: {', '.join(LABELS)}.")],
    request: Request,
    platform: ThePlatform,
    caller: Reader,
    revision: OfRevision = None,
    wait_s: Wait = 20,
) -> Response:
    """Who speaks when, for another tool: made once, and kept."""
    if format not in LABELS:
        raise NotFound(f"no format {format[:100]!r}", reason="unknown-format", hint=f"there are: {', '.join(LABELS)}")
    shown = await run_in_threadpool(result_of, platform, caller.name, job, revision)
    folder = await converted(platform, caller.name, shown, format, wait_s=wait_s)
    (file,) = await run_in_threadpool(platform.store.files, folder)
    await run_in_threadpool(told, platform, request, caller, "download", what="file", id=job, file=file)
    return await run_in_threadpool(send_file, platform, request, f"{folder}/{file}", name=file)


@router.get("/results/{job}/files")
def files(job: str, platform: ThePlatform, caller: Reader, revision: OfRevision = None) -> Page[FileAnswer]:
    """The files of any finished job."""
    found = listed(platform, folder_of(platform, caller.name, job, revision))
    return Page(items=[FileAnswer(name=name, bytes=size) for name, size in found.items()], next=None)


@router.get(
    "/results/{job}/files/{name:path}",
    response_class=Response,
    responses={200: {"content": {"*/*": {}}, "description": "The file."}},
)
def file(
    job: str, name: str, request: Request, platform: ThePlatform, caller: Reader, revision: OfRevision = None
) -> Response:
    """One of them: turns.rttm, manifest.json, summary.png, residual.flac, …"""
    folder = folder_of(platform, caller.name, job, revision)
    key = key_of(folder, name)
    told(platform, request, caller, "download", what="file", id=job, file=name)
    if name == MANIFEST:
        return send_json(manifest_of(platform, result_of(platform, caller.name, job, revision)), name=name)
    return send_file(platform, request, key, name=name.rpartition("/")[2])


@router.post("/results/{job}/identify", status_code=202)
def identify(
    job: str,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["recordings:write", "jobs:submit", "voices:read"])],
    key: IdempotencyKey = None,
) -> JobAnswer:
    """Compare the speakers with the voices you have enrolled; nobody is named for want of better."""
    result_of(platform, caller.name, job)
    if not read_book(book_of(platform, caller.name)):
        raise InputError("you have enrolled nobody", reason="empty-book", hint="POST /api/v1/voices")
    made = change(platform, caller.name, job, kind="identification", notebook="identify", parameters={}, key=key)
    told(platform, request, caller, "identified", job=job)
    pointing_to(response, request, "job", id=made.id)
    return job_answer(platform, made)
