"""The voice book: who agreed to be recognised, as embeddings in one file; no audio."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from speaksep_kernel.atomic import write_atomically
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.voices.encoders import CamPlusPlus

ENVIRONMENT = "SPEAKSEP_BOOK"
"""Environment variable with the path of the book to use unless another one is named."""
OWNER_ONLY = 0o600
"""Voices are biometric data."""
DECIMALS = 6

DIM = CamPlusPlus.dim
Float32 = NDArray[np.float32]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Sample(_Model):
    """What one enrolled recording says of a voice: a unit vector, and the seconds of speech behind it."""

    seconds: Annotated[FiniteFloat, Field(gt=0)]
    vector: Annotated[tuple[FiniteFloat, ...], Field(min_length=DIM, max_length=DIM, repr=False)]


class Voice(_Model):
    """One person who agreed to be recognised."""

    name: str
    consent: Literal[True]
    note: str = ""
    enrolled: str = Field(description="day of the first enrolment, ISO 8601")
    samples: Annotated[tuple[Sample, ...], Field(min_length=1)]

    @property
    def seconds(self) -> float:
        """Seconds of speech behind all samples."""
        return sum(sample.seconds for sample in self.samples)

    @property
    def centroid(self) -> Float32:
        """(192,) float32, unit length: the mean of the samples, by their seconds."""
        return centroid(
            np.array([sample.vector for sample in self.samples], np.float32),
            np.array([sample.seconds for sample in self.samples], np.float32),
        )


class _Book(_Model):
    schema_version: Literal[1] = 1
    encoder: str = CamPlusPlus.info.name
    encoder_version: str = CamPlusPlus.info.version
    voices: tuple[Voice, ...] = ()


def centroid(vectors: Float32, weights: Float32) -> Float32:
    """(dim,) unit mean of (n, dim) unit vectors, weighted."""
    total = weights @ vectors
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), np.float32)


def book_path(book: str | os.PathLike[str] | None = None) -> Path:
    """Where a book is: as named, or as ``SPEAKSEP_BOOK`` says, or in the user's data directory."""
    if book is not None:
        return Path(book)
    if named := os.environ.get(ENVIRONMENT):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("speaksep") / "voices.json"


def read_book(book: str | os.PathLike[str] | None = None) -> tuple[Voice, ...]:
    """The voices of a book, by name; none if there is no such file yet.

    Raises
    ------
    InputError
        Reason ``bad-book``: not a voice book; ``other-encoder``: its vectors come from another encoder, or another
        version of it, and cannot be compared.
    StoreError
        It cannot be read.
    """
    path = book_path(book)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(
            f"cannot read the voice book {str(path)!r}: {error.strerror}",
            reason="store-failed",
            hint="check the path and its permissions",
        ) from error
    try:
        # The encoder first: vectors of another one may well have another length.
        _same_encoder(path, _Encoder.model_validate_json(data))
        found = _Book.model_validate_json(data)
    except ValidationError as error:
        fault = error.errors(include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise InputError(
            f"{str(path)!r} is not a voice book: {place} {fault['msg']}".replace(":  ", ": "),
            reason="bad-book",
            hint="give a file that speaksep voices enroll wrote",
        ) from None
    return tuple(sorted(found.voices, key=lambda voice: voice.name))


def enrolled_voices(book: str | os.PathLike[str] | None = None) -> tuple[Voice, ...]:
    """`read_book`, where there must be somebody in it.

    Raises
    ------
    InputError
        Reason ``empty-book``, or as `read_book`.
    """
    voices = read_book(book)
    if not voices:
        raise InputError(
            f"nobody is enrolled in {str(book_path(book))!r}",
            reason="empty-book",
            hint="speaksep voices enroll NAME FILE --consent",
        )
    return voices


@contextmanager
def changing(book: str | os.PathLike[str] | None = None) -> Iterator[dict[str, Voice]]:
    """The voices of a book by name, to be changed; written when the block ends well, by one process at a time.

    Raises
    ------
    InputError, StoreError
        As `read_book`, or it cannot be written.
    """
    path = book_path(book)
    # Through links, so that a shared book stays one file.
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    except OSError as error:
        raise StoreError(
            f"cannot write the voice book {str(path)!r}: {error.strerror}",
            reason="store-failed",
            hint="check the path and its permissions",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        voices = {voice.name: voice for voice in read_book(path)}
        yield voices
        mode = path.stat().st_mode & 0o777 if path.exists() else OWNER_ONLY
        data = _Book(voices=tuple(voices.values())).model_dump_json()
        write_atomically(path, data.encode() + b"\n", mode=mode)
    finally:
        os.close(lock)


def forget(name: str, book: str | os.PathLike[str] | None = None) -> Voice:
    """Take a voice out of a book, with everything that was made from its samples.

    Raises
    ------
    InputError
        Reason ``unknown-voice``.
    """
    with changing(book) as voices:
        if name not in voices:
            raise InputError(
                f"no voice {name!r} in {str(book_path(book))!r}",
                reason="unknown-voice",
                hint=f"there are: {', '.join(voices)}" if voices else "the book is empty",
            )
        return voices.pop(name)


class _Encoder(_Model):
    encoder: str
    encoder_version: str


def _same_encoder(path: Path, found: _Encoder) -> None:
    info = CamPlusPlus.info
    if (found.encoder, found.encoder_version) != (info.name, info.version):
        raise InputError(
            f"the voices in {str(path)!r} were made by {found.encoder} {found.encoder_version}, "
            f"not by {info.name} {info.version}",
            reason="other-encoder",
            hint="enrol the voices again into a new book (--book PATH)",
        )
