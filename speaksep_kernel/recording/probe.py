"""Which decoder reads a file, and whether the file is whole: decided from its first bytes, never from its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.recording.ffmpeg import FfmpegDecoder
from speaksep_kernel.recording.limits import Limits
from speaksep_kernel.recording.sndfile import SndfileDecoder, truncated


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
        head = file.read(64)
    container = ffmpeg_container(head)
    decoder: Decoder
    if container:
        decoder = FfmpegDecoder(path, name, container, limits)
    else:
        decoder = SndfileDecoder(path, name)
        limits.check_audio(frames=decoder.frames, rate_hz=decoder.rate_hz, channels=decoder.channels, name=name)
        check_whole(decoder)
    limits.check_audio(frames=decoder.frames, rate_hz=decoder.rate_hz, channels=decoder.channels, name=name)
    return decoder


def ffmpeg_container(head: bytes) -> str:
    """ffmpeg's name of the container a file begins with, or "" if it is libsndfile's business."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov,mp4,m4a,3gp,3g2,mj2"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska,webm"
    # ADTS: twelve bits of sync, layer 0 (an mp3 has layer 1 to 3).
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    return ""


def check_whole(decoder: SndfileDecoder) -> None:
    """Raise `InputError` when libsndfile's reading log tells that the file ends before its data does."""
    short = re.search(r"^ *(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)", decoder.log, re.MULTILINE)
    if short and int(short[1]) > int(short[2]) and int(short[1]) != 0xFFFFFFFF:
        promised_s = decoder.frames / decoder.rate_hz * int(short[1]) / max(int(short[2]), 1)
        raise truncated(decoder.name, decoder.frames / decoder.rate_hz, promised_s)
    if "Last page lacks an end-of-stream bit" in decoder.log and "Junk after the last page" in decoder.log:
        raise truncated(decoder.name, decoder.frames / decoder.rate_hz, float("nan"))
