"""Rows of parameters out of a table: CSV, Parquet or JSON lines. A row that cannot be read is a row with a reason."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.recording.source import unreadable

DELIMITERS = ",;\t"
"""Spreadsheets of half the world write semicolons."""


@dataclass(frozen=True)
class Row:
    """One row, as it was written.

    Attributes
    ----------
    where
        What to call it in a message: "line 17", "meeting.wav".
    values
        Parameters by name; what a cell leaves empty is not there.
    error
        Why it cannot be used, if it cannot.
    """

    where: str
    values: Mapping[str, Any] = field(default_factory=dict)
    error: SpeakSepError | None = None


def read_rows(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """The columns of a table and its rows.

    Parameters
    ----------
    path
        ``.csv`` or ``.tsv`` (UTF-8, separated by commas, semicolons or tabs), ``.parquet``, ``.jsonl`` or ``.ndjson``.

    Returns
    -------
    Names of columns in their order, and every row in its; broken rows have their ``error``.

    Raises
    ------
    InputError
        No such table, or nothing of it can be used: reasons ``file-not-found``, ``unknown-table``, ``bad-table`` and
        ``empty-table``.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     table = Path(folder, "t.csv")
    ...     _ = table.write_text("source,speakers\\na.wav,2\\nb.wav\\n")
    ...     columns, rows = read_rows(table)
    >>> columns, dict(rows[0].values), rows[1].error.error
    (('source', 'speakers'), {'source': 'a.wav', 'speakers': '2'}, 'line 3 has 1 value for 2 columns')
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"table {path.name!r} is of no kind that is read", reason="unknown-table", hint=f"give {', '.join(READERS)}"
        )
    try:
        columns, rows = reader(path)
    except OSError as error:
        raise unreadable(path.name, error) from error
    if not rows:
        raise InputError(f"table {path.name!r} has no rows", reason="empty-table", hint="give one row per job")
    return columns, rows


def _csv(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(path, f"is not UTF-8 (byte {error.start})", "save it as CSV UTF-8") from None
    first, _, _ = text.partition("\n")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count), strict=True)
    try:
        columns = tuple(name.strip() for name in next(lines, ()))
        _check_columns(path, columns)
        return columns, [_line(lines.line_num, columns, cells) for cells in lines if cells]
    except csv.Error as error:  # a quote that is never closed: nobody can say where the next row begins
        raise _bad(path, f"line {lines.line_num}: {error}", "look for a quotation mark that is not closed") from None


def _line(number: int, columns: tuple[str, ...], cells: list[str]) -> Row:
    where = f"line {number}"
    values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
    if len(cells) == len(columns):
        return Row(where, values)
    several = "" if len(cells) == 1 else "s"
    return Row(where, values, _broken(f"{where} has {len(cells)} value{several} for {len(columns)} columns"))


def _jsonl(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    rows = list(_objects(path))
    columns = tuple(dict.fromkeys(name for row in rows for name in row.values))
    _check_columns(path, columns)
    return columns, rows


def _objects(path: Path) -> Iterator[Row]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        where = f"line {number}"
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            yield Row(where, error=_broken(f"{where} is not JSON ({error})"))
            continue
        if isinstance(value, dict):
            yield Row(where, {name: each for name, each in value.items() if each is not None})
        else:
            yield Row(where, error=_broken(f"{where} is {type(value).__name__}, not an object"))


def _parquet(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    import fastparquet

    try:
        with path.open("rb") as file:
            frame = fastparquet.ParquetFile(file).to_pandas()
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # whatever a reader of a binary format stumbles over
        raise _bad(path, f"is not Parquet ({type(error).__name__}: {error})", "write it again") from error
    columns = tuple(map(str, frame.columns))
    _check_columns(path, columns)
    values = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return columns, [
        Row(f"row {number}", {str(name): _plain(cell) for name, cell in row.items() if cell is not None})
        for number, row in enumerate(values, 1)
    ]


def _plain(cell: Any) -> Any:
    """A number of numpy as one of Python."""
    return cell.item() if hasattr(cell, "item") else cell


READERS: Mapping[str, Callable[[Path], tuple[tuple[str, ...], list[Row]]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
}


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise _bad(path, f"has the column {twice[0]!r} twice", "give every column its own name")
    if "" in columns:
        raise _bad(path, "has a column without a name", "name the columns in the first line, after parameters")


def _bad(path: Path, what: str, hint: str) -> InputError:
    return InputError(f"table {path.name!r} {what}", reason="bad-table", hint=hint)


def _broken(what: str) -> InputError:
    return InputError(what, reason="bad-row", hint="correct the row")
