"""What a voice book holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.encoders import CamPlusPlus

DECIMALS = 6
LONGEST_NAME = 100
SAME_VOICE = 0.2
SAME_VOICE_BY_TELEPHONE = 0.5
"""Least cosine between two samples of a name, as they are or both by telephone: of either, 95 % of strangers are below
it and 1 % of one's own; a sample by telephone beside a clean one passes the second only."""

DIM = CamPlusPlus.dim
Float32 = NDArray[np.float32]
Vector = Annotated[tuple[FiniteFloat, ...], Field(min_length=DIM, max_length=DIM)]


class Value(BaseModel):
    """A frozen part of a book."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Sample(Value):
    """What one enrolled recording says of a voice.

    Attributes
    ----------
    seconds
        Of speech.
    vector
        Unit vector.
    telephone
        The same as it would be by telephone; ``None`` in books from before that was looked at.
    """

    seconds: Annotated[FiniteFloat, Field(gt=0)]
    vector: Annotated[Vector, Field(repr=False)]
    telephone: Annotated[Vector | None, Field(repr=False)] = None


class Voice(Value):
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
        return _mean(self.samples, "vector")

    @property
    def telephone(self) -> Float32:
        """The same as it would be by telephone."""
        return _mean(self.samples, "telephone")


class Forgotten(Value):
    """That a voice was forgotten; whose it was only its receipt tells.

    Attributes
    ----------
    day
        ISO 8601.
    proof
        SHA-256 of the receipt and the name.
    """

    day: str
    proof: str


class Contents(Value):
    """A whole book."""

    schema_version: Literal[1] = 1
    encoder: str = CamPlusPlus.info.name
    encoder_version: str = CamPlusPlus.info.version
    voices: tuple[Voice, ...] = ()
    forgotten: tuple[Forgotten, ...] = ()


def centroid(vectors: Float32, weights: Float32) -> Float32:
    """(dim,) unit mean of (n, dim) unit vectors, weighted."""
    total = weights @ vectors
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), np.float32)


def joined(voice: Voice, fresh: Sequence[tuple[str, Sample]]) -> Voice:
    """A voice with more samples, those it has already left out.

    Parameters
    ----------
    voice
        As it is known.
    fresh
        Where each new sample comes from, for the message, and the sample.

    Raises
    ------
    InputError
        Reason ``samples-differ``: one is unlike what came before it.
    """
    samples = voice.samples
    for source, sample in fresh:
        cosine = float(_mean(samples, "vector") @ np.array(sample.vector, np.float32))
        telephone = float(_mean(samples, "telephone") @ np.array(sample.telephone or sample.vector, np.float32))
        if cosine < SAME_VOICE and telephone < SAME_VOICE_BY_TELEPHONE:
            raise InputError(
                f"{source} does not sound like the other samples of {voice.name!r} "
                f"(similarity {cosine:.2f} of {SAME_VOICE}, by telephone {telephone:.2f} of {SAME_VOICE_BY_TELEPHONE})",
                reason="samples-differ",
                hint="check whose voice it is; it may need another name",
            )
        samples = samples if sample in samples else (*samples, sample)
    return voice.model_copy(update={"samples": samples})


def checked_name(name: str) -> str:
    """A name without blanks around it.

    Raises
    ------
    InputError
        Reason ``bad-name``.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(
            f"{name!r} cannot be a name",
            reason="bad-name",
            hint=f"give 1 to {LONGEST_NAME} printable characters",
        )
    return name


def _mean(samples: Sequence[Sample], which: Literal["vector", "telephone"]) -> Float32:
    return centroid(
        np.array([getattr(sample, which) or sample.vector for sample in samples], np.float32),
        np.array([sample.seconds for sample in samples], np.float32),
    )
