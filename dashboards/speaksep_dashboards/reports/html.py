"""A report as one HTML file: style, figures and sound inside it, no script, nothing from any network."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files

from speaksep_dashboards.reports.canvas import svg
from speaksep_dashboards.reports.values import Excerpt, Part, Report, Section, Table, Words


@cache
def style() -> str:
    """The style sheet of all reports."""
    return files(__package__).joinpath("report.css").read_text(encoding="utf-8")


@cache
def policy() -> str:
    """What a browser may do with a report: its own style, pictures and sound that are in it, and nothing else."""
    own = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{own}'; img-src data:; media-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def as_html(report: Report) -> str:
    """The whole file; all text is escaped.

    Parameters
    ----------
    report
        What it says.
    """
    numbers = "".join(f"<div><dd>{escape(value)}</dd><dt>{escape(label)}</dt></div>" for value, label in report.numbers)
    made = datetime.fromtimestamp(report.made_at, UTC)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy())}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(report.title)}</title><style>{style()}</style></head><body><main>"
        f"<header><h1>{escape(report.title)}</h1><p>{escape(report.lead)}</p></header>"
        + (f'<dl class="numbers">{numbers}</dl>' if numbers else "")
        + "".join(map(_section, report.sections))
        + f'</main><footer>Made by SpeakSep on <time datetime="{made:%Y-%m-%dT%H:%M:%SZ}">{made:%Y-%m-%d %H:%M} UTC'
        "</time>. This file holds everything it shows.</footer></body></html>\n"
    )


def _section(section: Section) -> str:
    name = "s-" + re.sub(r"[^a-z]+", "-", section.title.lower()).strip("-")
    inside = "".join(map(_part, section.parts))
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(section.title)}</h2>{inside}</section>'


def _part(part: Part) -> str:
    match part:
        case Words():
            title = f"<strong>{escape(part.severity)}</strong> {escape(part.title)}<br>" if part.severity else ""
            return (
                f'<p class="remark {escape(part.severity)}">{title}{escape(part.text)}</p>' if title else _words(part)
            )
        case Table():
            return _table(part)
        case Excerpt():
            sound = base64.b64encode(part.opus).decode()
            return (
                f'<figure class="sound"><figcaption>{escape(part.caption)}</figcaption>'
                f'<audio controls preload="metadata" aria-label="{escape(part.caption)}" '
                f'src="data:audio/ogg;base64,{sound}"></audio></figure>'
            )
        case picture:
            drawn = base64.b64encode(svg(picture).encode()).decode()
            return (
                f'<figure><div class="wide" tabindex="0" role="group" aria-label="{escape(picture.caption)}">'
                f'<img alt="{escape(picture.alt)}" src="data:image/svg+xml;base64,{drawn}"></div>'
                f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
            )


def _words(words: Words) -> str:
    return f"<p>{escape(words.text)}</p>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in table.rows
    )
    caption = escape(table.caption)
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
