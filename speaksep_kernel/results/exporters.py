"""Audio formats a separation can be written in; each is an exporter plugin (group ``speaksep.exporters``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from speaksep_kernel.errors import StoreError
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.recording.resample import StreamResampler

Int32 = NDArray[np.int32]

_CHUNK = 1 << 15
"""Samples handed to an encoder at once; libvorbis keeps a whole call on its stack."""


@runtime_checkable
class Writer(Protocol):
    """An audio file being written."""

    def write(self, values: Int32) -> None:
        """Append (samples,) whole numbers of the bit depth the writer was opened with."""
        ...

    def close(self) -> None:
        """Finish the file. Raises `StoreError` if it cannot be."""
        ...


@runtime_checkable
class Exporter(Protocol):
    """A format: opens writers of mono files."""

    info: PluginInfo
    suffix: ClassVar[str]
    lossless: ClassVar[bool]

    def file_rate_hz(self, rate_hz: int) -> int:
        """The rate a file will have: ``rate_hz`` itself if the format allows it, else the next that it does."""
        ...

    def open(self, path: Path, *, rate_hz: int, bits: int, samples: int) -> Writer:
        """Start a file of ``samples`` mono samples of ``bits`` (16 or 24) bits."""
        ...


class _SoundFile:
    """Formats libsndfile writes."""

    info: PluginInfo
    suffix: ClassVar[str]
    lossless: ClassVar[bool] = False
    container: ClassVar[str]
    subtype: ClassVar[str | None] = None
    rates_hz: ClassVar[tuple[int, ...]] = ()

    def file_rate_hz(self, rate_hz: int) -> int:
        """See `Exporter.file_rate_hz`."""
        return next((rate for rate in self.rates_hz if rate >= rate_hz), max(self.rates_hz, default=rate_hz))

    def open(self, path: Path, *, rate_hz: int, bits: int, samples: int) -> Writer:
        """See `Exporter.open`."""
        rate = self.file_rate_hz(rate_hz)
        container = self.container
        if container == "WAV" and samples * bits // 8 > 2**31:
            container = "RF64"
        try:
            file = sf.SoundFile(path, "w", rate, 1, self.subtype or f"PCM_{bits}", format=container)
        except (sf.LibsndfileError, OSError) as error:
            raise _failed(path, error) from error
        writer = _SoundFileWriter(file, path, bits)
        return writer if rate == rate_hz else _Resampled(writer, rate_hz, rate, bits, samples)


class _SoundFileWriter:
    def __init__(self, file: sf.SoundFile, path: Path, bits: int) -> None:
        self._file, self._path, self._shift = file, path, 32 - bits

    def write(self, values: Int32) -> None:
        try:
            for begin in range(0, len(values), _CHUNK):
                self._file.write(values[begin : begin + _CHUNK] << self._shift)
        except (sf.LibsndfileError, OSError, AssertionError) as error:
            # soundfile asserts that all samples were taken; on a full disk they are not.
            raise _failed(self._path, error) from error

    def close(self) -> None:
        try:
            self._file.close()
        except (sf.LibsndfileError, OSError) as error:
            raise _failed(self._path, error) from error
        if self._path.suffix in {".ogg", ".opus"}:
            from speaksep_kernel.results.oggserial import fix_serial

            fix_serial(self._path)


class _FloatWriter(_SoundFileWriter):
    def write(self, values: Int32) -> None:
        try:
            self._file.write((values / float(1 << (31 - self._shift))).astype(np.float32))
        except (sf.LibsndfileError, OSError, AssertionError) as error:
            raise _failed(self._path, error) from error


class _Resampled:
    """Passes on at a rate the format knows."""

    def __init__(self, writer: Writer, rate_hz: int, file_rate_hz: int, bits: int, samples: int) -> None:
        self._writer, self._limit = writer, (1 << (bits - 1)) - 1
        self._stream = StreamResampler(rate_hz, file_rate_hz, 1, samples)

    def write(self, values: Int32) -> None:
        self._pass(self._stream.push(values.astype(np.float32)[:, None]))

    def close(self) -> None:
        self._pass(self._stream.push(np.zeros((0, 1), np.float32), last=True))
        self._writer.close()

    def _pass(self, block: NDArray[np.float32]) -> None:
        self._writer.write(np.clip(np.rint(block[:, 0]), -self._limit, self._limit).astype(np.int32))


def _info(name: str, summary: str, licence: str) -> PluginInfo:
    return PluginInfo(name=name, version="1", summary=summary, licence=licence)


class Flac(_SoundFile):
    """FLAC: lossless, half the size of wav, plays everywhere."""

    info = _info("flac", "FLAC, lossless (16 or 24 bit)", "BSD-3-Clause")
    suffix, container, lossless = ".flac", "FLAC", True


class Wav(_SoundFile):
    """WAV: lossless; RF64 when larger than 2 GB."""

    info = _info("wav", "WAV, lossless (16 or 24 bit)", "LGPL-2.1")
    suffix, container, lossless = ".wav", "WAV", True


class FloatWav(_SoundFile):
    """WAV of 32-bit floats, not a plugin: for what reaches beyond full scale, which no whole numbers hold."""

    info = _info("float-wav", "WAV, 32-bit floats", "LGPL-2.1")
    suffix, container, subtype, lossless = ".wav", "WAV", "FLOAT", True

    def open(self, path: Path, *, rate_hz: int, bits: int, samples: int) -> Writer:
        """See `Exporter.open`."""
        container = "WAV" if samples * 4 <= 2**31 else "RF64"
        try:
            return _FloatWriter(sf.SoundFile(path, "w", rate_hz, 1, self.subtype, format=container), path, bits)
        except (sf.LibsndfileError, OSError) as error:
            raise _failed(path, error) from error


class Mp3(_SoundFile):
    """MP3 by LAME."""

    info = _info("mp3", "MP3 (LAME)", "LGPL-2.0")
    suffix, container, subtype = ".mp3", "MP3", "MPEG_LAYER_III"
    rates_hz = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class Ogg(_SoundFile):
    """Ogg Vorbis."""

    info = _info("ogg", "Ogg Vorbis", "BSD-3-Clause")
    suffix, container, subtype = ".ogg", "OGG", "VORBIS"
    rates_hz = (*range(4000, 192001),)


class Opus(_SoundFile):
    """Ogg Opus; other rates than its own five become the next higher."""

    info = _info("opus", "Ogg Opus", "BSD-3-Clause")
    suffix, container, subtype = ".opus", "OGG", "OPUS"
    rates_hz = (8000, 12000, 16000, 24000, 48000)


class M4a:
    """AAC in an MPEG-4 file, by PyAV."""

    info = _info("m4a", "AAC in MPEG-4 (FFmpeg)", "LGPL-2.1")
    suffix: ClassVar[str] = ".m4a"
    lossless: ClassVar[bool] = False
    rates_hz = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)

    def file_rate_hz(self, rate_hz: int) -> int:
        """See `Exporter.file_rate_hz`."""
        return next((rate for rate in self.rates_hz if rate >= rate_hz), self.rates_hz[-1])

    def open(self, path: Path, *, rate_hz: int, bits: int, samples: int) -> Writer:
        """See `Exporter.open`."""
        rate = self.file_rate_hz(rate_hz)
        writer = _AacWriter(path, rate, bits)
        return writer if rate == rate_hz else _Resampled(writer, rate_hz, rate, bits, samples)


class _AacWriter:
    def __init__(self, path: Path, rate_hz: int, bits: int) -> None:
        import av

        self._path, self._rate_hz, self._scale, self._at = path, rate_hz, 1 << (bits - 1), 0
        try:
            # Bit-exact: no encoder version and no time of day. The time scale is what lengths are rounded to.
            options = {"fflags": "+bitexact", "movie_timescale": str(rate_hz)}
            self._file = av.open(str(path), "w", format="ipod", options=options)
            self._stream: Any = self._file.add_stream("aac", rate=rate_hz, layout="mono")
        except (av.FFmpegError, OSError) as error:
            raise _failed(path, error) from error
        self._stream.options = {"flags": "+bitexact"}
        self._stream.bit_rate = 96_000 if rate_hz >= 32_000 else 64_000 if rate_hz >= 16_000 else 32_000

    def write(self, values: Int32) -> None:
        if not len(values):  # FFmpeg takes an empty frame for one it had no memory for
            return
        from fractions import Fraction

        import av

        frame = av.AudioFrame.from_ndarray((values / self._scale).astype(np.float32)[None], "fltp", "mono")
        frame.sample_rate, frame.time_base, frame.pts = self._rate_hz, Fraction(1, self._rate_hz), self._at
        self._at += len(values)
        self._encode(frame)

    def close(self) -> None:
        import av

        self._encode(None)
        try:
            self._file.close()
        except (av.FFmpegError, OSError) as error:
            raise _failed(self._path, error) from error

    def _encode(self, frame: Any) -> None:
        import av

        try:
            self._file.mux(self._stream.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise _failed(self._path, error) from error


BUILT_IN: dict[str, type[Exporter]] = {exporter.info.name: exporter for exporter in (Flac, Wav, Mp3, M4a, Ogg, Opus)}


def _failed(path: Path, error: Exception) -> StoreError:
    return StoreError(
        f"cannot write {str(path)!r}: {error}",
        reason="store-failed",
        hint="free some space or choose another directory",
    )
