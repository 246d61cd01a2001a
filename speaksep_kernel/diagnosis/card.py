"""The diagnosis as a card in a notebook: plain HTML, no script, light and dark alike."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from speaksep_kernel.diagnosis.advice import sentence
from speaksep_kernel.diagnosis.finding import Facts, Finding, Severity, Span

# Colours that read on white and on black; everything else is inherited or a mix with the current colour.
COLOURS: dict[Severity, str] = {"error": "#d33", "warning": "#d97706", "notice": "#3b82f6", "info": "#7d8590"}
LINE = "1px solid rgba(128,128,128,.3)"
MOST_SPANS = 400
"""More marks than this cannot be told apart on a strip."""


def card(
    facts: Facts,
    findings: Sequence[Finding],
    *,
    speakers: int,
    speaker_confidence: float,
    speech_ratio: float,
    overlap_ratio: float,
    overlap_spans: tuple[Span, ...],
) -> str:
    """HTML of a diagnosis, all text escaped; the parameters are those of `Diagnosis`."""
    channels = {1: "mono", 2: "stereo"}.get(facts.channels, f"{facts.channels} channels")
    coded = f"{facts.format} {facts.subtype}".strip()
    head = f"{_clock(facts.seconds)} · {facts.rate_hz / 1000:g} kHz · {channels} · {coded}"
    people = "1 speaker" if speakers == 1 else f"{speakers} speakers"
    numbers = (
        (people, f"{100 * speaker_confidence:.0f} % sure"),
        (f"{100 * speech_ratio:.0f} %", "speech"),
        (f"{100 * overlap_ratio:.0f} %", "of it overlapping"),
    )
    shown = [finding for finding in findings if finding.severity != "info"]
    rest = [finding for finding in findings if finding.severity == "info"]
    verdict = "".join(map(_finding, shown)) or f'<p style="margin:8px 0">{escape("Nothing needs attention.")}</p>'
    return (
        f'<section aria-label="Diagnosis" style="font:14px/1.45 system-ui,sans-serif;max-width:46em;padding:12px 16px;'
        f'border:{LINE};border-radius:8px;color:inherit;background:transparent">'
        f'<div style="font-weight:600;font-size:1.1em;overflow-wrap:anywhere">{escape(facts.name)}</div>'
        f'<div style="opacity:.75">{escape(head)}</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:8px 28px;margin:10px 0">{"".join(map(_number, numbers))}</div>'
        f"{_strip(overlap_spans, facts.seconds)}{verdict}"
        f'<details style="margin-top:8px"><summary style="cursor:pointer">All measurements</summary>'
        f'<table style="border-collapse:collapse;margin-top:6px;font-size:.93em"><tbody>{"".join(map(_row, rest))}'
        f"</tbody></table></details></section>"
    )


def _number(pair: tuple[str, str]) -> str:
    value, label = map(escape, pair)
    return (
        f'<div><div style="font-size:1.35em;font-weight:600">{value}</div><div style="opacity:.75">{label}</div></div>'
    )


def _strip(spans: tuple[Span, ...], seconds: float) -> str:
    """Where people overlap, along the recording."""
    if not spans or seconds <= 0:
        return ""
    marks = "".join(
        f'<rect x="{1000 * start / seconds:.1f}" width="{max(1000 * (end - start) / seconds, 1):.1f}" height="10"/>'
        for start, end in spans[:MOST_SPANS]
    )
    return (
        f'<svg role="img" aria-label="Where people overlap" viewBox="0 0 1000 10" preserveAspectRatio="none" '
        f'style="width:100%;height:10px;border-radius:3px;background:rgba(128,128,128,.2);fill:{COLOURS["notice"]}">'
        f"{marks}</svg>"
    )


def _finding(finding: Finding) -> str:
    colour, advice = COLOURS[finding.severity], sentence(finding.advice)
    title = " · ".join(filter(None, (finding.code, finding.subject, _value(finding), _where(finding.spans))))
    return (
        f'<div style="border-left:4px solid {colour};padding:2px 0 2px 10px;margin:8px 0">'
        f'<div><b style="color:{colour}">{escape(finding.severity)}</b> {escape(title)}</div>'
        f'<div>{escape(finding.why)}</div><div style="opacity:.75">{escape(advice)}</div></div>'
    )


def _row(finding: Finding) -> str:
    label = " · ".join(filter(None, (finding.code, finding.subject)))
    cells = (label, _value(finding), finding.why)
    style = f'style="padding:2px 12px 2px 0;border-top:{LINE};text-align:left;vertical-align:top"'
    return "<tr>" + "".join(f"<td {style}>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _value(finding: Finding) -> str:
    if finding.value is None:
        return "–"
    if finding.unit == "ratio":
        return f"{100 * float(finding.value):.3g} %"
    value = f"{finding.value:.4g}" if isinstance(finding.value, float) else str(finding.value)
    return f"{value} {finding.unit}".strip()


def _where(spans: tuple[Span, ...]) -> str:
    if not spans:
        return ""
    more = f" and {len(spans) - 1} more" if len(spans) > 1 else ""
    return f"at {_clock(spans[0][0])}{more}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
