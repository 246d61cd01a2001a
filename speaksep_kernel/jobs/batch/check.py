"""Every row of a batch is looked at before anything runs: its parameters, and the header of its recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.jobs.batch.folder import OWN_FILES
from speaksep_kernel.jobs.batch.rows import Row
from speaksep_kernel.jobs.notebooks import BatchNotebook
from speaksep_kernel.jobs.parameters import validated
from speaksep_kernel.progress import ProgressHook, silent, track
from speaksep_kernel.recording import Recording

LONGEST_NAME = 120
"""Bytes of the name of a job's folder; what is written beside it has longer names."""


@dataclass(frozen=True)
class Work:
    """One job of a batch.

    Attributes
    ----------
    name
        Its folder in the batch's directory; no other job has it.
    parameters
        Checked and typed.
    seconds
        Length of its recording; ``None`` if that is unknown.
    error
        Why it cannot run, if it cannot.
    """

    name: str
    parameters: Mapping[str, Any]
    seconds: float | None = None
    error: SpeakSepError | None = None


def check_columns(notebook: BatchNotebook, columns: Iterable[str], constants: Mapping[str, Any]) -> None:
    """Refuse a table whose columns do not fit a notebook, before ten thousand rows say so.

    Parameters
    ----------
    notebook
        What the rows are for.
    columns
        Names of the table's columns.
    constants
        Parameters that all jobs have.

    Raises
    ------
    InputError
        Reasons ``unknown-column`` and ``missing-column``.
    """
    given = {*columns, *constants}
    hint = f"parameters of {notebook.name} are: {', '.join(notebook.parameters)}"
    unknown = [name for name in columns if name not in notebook.parameters]
    if unknown:
        raise InputError(
            f"the table has a column {unknown[0]!r}, which is no parameter", reason="unknown-column", hint=hint
        )
    missing = [name for name in notebook.required if name not in given]
    if missing:
        raise InputError(f"the table has no column {missing[0]!r}", reason="missing-column", hint=hint)


def check_rows(
    notebook: BatchNotebook,
    rows: Sequence[Row],
    constants: Mapping[str, Any],
    *,
    beside: Path | None = None,
    hook: ProgressHook = silent,
) -> tuple[Work, ...]:
    """A job for every row, in their order; one that cannot run has its ``error``, which names the row.

    Parameters
    ----------
    notebook
        What will run.
    rows
        As they were read.
    constants
        Parameters that all jobs have; a row's own come first.
    beside
        Folder of the table: a relative path is looked for there, and then in the current folder.
    hook
        Progress: ten thousand recordings take a while.
    """
    names = _names([_stem(notebook, row, number) for number, row in enumerate(rows, 1)])
    return tuple(
        _work(notebook, name, row, constants, beside)
        for name, row in track(zip(names, rows, strict=True), hook, "check", len(rows))
    )


def _work(notebook: BatchNotebook, name: str, row: Row, constants: Mapping[str, Any], beside: Path | None) -> Work:
    values = {**constants, **row.values}
    try:
        if row.error:
            raise row.error
        parameters = validated(notebook, values, base=_base(notebook, values, beside))
        return Work(name, parameters, _seconds(notebook, parameters))
    except SpeakSepError as error:
        said = error.error.removeprefix(f"{Path(row.where).name}: ")  # an input is named whole
        told = said if said.startswith(row.where) else f"{row.where}: {said}"
        return Work(name, values, error=InputError(told, reason=error.reason, hint=error.hint))


def _base(notebook: BatchNotebook, values: Mapping[str, Any], beside: Path | None) -> Path:
    paths = [values[name] for name in notebook.inputs if isinstance(values.get(name), str)]
    near = beside is not None and any((beside / path).exists() for path in paths)
    return (beside if beside and near else Path()).absolute()


def _seconds(notebook: BatchNotebook, parameters: Mapping[str, Any]) -> float | None:
    """Length of the recording; what is not here, or no recording, has none."""
    source = next((parameters[name] for name in notebook.inputs if parameters.get(name)), None)
    if source is None or "://" in source:
        return None
    if notebook.takes == "recording":
        return Recording.open(source).seconds
    if not Path(source).is_dir():
        raise InputError(f"{source!r} is not a folder", reason="not-a-folder", hint="check the path")
    return None


def _stem(notebook: BatchNotebook, row: Row, number: int) -> str:
    source = next((str(row.values[name]) for name in notebook.inputs if row.values.get(name)), "")
    path = Path(urlsplit(source).path if "://" in source else source)
    stem = path.stem if notebook.takes == "recording" else path.resolve().name
    printable = "".join(letter if letter.isprintable() else "_" for letter in stem[:LONGEST_NAME])
    return printable.encode()[:LONGEST_NAME].decode(errors="ignore").strip(" .") or f"job-{number}"


def _names(stems: Sequence[str]) -> list[str]:
    """A name for each that no other has."""
    counts = Counter([*stems, *OWN_FILES])
    taken = {stem for stem, count in counts.items() if count == 1}
    numbers: Counter[str] = Counter()
    names = []
    for stem in stems:
        name = stem
        while counts[stem] > 1 and (name == stem or name in taken):
            numbers[stem] += 1
            name = f"{stem}-{numbers[stem]}"
        taken.add(name)
        names.append(name)
    return names
