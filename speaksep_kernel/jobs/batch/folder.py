"""The directory of a batch: what was asked for stands in it, so that it can go on after anything."""

from __future__ import annotations

import getpass
import json
import os
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.job import JobRequest

BATCH = "batch.json"
RESULTS = ("results.csv", "results.parquet")
SUMMARY = "summary.ipynb"
REPORT = "report.html"
OWN_FILES = (BATCH, *RESULTS, SUMMARY, REPORT)
"""What the batch itself writes, beside a folder for each job."""


@dataclass(frozen=True)
class Task:
    """A job as the batch remembers it.

    Attributes
    ----------
    name
        Its folder.
    parameters
        Of the notebook.
    seconds
        Length of its recording, if known.
    error
        Why it was never submitted: the shape of `SpeakSepError.to_dict`; ``None`` for nearly all.
    """

    name: str
    parameters: Mapping[str, Any]
    seconds: float | None = None
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Batch:
    """What was asked for.

    Attributes
    ----------
    id
        Name of the batch in the job table; no other has it.
    directory
        Where everything goes.
    owner
        Who began it; whoever goes on with it works on the same jobs.
    notebook
        Name of the batch notebook.
    tasks
        In the order of the rows.
    limits
        Fields of `JobRequest` that all jobs have: priority, device, limits, attempts.
    """

    id: str
    directory: Path
    owner: str
    notebook: str
    tasks: tuple[Task, ...]
    limits: Mapping[str, Any]

    def requests(self) -> list[JobRequest]:
        """What the table is asked for; asking again changes nothing."""
        return [
            JobRequest(
                notebook=self.notebook,
                parameters=task.parameters,
                owner=self.owner,
                output=str(self.directory / task.name),
                batch=self.id,
                key=f"{self.id}/{task.name}",
                **self.limits,
            )
            for task in self.tasks
            if task.error is None
        ]


def new_batch(directory: Path, notebook: str, tasks: Sequence[Task], limits: Mapping[str, Any]) -> Batch:
    """A batch with a name of its own; nothing is written."""
    return Batch(uuid.uuid4().hex[:12], directory.absolute(), getpass.getuser(), notebook, tuple(tasks), dict(limits))


def check_place(directory: Path) -> None:
    """Refuse a place that is a file, or a directory that holds anything but a batch.

    Raises
    ------
    InputError
        Reasons ``output-is-a-file`` and ``output-not-empty``.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(
            f"output {str(directory)!r} is a file", reason="output-is-a-file", hint="give the name of a directory"
        )
    if directory.is_dir() and not (directory / BATCH).exists() and any(directory.iterdir()):
        raise InputError(
            f"output directory {str(directory)!r} holds other files",
            reason="output-not-empty",
            hint="give a new directory, or that of a batch to go on with",
        )


def settle(batch: Batch) -> Batch:
    """Write down what was asked for; of two who do so at once, both go on with the same batch.

    Returns
    -------
    The batch that the directory belongs to: this one, or one that asked for the same before.

    Raises
    ------
    InputError
        Reason ``another-batch``: the directory belongs to one that asked for something else.
    StoreError
        It cannot be written.
    """
    # In ASCII: names of files may hold any bytes.
    text = json.dumps({name: value for name, value in asdict(batch).items() if name != "directory"}, indent=1)
    place = batch.directory / BATCH
    new = ""
    try:
        batch.directory.mkdir(parents=True, exist_ok=True)
        descriptor, new = tempfile.mkstemp(prefix=f".{BATCH}.", suffix=".part", dir=batch.directory)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(new, place)  # unlike a rename, this fails where a batch is already
    except FileExistsError:
        there = read_batch(batch.directory)
        if (there.notebook, there.tasks) != (batch.notebook, batch.tasks):
            raise InputError(
                f"{str(batch.directory)!r} belongs to another batch: {there.notebook}, {len(there.tasks)} jobs",
                reason="another-batch",
                hint="give another directory, or --resume alone to go on with what is there",
            ) from None
        return there
    except OSError as error:
        raise StoreError(
            f"cannot write {str(place)!r}: {error.strerror or error}",
            reason="store-failed",
            hint="free some space, or check the path and its permissions",
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(new)
    return batch


def read_batch(directory: Path) -> Batch:
    """The batch that a directory belongs to.

    Raises
    ------
    InputError
        Reasons ``no-batch`` and ``bad-batch``.
    """
    place = directory / BATCH
    try:
        data = json.loads(place.read_bytes())
        tasks = tuple(Task(**task) for task in data.pop("tasks"))
        return Batch(**data, directory=directory.absolute(), tasks=tasks)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{str(directory)!r} holds no batch to go on with", reason="no-batch", hint="give the inputs as well"
        ) from None
    except OSError as error:
        raise InputError(
            f"cannot read {str(place)!r}: {error.strerror}", reason="bad-batch", hint="check its permissions"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{str(place)!r} is damaged ({type(error).__name__}: {error})",
            reason="bad-batch",
            hint="give the inputs again, and another directory",
        ) from None
