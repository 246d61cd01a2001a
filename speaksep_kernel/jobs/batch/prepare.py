"""From what somebody gives, inputs or a table, to a batch whose rows have all been looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs import notebooks
from speaksep_kernel.jobs.batch.check import Work, check_columns, check_rows
from speaksep_kernel.jobs.batch.folder import Batch, Task, check_place, new_batch
from speaksep_kernel.jobs.batch.inputs import find_inputs
from speaksep_kernel.jobs.batch.rows import Row, read_rows
from speaksep_kernel.jobs.parameters import validated
from speaksep_kernel.progress import ProgressHook, silent

NAMED = 3
"""Broken rows that fit into one line."""


class BrokenRows(InputError):
    """Rows that cannot run. Nothing was begun.

    Parameters
    ----------
    rows
        What is wrong with each, one line each.
    of
        How many rows there are.
    """

    def __init__(self, rows: Sequence[str], of: int) -> None:
        self.rows, self.of = tuple(rows), of
        more = f" … and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        super().__init__(
            f"{len(rows)} of {of} rows cannot run: {'; '.join(self.rows[:NAMED])}{more}",
            reason="broken-rows",
            hint="correct them, or let the others run with --keep-going",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return BrokenRows, (self.rows, self.of)

    def to_dict(self) -> dict[str, Any]:
        """With all the rows."""
        return super().to_dict() | {"rows": list(self.rows)}


def prepare(
    notebook: str,
    directory: Path,
    *,
    inputs: Sequence[str] = (),
    table: Path | None = None,
    constants: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
    keep_going: bool = False,
    hook: ProgressHook = silent,
) -> Batch:
    """Look at everything a batch is to do. Nothing is written, nothing runs.

    Parameters
    ----------
    notebook
        Name of a registered batch notebook.
    directory
        Where everything goes.
    inputs
        Files, folders, patterns or URLs: one job each.
    table
        Or a table with one row of parameters per job.
    constants
        Parameters that all jobs have; a row's own come first.
    limits
        Fields of `JobRequest` that all jobs have.
    keep_going
        Rows that cannot run are remembered as failed, instead of being refused with all the others.
    hook
        Progress: ten thousand recordings take a while.

    Raises
    ------
    InputError
        What cannot be used: the notebook, the inputs, the table, a parameter, the directory.
    BrokenRows
        Some rows cannot run.
    """
    found = notebooks.get(notebook)
    check_place(directory)
    given = dict(constants or {})
    rows, beside = _rows(found, inputs, table, given)
    _check_constants(found, given)
    work = check_rows(found, rows, given, beside=beside, hook=hook)
    broken = [str(each.error.error) for each in work if each.error]
    if broken and (not keep_going or len(broken) == len(work)):
        raise BrokenRows(broken, len(work))
    return new_batch(directory, found.name, [_task(each) for each in work], limits or {})


def _rows(
    notebook: notebooks.BatchNotebook, inputs: Sequence[str], table: Path | None, constants: Mapping[str, Any]
) -> tuple[list[Row], Path | None]:
    if bool(inputs) == (table is not None):
        raise InputError(
            "inputs and a table are given" if inputs else "there is nothing to do: no inputs and no table",
            reason="no-inputs",
            hint="give files or folders, or --table with one row per job",
        )
    if table is not None:
        columns, rows = read_rows(table)
        check_columns(notebook, columns, constants)
        return rows, table.parent
    if not notebook.inputs:
        raise InputError(
            f"notebook {notebook.name!r} takes no inputs",
            reason="no-inputs",
            hint="give its parameters with --table, one row per job",
        )
    words = find_inputs(inputs, folders=notebook.takes == "folder")
    return [Row(word, {notebook.inputs[0]: word}) for word in words], None


def _check_constants(notebook: notebooks.BatchNotebook, constants: Mapping[str, Any]) -> None:
    """A parameter that is wrong for all is said once, not for every row."""
    if all(notebook.parameters[name].annotation is str for name in notebook.required):
        validated(notebook, {**dict.fromkeys(notebook.required, "given by each row"), **constants})


def _task(work: Work) -> Task:
    error = work.error.to_dict() if work.error else None
    parameters = {name: value for name, value in work.parameters.items() if error is None or _jsonable(value)}
    return Task(work.name, parameters, work.seconds, error)


def _jsonable(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | dict)
