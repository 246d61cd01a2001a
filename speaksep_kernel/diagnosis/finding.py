"""One measured fact about a recording, and the facts its header tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from speaksep_kernel.diagnosis.advice import Advice

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


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first; equals keep their order."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))
