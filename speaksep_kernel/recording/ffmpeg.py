"""Decoding with PyAV (ffmpeg's libraries): mp3, m4a, mp4, mov, aac, webm, mkv, wma, amr."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.recording.framing import has_info_tag, packet_bytes
from speaksep_kernel.recording.limits import Limits
from speaksep_kernel.recording.refusals import damaged, no_audio, not_audio, truncated
from speaksep_kernel.recording.samples import to_float32
from speaksep_kernel.recording.wholeness import is_cut

Float32 = NDArray[np.float32]

BIT_DEPTHS = {"s16": 16, "s16p": 16, "u8": 8, "u8p": 8}
CODECS_WITH_DEPTH = ("alac", "flac", "pcm_s16le", "pcm_s16be")
BARE_STREAMS = ("mp3", "aac", "amr", "flac")
"""Formats without a container: junk between frames is normal (tags, a broadcast's start), durations may be guesses."""
JUNK_SHARE = 0.01
"""Undecodable share of a bare stream's packets that is passed over, as every player does."""

TOLERANCE_S = 0.1
"""How much shorter than the header's duration a whole file may be: containers count priming, some in milliseconds."""


class FfmpegDecoder:
    """The first audio stream of a file.

    The number of samples is counted by decoding the file once when it is opened (less than a thousandth of its length):
    neither the headers nor the codecs' priming and padding allow to know it otherwise. libsndfile trusts the header of
    an mp3, and so loses half of one with a variable bit rate and no Info tag.
    """

    def __init__(self, path: Path, name: str, container: str, limits: Limits) -> None:
        self.path = path
        self.name = name
        self.container = container
        if is_cut(path, container):
            raise truncated(name, 0.0)
        with self._open() as file:
            stream = file.streams.audio[0] if file.streams.audio else None
            context = stream.codec_context if stream else None
            if stream is None or context is None:  # no context: a codec that ffmpeg does not know
                raise no_audio(name)
            self.format = container.split(",")[0].upper()
            self.subtype = str(context.name).upper()
            self.rate_hz = int(context.sample_rate or 0)
            self.channels = int(context.channels or 0)
            lossless = context.name in CODECS_WITH_DEPTH and context.format is not None
            self.bit_depth = BIT_DEPTHS.get(context.format.name) if lossless else None
            header_s = _header_s(file, stream)
        promised = int(header_s * self.rate_hz)
        limits.check_audio(frames=max(2, promised), rate_hz=self.rate_hz, channels=self.channels, name=name)
        self.frames = self._count(limits)
        if self._header_counts() and self.frames < (header_s - TOLERANCE_S) * self.rate_hz:
            raise truncated(name, self.frames / self.rate_hz, header_s)

    def decode(self, start: int, block_frames: int) -> Iterator[Float32]:
        """Blocks of (at most ``block_frames``, channels) from sample ``start`` on; what lies before is decoded too."""
        ready: list[Float32] = []
        waiting, at = 0, 0
        for frame in self._frames():
            samples = self._samples(frame)[max(0, start - at) :]
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

    def _open(self) -> Any:
        import av

        try:
            # The explicit container and protocol keep playlists and the like from opening other files or addresses.
            return av.open(str(self.path.absolute()), format=self.container, options={"protocol_whitelist": "file"})
        except (av.FFmpegError, ValueError, OSError) as error:
            raise not_audio(self.name, _words(error)) from error

    def _header_counts(self) -> bool:
        """Whether the duration in the header is a promise; a bare stream's is guessed from its bit rate."""
        return self.container not in BARE_STREAMS or (self.container == "mp3" and has_info_tag(self.path))

    def _count(self, limits: Limits) -> int:
        frames = 0
        for frame in self._frames(whole=True):
            frames += frame.samples
            limits.check_audio(frames=max(2, frames), rate_hz=self.rate_hz, channels=self.channels, name=self.name)
        return frames

    def _frames(self, *, whole: bool = False) -> Iterator[Any]:
        """Decoded frames, all of one rate and channel count; with ``whole`` the last packet must be complete."""
        import av

        at, packets, junk, last, end = 0, 0, 0, b"", 0
        with self._open() as file:
            try:
                for packet in file.demux(file.streams.audio[0]):
                    packets += 1
                    try:
                        frames = packet.decode()
                    except av.InvalidDataError:
                        if self.container not in BARE_STREAMS:
                            raise
                        junk += 1
                        continue
                    if whole and packet.size:
                        last, end = bytes(packet), (packet.pos or 0) + packet.size
                    for frame in frames:
                        if at == 0:
                            # Only the decoder knows what HE-AAC really holds: the header may give half its rate.
                            self.rate_hz, self.channels = frame.sample_rate, frame.layout.nb_channels
                        if (frame.sample_rate, frame.layout.nb_channels) != (self.rate_hz, self.channels):
                            raise damaged(self.name, at / self.rate_hz, "the rate or the channels change")
                        at += frame.samples
                        yield frame
            except (av.FFmpegError, ValueError) as error:
                raise damaged(self.name, at / max(self.rate_hz, 1), _words(error)) from error
        if junk > max(2, JUNK_SHARE * packets):
            raise damaged(self.name, at / max(self.rate_hz, 1), f"{junk} of {packets} packets are junk")
        if whole and (len(last) < packet_bytes(self.container, last) or self._goes_on(end)):
            raise truncated(self.name, at / max(self.rate_hz, 1))

    def _goes_on(self, end: int) -> bool:
        """Whether an incomplete AAC frame follows the last packet: ffmpeg passes over it."""
        with self.path.open("rb") as file:
            file.seek(end)
            tail = file.read(2)
        return self.container == "aac" and len(tail) > 0 and tail[0] == 0xFF

    def _samples(self, frame: Any) -> Float32:
        array = frame.to_ndarray()
        return to_float32(array.T if frame.format.is_planar else array.reshape(-1, self.channels))


def _header_s(file: Any, stream: Any) -> float:
    """Length of the sound by the header, 0 if unknown. A file's length is that of its video, if it has one."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return file.duration / 1e6 if file.duration and len(file.streams) == 1 else 0.0


def _words(error: Exception) -> str:
    """ffmpeg's reason without number and path."""
    return str(getattr(error, "strerror", "") or error)
