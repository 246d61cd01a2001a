"""What a diagnosis says: findings about a recording, and who speaks how much in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from speaksep_kernel.diagnosis.advice import Advice
from speaksep_kernel.voices.turns import Turn

Severity = Literal["info", "notice", "warning", "error"]
"""From "just so you know" to "the result will be poor"."""
Span = tuple[float, float]
"""(start_s, end_s), seconds from the recording's start."""

SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True)
class Finding:
    """One measured fact, what it means and what to do about it.

    Attributes
    ----------
    code
        What was measured, e.g. ``"clipping"``. One code may have several findings, told apart by `subject`.
    value, unit
        The measurement. ``None`` if it cannot be taken here; `why` then says so.
    severity
        "info", "notice", "warning" or "error".
    spans
        Where, as (start_s, end_s); empty means everywhere.
    why
        One sentence.
    advice
        A step of the pipeline (see `Advice`), or "" for nothing to do.
    subject
        Whom or what it is about, e.g. ``"channel 2"`` or ``"speakers 1 and 3"``; "" is the whole recording.
    """

    code: str
    value: float | int | str | None
    unit: str
    severity: Severity
    why: str
    spans: tuple[Span, ...] = ()
    advice: str = Advice.NOTHING
    subject: str = ""

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity {self.severity!r} is none of {', '.join(SEVERITIES)}")

    @property
    def wants_action(self) -> bool:
        """Worse than a notice."""
        return SEVERITIES.index(self.severity) >= SEVERITIES.index("warning")

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self) | {"spans": [list(span) for span in self.spans], "advice": str(self.advice)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """The inverse of `to_dict`."""
        return cls(**{**data, "spans": tuple((float(a), float(b)) for a, b in data["spans"])})


@dataclass(frozen=True)
class Facts:
    """What the header and the choice of mixture say, before anything is measured.

    Attributes
    ----------
    name, sha256, seconds, rate_hz, channels, format, subtype, bit_depth
        As of the `Recording`.
    mixture
        Kind of mixture: "mono", "identical", "mean", "channel" or "apart".
    weights
        The mixture is the sum of the channels times these.
    mixture_why
        Why it was chosen.
    """

    name: str
    sha256: str
    seconds: float
    rate_hz: int
    channels: int
    format: str
    subtype: str
    bit_depth: int | None
    mixture: str
    weights: tuple[float, ...]
    mixture_why: str


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
        from speaksep_kernel.diagnosis.card import card

        return card(self)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first; equals keep their order."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))
