"""What every exporter must do (`speaksep_kernel.results.exporters.Exporter`)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from speaksep_kernel.errors import StoreError
from speaksep_kernel.recording import Recording
from speaksep_kernel.testing.conformance.check import Check, Float32, ensure, info_is_complete, speech

RATES_HZ = (8000, 16000, 44100, 48000)
CODEC_FRAME_S = 0.13
"""1024 samples at 8 kHz: decoders of AAC leave the padding of the last frame on."""


def _write(cls: type[Any], options: dict[str, Any], path: Path, samples: Float32, rate_hz: int, bits: int = 16) -> int:
    """Write in uneven pieces; the rate the file should have."""
    exporter = cls(**options)
    whole = np.rint(samples * (2 ** (bits - 1) - 1)).astype(np.int32)
    writer = exporter.open(path, rate_hz=rate_hz, bits=bits, samples=len(whole))
    for piece in np.split(whole, [1, 1000, 1000, len(whole) // 2]):
        writer.write(piece)
    writer.close()
    rate: int = exporter.file_rate_hz(rate_hz)
    return rate


def files_can_be_read_again(cls: type[Any], **options: Any) -> None:
    """At every common rate: one channel, the promised rate and length, the level within 6 dB.

    The length is right to the millisecond; a lossy format may be longer by a codec's frame of silence.
    """
    for rate_hz in RATES_HZ:
        samples = speech(rate_hz, 1.5)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"track{cls.suffix}"
            file_rate_hz = _write(cls, options, path, samples, rate_hz)
            ensure(file_rate_hz >= min(rate_hz, 48000), f"{rate_hz} Hz would be written at {file_rate_hz} Hz")
            recording = Recording.open(path)
            ensure(recording.channels == 1, f"the file has {recording.channels} channels")
            ensure(recording.rate_hz == file_rate_hz, f"the file has {recording.rate_hz} Hz, not {file_rate_hz}")
            extra_s = recording.seconds - 1.5
            fits = -1.5e-3 < extra_s < (1.5e-3 if cls.lossless else CODEC_FRAME_S)
            ensure(fits, f"1.5 s at {rate_hz} Hz became {recording.seconds:.4f} s")
            read = np.concatenate(list(recording.blocks(rate_hz=rate_hz)))[: len(samples), 0]
        gain = 20 * np.log10(np.std(read) / np.std(samples))
        ensure(abs(gain) < 6, f"the file is {gain:+.1f} dB from what was written")


def lossless_means_lossless(cls: type[Any], **options: Any) -> None:
    """A format that calls itself lossless gives back every sample, at 16 and 24 bits."""
    if not cls.lossless:
        return
    for bits in (16, 24):
        scale = 2 ** (bits - 1)
        samples = np.random.default_rng(0).integers(-scale + 1, scale, 5000) / scale
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"track{cls.suffix}"
            _write(cls, options, path, (samples * scale / (scale - 1)).astype(np.float64), 16000, bits)
            read = np.concatenate(list(Recording.open(path).blocks()))[:, 0]
        ensure(bool((read == samples.astype(np.float32)).all()), f"{bits}-bit samples changed")


def same_samples_same_bytes(cls: type[Any], **options: Any) -> None:
    """Two files of the same samples are the same bytes: no time of day, no random serial."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}{cls.suffix}" for name in "ab"]
        for path in paths:
            _write(cls, options, path, speech(16000, 1.0), 16000)
        first, second = (path.read_bytes() for path in paths)
    ensure(first == second, "two files of the same samples differ")


def unwritable_places_are_store_errors(cls: type[Any], **options: Any) -> None:
    """A folder that does not exist raises `StoreError`."""
    try:
        _write(cls, options, Path("/no/such/folder") / f"track{cls.suffix}", speech(16000, 0.2), 16000)
    except StoreError:
        return
    ensure(False, "writing into a folder that does not exist raised nothing")


CHECKS: tuple[Check, ...] = (
    info_is_complete,
    files_can_be_read_again,
    lossless_means_lossless,
    same_samples_same_bytes,
    unwritable_places_are_store_errors,
)
