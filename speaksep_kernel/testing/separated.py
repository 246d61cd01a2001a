"""A finished separation of a conversation of known content, made without any network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile as sf

from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.diagnosis.run import recording_facts
from speaksep_kernel.recording import Mixdown, Recording
from speaksep_kernel.results.manifest import (
    InputEntry,
    Manifest,
    MixtureEntry,
    ModelEntry,
    SpeakerEntry,
    hashes,
    versions,
)
from speaksep_kernel.results.values import TURNS, Separation
from speaksep_kernel.testing.conversation import Conversation
from speaksep_kernel.voices.rttm import rttm_text


def known_separation(
    talk: Conversation, directory: str | Path, *, name: str = "talk.wav", names: Mapping[int, str] | None = None
) -> Separation:
    """Write what a perfect separator would make of ``talk``, but for the picture and what rendering again needs.

    Parameters
    ----------
    talk
        The conversation; its references become the tracks, 16-bit FLAC, and its noise the residual.
    directory
        A new directory.
    name
        What the recording is called.
    names
        Speaker number -> name, for those who are known.

    Examples
    --------
    >>> import tempfile
    >>> from speaksep_kernel.testing import conversation
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     separation = known_separation(conversation(5), Path(folder) / "out", names={1: "Ada"})
    >>> [track.name for track in separation.tracks]
    ['Ada', None]
    """
    directory = Path(directory)
    directory.mkdir(parents=True)
    recording = Recording.open((talk.audio, talk.rate_hz), name=name)
    mixdown = Mixdown("mono", (1.0,), "one channel")
    mixture, tracks = (np.rint(samples * 2**15).astype(np.int32) for samples in (talk.audio, talk.references))
    numbers = range(1, len(tracks) + 1)
    files = [f"speaker_{number}.flac" for number in numbers]
    for file, samples in zip([*files, "residual.flac"], [*tracks, mixture - tracks.sum(0)], strict=True):
        sf.write(directory / file, samples.astype(np.int16), talk.rate_hz, "PCM_16")
    (directory / TURNS).write_text(rttm_text(talk.turns, Path(name).stem), encoding="utf-8")
    spoken_s = [sum(turn.seconds for turn in talk.turns if turn.speaker == number) for number in numbers]
    manifest = Manifest(
        input=InputEntry.of(recording),
        mixture=MixtureEntry(kind=mixdown.kind, weights=mixdown.weights, why=mixdown.why),
        parameters={"format": "flac"},
        model=ModelEntry(separator="known", version="1"),
        versions=versions(),
        speakers=tuple(
            SpeakerEntry(
                label=f"speaker_{number}",
                name=(names or {}).get(number),
                file=file,
                seconds=round(seconds, 3),
                confidence=1.0,
            )
            for number, file, seconds in zip(numbers, files, spoken_s, strict=True)
        ),
        residual="residual.flac",
        clipped_samples=0,
        diagnosis=Diagnosis(
            recording=recording_facts(recording, mixdown),
            findings=(),
            speakers=len(tracks),
            speaker_confidence=1.0,
            speech_ratio=0.0,
            overlap_ratio=talk.overlap_ratio,
            turns=talk.turns,
        ).to_dict(),
        files=hashes(directory, without=()),
    )
    manifest.save(directory)
    return Separation.open(directory)
