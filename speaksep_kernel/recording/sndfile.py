"""Decoding with libsndfile: wav, aiff, au, w64, flac and ogg (vorbis, opus, flac)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from speaksep_kernel.recording.refusals import damaged, not_audio, truncated
from speaksep_kernel.recording.wholeness import is_cut, log_tells_cut, nist_samples

Float32 = NDArray[np.float32]

BIT_DEPTHS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "NIST", "FLAC", "OGG", "MP3")
"""libsndfile knows many more, from samplers and home computers: their headers promise too little to check."""


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
        if self.format not in FORMATS:
            raise not_audio(name, f"format {self.format}")
        self.bit_depth = BIT_DEPTHS.get(self.subtype)

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
                raise damaged(self.name, at / self.rate_hz, _words(error)) from error

    def check_whole(self) -> None:
        """Raise `InputError` when the file ends before its data does, as far as that shows without decoding it all."""
        seconds = self.frames / max(self.rate_hz, 1)
        promised = nist_samples(self.path) if self.format == "NIST" else 0
        if promised > self.frames or log_tells_cut(self.format, self.log) or is_cut(self.path, self.format):
            raise truncated(self.name, seconds)
        if self.format == "FLAC" and 0 < self.frames < 2**63 - 1:
            self._check_last_sample()

    def _check_last_sample(self) -> None:
        with self._open() as file:
            try:
                file.seek(self.frames - 1)
                last = file.read(1)
            except (soundfile.LibsndfileError, RuntimeError):
                last = ()
        if not len(last):
            raise truncated(self.name, 0.0, self.frames / max(self.rate_hz, 1))

    def _open(self) -> soundfile.SoundFile:
        try:
            return soundfile.SoundFile(str(self.path.absolute()))
        except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
            raise not_audio(self.name, _words(error)) from error


def _words(error: Exception) -> str:
    """libsndfile's reason without prefix, path and full stop."""
    return str(getattr(error, "error_string", error)).rstrip(". ") or f"libsndfile error {getattr(error, 'code', '')}"
