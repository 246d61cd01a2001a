"""What a diagnosis says: findings about a recording, and who speaks how much in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from speaksep_kernel.diagnosis.card import card
from speaksep_kernel.diagnosis.finding import SEVERITIES, Facts, Finding, Severity, Span, by_severity
from speaksep_kernel.voices.turns import Turn

__all__ = ["SEVERITIES", "Diagnosis", "Facts", "Finding", "Severity", "Span", "by_severity"]


@dataclass(frozen=True)
class Diagnosis:
    """Everything found in a recording.

    Attributes
    ----------
    recording
        Facts of the recording.
    findings
        By severity, worst first.
    speakers, speaker_confidence
        How many people speak, and how sure that is, in [0, 1].
    speech_ratio
        Share of the recording in which anybody speaks.
    overlap_ratio, overlap_spans
        Share of that speech in which two or more do, and where.
    turns
        Who speaks when.
    """

    recording: Facts
    findings: tuple[Finding, ...]
    speakers: int
    speaker_confidence: float
    speech_ratio: float
    overlap_ratio: float
    overlap_spans: tuple[Span, ...] = ()
    turns: tuple[Turn, ...] = field(default=(), repr=False)

    def find(self, code: str) -> tuple[Finding, ...]:
        """All findings of one code."""
        return tuple(finding for finding in self.findings if finding.code == code)

    def value(self, code: str) -> float | int | str | None:
        """Value of the first finding of a code; ``None`` if there is none."""
        return next((finding.value for finding in self.find(code)), None)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings of severity "warning" or "error"; none if the recording needs nothing."""
        return tuple(finding for finding in self.findings if finding.wants_action)

    @property
    def advice(self) -> tuple[str, ...]:
        """Every advised step once, most urgent first."""
        return tuple(dict.fromkeys(str(f.advice) for f in self.findings if f.advice))

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "recording": asdict(self.recording) | {"weights": list(self.recording.weights)},
            "findings": [finding.to_dict() for finding in self.findings],
            "speakers": self.speakers,
            "speaker_confidence": self.speaker_confidence,
            "speech_ratio": self.speech_ratio,
            "overlap_ratio": self.overlap_ratio,
            "overlap_spans": [list(span) for span in self.overlap_spans],
            "turns": [asdict(turn) for turn in self.turns],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Diagnosis:
        """The inverse of `to_dict`."""
        facts = data["recording"]
        return cls(
            recording=Facts(**{**facts, "weights": tuple(facts["weights"])}),
            findings=tuple(map(Finding.from_dict, data["findings"])),
            speakers=data["speakers"],
            speaker_confidence=data["speaker_confidence"],
            speech_ratio=data["speech_ratio"],
            overlap_ratio=data["overlap_ratio"],
            overlap_spans=tuple((a, b) for a, b in data["overlap_spans"]),
            turns=tuple(Turn(**turn) for turn in data["turns"]),
        )

    def _repr_html_(self) -> str:
        return card(
            self.recording,
            self.findings,
            speakers=self.speakers,
            speaker_confidence=self.speaker_confidence,
            speech_ratio=self.speech_ratio,
            overlap_ratio=self.overlap_ratio,
            overlap_spans=self.overlap_spans,
        )
