"""Lossy coding: told by the file, by holes in the spectrum, or by a wall where no usual sample rate ends."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.diagnosis.finding import Facts, Finding
from speaksep_kernel.diagnosis.frames import SlidingFrames
from speaksep_kernel.diagnosis.protocol import Context, Diagnoser, Float32
from speaksep_kernel.diagnosis.thresholds import CODEC_HOLE_DB, CODEC_HOLES, CODEC_WALL, CODEC_WALL_DB
from speaksep_kernel.plugins import PluginInfo

Float64 = NDArray[np.float64]

LOSSLESS = ("PCM", "FLOAT", "DOUBLE", "FLAC", "ALAC", "WAVPACK", "APE", "TTA", "MLP", "TRUEHD", "WMALOSSLESS")
"""What names of lossless codings begin with."""
WINDOW_S, HOP_S = 0.023, 0.05
"""As long as the frames of the usual codecs; twenty looks a second are enough."""
BAND_HZ, GAP_HZ = 250.0, 90.0
"""Bands that are compared, and what is left out between two of them, where the window smears."""
HOLES_FROM_HZ, WALL_FROM_HZ = 4000.0, 6500.0
"""Below, gaps between harmonics and the edges of telephones look the same."""
LOUD_DB = 10.0
"""Frames this far below the middle of those with sound are pauses."""
LEAST_FRAMES = 60
"""Fewer loud frames (3 s) say nothing."""
SAME_HZ = 150.0
"""Walls this near to each other are one."""
RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
RESAMPLED = (0.9, 1.01)
"""Filters of resamplers end between these shares of half a sample rate."""


class Codec(Diagnoser):
    """Name of the lossy codec of the file, "lossy" if one left its traces in a lossless file, else "none"."""

    info = PluginInfo(name="codec", version="1", summary="Traces of lossy coding", licence="Apache-2.0")

    def start(self, facts: Facts) -> None:
        """See `Diagnoser`."""
        self._weights = np.asarray(facts.weights, np.float32)
        self._frames = SlidingFrames(facts.rate_hz, WINDOW_S, HOP_S)
        window = scipy.signal.get_window("hann", self._frames.size)
        self._taper = np.asarray(window / window.sum(), np.float32)
        self._step_hz = facts.rate_hz / self._frames.size
        self._power: list[Float64] = []
        self._hole_db: list[Float32] = []
        self._wall_hz: list[Float32] = []

    def feed(self, block: Float32, start_s: float) -> None:
        """See `Diagnoser`."""
        frames = self._frames.feed(block @ self._weights)
        if not len(frames):
            return
        power = np.square(np.abs(scipy.fft.rfft(frames * self._taper, axis=1)), dtype=np.float64) + 1e-14
        hole_db, wall_hz = _traces(10 * np.log10(power), self._step_hz)
        self._power.append(power.sum(axis=1))
        self._hole_db.append(hole_db)
        self._wall_hz.append(wall_hz)

    def finish(self, context: Context) -> list[Finding]:
        """See `Diagnoser`."""
        power = np.concatenate([*self._power, np.zeros(0)])
        sounding = power[power > 0.01 * power.mean()] if len(power) else power
        loud = power > np.median(sounding) * 10 ** (-LOUD_DB / 10) if len(sounding) else power > 0
        holes, wall_hz = 0.0, 0.0
        if loud.sum() >= LEAST_FRAMES:
            holes = float(np.mean(np.concatenate(self._hole_db)[loud] > CODEC_HOLE_DB))
            wall_hz = _common(np.concatenate(self._wall_hz)[loud])
        return [_finding(lossy_name(context.facts), holes, 0.0 if resampled(wall_hz) else wall_hz)]


def lossy_name(facts: Facts) -> str:
    """Name of the codec of a file, if it is a lossy one, else ""."""
    name = facts.subtype.upper()
    lossless = facts.bit_depth is not None or name.startswith(LOSSLESS) or not name
    return "" if lossless else name


def resampled(wall_hz: float) -> bool:
    """Whether the filter of a resampler from a usual rate may end there."""
    return any(RESAMPLED[0] <= 2 * wall_hz / rate_hz <= RESAMPLED[1] for rate_hz in RATES_HZ)


def _finding(name: str, holes: float, wall_hz: float) -> Finding:
    evidence = []
    if holes >= CODEC_HOLES:
        evidence.append(f"{100 * holes:.0f} % of the loud moments have holes in their spectrum")
    if wall_hz:
        evidence.append(f"the sound ends at {wall_hz / 1000:.1f} kHz like a wall, where no usual sample rate does")
    traces = " and ".join(evidence)
    if name:
        why = f"The file itself is lossy ({name})" + (f"; {traces}." if traces else "; it shows no other trace of it.")
        return Finding("codec", name, "", "notice" if holes >= CODEC_HOLES else "info", why)
    if traces:
        why = f"A lossy codec or its filter was at work before this lossless file was made: {traces}."
        return Finding("codec", "lossy", "", "notice", why, advice=Advice.CHECK_SOURCE)
    return Finding("codec", "none", "", "info", "No trace of lossy coding.")


def _traces(level_db: Float64, step_hz: float) -> tuple[Float32, Float32]:
    """Of (frames, bins): depth of the deepest hole in dB, and frequency of the steepest wall, 0 if there is none."""
    frames = len(level_db)
    width, gap = max(2, round(BAND_HZ / step_hz)), max(1, round(GAP_HZ / step_hz))
    total = np.concatenate([np.zeros((frames, 1)), np.cumsum(level_db, axis=1)], axis=1)
    band = (total[:, width:] - total[:, :-width]) / width
    step = width + gap
    hole_db, wall_hz = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    first = round(HOLES_FROM_HZ / step_hz)
    if band.shape[1] > first + 2 * step:
        below, within, above = band[:, first : -2 * step], band[:, first + step : -step], band[:, first + 2 * step :]
        hole_db[:] = (np.minimum(below, above) - within).max(axis=1)
    first = round(WALL_FROM_HZ / step_hz)
    if band.shape[1] > first + step:
        drop = band[:, first:-step] - band[:, first + step :]
        at = drop.argmax(axis=1)
        steep = drop[np.arange(frames), at] > CODEC_WALL_DB
        wall_hz[:] = np.where(steep, (first + at + width + gap / 2) * step_hz, 0)
    return hole_db, wall_hz


def _common(wall_hz: Float32) -> float:
    """Where most frames have their wall; 0 if they have none, or each elsewhere."""
    found = wall_hz[wall_hz > 0]
    if len(found) < CODEC_WALL * len(wall_hz):
        return 0.0
    middle = float(np.median(found))
    near = found[np.abs(found - middle) < SAME_HZ]
    return float(np.median(near)) if len(near) >= CODEC_WALL * len(wall_hz) else 0.0
