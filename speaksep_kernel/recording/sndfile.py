"""Decoding with libsndfile: wav, aiff, au, w64, caf, flac, ogg (vorbis, opus) and mp3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError

Float32 = NDArray[np.float32]

BIT_DEPTHS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "ALAC_16": 16, "ALAC_24": 24}


class SndfileDecoder:
    """One file, opened anew for every pass so that passes never disturb each other."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        with self._open() as file:
            self.format: str = file.format
            self.subtype: str = file.subtype
            self.rate_hz: int = file.samplerate
            self.channels: int = file.channels
            self.frames: int = file.frames
            self.log: str = file.extra_info
        self.bit_depth = BIT_DEPTHS.get(self.subtype)

    def _open(self) -> soundfile.SoundFile:
        try:
            return soundfile.SoundFile(str(self.path))
        except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
            raise not_audio(self.name, str(error)) from error

    def decode(self, start: int, block_frames: int) -> Iterator[Float32]:
        """Blocks of (at most ``block_frames``, channels) from sample ``start`` to wherever decoding ends."""
        at = start
        with self._open() as file:
            try:
                if start:
                    file.seek(start)
                while at < self.frames:
                    block = file.read(min(block_frames, self.frames - at), dtype="float32", always_2d=True)
                    if not len(block):
                        return
                    at += len(block)
                    yield block
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise damaged(self.name, at / self.rate_hz, str(error)) from error


def not_audio(name: str, why: str) -> InputError:
    """The `InputError` for a file no decoder knows."""
    return InputError(
        f"{name}: is not audio that can be read ({why})",
        reason="not-audio",
        hint="give wav, flac, ogg, opus, mp3, m4a, aac, webm or mp4 (what counts is the content, not the name)",
    )


def damaged(name: str, at_s: float, why: str) -> InputError:
    """The `InputError` for a file whose decoding fails half-way."""
    return InputError(
        f"{name}: damaged at {at_s:.2f} s ({why})",
        reason="damaged-audio",
        hint="copy it again, or repair it with: ffmpeg -err_detect ignore_err -i IN OUT.flac",
    )


def truncated(name: str, seconds: float, promised_s: float) -> InputError:
    """The `InputError` for a file that ends before what its header says."""
    return InputError(
        f"{name}: truncated: the header says {promised_s:.2f} s, the file holds {max(seconds, 0.0):.2f} s",
        reason="truncated",
        hint="copy or download it again; to use what is left, rewrite it with: ffmpeg -i IN OUT.flac",
    )
