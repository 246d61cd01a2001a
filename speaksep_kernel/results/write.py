"""Rendered blocks into audio files: quantised so that they add up, each in the format asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.errors import InputError
from speaksep_kernel.pictures.peaks import PeakBuilder
from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.recording import Mixdown, Recording
from speaksep_kernel.results.directory import INTERNAL
from speaksep_kernel.results.exporters import Exporter, FloatWav, Writer
from speaksep_kernel.results.quantise import quantise

Float32 = NDArray[np.float32]

MIXTURE, RESIDUAL = "mixture", "residual"
"""Lanes beside ``speaker_1`` …"""
PEAKS = "peaks"
"""Where the stored peaks of every lane are, in the internal directory."""
RESTORED = 1.06
"""Tracks this far (0.5 dB) beyond full scale hold restored peaks; less is an overshoot of filters that may be cut."""
HEADROOM = 2.0
"""Decoded mp3 and floats reach a little beyond full scale. More than this is another matter."""


def sample_bits(recording: Recording, mixdown: Mixdown) -> int:
    """16 where 16 bits hold the mixture exactly, otherwise 24.

    The mean of different channels lies between the steps of its channels, so it needs more bits than they have.
    """
    exact = mixdown.kind in {"mono", "identical", "channel"} and sorted(map(abs, mixdown.weights))[-1] in {0.5, 1.0}
    return 16 if recording.bit_depth is not None and recording.bit_depth <= 16 and exact else 24


def write_tracks(
    blocks: Iterable[tuple[Float32, Float32]],
    directory: Path,
    speakers: Sequence[int],
    exporter: Exporter,
    *,
    rate_hz: int,
    samples: int,
    bits: int,
    peak: float,
    track_peak: float = 0.0,
    hook: ProgressHook,
) -> tuple[list[str], int]:
    """Write ``speaker_1`` … and ``residual`` into a directory, and the peaks of all of them beside the stored table.

    Parameters
    ----------
    blocks
        (speakers, samples) tracks and (samples,) mixture, block after block.
    speakers
        Their numbers.
    samples
        Their total length.
    peak
        Largest magnitude in the mixture. If it is more than all whole-number files together can hold (beyond full
        scale in a recording where nobody speaks), the residual of a lossless format is a WAV of 32-bit floats.
    track_peak
        Largest magnitude of what the tracks are cut out of. Where cleaning restored peaks beyond full scale, the tracks
        of a lossless format are WAVs of 32-bit floats.

    Returns
    -------
    names
        Of the files, the residual last.
    lost
        Samples whose sum falls short because no file can hold them.
    """
    full = 1 << (bits - 1)
    held = ((len(speakers) + 1) * (full - 1) + 1) / full  # one step more is below what anybody hears
    if peak > max(HEADROOM, held):
        raise InputError(
            f"the recording reaches {peak:.1f} times full scale",
            reason="over-full-scale",
            hint="scale its samples to between -1 and 1",
        )
    bounded = peak <= held or not exporter.lossless
    rest = exporter if bounded else FloatWav()
    high = track_peak > RESTORED and exporter.lossless
    each_track = FloatWav() if high else exporter
    names = [f"speaker_{number}{each_track.suffix}" for number in speakers] + [f"{RESIDUAL}{rest.suffix}"]
    lost = done = 0
    hook("render", 0, samples / rate_hz)
    with ExitStack() as stack:
        writers: list[Writer] = []
        for name, each in zip(names, [each_track] * len(speakers) + [rest], strict=True):
            writers.append(each.open(directory / name, rate_hz=rate_hz, bits=bits, samples=samples))
            stack.callback(writers[-1].close)
        # Encoders run outside the interpreter's lock: a block is encoded while the next one is made.
        pool = stack.enter_context(ThreadPoolExecutor())
        encoding: list[Future[None]] = []
        peaks = [PeakBuilder() for _ in (MIXTURE, *names)]
        for tracks, mixture in blocks:
            values, short = quantise(tracks, mixture, bits, bounded=bounded, tracks_bounded=not high)
            lost += short
            for written in encoding:
                written.result()
            encoding = [pool.submit(writer.write, row) for writer, row in zip(writers, values, strict=True)]
            lanes = (mixture, *tracks, mixture - tracks.sum(axis=0))
            encoding += [pool.submit(builder.add, lane) for builder, lane in zip(peaks, lanes, strict=True)]
            done += len(mixture)
            hook("render", done / rate_hz, samples / rate_hz)
        for written in encoding:
            written.result()
    _save_peaks(peaks, [MIXTURE, *(Path(name).stem for name in names)], directory / INTERNAL / PEAKS)
    return names, lost


def _save_peaks(peaks: list[PeakBuilder], lanes: list[str], directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)  # those of speakers that are gone
    directory.mkdir(parents=True)
    for lane, builder in zip(lanes, peaks, strict=True):
        builder.finish().save(directory / lane)
