"""One picture that says what was found: waveform, spectrogram, and a lane of turns for each speaker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.voices.streams import RATE_HZ
from speaksep_kernel.voices.turns import Turn

COLUMNS = 1600
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f6000", "#666666")
"""Okabe and Ito's palette, told apart by the colour-blind too."""
_FFT = 1024


class Reader16k(Protocol):
    """A recording's mixture at 16 kHz."""

    @property
    def samples16k(self) -> int:
        """Length at 16 kHz."""
        ...

    def read16k(self, start: int, stop: int) -> NDArray[np.float32]:
        """Samples ``start``…``stop``."""
        ...


def summary_picture(reader: Reader16k, turns: Sequence[Turn], speakers: Sequence[int], path: Path) -> None:
    """Draw a recording and its turns as a PNG of about 1600 × 900.

    Parameters
    ----------
    reader
        The recording.
    turns
        Who speaks when.
    speakers
        Numbers of the speakers, a lane for each.
    path
        Where the picture goes.
    """
    # Figure and canvas without pyplot: no global state, no window system, safe in any thread.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    low, high, spectrum = _columns(reader)
    seconds = reader.samples16k / RATE_HZ
    at = np.linspace(0, seconds, len(low))
    lanes = max(1, len(speakers))
    figure = Figure(figsize=(16, 5.5 + 0.45 * lanes), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    wave, spectrogram, lane = figure.subplots(3, 1, sharex=True, height_ratios=[2, 3, 0.45 * lanes])
    wave.fill_between(at, low, high, color="#444444", linewidth=0)
    wave.set(ylim=(-1, 1), ylabel="level")
    spectrogram.imshow(
        spectrum,
        origin="lower",
        aspect="auto",
        extent=(0, seconds, 0, RATE_HZ / 2000),
        cmap="magma",
        vmin=spectrum.max() - 80,
    )
    spectrogram.set(ylabel="kHz")
    top = spectrogram.get_xaxis_transform()
    for row, number in enumerate(speakers, 1):
        colour = COLOURS[(number - 1) % len(COLOURS)]
        spans = [(turn.start_s, turn.seconds) for turn in turns if turn.speaker == number]
        wave.broken_barh(spans, (-1, 2), color=colour, alpha=0.25, linewidth=0)
        spectrogram.broken_barh(spans, (0.96, 0.04), color=colour, linewidth=0, transform=top)
        lane.broken_barh(spans, (row - 0.4, 0.8), color=colour)
    lane.set(
        xlim=(0, seconds),
        ylim=(lanes + 0.5, 0.5),
        yticks=range(1, len(speakers) + 1),
        yticklabels=[f"speaker {number}" for number in speakers],
        xlabel="seconds" if speakers else "seconds (nobody speaks)",
    )
    figure.savefig(path, metadata={"Software": None}, pil_kwargs={"compress_level": 3})


def _columns(reader: Reader16k) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest sample of each column, and (bins, columns) its spectrum in dB, the loudest of a few."""
    count = max(1, min(COLUMNS, reader.samples16k // 160))
    edges = np.linspace(0, reader.samples16k, count + 1).astype(np.int64)
    low, high = np.zeros(count, np.float32), np.zeros(count, np.float32)
    spectrum = np.zeros((_FFT // 2 + 1, count), np.float32)
    taper = np.hanning(_FFT).astype(np.float32)
    for column, (start, stop) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        audio = reader.read16k(start, max(stop, start + 1))
        low[column], high[column] = audio.min(initial=0), audio.max(initial=0)
        for first in np.linspace(0, max(0, len(audio) - _FFT), 4).astype(int).tolist():
            piece = np.zeros(_FFT, np.float32)
            piece[: min(_FFT, len(audio) - first)] = audio[first : first + _FFT]
            spectrum[:, column] = np.maximum(spectrum[:, column], np.abs(np.fft.rfft(piece * taper)))
    return low, high, 20 * np.log10(spectrum + 1e-5)
