"""Tracks at a common loudness, for listening: gains only, nothing is limited and nothing clips."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.loudness import ABSOLUTE_GATE_LUFS, LoudnessMeter
from speaksep_kernel.errors import InputError
from speaksep_kernel.recording import Recording
from speaksep_kernel.recording.resample import StreamResampler

Float32 = NDArray[np.float32]

MOST_DBTP = -1.0
"""Highest true peak after a gain, as EBU R128 has it: lossy codecs overshoot a little."""
OVERSAMPLING = 4
"""Peaks between the samples are read at this many times the rate (BS.1770-4, annex 2)."""
HELD_DB = 0.1
"""A target missed by less is reached."""


@dataclass(frozen=True)
class Target:
    """A loudness to bring tracks to.

    Attributes
    ----------
    loudness_lufs
        Integrated loudness, above -70 and at most 0.
    each
        Every track on its own. Otherwise all get one gain, by which the tracks played together reach it: who spoke
        softly still does.

    Raises
    ------
    InputError
        Reason ``bad-loudness``.
    """

    loudness_lufs: float
    each: bool = False

    def __post_init__(self) -> None:
        if not ABSOLUTE_GATE_LUFS < self.loudness_lufs <= 0:
            raise InputError(
                f"loudness of {self.loudness_lufs:g} LUFS",
                reason="bad-loudness",
                hint=f"give a number above {ABSOLUTE_GATE_LUFS:g} and at most 0; broadcasts have -23, podcasts -16",
            )


def track_gains(tracks: Mapping[str, Path], residual: Path, target: Target) -> dict[Path, float]:
    """Factors by which to multiply tracks and residual.

    Parameters
    ----------
    tracks
        Name -> file of each track; at least one.
    residual
        What belongs to nobody; it gets the gain of all, also with ``target.each``, as does a track that is too short or
        too soft for a loudness of its own.
    target
        What to reach.

    Raises
    ------
    InputError
        Reason ``no-loudness``: there is nothing to measure.

    Warns
    -----
    UserWarning
        A target is not reached because peaks would go beyond -1 dBTP.
    """
    together, each, rest = _measured(list(tracks.values()), residual)
    if together.lufs is None:
        raise InputError(
            "the tracks have no loudness: nothing in them is louder than -70 LUFS for 0.4 s",
            reason="no-loudness",
            hint="export them without a loudness",
        )
    peak = max(together.peak, rest.peak, *(one.peak for one in each))
    common_db = _gain_db("the tracks together", together.lufs, peak, target, told=not target.each)
    gains_db = dict.fromkeys([*tracks.values(), residual], common_db)
    if target.each:
        gains_db |= {
            file: _gain_db(name, one.lufs, one.peak, target, told=True)
            for (name, file), one in zip(tracks.items(), each, strict=True)
            if one.lufs is not None
        }
    return {file: float(10 ** (gain_db / 20)) for file, gain_db in gains_db.items()}


def _gain_db(name: str, lufs: float, peak: float, target: Target, *, told: bool) -> float:
    wanted_db = target.loudness_lufs - lufs
    gain_db = min(wanted_db, MOST_DBTP - 20 * float(np.log10(peak)))
    if told and wanted_db - gain_db > HELD_DB:
        warnings.warn(
            f"{name}: {lufs + gain_db:.1f} LUFS instead of {target.loudness_lufs:g}, since louder peaks would clip "
            "and nothing is limited",
            stacklevel=4,
        )
    return gain_db


class _Lane:
    """Loudness and true peak of one channel, block by block."""

    def __init__(self, rate_hz: int, frames: int) -> None:
        self._meter = LoudnessMeter(rate_hz, 1)
        self._finer = StreamResampler(rate_hz, OVERSAMPLING * rate_hz, 1, frames)
        self.peak = 1e-10

    def feed(self, block: Float32, *, last: bool) -> None:
        self._meter.feed(block)
        finer = self._finer.push(block, last=last)
        self.peak = max(self.peak, float(np.abs(block).max(initial=0)), float(np.abs(finer).max(initial=0)))

    @property
    def lufs(self) -> float | None:
        return self._meter.lufs


def _measured(tracks: list[Path], residual: Path) -> tuple[_Lane, list[_Lane], _Lane]:
    """Of the tracks played together, of each, and of the residual."""
    recordings = [Recording.open(file) for file in (*tracks, residual)]
    rate_hz, frames = recordings[0].rate_hz, min(recording.frames for recording in recordings)
    lanes = [_Lane(rate_hz, frames) for _ in range(len(recordings) + 1)]
    done = 0
    # Decoders of lossy formats leave the padding of the last frame on.
    for blocks in zip(*(recording.blocks(stop_s=frames / rate_hz) for recording in recordings), strict=True):
        done += len(blocks[0])
        for lane, block in zip(lanes, (sum(blocks[1:-1], blocks[0]), *blocks), strict=True):
            lane.feed(block, last=done >= frames)
    return lanes[0], lanes[1:-1], lanes[-1]
