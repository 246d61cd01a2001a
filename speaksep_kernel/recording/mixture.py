"""Which mono signal is "the mixture" of a recording, decided from how its channels relate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording.recording import Recording

MixdownKind = Literal["mono", "identical", "mean", "channel", "apart"]

FRAME_S = 0.02
DEAD_DB = -50.0
"""A channel this far below the loudest one carries nothing."""
SILENT_DB = -90.0
"""A channel below this level is dead whatever the others do."""
LSB = 1.0 / 32768
INVERTED_CORRELATION = -0.9
ACTIVE_RANGE_DB = 25.0
"""A channel is active in frames this close to its own loud ones."""
APART_LEAK_DB = -15.0
APART_CORRELATION = 0.3
APART_MIN_S = 1.0
"""Two channels are two speakers if each falls this far below the other when only the other speaks."""
STATIONARY_DB = 4.0
"""Level range (5th to 95th percentile) below which a channel is hum or noise."""
LIVELY_DB = 15.0


@dataclass(frozen=True)
class ChannelRelations:
    """How the channels of a recording relate.

    Attributes
    ----------
    level_db
        RMS of each channel in dBFS (-inf for digital silence).
    range_db
        5th to 95th percentile of each channel's level over 20-ms frames that are not digital silence, in dB.
    correlation
        (channels, channels) zero-lag correlation.
    leak_db
        (channels, channels): level of channel j relative to channel i in the frames where i speaks most alone
        (10th percentile over i's active frames).
    active_s
        Seconds in which each channel is active.
    largest_difference
        Largest absolute difference of any sample between any channel and the first.
    """

    level_db: tuple[float, ...]
    range_db: tuple[float, ...]
    correlation: NDArray[np.float64]
    leak_db: NDArray[np.float64]
    active_s: tuple[float, ...]
    largest_difference: float

    @property
    def dead(self) -> tuple[int, ...]:
        """Channels (0, 1, …) that carry nothing while another one does."""
        loudest = max(self.level_db)
        return tuple(
            c
            for c, level in enumerate(self.level_db)
            if loudest > SILENT_DB and (level < SILENT_DB or level < loudest + DEAD_DB)
        )

    @property
    def identical(self) -> bool:
        """All channels are the same to one step of 16 bits."""
        return len(self.level_db) > 1 and self.largest_difference <= LSB

    @property
    def inverted(self) -> tuple[int, ...]:
        """Channels that are the first live one upside down."""
        live = [c for c in range(len(self.level_db)) if c not in self.dead]
        return tuple(c for c in live if self.correlation[live[0], c] < INVERTED_CORRELATION)

    @property
    def apart(self) -> bool:
        """Every channel holds its own speaker."""
        others = ~np.eye(len(self.level_db), dtype=bool)
        return (
            len(self.level_db) > 1
            and min(self.active_s) >= APART_MIN_S
            and min(self.range_db) >= LIVELY_DB
            and bool((self.leak_db[others] <= APART_LEAK_DB).all())
            and bool((np.abs(self.correlation[others]) <= APART_CORRELATION).all())
        )


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


def measure_channels(recording: Recording, hook: ProgressHook = silent) -> ChannelRelations:
    """Measure levels, correlations and leakage between channels in one streaming pass."""
    channels = recording.channels
    frame = max(1, round(FRAME_S * recording.rate_hz))
    power = np.zeros((channels, channels))
    frame_power: list[NDArray[np.float32]] = []
    largest, done = 0.0, 0
    hook("channels", 0.0, recording.seconds)
    for block in recording.blocks(500 * FRAME_S):
        power += block.T.astype(np.float64) @ block
        largest = max(largest, float(np.abs(block - block[:, :1]).max()))
        whole = block[: len(block) // frame * frame].reshape(-1, frame, channels)
        frame_power.append(np.square(whole).mean(axis=1))
        done += len(block)
        hook("channels", done / recording.rate_hz, recording.seconds)
    return _relations(power / recording.frames, np.concatenate(frame_power), largest)


def _relations(power: NDArray[np.float64], frame_power: NDArray[np.float32], largest: float) -> ChannelRelations:
    channels = len(power)
    with np.errstate(divide="ignore"):
        level_db = 10 * np.log10(np.diag(power))
    norm = np.sqrt(np.outer(np.diag(power), np.diag(power)))
    frame_db = 10 * np.log10(frame_power.astype(np.float64) + 1e-12)
    leak_db = np.zeros((channels, channels))
    range_db, active_s = [], []
    for c in range(channels):
        sounding = frame_db[frame_power[:, c] > 0, c]
        low, high = np.percentile(sounding, [5, 95]) if len(sounding) else (0.0, 0.0)
        # A gated or muted channel has its silence as digital zeros: lively, not stationary.
        range_db.append(float(high - low) if len(sounding) > 0.9 * len(frame_db) else float(high + 120.0))
        active = frame_db[:, c] > max(high - ACTIVE_RANGE_DB, SILENT_DB)
        active_s.append(float(active.sum()) * FRAME_S)
        if active.any():
            leak_db[c] = np.percentile(frame_db[active] - frame_db[active, c : c + 1], 10, axis=0)
    return ChannelRelations(
        level_db=tuple(map(float, level_db)),
        range_db=tuple(range_db),
        correlation=np.divide(power, norm, out=np.zeros_like(power), where=norm > 0),
        leak_db=leak_db,
        active_s=tuple(active_s),
        largest_difference=largest,
    )


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
    noise = tuple(c for c, r in enumerate(relations.range_db) if r < STATIONARY_DB and c not in relations.dead)
    lively = [c for c, r in enumerate(relations.range_db) if r >= LIVELY_DB and c not in relations.dead]
    if noise and lively:
        best = max(lively, key=lambda c: relations.level_db[c])
        weights = tuple(float(c == best) for c in range(channels))
        why = f"Channel {best + 1} is used alone: channel {_list(noise)} is nothing but steady noise."
        return Mixdown("channel", weights, why, relations)
    if relations.dead:
        why = f"Mean of the channels; channel {_list(relations.dead)} is dead, which does no harm."
        return Mixdown("mean", mean, why, relations)
    return Mixdown("mean", mean, "Mean of the channels.", relations)


def _list(channels: tuple[int, ...]) -> str:
    return ", ".join(str(c + 1) for c in channels)
