"""Enrolment: recordings of one person who agreed into a voice of the book, or a reason why not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import AnalysisCache, Limits, Recording, Source
from speaksep_kernel.voices.book import DECIMALS, Sample, Voice, centroid, changing
from speaksep_kernel.voices.diarization import Diarization, diarize
from speaksep_kernel.voices.embedding import known

MIN_SPEECH_S = 3.0
"""Least speech in an enrolled recording."""
OTHERS_S = 1.0
OTHERS_SHARE = 0.05
"""More speech than this of anybody else (the larger of the two), and whose voice is meant is not known."""
SAME_VOICE = 0.2
"""Least cosine between two samples of a name: 96 % of strangers are below it, and one's own voice only by telephone."""
LONGEST_NAME = 100


def enroll(
    name: str,
    sources: Sequence[Source | Recording],
    *,
    consent: bool = False,
    note: str = "",
    book: str | os.PathLike[str] | None = None,
    limits: Limits | None = None,
    hook: ProgressHook = silent,
) -> Voice:
    """Add a voice to a book, or more samples to one that is there. All recordings or none.

    Parameters
    ----------
    name
        Whose voice it is.
    sources
        Recordings in which only that person speaks, 3 s or more in each; half a minute is better.
    consent
        The person agreed to be recognised. Nothing is enrolled without.
    note
        Anything worth keeping, such as where the consent is filed; the old note stays if empty.
    book
        Path of the book; see `book_path`.
    limits
        Bounds on bytes, seconds, channels and rate.
    hook
        Progress; raise from it to cancel.

    Raises
    ------
    InputError
        Reasons ``no-consent``, ``bad-name``, ``no-samples``, ``no-speech``, ``too-little-speech``,
        ``several-voices``, ``samples-differ``, and those of `read_book`.
    StoreError
        The book cannot be written.
    """
    if not consent:
        raise InputError(
            f"{name!r} is not enrolled without consent",
            reason="no-consent",
            hint="ask the person, then say so with --consent (consent=True)",
        )
    name = _checked(name)
    if not sources:
        raise InputError(f"no recording of {name!r}", reason="no-samples", hint="give one or more files")
    fresh = [_sample(each, limits, hook) for each in sources]
    with changing(book) as voices:
        before = voices.get(name)
        samples = (*(before.samples if before else ()), *(sample for _, sample in fresh))
        # In the order given, each against what came before: so the message can say which one is unlike the others.
        for at in range(max(1, len(samples) - len(fresh)), len(samples)):
            _alike(name, fresh[at - len(samples)][0], samples[:at], samples[at])
        voices[name] = Voice(
            name=name,
            consent=True,
            note=note or (before.note if before else ""),
            enrolled=before.enrolled if before else datetime.now(UTC).date().isoformat(),
            samples=samples,
        )
        return voices[name]


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(
            f"{name!r} cannot be a name",
            reason="bad-name",
            hint=f"give 1 to {LONGEST_NAME} printable characters",
        )
    return name


def _sample(source: Source | Recording, limits: Limits | None, hook: ProgressHook) -> tuple[str, Sample]:
    recording = source if isinstance(source, Recording) else Recording.open(source, limits=limits)
    with AnalysisCache(recording, hook=hook) as cache:
        found = diarize(cache, hook=hook)
    seconds = np.zeros(max(found.speakers, 1))
    for turn in found.turns:
        seconds[turn.speaker - 1] += turn.seconds
    speaker = int(seconds.argmax())
    speech_s = float(seconds[speaker])
    others_s = float(seconds.sum()) - speech_s
    if speech_s == 0:
        raise InputError(
            f"nobody speaks in {recording.name}",
            reason="no-speech",
            hint="give a recording of the person's voice, without noise or music",
        )
    if others_s > max(OTHERS_S, OTHERS_SHARE * speech_s):
        raise InputError(
            f"{found.speakers} people speak in {recording.name}, the others for {others_s:.1f} s",
            reason="several-voices",
            hint="give a recording of one person; speaksep separate makes one track per person",
        )
    if speech_s < MIN_SPEECH_S:
        raise InputError(
            f"only {speech_s:.1f} s of speech in {recording.name}",
            reason="too-little-speech",
            hint=f"give {MIN_SPEECH_S:g} s or more, better half a minute",
        )
    vector = _voice_of(found, speaker)
    return recording.name, Sample(
        seconds=round(speech_s, 2), vector=tuple(round(value, DECIMALS) for value in vector.tolist())
    )


def _voice_of(found: Diarization, speaker: int) -> NDArray[np.float32]:
    streams = found.streams
    mine = (streams.label == speaker) & known(streams)
    return centroid(streams.embedding[mine], streams.weight_s[mine])


def _alike(name: str, file: str, others: Sequence[Sample], sample: Sample) -> None:
    other = centroid(
        np.array([each.vector for each in others], np.float32), np.array([each.seconds for each in others], np.float32)
    )
    cosine = float(other @ np.array(sample.vector, np.float32))
    if cosine < SAME_VOICE:
        raise InputError(
            f"{file} does not sound like the other samples of {name!r} (similarity {cosine:.2f}, least {SAME_VOICE})",
            reason="samples-differ",
            hint="check whose voice it is; enrol it under another name",
        )
