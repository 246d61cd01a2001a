"""Names for the tracks of a separation, from a voice book into the manifest; the tracks stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.atomic import write_atomically
from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.manifest import IdentificationEntry
from speaksep_kernel.results.values import Separation, Track
from speaksep_kernel.voices.book import Voice
from speaksep_kernel.voices.encoders import CamPlusPlus
from speaksep_kernel.voices.identification import THRESHOLD, Match, identify_voices
from speaksep_kernel.voices.streams import FRAME_S, RATE_HZ
from speaksep_kernel.voices.turns import Turn
from speaksep_kernel.voices.voiceprint import MOST_S, voiceprint

ENOUGH_SOLO_S = 3.0
"""With less speech while nobody else speaks, overlapped speech is taken as well."""
LEAST_S = 1.0
"""Speech listened to per track at least."""

Float32 = NDArray[np.float32]


def identify_tracks(separation: Separation, voices: Sequence[Voice], *, hook: ProgressHook = silent) -> Separation:
    """Name the tracks that are known voices, in the returned value and in ``manifest.json``.

    Names from a book are dropped first; those given by hand stay and are given to nobody else, and who was left
    nameless by hand stays so.
    No file with a hash in the manifest changes.

    Parameters
    ----------
    separation
        What to name.
    voices
        Of the book.
    hook
        Told "identify" in tracks.

    Raises
    ------
    InputError
        A track cannot be read.
    StoreError
        The manifest cannot be written.
    """
    manifest = separation.manifest
    by_hand = [entry.name for entry in manifest.speakers if entry.renamed]
    vectors = np.full((len(separation.tracks), CamPlusPlus.dim), np.nan, np.float32)
    hook("identify", 0, len(vectors))
    for done, track in enumerate(separation.tracks):
        if not manifest.speakers[done].renamed:
            vectors[done] = _voice_of(track, separation.turns)
        hook("identify", done + 1, len(vectors))
    found = identify_voices(vectors, [voice for voice in voices if voice.name not in by_hand])
    matches = [
        Match(entry.name) if entry.renamed else match for entry, match in zip(manifest.speakers, found, strict=True)
    ]
    info = CamPlusPlus.info
    manifest = manifest.model_copy(
        update={
            "identification": IdentificationEntry(
                encoder=info.name, encoder_version=info.version, threshold=THRESHOLD, voices=len(voices)
            ),
            "identified": {},  # of speakers that corrections took away; the book may have forgotten them
            "speakers": tuple(
                entry.model_copy(update=asdict(match)) for entry, match in zip(manifest.speakers, matches, strict=True)
            ),
        }
    )
    path = separation.directory / MANIFEST
    write_atomically(path, (manifest.model_dump_json(indent=2) + "\n").encode(), mode=path.stat().st_mode & 0o777)
    return replace(
        separation,
        manifest=manifest,
        tracks=tuple(replace(t, name=match.name) for t, match in zip(separation.tracks, matches, strict=True)),
    )


def _voice_of(track: Track, turns: Sequence[Turn]) -> Float32:
    """(192,) unit vector of a track's voice; NaN if there is too little of it."""
    mine, anybody_else = speaking(track.speaker, turns)
    solo = mine & ~anybody_else
    speech = _heard(track, solo if solo.sum() * FRAME_S >= ENOUGH_SOLO_S else mine)
    if len(speech) < LEAST_S * RATE_HZ:
        return np.full(CamPlusPlus.dim, np.nan, np.float32)
    return voiceprint(speech)


def speaking(speaker: int, turns: Sequence[Turn]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(frames,) whether a speaker speaks, and whether anybody else does, up to the end of the last turn."""
    frames = round(max((turn.end_s for turn in turns), default=0.0) / FRAME_S)
    mine, anybody_else = np.zeros(frames, bool), np.zeros(frames, bool)
    for turn in turns:
        which = mine if turn.speaker == speaker else anybody_else
        which[round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S)] = True
    return mine, anybody_else


def _heard(track: Track, frames: NDArray[np.bool_]) -> Float32:
    """(samples,) the track at 16 kHz in the frames asked for, one after the other, up to `MOST_S`."""
    wanted = np.repeat(frames, round(FRAME_S * RATE_HZ))
    parts: list[Float32] = []
    at = held = 0
    for block in Recording.open(track.file).blocks(rate_hz=RATE_HZ):
        part = wanted[at : at + len(block)]
        parts.append(block[: len(part), 0][part])
        at, held = at + len(block), held + len(parts[-1])
        if held >= MOST_S * RATE_HZ or at >= len(wanted):
            break
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
