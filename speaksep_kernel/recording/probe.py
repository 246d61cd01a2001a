"""Which decoder reads a file: decided from its content, never from its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.recording.ffmpeg import FfmpegDecoder
from speaksep_kernel.recording.framing import after_id3
from speaksep_kernel.recording.limits import Limits
from speaksep_kernel.recording.refusals import not_audio
from speaksep_kernel.recording.sndfile import SndfileDecoder


class Decoder(Protocol):
    """What a recording needs of a file format."""

    format: str
    subtype: str
    rate_hz: int
    channels: int
    frames: int
    bit_depth: int | None

    def decode(self, start: int, block_frames: int) -> Iterator[NDArray[np.float32]]:
        """Blocks of (at most ``block_frames``, channels) float32 from sample ``start`` on."""
        ...


def probe(path: Path, name: str, limits: Limits) -> Decoder:
    """Find the decoder of a file and check its header.

    Raises
    ------
    InputError
        Not audio, empty, or cut off.
    CapacityError
        Beyond a limit.
    """
    with path.open("rb") as file:
        head = after_id3(file, 64)
    if head[:4] == b"caff":  # libsndfile prints on stdout when one is damaged, ffmpeg does not tell when one is cut
        raise not_audio(name, "Apple CAF")
    container = ffmpeg_container(head)
    decoder: SndfileDecoder | FfmpegDecoder
    if not container:
        decoder = SndfileDecoder(path, name)
        container = _better_with_ffmpeg(decoder)
        decoder.check_whole()
    if container:
        decoder = FfmpegDecoder(path, name, container, limits)
    limits.check_audio(frames=decoder.frames, rate_hz=decoder.rate_hz, channels=decoder.channels, name=name)
    return decoder


def ffmpeg_container(head: bytes) -> str:
    """ffmpeg's name of the format that begins so, or "" if it is libsndfile's business."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov,mp4,m4a,3gp,3g2,mj2"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska,webm"
    if head[:4] == b"\x30\x26\xb2\x75":
        return "asf"
    if head[:5] == b"#!AMR":
        return "amr"
    # Eleven bits of sync; the two layer bits are 0 in ADTS and 1 in layer III.
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return {0: "aac", 2: "mp3"}.get(head[1] & 6, "")
    return ""


def _better_with_ffmpeg(decoder: SndfileDecoder) -> str:
    """ffmpeg's name of a format libsndfile opened but does not read well.

    Its mp3 reader guesses lengths and writes to stderr; a flac written to a pipe has no length.
    """
    if decoder.subtype == "MPEG_LAYER_III":
        return decoder.format.lower()
    return "flac" if decoder.format == "FLAC" and decoder.frames in (0, 2**63 - 1) else ""
