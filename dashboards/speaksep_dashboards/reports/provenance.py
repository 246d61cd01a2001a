"""Where a result comes from: everything that was needed to make it, and nothing of the machine that did."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from speaksep_dashboards.reports.values import Section, Table
from speaksep_kernel.results.manifest import Manifest


def provenance(manifest: Manifest) -> Section:
    """Tables of what went in, what was done with what, and what came out.

    Paths are cut down to names: a report goes to people who do not know the machine.
    """
    source, model = manifest.input, manifest.model
    rows = [
        ("recording", source.name),
        ("its SHA-256", source.sha256),
        ("format", f"{source.format} {source.subtype}, {source.rate_hz} Hz, channels: {source.channels}"),
        ("mixture", f"{manifest.mixture.kind}: {manifest.mixture.why}"),
        ("separated by", f"{model.separator} {model.version}" + ("" if model.used else " (not needed here)")),
        *([("its SHA-256 ", model.sha256)] if model.sha256 else []),
        ("parameters", _listed(manifest.parameters)),
        *([("cleaned with", "; ".join(_step(step) for step in manifest.cleaning.steps))] if manifest.cleaning else []),
        *([("corrected by hand", f"{manifest.edits.position} times")] if manifest.edits else []),
        *([("seeds", _listed(manifest.seeds))] if manifest.seeds else []),
        ("seconds of work", _listed(manifest.timings)),
    ]
    made_of = tuple((name, version) for name, version in manifest.versions.items())
    named = [(entry.file, entry.name or entry.label) for entry in manifest.speakers]
    tracks = [
        (file, name, manifest.files.get(file, "–")) for file, name in [*named, (manifest.residual, "what is nobody's")]
    ]
    return Section(
        "Provenance",
        (
            Table("How it was made", ("what", "value"), tuple((name, value) for name, value in rows if value)),
            Table("Files", ("file", "track", "SHA-256"), tuple(tracks)),
            Table("Versions", ("package or model", "version"), made_of),
        ),
    )


def _step(step: Any) -> str:
    options = _listed(step.options | step.learned)
    return f"{step.name} {step.version}" + (f" ({options})" if options else "")


def _listed(values: Any) -> str:
    told = {name: _told(value) for name, value in values.items() if value not in (None, (), [], {}, "")}
    return ", ".join(f"{name} = {value}" for name, value in told.items())


def _told(value: Any) -> str:
    """A value as text; of a path or an address only the name."""
    if isinstance(value, dict):
        return f"{{{_listed(value)}}}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_told, value))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if "://" in text:
        return PurePath(urlsplit(text).path).name
    return PurePath(text).name if "/" in text or "\\" in text else text
