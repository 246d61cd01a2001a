"""Turn: one stretch of one speaker, the value that RTTM files, tables and pictures are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Turn:
    """One uninterrupted stretch of speech of one speaker.

    Attributes
    ----------
    start_s, end_s
        Seconds from the recording's start.
    speaker
        Number of the speaker, from 1, by first appearance.
    confidence
        How sure the speaker is, in [0, 1].
    overlapped
        Somebody else speaks during some part of it.
    """

    start_s: float
    end_s: float
    speaker: int
    confidence: float = 1.0
    overlapped: bool = False

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s
