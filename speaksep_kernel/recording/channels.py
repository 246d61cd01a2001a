"""How the channels of a recording relate: the same, dead, inverted, or one speaker each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.progress import ProgressHook, silent
from speaksep_kernel.recording.recording import Recording

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
APART_COUPLING = 0.3
"""Two channels are two speakers if each falls this far below the other when only the other speaks, …"""
INDEPENDENT_LEAK_DB = -9.0
INDEPENDENT_COUPLING = 0.1
"""… or, as people who never stop give no such moment, if the channels have nothing in common at any lag."""
APART_MIN_S = 0.5
COUPLING_LAG_S = 0.05
LIVELY_DB = 15.0
"""Level range of a channel in which somebody speaks and pauses."""


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
    coupling
        (channels, channels) largest absolute correlation at any lag up to 50 ms.
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
    coupling: NDArray[np.float64]
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
        if len(self.level_db) < 2 or min(self.active_s) < APART_MIN_S or min(self.range_db) < LIVELY_DB:
            return False
        others = ~np.eye(len(self.level_db), dtype=bool)
        leak_db, coupling = float(self.leak_db[others].max()), float(self.coupling[others].max())
        return (leak_db <= APART_LEAK_DB and coupling <= APART_COUPLING) or (
            leak_db <= INDEPENDENT_LEAK_DB and coupling <= INDEPENDENT_COUPLING
        )


def measure_channels(recording: Recording, hook: ProgressHook = silent) -> ChannelRelations:
    """Measure levels, correlations and leakage between channels in one streaming pass."""
    channels = recording.channels
    frame = max(1, round(FRAME_S * recording.rate_hz))
    power = np.zeros((channels, channels))
    window = 1 << round(np.log2(4 * COUPLING_LAG_S * recording.rate_hz))
    spectrum = np.zeros((channels, channels, window // 2 + 1), np.complex128)
    frame_power: list[NDArray[np.float32]] = []
    largest, done = 0.0, 0
    hook("channels", 0.0, recording.seconds)
    for block in recording.blocks(500 * FRAME_S):
        planes = np.ascontiguousarray(block.T)
        power += planes @ planes.T
        largest = max(largest, *(float(np.abs(plane - planes[0]).max()) for plane in planes[1:]))
        spectrum += _cross_spectrum(planes, window)
        frames = planes[:, : len(block) // frame * frame].reshape(channels, -1, frame)
        frame_power.append((np.einsum("cfi,cfi->fc", frames, frames) / frame).astype(np.float32))
        done += len(block)
        hook("channels", done / recording.rate_hz, recording.seconds)
    lags = round(COUPLING_LAG_S * recording.rate_hz)
    common = np.abs(np.fft.irfft(spectrum, window)[..., np.r_[-lags : lags + 1]]).max(axis=-1)
    return _relations(power / recording.frames, common / recording.frames, np.concatenate(frame_power), largest)


def _cross_spectrum(planes: NDArray[np.float32], window: int) -> NDArray[np.complex128]:
    """(channels, channels, bins) cross spectrum of (channels, frames), summed over windows; the last one is padded."""
    padded = np.pad(planes, ((0, 0), (0, -planes.shape[1] % window)))
    spectra = np.fft.rfft(padded.reshape(len(planes), -1, window))
    return np.asarray(np.einsum("itf,jtf->ijf", spectra.conj(), spectra), dtype=np.complex128)


def _relations(
    power: NDArray[np.float64], common: NDArray[np.float64], frame_power: NDArray[np.float32], largest: float
) -> ChannelRelations:
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
        coupling=np.divide(common, norm, out=np.zeros_like(power), where=norm > 0),
        leak_db=leak_db,
        active_s=tuple(active_s),
        largest_difference=largest,
    )
