"""Tracks from a window table: block by block, at the recording's own rate, without the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from speaksep_kernel.recording import Mixdown
from speaksep_kernel.results.edited import Edited, untouched
from speaksep_kernel.results.lane_sound import LaneSound
from speaksep_kernel.results.lanes import Lanes, adopted
from speaksep_kernel.separation.gates import overlap_frames, ramp
from speaksep_kernel.separation.tables import FRAME_SAMPLES, TrackStore, WindowTable, frame_level
from speaksep_kernel.voices.streams import FRAME_S, RATE_HZ

Float32 = NDArray[np.float32]

BLOCK_S = 10
_PAD_S = 1
"""Blocks and their padding are whole seconds: only there do the grids of 16 kHz and of any other rate meet."""


class MixtureReader(Protocol):
    """What rendering needs of a recording; the analysis cache is one."""

    @property
    def rate_hz(self) -> int:
        """Native rate."""
        ...

    @property
    def samples(self) -> int:
        """Length at the native rate."""
        ...

    @property
    def samples16k(self) -> int:
        """Length at 16 kHz."""
        ...

    def read(self, start: int, stop: int) -> Float32:
        """The mixture at its native rate."""
        ...

    def read16k(self, start: int, stop: int) -> Float32:
        """The mixture at 16 kHz."""
        ...


class ChannelReader(MixtureReader, Protocol):
    """What rendering needs of a recording with one speaker per channel."""

    @property
    def mixdown(self) -> Mixdown:
        """Weight of each channel in the mixture."""
        ...

    def read_channel(self, channel: int, start: int, stop: int) -> Float32:
        """One channel, unweighted, at the native rate."""
        ...


def render_blocks(
    reader: MixtureReader, table: WindowTable, store: TrackStore, edited: Edited | None = None
) -> Iterator[tuple[Float32, Float32]]:
    """Render every speaker, ten seconds at a time.

    Where one track is open it is the input itself, untouched. Where several are, each is what the network made of
    it; the band that the network does not hear (above 8 kHz) goes to whoever is loud just below it.

    Parameters
    ----------
    reader
        The recording.
    table, store
        What the network heard.
    edited
        Who speaks when since it was corrected; as the table says if ``None``.

    Yields
    ------
    tracks
        (speakers, samples) float32 at the native rate.
    mixture
        (samples,) float32, the input.
    """
    rate_hz = reader.rate_hz
    edited = edited or untouched(table)
    table, lanes = adopted(table, edited), Lanes.of(edited, table.speakers)
    heard = np.column_stack([lanes.gates, lanes.noise])
    overlap = overlap_frames(heard)
    sound = LaneSound(table, store, edited)
    for start in range(0, reader.samples, BLOCK_S * rate_hz):
        stop = min(start + BLOCK_S * rate_hz, reader.samples)
        mixture = reader.read(start, stop)
        crowd = ramp(heard, start, stop, rate_hz).T
        gate = crowd[:-1]
        blend = ramp(overlap, start, stop, rate_hz)
        tracks = gate * mixture
        if blend.any():
            apart = _separated(reader, sound, lanes, start // rate_hz, mixture, crowd.sum(axis=0))
            tracks = gate * ((1 - blend) * mixture + blend * apart)
        yield tracks * sounding(mixture, rate_hz), mixture


def render_apart(reader: ChannelReader, edited: Edited) -> Iterator[tuple[Float32, Float32]]:
    """Render a recording with one speaker per channel: each track is its channel, at its level in the mixture.

    Parameters
    ----------
    reader
        The recording.
    edited
        Whose each channel is, moment by moment.

    Yields
    ------
    As `render_blocks`.
    """
    weights = reader.mixdown.weights
    lanes = Lanes.of(edited, len(weights))
    step = BLOCK_S * reader.rate_hz
    for start in range(0, reader.samples, step):
        stop = min(start + step, reader.samples)
        channels = [np.float32(weight) * reader.read_channel(c, start, stop) for c, weight in enumerate(weights)]
        yield lanes.handed(np.stack(channels), start, stop, reader.rate_hz), reader.read(start, stop)


def _separated(
    reader: MixtureReader, sound: LaneSound, lanes: Lanes, start_s: int, mixture: Float32, crowd: Float32
) -> Float32:
    """(speakers, samples): the network's tracks of one block at the native rate, with their share of the high band."""
    rate_hz = reader.rate_hz
    begin_s = max(0, start_s - _PAD_S)
    begin = begin_s * RATE_HZ
    end = min((start_s + BLOCK_S + _PAD_S) * RATE_HZ, reader.samples16k)
    local, weight = sound.between(begin, end)
    low = reader.read16k(begin, end)
    rest = (low - local.sum(axis=0)) * weight
    count = lanes.open.shape[1]
    local = lanes.handed(local[:count], begin, end, RATE_HZ, own=local[count:], rest=rest)
    skip = (start_s - begin_s) * rate_hz
    window = slice(skip, skip + len(mixture))
    stack = np.concatenate([local, low[None], weight[None]])
    if rate_hz != RATE_HZ:
        stack = _at_rate(stack, rate_hz, skip + len(mixture))
    stack = stack[:, window]
    tracks, known = stack[:-2], np.clip(stack[-1], 0, 1)
    if rate_hz > RATE_HZ:
        shares = _high_shares(local, low, rate_hz, skip + len(mixture))[:, window]
        tracks = tracks + shares * (mixture - stack[-2])
    # Not separated after all (no window reached it): everyone who speaks gets an equal part, and the sum stays right.
    equal = mixture / np.maximum(crowd, 1)
    return np.asarray(known * tracks + (1 - known) * equal, dtype=np.float32)


def _at_rate(signals: Float32, rate_hz: int, samples: int) -> Float32:
    """(rows, samples at 16 kHz) resampled and fitted to ``samples``."""
    out = np.asarray(soxr.resample(np.ascontiguousarray(signals.T), RATE_HZ, rate_hz), dtype=np.float32).T
    return np.pad(out, ((0, 0), (0, max(0, samples - out.shape[1]))))[:, :samples]


def _high_shares(local: Float32, low: Float32, rate_hz: int, samples: int) -> Float32:
    """Each speaker's part of the band above 8 kHz, by its energy in the top of the band below, smoothly over time."""
    frames = -(-local.shape[1] // FRAME_SAMPLES)
    rest = low - local.sum(axis=0)
    # The second difference is a high-pass: 12 dB an octave, 0 dB at 2.7 kHz.
    sharp = np.diff(np.concatenate([local, rest[None]]), n=2, axis=1, prepend=0, append=0)[:, : local.shape[1]]
    energy = np.square(frame_level(sharp, frames)) + 1e-14
    share = energy[:-1] / energy.sum(axis=0)
    position = (np.arange(samples) + 0.5) / (rate_hz * FRAME_S) - 0.5
    return np.stack([np.interp(position, np.arange(frames), row) for row in share]).astype(np.float32)


def sounding(mixture: Float32, rate_hz: int) -> Float32:
    """0 in every 10 ms of digital silence, 1 elsewhere: what was silent stays silent to the last bit."""
    size = max(1, rate_hz // 100)
    blocks = -(-len(mixture) // size)
    padded = np.pad(mixture, (0, blocks * size - len(mixture))).reshape(blocks, size)
    return np.repeat(np.any(padded, axis=1), size)[: len(mixture)].astype(np.float32)
