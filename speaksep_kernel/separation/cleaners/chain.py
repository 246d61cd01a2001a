"""Cleaners one after another over a whole recording: piece by piece, side by side, joined without a seam."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from speaksep_kernel import plugins
from speaksep_kernel.errors import PluginError
from speaksep_kernel.progress import ProgressHook
from speaksep_kernel.recording import AnalysisCache
from speaksep_kernel.separation.cleaning import ChannelCleaner, Cleaner, Float32
from speaksep_kernel.voices.parallel import side_by_side

PIECE_S, CONTEXT_S = 30, 3
FADE_S = 0.1
AT_ONCE = 2
"""Pieces in memory at once, so that what is promised of memory does not depend on the cores."""


@dataclass(frozen=True)
class Step:
    """One cleaner at work.

    Attributes
    ----------
    name
        Of the plugin.
    cleaners
        One instance, or one per channel where it repairs channels.
    """

    name: str
    cleaners: tuple[Cleaner, ...]

    @property
    def learned(self) -> dict[str, float]:
        """What it goes by, of several channels as ``"high_2"``."""
        channels = [each.learned() for each in self.cleaners if isinstance(each, ChannelCleaner)]
        if len(channels) == 1:
            return channels[0]
        return {f"{key}_{c}": value for c, found in enumerate(channels, 1) for key, value in found.items()}

    def clean(self, signals: Float32, rate_hz: int) -> Float32:
        """(channels, samples) cleaned, each with its own instance if there are several.

        Raises
        ------
        PluginError
            Reason ``cleaner-contract``.
        """
        each = self.cleaners * len(signals) if len(self.cleaners) == 1 else self.cleaners
        rows = [cleaner.clean(row, rate_hz) for cleaner, row in zip(each, signals, strict=True)]
        for row in rows:
            if np.shape(row) != signals.shape[1:] or not np.isfinite(row).all():
                raise PluginError(
                    f"cleaner {self.name!r} returned {np.shape(row)} for {signals.shape[1]} samples, "
                    "or values that are not finite",
                    reason="cleaner-contract",
                    hint=f"run: speaksep plugins check {self.name}",
                )
        return np.stack(rows).astype(np.float32, copy=False)


def load_steps(names: Sequence[str], options: Mapping[str, Mapping[str, Any]], channels: int) -> tuple[Step, ...]:
    """The cleaners of a plan, those that repair channels first.

    Raises
    ------
    InputError, PluginError
        What `speaksep_kernel.plugins.create` raises.
    """
    steps = []
    for name in names:
        first: Cleaner = plugins.create("cleaner", name, **options.get(name, {}))
        count = channels if isinstance(first, ChannelCleaner) else 1
        more = (plugins.create("cleaner", name, **options.get(name, {})) for _ in range(count - 1))
        steps.append(Step(name, (first, *more)))
    return tuple(sorted(steps, key=lambda step: not isinstance(step.cleaners[0], ChannelCleaner)))


def cleaned_blocks(steps: Sequence[Step], cache: AnalysisCache, hook: ProgressHook) -> Iterator[Float32]:
    """Clean a recording.

    Yields
    ------
    (samples, 1) float32 mixture, or (samples, channels) where there is one speaker per channel, block
    after block.
    """
    recording, rate_hz = cache.recording, cache.rate_hz
    repairs = [step for step in steps if isinstance(step.cleaners[0], ChannelCleaner)]
    if repairs:
        for block in recording.blocks(PIECE_S):
            for step in repairs:
                for cleaner, channel in zip(step.cleaners, block.T, strict=True):
                    assert isinstance(cleaner, ChannelCleaner)
                    cleaner.listen(np.ascontiguousarray(channel), rate_hz)
    mixdown = cache.mixdown

    def cleaned(piece: _Piece) -> Float32:
        signals = np.ascontiguousarray(piece.samples.T)
        mixed = mixdown.kind == "apart"
        for step in steps:
            if not mixed and step not in repairs:
                signals, mixed = mixdown.mix(signals.T)[None], True
            signals = step.clean(signals, rate_hz)
        if not mixed:
            signals = mixdown.mix(signals.T)[None]
        end = piece.before + piece.length + round(FADE_S * rate_hz)
        return signals[:, piece.before : end].T

    pieces = _pieces(recording.blocks(PIECE_S), CONTEXT_S * rate_hz)
    held: Float32 | None = None
    done = 0
    hook("clean", 0.0, recording.seconds)
    while batch := list(islice(pieces, AT_ONCE)):
        for piece, body in zip(batch, side_by_side(cleaned, batch), strict=True):
            if held is not None:
                fade = min(len(held), len(body))
                rise = ((np.arange(fade, dtype=np.float32) + 0.5) / np.float32(max(fade, 1)))[:, None]
                body[:fade] = body[:fade] * rise + held[:fade] * (1 - rise)
            held = body[piece.length :].copy()
            done += piece.length
            hook("clean", done / rate_hz, recording.seconds)
            yield body[: piece.length]


@dataclass(frozen=True)
class _Piece:
    """(samples, channels) with sound on either side: ``length`` of them after ``before`` count."""

    samples: Float32
    before: int
    length: int


def _pieces(blocks: Iterator[Float32], context: int) -> Iterator[_Piece]:
    """Blocks with ``context`` samples of their neighbours; all blocks but the last are longer than that."""
    current = next(blocks, None)
    before = None if current is None else current[:0]
    while current is not None and before is not None:
        following = next(blocks, None)
        after = current[:0] if following is None else following[:context]
        yield _Piece(np.concatenate([before, current, after]), len(before), len(current))
        before, current = current[-context:], following
