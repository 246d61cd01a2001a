"""Recordings with one speaker per channel: who speaks when follows from the channels' levels."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.separation.overlap import speech_frames
from speaksep_kernel.separation.tables import FRAME_SAMPLES, frame_level
from speaksep_kernel.voices.segmentation import frame_count
from speaksep_kernel.voices.streams import RATE_HZ, Streams

RANGE_DB = 25.0
"""A channel speaks in frames this close to its own loud ones …"""
LEAK_DB = 12.0
"""… unless another channel is this much louder: then it only overhears."""
_BLOCK_FRAMES = 60 * RATE_HZ // FRAME_SAMPLES


class ChannelReader(Protocol):
    """A recording whose channels can be read one by one at 16 kHz."""

    @property
    def samples16k(self) -> int:
        """Length at 16 kHz."""
        ...

    def read16k_channel(self, channel: int, start: int, stop: int) -> NDArray[np.float32]:
        """Samples of one channel."""
        ...


def channel_activity(reader: ChannelReader, streams: Streams, channels: int) -> NDArray[np.uint8]:
    """(frames, channels) uint8: 255 where a channel's speaker speaks.

    Parameters
    ----------
    reader
        The recording.
    streams
        Local streams of its mixture: only where they hear speech does anybody speak.
    channels
        Number of channels.
    """
    total = frame_count(reader.samples16k)
    level = np.zeros((total, channels), np.float32)
    for first in range(0, total, _BLOCK_FRAMES):
        last = min(first + _BLOCK_FRAMES, total)
        for channel in range(channels):
            audio = reader.read16k_channel(channel, first * FRAME_SAMPLES, last * FRAME_SAMPLES)
            level[first:last, channel] = frame_level(audio, last - first)
    speech, _ = speech_frames(streams, total)
    level_db = 20 * np.log10(np.maximum(level, 1e-6))
    loud_db = np.percentile(level_db[speech], 95, axis=0) if speech.any() else np.zeros(channels)
    speaking = speech[:, None] & (level_db > loud_db - RANGE_DB) & (level_db > level_db.max(1, keepdims=True) - LEAK_DB)
    return np.where(speaking, 255, 0).astype(np.uint8)
