"""What a report can be made of, found on disk: a result, a diagnosis, the folder of a batch, several of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from speaksep_dashboards.places import without_folders
from speaksep_dashboards.reports import collection, recording
from speaksep_dashboards.reports.excerpts import together
from speaksep_dashboards.reports.values import Part, Report, Section, Table, Words
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.jobs.batch.folder import BATCH, RESULTS, Batch, read_batch
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.manifest import versions
from speaksep_kernel.results.measures import DIAGNOSIS, measured, measures_of
from speaksep_kernel.results.values import Separation

HEARD = 3
"""Recordings of a collection that are heard: those in which people talk over each other most."""
Source = str | Path | Separation | Diagnosis


def report_of(source: Source, *, sound: bool = True, title: str = "", made_at: float | None = None) -> Report:
    """The report of one thing: a separation, a diagnosis, or the folder of a batch.

    Raises
    ------
    InputError
        Reasons ``no-result`` and those of `speaksep_kernel.results.manifest.read_manifest` and of `read_batch`.
    """
    if isinstance(source, str | Path) and (Path(source) / BATCH).is_file():
        return _of_batch(read_batch(Path(source)), sound=sound, title=title, made_at=made_at)
    found = opened(source)
    if isinstance(found, Separation):
        return recording.of_separation(found, sound=sound, title=title, made_at=made_at)
    return recording.of_diagnosis(found, title=title, made_at=made_at)


def report_of_many(
    sources: Sequence[Source], *, sound: bool = True, title: str = "", made_at: float | None = None
) -> Report:
    """The report of a collection; what cannot be read is told in it, and why."""
    rows, separations = [], []
    for source in sources:
        try:
            found = opened(source)
        except SpeakSepError as error:
            rows.append(
                {
                    "name": Path(str(source)).name,
                    "state": "unreadable",
                    "reason": error.reason,
                    "error": without_folders(error.error),
                }
            )
            continue
        separations += [found] if isinstance(found, Separation) else []
        rows.append(measures_of(found.to_dict()))
    heard = _heard(separations) if sound else ()
    made_with = _made_with([])
    return collection.of_rows(title or "Recordings", rows, sections=(*heard, made_with), made_at=made_at)


def write_batch_report(folder: Path, place: Path) -> None:
    """Write what a batch writes for itself, see ``speaksep.reports`` in `speaksep_kernel.jobs.batch.report`."""
    _of_batch(read_batch(folder), sound=True, title="", made_at=None).save(place)


def opened(source: Source) -> Separation | Diagnosis:
    """A result as a value; errors as of `report_of`."""
    if isinstance(source, Separation | Diagnosis):
        return source
    place = Path(source)
    if place.name == MANIFEST or (place / MANIFEST).exists():
        return Separation.open(place.parent if place.name == MANIFEST else place)
    told = place / DIAGNOSIS if place.is_dir() else place
    if not told.is_file():
        raise InputError(
            f"there is no result in {str(place)!r}",
            reason="no-result",
            hint="give a folder that speaksep separate or speaksep batch wrote, or a diagnosis as JSON",
        )
    try:
        return Diagnosis.from_dict(json.loads(told.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{str(told)!r} is no diagnosis ({type(error).__name__}: {error})",
            reason="bad-diagnosis",
            hint="give what speaksep diagnose --json wrote",
        ) from None


def _of_batch(batch: Batch, *, sound: bool, title: str, made_at: float | None) -> Report:
    rows = list(_rows(batch))
    heard = _heard(_separations(batch, rows)) if sound else ()
    about = [("batch", batch.id), ("notebook", batch.notebook), ("begun by", batch.owner)]
    about += [(name, str(value)) for name, value in batch.limits.items() if value not in (None, 0, "")]
    sections = (*heard, _made_with(about))
    return collection.of_rows(title or f"Batch {batch.directory.name}", rows, sections=sections, made_at=made_at)


def _rows(batch: Batch) -> Iterator[dict[str, Any]]:
    """A row for every task: its line in the table of results, and what its result says of the recording."""
    lines = _lines(batch.directory / RESULTS[0])
    for task in batch.tasks:
        refused = task.error or {}
        row: dict[str, Any] = {
            "name": task.name,
            "state": "refused" if task.error else "queued",
            "sound_s": task.seconds,
            "reason": refused.get("reason"),
            "error": refused.get("error"),
        }
        row |= lines.get(task.name, {})
        row["error"] = without_folders(row["error"] or "")
        if row["state"] == collection.DONE:
            row |= measured(batch.directory / task.name) or {}
        yield {**row, "name": task.name}


def _lines(table: Path) -> Mapping[str, dict[str, Any]]:
    """The table of results by name; empty before the batch has been through once."""
    try:
        text = table.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    numbers = ("sound_s", "seconds", "attempts")
    words = ("state", "reason", "error")
    return {
        line["name"]: {
            **{name: line[name] for name in words if line.get(name)},
            **{name: float(line[name]) for name in numbers if line.get(name)},
            "cached": line.get("cached") == "True",
        }
        for line in csv.DictReader(io.StringIO(text, newline=""))
    }


def _separations(batch: Batch, rows: Iterable[Mapping[str, Any]]) -> Iterator[Separation]:
    ranked = sorted((row for row in rows if row.get("overlap_ratio")), key=lambda row: -row["overlap_ratio"])
    for row in ranked[:HEARD]:
        for place in (batch.directory / str(row["name"])).glob(f"*/{MANIFEST}"):
            try:
                yield Separation.open(place.parent)
            except SpeakSepError:
                continue  # its row says what can be said


def _heard(separations: Iterable[Separation]) -> tuple[Section, ...]:
    ranked = sorted(separations, key=lambda each: -each.diagnosis.overlap_ratio)[:HEARD]
    parts: list[Part] = [part for separation in ranked for part in together(separation)]
    said = Words("Where people talk over each other longest: the recording, and each of two alone in the same seconds.")
    return (Section("Listen", (said, *parts)),) if parts else ()


def _made_with(about: Sequence[tuple[str, str]]) -> Section:
    rows = (*about, *((name, version) for name, version in versions().items()))
    return Section("Provenance", (Table("Where it comes from", ("what", "value"), rows),))
