"""Simulated conversations as they are heard (streams with embeddings) beside the truth, kept in files.

Hearing takes a fifth of the conversation's time, what comes after it next to none: so it is done once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.recording.cache import AnalysisCache
from speaksep_kernel.recording.recording import Recording
from speaksep_kernel.training.conversations import RATE_HZ, Simulated
from speaksep_kernel.training.corpus import Corpus, read_shards
from speaksep_kernel.voices.streams import FRAME_S, Streams
from speaksep_kernel.voices.turns import Turn

KEPT = ("window_start", "window", "activity", "embedding", "weight_s")


@dataclass(frozen=True)
class Heard:
    """A conversation as it was heard, and the truth.

    Attributes
    ----------
    number
        Of the conversation.
    streams
        Embedded, not clustered.
    truth
        (frames, people) who speaks, in frames of 20 ms.
    about
        Room and noise, in words.
    """

    number: int
    streams: Streams
    truth: NDArray[np.bool_]
    about: str


@cache
def voices(folder: Path, split: str) -> Corpus:
    """The speakers of one split of a corpus."""
    return read_shards(folder, split)


def hear(number: int, *, speech: Path, split: str, folder: Path, make: Callable[[Corpus, int], Simulated]) -> Path:
    """Listen to a conversation, unless that was done before.

    Parameters
    ----------
    number
        Of the conversation.
    speech, split
        Corpus and split whose people speak.
    folder
        Gets the file.
    make
        Makes the conversation of that number from the corpus.
    """
    path = folder / f"c{number:03d}.npz"
    if path.exists():
        return path
    import torch

    from speaksep_kernel.voices.embedding import embed
    from speaksep_kernel.voices.segmentation import segment

    torch.set_num_threads(1)
    made = make(voices(speech, split), number)
    with AnalysisCache(Recording.open((made.audio, RATE_HZ))) as recording:
        streams = embed(recording, segment(recording))
    temporary = folder / f".c{number:03d}.npz"
    np.savez_compressed(
        temporary,
        window_frames=streams.window_frames,
        total_frames=-(-len(made.audio) // round(FRAME_S * RATE_HZ)),
        people=made.people,
        about=made.about,
        ref=np.array([(turn.start_s, turn.end_s, turn.speaker) for turn in made.turns]),
        **{name: getattr(streams, name) for name in KEPT},
    )
    os.replace(temporary, path)
    return path


def recall(path: Path) -> Heard:
    """What :func:`hear` wrote."""
    with np.load(path) as kept:
        count = len(kept["window"])
        streams = Streams(
            window_frames=int(kept["window_frames"]),
            label=np.full(count, -1, np.int32),
            confidence=np.zeros(count, np.float32),
            **{name: kept[name] for name in KEPT},
        )
        turns = [Turn(float(a), float(b), int(k)) for a, b, k in kept["ref"]]
        truth = on_grid(turns, int(kept["total_frames"]), int(kept["people"]))
        return Heard(int(path.stem[1:]), streams, truth, str(kept["about"]))


def on_grid(turns: list[Turn] | tuple[Turn, ...], frames: int, people: int) -> NDArray[np.bool_]:
    """(frames, people) who speaks."""
    grid = np.zeros((frames, people), bool)
    for turn in turns:
        grid[round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S), turn.speaker - 1] = True
    return grid
