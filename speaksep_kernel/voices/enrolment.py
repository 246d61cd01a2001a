"""Enrolment: recordings of one person who agreed into a voice of the book, or a reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import AnalysisCache, Limits, Recording, Source
from speaksep_kernel.voices.book import Books, Sample, Voice, book_path, changing, joined, read_book
from speaksep_kernel.voices.book.values import DECIMALS, checked_name
from speaksep_kernel.voices.diarization import diarize
from speaksep_kernel.voices.streams import RATE_HZ
from speaksep_kernel.voices.telephone import by_telephone
from speaksep_kernel.voices.turns import Turn
from speaksep_kernel.voices.voiceprint import MOST_S, voiceprint

MIN_SPEECH_S = 3.0
"""Least speech in an enrolled recording."""
OTHERS_S = 1.0
OTHERS_SHARE = 0.05
"""More speech than this of anybody else (the larger of the two), and whose voice is meant is not known."""


def enroll(
    name: str,
    sources: Sequence[Source | Recording],
    *,
    consent: bool = False,
    note: str = "",
    book: Books = None,
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
    name = checked_name(name)
    if not sources:
        raise InputError(f"no recording of {name!r}", reason="no-samples", hint="give one or more files")
    read_book(book_path(book))  # before any work
    fresh = [_sample(each, limits, hook) for each in sources]
    with changing(book) as opened:
        first = Voice(name=name, consent=True, enrolled=datetime.now(UTC).date().isoformat(), samples=(fresh[0][1],))
        voice = joined(opened.voices.get(name, first), fresh)
        opened.voices[name] = voice.model_copy(update={"note": note or voice.note})
        return opened.voices[name]


def _sample(source: Source | Recording, limits: Limits | None, hook: ProgressHook) -> tuple[str, Sample]:
    recording = source if isinstance(source, Recording) else Recording.open(source, limits=limits)
    with AnalysisCache(recording, hook=hook) as cache:
        found = diarize(cache, hook=hook)
        seconds = np.zeros(max(found.speakers, 1))
        for turn in found.turns:
            seconds[turn.speaker - 1] += turn.seconds
        speaker = int(seconds.argmax())
        # As a track is heard when it is identified; the diarizer's own vectors serve to tell people of one recording
        # apart, and may change with it.
        speech = _speech(cache, [turn for turn in found.turns if turn.speaker == speaker + 1])
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
    return recording.name, Sample(
        seconds=round(speech_s, 2),
        vector=_rounded(voiceprint(speech)),
        telephone=_rounded(voiceprint(by_telephone(speech))),
    )


def _speech(cache: AnalysisCache, turns: Sequence[Turn]) -> NDArray[np.float32]:
    """(samples,) turns end to end at 16 kHz, as many as a voiceprint listens to."""
    parts = [np.zeros(0, np.float32)]
    left = round(MOST_S * RATE_HZ)
    for turn in turns:
        first = round(turn.start_s * RATE_HZ)
        parts.append(cache.read16k(first, min(round(turn.end_s * RATE_HZ), first + left)))
        left -= len(parts[-1])
    return np.concatenate(parts)


def _rounded(vector: NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(round(value, DECIMALS) for value in vector.tolist())
