"""Small audio files of every format, whole and broken, for tests of anything that reads recordings."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

_SOUNDFILE = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS")}
_PYAV = {
    "mp3": ("mp3", "libmp3lame"),
    "m4a": ("ipod", "aac"),
    "mp4": ("mp4", "aac"),
    "aac": ("adts", "aac"),
    "webm": ("webm", "libopus"),
}
FORMATS = (*_SOUNDFILE, *_PYAV)
"""Formats that `encode` writes. Opus and webm take 8, 12, 16, 24 and 48 kHz only."""


def encode(
    samples: NDArray[np.float32], rate_hz: int, format: str, *, bit_rate: int | None = None, **options: str
) -> bytes:
    """A whole audio file as bytes.

    Parameters
    ----------
    samples
        (frames,) or (frames, channels) in -1 to 1; one or two channels for the compressed formats.
    format
        One of `FORMATS`.
    bit_rate
        Bits per second that mp3, m4a, mp4, aac and webm aim at; the encoder's own choice if ``None``.
    options
        For soundfile ``subtype``; for PyAV options of the container, as ``write_xing="0"``.
    """
    samples = np.asarray(samples, dtype=np.float32)
    samples = samples if samples.ndim == 2 else samples[:, None]
    file = io.BytesIO()
    if format in _SOUNDFILE:
        container, subtype = _SOUNDFILE[format]
        soundfile.write(file, samples, rate_hz, format=container, subtype=options.get("subtype", subtype))
    else:
        _encode_with_pyav(file, samples, rate_hz, *_PYAV[format], bit_rate, options)
    return file.getvalue()


def _encode_with_pyav(
    file: io.BytesIO,
    samples: NDArray[np.float32],
    rate_hz: int,
    container: str,
    codec: str,
    bit_rate: int | None,
    options: dict[str, str],
) -> None:
    import av

    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    with av.open(file, "w", format=container, options=options) as output:
        stream: Any = output.add_stream(codec, rate=rate_hz, layout=layout)
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        planar = stream.codec_context.format.is_planar
        for begin in range(0, len(samples), 1024):
            block = samples[begin : begin + 1024]
            array = np.ascontiguousarray(block.T if planar else block.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(array, format="fltp" if planar else "flt", layout=layout)
            frame.sample_rate, frame.pts = rate_hz, begin
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Broken variants of a file: bytes changed, cut, inserted, removed, doubled or zeroed, mostly near the header.

    The same arguments always give the same variants.
    """
    random = np.random.default_rng(seed)
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(int(random.integers(1, 6))):
            near = len(mutant) if random.random() < 0.5 else min(len(mutant), 256)
            at = int(random.integers(0, max(near, 1)))
            length = int(random.integers(1, 40))
            patch = random.integers(0, 256, length, dtype=np.uint8).tobytes()
            match int(random.integers(0, 6)):
                case 0:
                    mutant[at : at + 1] = patch[:1]
                case 1:
                    mutant[at : at + length] = patch
                case 2:
                    mutant[at:at] = patch
                case 3:
                    del mutant[at : at + length]
                case 4:
                    del mutant[int(random.integers(0, max(len(mutant), 1))) :]
                case 5:
                    value = (b"\x00", b"\xff", b"\x7f", b"\x80")[int(random.integers(0, 4))]
                    mutant[at : at + 4] = value * 4
        yield bytes(mutant)
