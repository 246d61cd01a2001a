"""What may be chosen about a diagnosis and a separation: the bodies of their requests."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from speaksep_hub.service.work.plugged import Plugged
from speaksep_kernel.diagnosis.plan import MAX_SPEAKERS, MOST_SPEAKERS, Device, Quality

Count = Annotated[int, Field(ge=1, le=MOST_SPEAKERS)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Format = Annotated[str, Plugged("exporter")]
Network = Annotated[str, Plugged("separator")]


class _People(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    speakers: Count | Literal["auto"] | None = Field(default=None, description="How many people speak; null: find out.")
    min_speakers: int = Field(
        default=0, ge=0, le=MOST_SPEAKERS, description="Fewest people, where the number is found out."
    )
    max_speakers: int = Field(default=MAX_SPEAKERS, ge=1, le=MOST_SPEAKERS, description="Most people.")
    known: list[Name] = Field(
        default=[], max_length=MOST_SPEAKERS, description="Voices you have enrolled that should be in it."
    )

    @property
    def count(self) -> int | None:
        """The number, if it is given."""
        return None if self.speakers == "auto" else self.speakers

    def people(self) -> dict[str, Any]:
        """As parameters of a notebook, those that are not its defaults."""
        given = {
            "speakers": self.count or 0,
            "min_speakers": self.min_speakers,
            "max_speakers": self.max_speakers,
            "known": self.known,
        }
        defaults = {"speakers": 0, "min_speakers": 0, "max_speakers": MAX_SPEAKERS, "known": []}
        return {name: value for name, value in given.items() if value != defaults[name]}


class DiagnosisOptions(_People):
    """What you know of a recording before it is listened to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"speakers": 2}]})

    @property
    def digest(self) -> str:
        """The same for the same options."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class SeparationOptions(_People):
    """How a recording is separated; what is left out is decided from its diagnosis."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"speakers": 2, "format": "flac"}, {"quality": "best", "clean": True}]}
    )

    separator: Network = Field(default="speaksep", description="Network that separates what overlaps.")
    quality: Quality = Field(default="balanced", description="More overlap between windows costs more time.")
    clean: bool | list[Name] | None = Field(
        default=None,
        description="True: the cleaning that the diagnosis advises; names: these cleaners; otherwise none.",
    )
    format: Format = Field(default="flac", description="Audio format of the tracks; others can be had later.")
    device: Device = Field(default="auto", description="Where the networks run.")

    def choices(self) -> dict[str, Any]:
        """Keywords of `speaksep_kernel.plan`, but the device."""
        return self.model_dump(exclude={"device", "speakers"}) | {"speakers": self.count}

    def parameters(self, recording: str) -> dict[str, Any]:
        """Parameters of the notebook ``separate``, those that are not its defaults."""
        clean = "advised" if self.clean is True else ",".join(self.clean or ())
        given = {
            "separator": (self.separator, "speaksep"),
            "quality": (self.quality, "balanced"),
            "clean": (clean, ""),
            "format": (self.format, "flac"),
            "device": (self.device, "auto"),
        }
        own = {name: value for name, (value, default) in given.items() if value != default}
        return {"source": recording, **self.people(), **own}

    @property
    def slot(self) -> str:
        """What the job leases: "auto", "cpu" or "gpu"."""
        return "gpu" if self.device == "cuda" else self.device
