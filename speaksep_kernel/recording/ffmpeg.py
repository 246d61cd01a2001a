"""Decoding with PyAV (ffmpeg's libraries): m4a, mp4, mov, aac, webm, mkv."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.recording.limits import Limits
from speaksep_kernel.recording.sndfile import damaged, not_audio, truncated

Float32 = NDArray[np.float32]

BIT_DEPTHS = {"s16": 16, "s16p": 16, "u8": 8, "u8p": 8}
CODECS_WITH_DEPTH = ("alac", "flac", "pcm_s16le", "pcm_s16be")


class FfmpegDecoder:
    """The first audio stream of a container.

    The number of samples is counted by decoding the file once when it is opened (some thousandths of its length):
    neither the containers' durations nor the codecs' priming and padding allow to know it otherwise.
    """

    def __init__(self, path: Path, name: str, container: str, limits: Limits) -> None:
        self.path = path
        self.name = name
        self.container = container
        with self._open() as file:
            streams = file.streams.audio
            if not streams:
                raise InputError(
                    f"{name}: has no audio stream", reason="no-audio", hint="give a file that holds sound"
                )
            context = streams[0].codec_context
            self.format = container.split(",")[0].upper()
            self.subtype = str(context.name).upper()
            header_s = file.duration / 1e6 if file.duration else 0.0
            self.rate_hz = int(context.sample_rate or 0)
            self.channels = int(context.channels or 0)
            limits.check_audio(
                frames=max(2, int(header_s * self.rate_hz)), rate_hz=self.rate_hz, channels=self.channels, name=name
            )
            self.bit_depth = BIT_DEPTHS.get(context.format.name) if context.name in CODECS_WITH_DEPTH else None
        self.frames = self._count(limits)
        # Raw AAC has no duration of its own, ffmpeg guesses one from the bit rate.
        if container != "aac" and self.frames < (header_s - 0.5) * self.rate_hz:
            raise truncated(name, self.frames / self.rate_hz, header_s)

    def _open(self) -> Any:
        import av

        try:
            # The explicit container and protocol keep playlists and the like from opening other files or addresses.
            return av.open(str(self.path), format=self.container, options={"protocol_whitelist": "file"})
        except (av.FFmpegError, ValueError, OSError) as error:
            raise not_audio(self.name, str(error).split(":")[0]) from error

    def _count(self, limits: Limits) -> int:
        frames = 0
        for frame in self._frames():
            frames += frame.samples
            if frames > limits.max_seconds * self.rate_hz:
                break
        return frames

    def _frames(self) -> Iterator[Any]:
        """Decoded frames, each checked to have the rate and the channels of the first."""
        import av

        at = 0
        with self._open() as file:
            try:
                for frame in file.decode(file.streams.audio[0]):
                    if at == 0:
                        # Only the decoder knows what HE-AAC really holds: the header gives half its rate.
                        self.rate_hz, self.channels = frame.sample_rate, frame.layout.nb_channels
                    if (frame.sample_rate, frame.layout.nb_channels) != (self.rate_hz, self.channels):
                        raise damaged(self.name, at / self.rate_hz, "the rate or the channels change")
                    at += frame.samples
                    yield frame
            except (av.FFmpegError, ValueError) as error:
                raise damaged(self.name, at / max(self.rate_hz, 1), str(error).split(":")[0]) from error

    def decode(self, start: int, block_frames: int) -> Iterator[Float32]:
        """Blocks of (at most ``block_frames``, channels) from sample ``start`` on; what lies before is decoded too."""
        ready: list[Float32] = []
        waiting, at = 0, 0
        for frame in self._frames():
            samples = _samples(frame, self.channels)[max(0, start - at) :]
            at += frame.samples
            if len(samples):
                ready.append(samples)
                waiting += len(samples)
            if waiting >= block_frames:
                joined = np.concatenate(ready)
                whole = waiting - waiting % block_frames
                for begin in range(0, whole, block_frames):
                    yield joined[begin : begin + block_frames]
                ready, waiting = [joined[whole:]], waiting - whole
        if waiting:
            yield np.concatenate(ready)


def _samples(frame: Any, channels: int) -> Float32:
    """(frames, channels) float32 of a decoded frame, planar or packed, integer or float."""
    array = frame.to_ndarray()
    array = array.T if frame.format.is_planar else array.reshape(-1, channels)
    if array.dtype.kind == "f":
        return np.ascontiguousarray(array, dtype=np.float32)
    scale = 2.0 ** (8 * array.dtype.itemsize - 1)
    offset = scale if array.dtype.kind == "u" else 0.0
    return np.ascontiguousarray((array.astype(np.float64) - offset) / scale, dtype=np.float32)
