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
from speaksep_kernel.results.values import Separation, Track
from speaksep_kernel.voices.book import Voice, centroid
from speaksep_kernel.voices.encoders import CamPlusPlus
from speaksep_kernel.voices.identification import identify_voices
from speaksep_kernel.voices.streams import FRAME_S, RATE_HZ
from speaksep_kernel.voices.turns import Turn

ENOUGH_SOLO_S = 3.0
"""With less speech while nobody else speaks, overlapped speech is taken as well."""
LEAST_S = 1.0
MOST_S = 40.0
"""Speech listened to per track at least and at most; more does not make the vector better."""
CLIP_S = 10.0

Float32 = NDArray[np.float32]


def identify_tracks(separation: Separation, voices: Sequence[Voice], *, hook: ProgressHook = silent) -> Separation:
    """Name the tracks that are known voices, in the returned value and in ``manifest.json``.

    Earlier names are dropped. No file with a hash in the manifest changes.

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
    vectors = np.full((len(separation.tracks), CamPlusPlus.dim), np.nan, np.float32)
    hook("identify", 0, len(vectors))
    for done, track in enumerate(separation.tracks):
        vectors[done] = _voice_of(track, separation.turns)
        hook("identify", done + 1, len(vectors))
    matches = identify_voices(vectors, voices)
    manifest = separation.manifest
    manifest = manifest.model_copy(
        update={
            "speakers": tuple(
                entry.model_copy(update=asdict(match)) for entry, match in zip(manifest.speakers, matches, strict=True)
            )
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
    clips = np.array_split(speech, max(1, round(len(speech) / (CLIP_S * RATE_HZ))))
    vectors = CamPlusPlus().embed(clips, RATE_HZ)
    told = ~np.isnan(vectors).any(1)
    if not told.any():
        return np.full(CamPlusPlus.dim, np.nan, np.float32)
    return centroid(vectors[told], np.ones(int(told.sum()), np.float32))


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
