"""Who speaks when in a whole recording: segment, embed, cluster, draw the timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.voices.anchors import cluster_known
from speaksep_kernel.voices.clustering import speaker_bounds
from speaksep_kernel.voices.confidence import calibrated
from speaksep_kernel.voices.embedding import embed
from speaksep_kernel.voices.encoders import Encoder
from speaksep_kernel.voices.segmentation import MixtureReader, frame_count, segment
from speaksep_kernel.voices.silero import segment_silero
from speaksep_kernel.voices.streams import Streams
from speaksep_kernel.voices.timeline import OFFSET, timeline, turns, without_silent
from speaksep_kernel.voices.turns import Turn


@dataclass(frozen=True)
class Diarization:
    """Who speaks when.

    Attributes
    ----------
    streams
        The labelled local streams it was drawn from.
    activity
        (frames, speakers) float32 in [0, 1], one frame per 20 ms.
    turns
        Sorted by start; speakers numbered from 1 by first appearance.
    speakers
        How many people speak; 0 where nobody does.
    confidence
        How sure the number of speakers is, in [0, 1].
    phantoms
        Speakers heard in some windows but too briefly to be counted.
    speech_ratio
        Share of the recording in which anybody speaks.
    overlap_ratio
        Share of that speech in which two or more speak at once.
    """

    streams: Streams
    activity: NDArray[np.float32]
    turns: tuple[Turn, ...]
    speakers: int
    confidence: float
    phantoms: int
    speech_ratio: float
    overlap_ratio: float


def diarize(
    cache: MixtureReader,
    *,
    speakers: int | None = None,
    min_speakers: int = 0,
    max_speakers: int = 8,
    known: NDArray[np.float32] | None = None,
    hook: ProgressHook = silent,
    vad: Literal["segmentation", "silero"] = "segmentation",
    encoder: Encoder | None = None,
) -> Diarization:
    """Find who speaks when.

    Parameters
    ----------
    cache
        The recording's mono mixture at 16 kHz (an `AnalysisCache`).
    speakers, min_speakers, max_speakers
        What is known of the number of speakers.
    known
        (people, dim) voices of people who are expected to speak, from the voice book (`known_voices`).
    hook
        Told "segment" (windows) and "embed" (streams).
    vad
        "segmentation" hears overlaps; "silero" is lighter and hears one speaker at a time.
    encoder
        Any plugin of ``speaksep.encoders``; CAM++ if ``None``.

    Raises
    ------
    InputError
        Reason ``bad-speakers``.
    PluginError
        Reason ``missing-weights``.
    """
    speaker_bounds(speakers, min_speakers, max_speakers)
    find = segment_silero if vad == "silero" else segment
    streams = embed(cache, find(cache, hook), hook, encoder=encoder)
    streams, phantoms = cluster_known(
        streams, known, speakers=speakers, min_speakers=min_speakers, max_speakers=max_speakers
    )
    total = frame_count(cache.samples16k)
    streams = without_silent(streams, total, least=speakers or min_speakers)
    return summarise(streams, total, phantoms=phantoms)


def summarise(streams: Streams, total_frames: int, *, phantoms: int = 0) -> Diarization:
    """The diarization that labelled streams amount to (again after they were corrected)."""
    activity = timeline(streams, total_frames)
    named = streams.label >= 0
    weight = streams.weight_s[named]
    return Diarization(
        streams=streams,
        activity=activity,
        turns=calibrated(turns(activity), streams, activity),
        speakers=activity.shape[1],
        confidence=float(np.average(streams.confidence[named], weights=weight)) if weight.sum() > 0 else 0.0,
        phantoms=phantoms,
        speech_ratio=float(np.mean((activity >= OFFSET).any(1))) if total_frames else 0.0,
        overlap_ratio=overlap_ratio(activity),
    )


def overlap_ratio(activity: NDArray[np.float32]) -> float:
    """Share of the speech in which two or more speak; 0 where nobody does."""
    count = (activity >= OFFSET).sum(1)
    return float((count > 1).sum() / max(1, (count > 0).sum()))
