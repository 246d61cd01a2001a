"""Batch notebooks: those of the package and those of folders that were named; no others can be jobs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.parameters import Parameter, read_parameters

SHIPPED = Path(__file__).parent / "shipped"
"""A link to ``notebooks/batch``; a folder of its own in the wheel."""

FOLDERS = "SPEAKSEP_NOTEBOOKS"
"""Environment variable: further folders, separated as in ``PATH``."""


@dataclass(frozen=True, eq=False)  # one object per state of a file: its model is made once
class BatchNotebook:
    """A notebook that may be run as a job.

    Attributes
    ----------
    name
        Its file name without the extension, with dashes.
    path, sha256
        The file and the hash of its bytes.
    title, summary
        Heading and first paragraph.
    parameters
        What its cell tagged ``parameters`` declares, by name.
    inputs
        Parameters that are paths of what is read: made absolute when a job is submitted. What a notebook that declares
        inputs makes depends on these, its parameters, the models and the package versions alone, and may be reused.
    required
        Parameters a job must be given.
    output
        Parameter that says where to write; a place in the job's directory. Empty if there is none.
    takes
        What the first of ``inputs`` is: "recording" or "folder".
    verb
        Verb of the pipeline whose cost is its cost: "separate", "diagnose", or empty.
    remote
        It may be asked for by people who do not see this machine: its parameters name no files but `inputs`.
    given
        Parameters that are filled in for them, and with what: "voice-book", one's own.
    pure
        All it does is to write into its directory; what an earlier job made may be used again.
    """

    name: str
    path: Path
    sha256: str
    title: str
    summary: str
    parameters: dict[str, Parameter]
    inputs: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    output: str = ""
    takes: str = "recording"
    verb: str = ""
    remote: bool = False
    given: Mapping[str, str] = field(default_factory=dict)
    pure: bool = True

    @property
    def reusable(self) -> bool:
        """Results may be reused: it says what it reads, and does nothing else."""
        return bool(self.inputs) and self.pure


def registered() -> dict[str, Path]:
    """Every batch notebook by name; the package's own keep their names.

    Folders that do not exist hold none.
    """
    folders = [SHIPPED, *(Path(place) for place in os.environ.get(FOLDERS, "").split(os.pathsep) if place)]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.ipynb")):
            found.setdefault(path.stem.replace("_", "-"), path)
    return found


def get(name: str | os.PathLike[str]) -> BatchNotebook:
    """A registered notebook by its name, or by the path of its file.

    Raises
    ------
    InputError
        Reasons ``unknown-notebook`` and ``bad-notebook``.
    """
    found = registered()
    known = name if isinstance(name, str) and name in found else _name_of(Path(name), found)
    if known is None:
        raise InputError(
            f"unknown batch notebook {str(name)!r}",
            reason="unknown-notebook",
            hint=f"there are: {', '.join(found)}; folders of others are named in {FOLDERS}",
        )
    path = found[known]
    try:
        written = path.stat()
        return _read(known, path, written.st_mtime_ns, written.st_size)
    except OSError as error:
        raise _bad(known, path, error.strerror or str(error)) from error


def _name_of(path: Path, found: dict[str, Path]) -> str | None:
    place = path.resolve()
    return next((name for name, other in found.items() if other.resolve() == place), None)


@lru_cache(maxsize=64)
def _read(name: str, path: Path, _changed_ns: int, _bytes: int) -> BatchNotebook:
    # Not through nbformat, whose import takes a second: thousands of rows are checked before any notebook runs.
    data = path.read_bytes()
    try:
        notebook = json.loads(data)
        cells = [(cell["cell_type"], _tags(cell), "".join(cell["source"])) for cell in notebook["cells"]]
        declared: dict[str, Any] = notebook["metadata"].get("speaksep", {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _bad(name, path, f"not a notebook of version 4 ({type(error).__name__}: {error})") from error
    tagged = [source for kind, tags, source in cells if kind == "code" and "parameters" in tags]
    if len(tagged) != 1:
        raise _bad(name, path, f"{len(tagged)} cells have the tag parameters; one must")
    try:
        parameters = read_parameters(tagged[0], required=declared.get("required", ()))
    except ValueError as error:
        raise _bad(name, path, str(error)) from error
    inputs, output = tuple(declared.get("inputs", ())), declared.get("output", "")
    for each in (*inputs, *declared.get("required", ()), *declared.get("given", ()), *([output] if output else [])):
        if each not in parameters:
            raise _bad(name, path, f"its metadata names {each!r}, which is no parameter")
    lines = next((text for kind, _, text in cells if kind == "markdown"), "").strip().splitlines()
    title = lines[0].lstrip("# ") if lines else name
    summary = next((line for line in lines[1:] if line.strip()), "")
    digest = hashlib.sha256(data).hexdigest()
    required = tuple(key for key, parameter in parameters.items() if parameter.required)
    kind = {key: declared[key] for key in ("takes", "verb", "remote", "given", "pure") if key in declared}
    return BatchNotebook(name, path, digest, title, summary, parameters, inputs, required, output, **kind)


def _tags(cell: dict[str, Any]) -> list[str]:
    tags: list[str] = cell.get("metadata", {}).get("tags", [])
    return tags


def _bad(name: str, path: Path, why: str) -> InputError:
    return InputError(
        f"batch notebook {name!r} ({path}) cannot be used: {why}", reason="bad-notebook", hint="see docs/jobs.md"
    )
