"""What a diagnoser is: it is fed the recording block by block, once, and then asked for its findings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from speaksep_kernel.diagnosis.finding import Facts, Finding, Span
from speaksep_kernel.diagnosis.spans import mask_spans
from speaksep_kernel.plugins import PluginInfo
from speaksep_kernel.recording import ChannelRelations
from speaksep_kernel.voices.streams import FRAME_S
from speaksep_kernel.voices.turns import Turn

Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Context:
    """What is known of the voices and channels when the findings are drawn.

    Attributes
    ----------
    facts
        As given to `Diagnoser.start`.
    turns
        Who speaks when, with numbers from 1.
    speakers, speaker_confidence
        How many, and how sure.
    phantoms
        Voices heard too little to count; folded into others or dropped.
    relations
        How the channels relate; ``None`` for mono.
    findings
        What the others found; only for diagnosers with `needs_findings`, which finish last.
    """

    facts: Facts
    turns: tuple[Turn, ...]
    speakers: int
    speaker_confidence: float
    phantoms: int = 0
    relations: ChannelRelations | None = None
    findings: tuple[Finding, ...] = ()

    @cached_property
    def frames(self) -> int:
        """Number of 20-ms frames, the last one possibly partial."""
        return int(np.ceil(round(self.facts.seconds / FRAME_S, 6)))

    @cached_property
    def voices(self) -> NDArray[np.uint8]:
        """(frames,) number of people speaking in each 20-ms frame."""
        count = np.zeros(self.frames, np.uint8)
        for speaker in {turn.speaker for turn in self.turns}:
            count += self.mask(speaker)
        return count

    @cached_property
    def overlap_spans(self) -> tuple[Span, ...]:
        """Where two or more speak."""
        return mask_spans(self.voices > 1, FRAME_S)

    @property
    def speech_ratio(self) -> float:
        """Share of the recording in which anybody speaks."""
        return float(np.mean(self.voices > 0)) if self.frames else 0.0

    @property
    def overlap_ratio(self) -> float:
        """Share of the speech in which two or more people speak."""
        speaking = int((self.voices > 0).sum())
        return int((self.voices > 1).sum()) / speaking if speaking else 0.0

    def mask(self, speaker: int) -> Mask:
        """(frames,) whether a speaker speaks."""
        active = np.zeros(self.frames, bool)
        for turn in self.turns:
            if turn.speaker == speaker:
                active[round(turn.start_s / FRAME_S) : round(turn.end_s / FRAME_S)] = True
        return active


@runtime_checkable
class Diagnoser(Protocol):
    """One measure, in constant memory: a few numbers per second at most may be kept.

    A plugin of group ``speaksep.diagnosers``. An instance serves one recording. Inheriting is optional; it saves the
    methods a measure does not need. With ``needs_findings = True`` it finishes after all others and is given what they
    found.
    """

    info: PluginInfo

    def start(self, facts: Facts) -> None:
        """Get ready for a recording."""

    def feed(self, block: Float32, start_s: float) -> None:
        """Take the next block: (frames, channels) float32 at the recording's rate, of any length."""

    def finish(self, context: Context) -> list[Finding]:
        """Draw the findings."""
        ...
