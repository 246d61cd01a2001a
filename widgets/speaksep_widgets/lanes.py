"""What there is to see and hear: the mixture, one lane per speaker, the residual."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.pictures.peaks import STEP, PeakBuilder, Peaks, envelope
from speaksep_kernel.pictures.spectrogram import Scale, tile
from speaksep_kernel.recording import Recording
from speaksep_kernel.recording.stretch import FASTEST, SLOWEST, margin, stretch
from speaksep_kernel.results.directory import INTERNAL
from speaksep_kernel.results.values import Separation
from speaksep_kernel.results.write import MIXTURE, PEAKS, RESIDUAL

Float32 = NDArray[np.float32]

_LONGEST_SOUND_S = 30.0
_LARGEST = 4096
"""Most pixels, rows or columns in one answer."""


class Lanes:
    """Lanes of a recording or a separation, read where and when they are looked at.

    Parameters
    ----------
    source
        A recording has one lane, ``"mixture"``; a separation also ``"speaker_1"`` … and ``"residual"``. Their sum is
        the mixture, so a separation needs no recording beside it.

    Attributes
    ----------
    files
        Files of those lanes that are files.
    """

    def __init__(self, source: Recording | Separation) -> None:
        if isinstance(source, Separation):
            files = {track.label: track.file for track in source.tracks} | {RESIDUAL: source.residual}
            self._recordings = {name: Recording.open(file) for name, file in files.items()}
            self.names: tuple[str, ...] = (MIXTURE, *files)
            self.files = files
            self._stored: Path | None = source.directory / INTERNAL / PEAKS
        else:
            self._recordings = {MIXTURE: source}
            self.names = (MIXTURE,)
            self.files = {} if source.origin is None or "://" in source.origin else {MIXTURE: Path(source.origin)}
            self._stored = None
        first = next(iter(self._recordings.values()))
        self.rate_hz, self.frames, self.seconds = first.rate_hz, first.frames, first.seconds
        self._peaks: dict[str, Peaks] = {}
        self._building: dict[str, _Building] = {}
        self._lock = threading.Lock()

    def read(self, lane: str, start_s: float, stop_s: float) -> Float32:
        """(n,) samples of a lane; fewer past its end."""
        if lane in self._recordings:
            return np.asarray(self._recordings[lane].read(start_s, stop_s).mean(axis=1), dtype=np.float32)
        self._check(lane)
        parts = [r.read(start_s, stop_s)[:, 0] for r in self._recordings.values()]
        return np.asarray(np.sum(parts, axis=0, dtype=np.float32))

    def peaks(self, lane: str, start_s: float, stop_s: float, pixels: int) -> tuple[NDArray[np.int16], float]:
        """(pixels, 2) lowest and highest sample behind each pixel, and the share of the lane that is measured yet."""
        self._check(lane)
        pixels = _whole("pixels", pixels, _LARGEST)
        start, stop = (round(at * self.rate_hz) for at in self._span(start_s, stop_s))
        if (stop - start) / pixels < STEP:
            inside = self.read(lane, start / self.rate_hz, stop / self.rate_hz)
            whole = np.pad(inside, (max(0, -start), max(0, stop - start - max(0, -start) - len(inside))))
            return envelope(whole[: stop - start], pixels), 1.0
        peaks, done = self._measured(lane)
        return peaks.view(start, stop, pixels), done

    def tile(
        self, lane: str, start_s: float, stop_s: float, *, columns: int, rows: int, scale: Scale
    ) -> NDArray[np.uint8]:
        """(rows, columns) spectrogram, see `speaksep_kernel.pictures.spectrogram.tile`."""
        self._check(lane)
        if scale not in ("linear", "mel"):
            raise InputError(f"scale {scale!r}", reason="bad-scale", hint="linear or mel")
        start_s, stop_s = self._span(start_s, stop_s)
        return tile(
            lambda a, b: self.read(lane, a, b),
            self.rate_hz,
            max(start_s, 0.0),
            stop_s,
            columns=_whole("columns", columns, _LARGEST),
            rows=_whole("rows", rows, _LARGEST),
            scale=scale,
        )

    def sound(self, lanes: list[str], start_s: float, stop_s: float, speed: float = 1.0) -> NDArray[np.int16]:
        """(lanes, n) samples at `rate_hz`, all of the same stretch; zeros past the end.

        With another ``speed`` there are so many fewer or more of them, at the same pitch.
        """
        start_s, stop_s = self._span(start_s, stop_s)
        if not SLOWEST <= speed <= FASTEST:
            raise InputError(f"speed {speed:g}", reason="bad-speed", hint=f"{SLOWEST:g} to {FASTEST:g}")
        if stop_s - start_s > _LONGEST_SOUND_S:
            raise InputError(
                f"{stop_s - start_s:g} s of sound at once", reason="too-long", hint=f"at most {_LONGEST_SOUND_S:g} s"
            )
        start, stop = round(start_s * self.rate_hz), round(stop_s * self.rate_hz)
        edge = 0 if speed == 1.0 else margin(self.rate_hz)
        parts = np.stack([self._exactly(lane, start - edge, stop + edge) for lane in lanes])
        if speed != 1.0:
            guide = self._exactly(MIXTURE, start - edge, stop + edge)
            parts = stretch(parts, guide, speed, self.rate_hz)
        return np.round(np.clip(parts, -1, 1) * 32767).astype(np.int16)

    def _exactly(self, lane: str, start: int, stop: int) -> Float32:
        """(stop - start,) samples, zeros where there are none."""
        out = np.zeros(stop - start, np.float32)
        first, last = max(start, 0), min(stop, self.frames)
        if first < last:
            part = self.read(lane, first / self.rate_hz, last / self.rate_hz)[: last - first]
            out[first - start : first - start + len(part)] = part
        return out

    def _measured(self, lane: str) -> tuple[Peaks, float]:
        """The peaks of a lane, or what a thread that was started now knows of them, and how much that is."""
        with self._lock:
            if lane in self._peaks:
                return self._peaks[lane], 1.0
            if self._stored is not None and lane not in self._building:
                try:
                    self._peaks[lane] = Peaks.load(self._stored / lane)
                    return self._peaks[lane], 1.0
                except StoreError:
                    pass  # an older result: measured now
            if lane not in self._building:
                self._building[lane] = _Building(self, lane)
            building = self._building[lane]
        building.ready.wait(0.3)  # short recordings are measured by then
        peaks, done = building.so_far()
        if done == 1.0:
            with self._lock:
                self._peaks[lane] = peaks
                self._building.pop(lane, None)
        return peaks, done

    def blocks(self, lane: str) -> Iterator[Float32]:
        """The whole lane, ten seconds at a time."""
        if lane in self._recordings:
            for block in self._recordings[lane].blocks():
                yield block.mean(axis=1, dtype=np.float32)
        else:
            for parts in zip(*(r.blocks() for r in self._recordings.values()), strict=True):
                yield np.sum([part[:, 0] for part in parts], axis=0, dtype=np.float32)

    def _check(self, lane: str) -> None:
        if lane not in self.names:
            raise InputError(f"lane {lane!r}", reason="unknown-lane", hint=f"there are {', '.join(self.names)}")

    def _span(self, start_s: float, stop_s: float) -> tuple[float, float]:
        if not (np.isfinite(start_s) and np.isfinite(stop_s) and start_s < stop_s):
            raise InputError(f"span {start_s} to {stop_s} s", reason="bad-span", hint="start before stop, in seconds")
        return start_s, min(stop_s, start_s + 10 * self.seconds + 60)


class _Building:
    """Peaks of a lane while a thread measures them."""

    def __init__(self, lanes: Lanes, lane: str) -> None:
        self.ready = threading.Event()
        self._builder, self._frames, self._done = PeakBuilder(), lanes.frames, False
        self._lock = threading.Lock()
        threading.Thread(target=self._run, args=(lanes.blocks(lane),), daemon=True, name=f"peaks of {lane}").start()

    def _run(self, blocks: Iterator[Float32]) -> None:
        try:
            for block in blocks:
                with self._lock:
                    self._builder.add(block)
        finally:
            self._done = True
            self.ready.set()

    def so_far(self) -> tuple[Peaks, float]:
        with self._lock:
            peaks = self._builder.finish()
        return peaks, 1.0 if self._done else peaks.samples / max(self._frames, 1)


def _whole(name: str, value: int, most: int) -> int:
    if not 1 <= int(value) <= most:
        raise InputError(f"{value} {name}", reason="bad-size", hint=f"1 to {most}")
    return int(value)
