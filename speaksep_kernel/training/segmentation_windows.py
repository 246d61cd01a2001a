"""Ten-second windows of simulated conversations to train segmentation on, as its frozen front end hears them.

The front end (learned band-pass filters) is most of the cost of a window and stays as it is, so every window goes
through it once, and is kept in files of one conversation each. Making them can be stopped and gone on with.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.training.conversations import BUSY, FAR, MEETING_ROOM, Simulated, simulate
from speaksep_kernel.training.corpus import Corpus
from speaksep_kernel.voices.streams import RATE_HZ

WINDOW_S = 10.0
LOCAL = 3
"""Speakers that segmentation tells apart in one window."""
CONDITIONS = (MEETING_ROOM, BUSY, FAR)
"""In turn."""
CENTRE, STEP = 495, 270
"""Middle of its first frame, and from one to the next, in samples."""


@dataclass(frozen=True)
class Windows:
    """Windows as the front end hears them, and the truth.

    Attributes
    ----------
    features
        (windows, frames, 60) float16.
    truth
        (windows, frames, 3) bool: who speaks, of the three who say most in that window.
    """

    features: NDArray[np.float16]
    truth: NDArray[np.bool_]


def hear(corpus: Corpus, number: int, folder: Path, *, seed: int) -> Path:
    """Simulate conversation ``number`` and keep its windows, unless that was done before."""
    import torch

    from speaksep_kernel.voices.weights import load_segmentation

    path = folder / f"w{number:05d}.npz"
    if path.exists():
        return path
    made = simulate(corpus, number, seed=seed, conditions=CONDITIONS[number % 3])
    size = round(WINDOW_S * RATE_HZ)
    first = np.arange(number % 7 * RATE_HZ, len(made.audio) - size + 1, size)
    front: Any = load_segmentation(tuned=False).sincnet
    with torch.inference_mode():
        heard = [
            front(torch.from_numpy(made.audio[a : a + size])[None, None]).numpy()[0].T.astype(np.float16) for a in first
        ]
    features = np.stack(heard)
    truth = np.stack([local_truth(made, int(a), features.shape[1]) for a in first])
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".w{number:05d}.npz"
    np.savez(temporary, features=features, truth=truth)
    os.replace(temporary, path)
    return path


def recall(path: Path) -> Windows:
    """The windows of one conversation."""
    with np.load(path) as kept:
        return Windows(kept["features"], kept["truth"])


def local_truth(made: Simulated, start: int, frames: int) -> NDArray[np.bool_]:
    """(frames, 3) who speaks in the window that begins at sample ``start``, the most talkative first."""
    at_s = (start + CENTRE + STEP * np.arange(frames)) / RATE_HZ
    speaks = np.zeros((frames, max(made.people, LOCAL)), np.bool_)
    for turn in made.turns:
        speaks[(at_s >= turn.start_s) & (at_s < turn.end_s), turn.speaker - 1] = True
    return speaks[:, np.argsort(-speaks.sum(0), kind="stable")[:LOCAL]]
