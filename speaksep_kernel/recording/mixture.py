"""Which mono signal is "the mixture" of a recording, decided from how its channels relate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording.channels import LIVELY_DB, ChannelRelations, measure_channels
from speaksep_kernel.recording.recording import Recording

MixdownKind = Literal["mono", "identical", "mean", "channel", "apart"]

STATIONARY_DB = 4.0
"""Level range (5th to 95th percentile) below which a channel is hum or noise."""
HARMFUL_NOISE_DB = -35.0
"""Steady noise in a channel of its own this far below the speech, or more, does no harm in the mean."""


@dataclass(frozen=True)
class Mixdown:
    """The mono mixture: Σ weights · channel, at the recording's rate and length.

    Attributes
    ----------
    kind
        "mono"; "identical" channels; "mean" of the channels; one "channel" only; or "apart": one speaker per channel.
    weights
        One per channel.
    why
        One sentence for the diagnosis.
    relations
        The measurement behind it; ``None`` for mono.
    """

    kind: MixdownKind
    weights: tuple[float, ...]
    why: str
    relations: ChannelRelations | None = None

    def mix(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """(frames,) float32 mixture of a (frames, channels) block."""
        if self.weights == (1.0,):
            return np.ascontiguousarray(block[:, 0])
        return np.asarray(block @ np.asarray(self.weights, dtype=np.float32), dtype=np.float32)


def choose_mixdown(recording: Recording, hook: ProgressHook = silent) -> Mixdown:
    """Decide the mixture: the plain mean of the channels unless there is a real reason against it.

    Examples
    --------
    >>> voice = np.random.default_rng(0).standard_normal((16000, 1)).astype(np.float32) / 8
    >>> choose_mixdown(Recording.open((np.hstack([voice, -voice]), 16000))).weights
    (0.5, -0.5)
    """
    channels = recording.channels
    if channels == 1:
        return Mixdown("mono", (1.0,), "One channel.")
    relations = measure_channels(recording, hook)
    mean = (1.0 / channels,) * channels
    if relations.identical:
        return Mixdown("identical", mean, "All channels are the same.", relations)
    if relations.inverted:
        signs = tuple(-w if c in relations.inverted else w for c, w in enumerate(mean))
        return Mixdown("mean", signs, f"Channel {_list(relations.inverted)} is inverted and turned back.", relations)
    if relations.apart:
        return Mixdown("apart", mean, "Each channel holds its own speaker.", relations)
    lively = [c for c, r in enumerate(relations.range_db) if r >= LIVELY_DB and c not in relations.dead]
    best = max(lively, key=lambda c: relations.level_db[c], default=0)
    audible_db = relations.level_db[best] + HARMFUL_NOISE_DB
    noise = tuple(
        c for c, r in enumerate(relations.range_db) if r < STATIONARY_DB and relations.level_db[c] > audible_db
    )
    if noise and lively:
        weights = tuple(float(c == best) for c in range(channels))
        why = f"Channel {best + 1} is used alone: channel {_list(noise)} is nothing but steady noise."
        return Mixdown("channel", weights, why, relations)
    if relations.dead:
        why = f"Mean of the channels; channel {_list(relations.dead)} is dead, which does no harm."
        return Mixdown("mean", mean, why, relations)
    return Mixdown("mean", mean, "Mean of the channels.", relations)


def _list(channels: tuple[int, ...]) -> str:
    return ", ".join(str(c + 1) for c in channels)
