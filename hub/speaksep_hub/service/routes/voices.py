"""Your voice book: who is known by voice. Nobody else's voices are compared with it, and nobody else reads it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.paging import Page
from speaksep_hub.service.platform import ThePlatform
from speaksep_hub.service.work.answers import JobAnswer, job_answer
from speaksep_hub.service.work.audited import told
from speaksep_hub.service.work.books import book_of
from speaksep_hub.service.work.enrolments import enrolled, forgotten, renamed
from speaksep_hub.service.work.shown import IdempotencyKey, own_key, pointing_to
from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.book import Voice, read_book
from speaksep_kernel.voices.book.values import LONGEST_NAME, checked_name

router = APIRouter(tags=["voices"])

Writer = Annotated[Caller, Security(needs, scopes=["voices:write"])]
VoiceName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class VoiceWanted(BaseModel):
    """Whose voice, and where to hear it: a recording of that person alone, or a track of a separation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"name": "Anna", "consent": True, "recording": "7b0d1c52e4aa4f0c"},
                {"name": "Ben", "consent": True, "job": "51c4f1d20a9b7e36", "label": "speaker_2"},
            ]
        },
    )

    name: VoiceName
    consent: bool = Field(False, description="The person agreed to be recognised. Nothing is enrolled without.")
    recording: str | None = Field(None, max_length=64, description="Id of a recording.")
    job: str | None = Field(None, max_length=64, description="A separation …")
    label: str | None = Field(None, max_length=64, description="… and which of its speakers.")
    note: str = Field("", max_length=1000, description="Anything worth keeping, such as where the consent is filed.")

    def source(self) -> dict[str, Any]:
        """What to listen to.

        Raises
        ------
        InputError
            Reason ``no-samples``.
        """
        if self.recording is not None and self.job is None and self.label is None:
            return {"recording": self.recording}
        if self.recording is None and self.job is not None and self.label is not None:
            return {"job": self.job, "label": self.label}
        raise InputError(
            "it is not said where the voice is to be heard", reason="no-samples", hint="recording, or job and label"
        )


class VoiceAnswer(BaseModel):
    """A voice that is known; what tells it from others is never sent."""

    name: str
    samples: int = Field(description="How many recordings it was learnt from.")
    seconds: float = Field(description="Seconds of speech in them.")
    enrolled: str = Field(description="Day of the first, ISO 8601.")
    note: str

    @classmethod
    def of(cls, voice: Voice) -> VoiceAnswer:
        """As it is told."""
        return cls(
            name=voice.name,
            samples=len(voice.samples),
            seconds=round(voice.seconds, 2),
            enrolled=voice.enrolled,
            note=voice.note,
        )


class NewName(BaseModel):
    """Another name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Anna B."}]})

    name: VoiceName


class ForgottenAnswer(BaseModel):
    """That a voice was forgotten; keep it: the book holds no name."""

    name: str
    day: str = Field(description="ISO 8601.")
    receipt: str = Field(description="With it and the name anybody can show that the voice was forgotten.")


@router.get("/voices")
def voices(
    platform: ThePlatform, caller: Annotated[Caller, Security(needs, scopes=["voices:read"])]
) -> Page[VoiceAnswer]:
    """The voices that you have enrolled."""
    return Page(items=[VoiceAnswer.of(voice) for voice in read_book(book_of(platform, caller.name))], next=None)


@router.post("/voices", status_code=202)
def enrol(
    wanted: VoiceWanted,
    request: Request,
    response: Response,
    platform: ThePlatform,
    caller: Annotated[Caller, Security(needs, scopes=["voices:write", "jobs:submit", "recordings:read"])],
    key: IdempotencyKey = None,
) -> JobAnswer:
    """Know somebody by voice from now on, or better: the job listens, and adds what it heard to your book."""
    name, source = checked_name(wanted.name), wanted.source()
    if not wanted.consent:
        raise InputError(
            f"{name!r} is not enrolled without consent",
            reason="no-consent",
            hint='ask the person, then "consent": true',
        )
    job = enrolled(platform, caller.name, name, source, note=wanted.note, key=own_key(key))
    told(platform, request, caller, "voice-enrolled", voice=name, job=job.id, **_heard(source))
    pointing_to(response, request, "job", id=job.id)
    return job_answer(platform, job)


@router.patch("/voices/{name:path}")
def rename(name: str, new: NewName, request: Request, platform: ThePlatform, caller: Writer) -> VoiceAnswer:
    """Give a voice another name."""
    voice = renamed(platform, caller.name, name, new.name)
    told(platform, request, caller, "voice-renamed", voice=name, to=voice.name)
    return VoiceAnswer.of(voice)


@router.delete("/voices/{name:path}")
def forget(name: str, request: Request, platform: ThePlatform, caller: Writer) -> ForgottenAnswer:
    """Forget a voice, with everything that was made from its samples."""
    receipt = forgotten(platform, caller.name, name)
    told(platform, request, caller, "voice-forgotten", voice=name)
    return ForgottenAnswer(name=receipt.name, day=receipt.day, receipt=receipt.receipt)


def _heard(source: dict[str, Any]) -> dict[str, str]:
    return {"recording": source["recording"]} if "recording" in source else {}
