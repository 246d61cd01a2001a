"""What an earlier job made of the same input with the same parameters and models is used again.

Nothing is stored twice: an entry is a small file that says where a job published its results and what their hashes are.
Results that were removed, corrected or may not be read are no results.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from speaksep_kernel.atomic import write_atomically
from speaksep_kernel.errors import SpeakSepError, StoreError
from speaksep_kernel.jobs.attempt import PROVENANCE
from speaksep_kernel.jobs.notebooks import BatchNotebook
from speaksep_kernel.plugins import GROUPS, get
from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.manifest import sha256, versions

OWN, SHARED = "SPEAKSEP_CACHE", "SPEAKSEP_SHARED_CACHES"
"""Environment variables: the folder of one's own entries; folders of others' that are trusted, as in ``PATH``."""

OWN_SEPARATOR = "speaksep"
"""The one that is used where a notebook has no such parameter."""


@dataclass(frozen=True)
class Found:
    """An earlier result.

    Attributes
    ----------
    directory
        Where it was published.
    files
        Hash of every file, by path in it.
    """

    directory: Path
    files: Mapping[str, str]

    def copy_to(self, place: Path, inputs: Mapping[str, str]) -> bool:
        """Copy it, if every file still is what it was.

        Parameters
        ----------
        place
            An empty folder.
        inputs
            Paths of this job's inputs by hash: manifests are made to name these.

        Returns
        -------
        Whether it is all there; ``place`` is empty if not.
        """
        try:
            for name, digest in self.files.items():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.directory / name, place / name)
                if sha256(place / name) != digest:
                    raise FileNotFoundError(name)
        except OSError:
            for path in place.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            return False
        for path in place.rglob(MANIFEST):
            _rename_input(path, inputs)
        return True


def key_of(
    notebook: BatchNotebook, parameters: Mapping[str, Any], circle: str = ""
) -> tuple[str, dict[str, str]] | None:
    """What decides the result of a job, as one hash; ``None`` where nobody can know.

    That is the notebook, its parameters, the name and the bytes of its inputs, the package versions, the plugins
    with the hashes of their models, the segmentation's weights, and the circle: each has results of its own.

    Returns
    -------
    The key, and the paths of the inputs by hash.
    """
    if not notebook.reusable:
        return None
    values = {name: each.default for name, each in notebook.parameters.items()} | dict(parameters)
    inputs: dict[str, str] = {}
    for name in notebook.inputs:
        if not values[name]:
            continue
        path = Path(values[name])
        try:
            digest = sha256(path) if path.is_file() else _folder_sha256(path)
        except OSError:
            return None  # a URL, or nothing: the notebook will say so
        inputs[digest] = str(path)
        values[name] = [path.name, digest]  # the name stands in labels and reports
    model = _model(str(values.get("separator", OWN_SEPARATOR)))
    told = [notebook.name, notebook.sha256, values, model, _installed(), circle]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(), inputs


def look_up(key: str) -> list[Found]:
    """Earlier results of a key, one's own first; whether they are still there, copying says."""
    found = []
    for folder in _folders():
        with suppress(OSError, ValueError, KeyError, TypeError):
            entry = json.loads(_place(folder, key).read_bytes())
            files = {str(name): str(digest) for name, digest in entry["files"].items()}
            if not any(Path(name).is_absolute() or ".." in Path(name).parts for name in files):
                found.append(Found(Path(entry["directory"]), files))
    return found


def remember(key: str, place: Path, directory: Path) -> None:
    """Note that what is in ``place`` will be published as ``directory``.

    Before it is, the entry finds nothing. Nobody is told where noting fails: it is only slower next time.
    """
    files = [path for path in sorted(place.rglob("*")) if path.is_file() and path.name != PROVENANCE]
    entry = {"directory": str(directory), "files": {str(path.relative_to(place)): sha256(path) for path in files}}
    note = _place(_folders()[0], key)
    with suppress(StoreError, OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(note, json.dumps(entry).encode(), mode=0o644)


def _folders() -> list[Path]:
    own = Path(os.environ.get(OWN) or user_cache_path("speaksep") / "jobs")
    return [own, *(Path(place) for place in os.environ.get(SHARED, "").split(os.pathsep) if place)]


def _place(folder: Path, key: str) -> Path:
    return folder / key[:2] / f"{key[2:]}.json"


def _folder_sha256(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise FileNotFoundError(folder)
    told = [[str(path.relative_to(folder)), sha256(path)] for path in files]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@cache
def _installed() -> list[Any]:
    """Versions of packages and plugins; the plugins are not loaded for it."""
    points = [point for group in GROUPS for point in entry_points(group=group)]
    told = [(each.group, each.name, each.value, each.dist.name, each.dist.version) for each in points if each.dist]
    return [versions(), sorted(told)]


@cache
def _model(separator: str) -> str | None:
    try:
        return getattr(get("separator", separator), "sha256", None)
    except SpeakSepError:
        return None  # the notebook will say so


def _rename_input(manifest: Path, inputs: Mapping[str, str]) -> None:
    told = json.loads(manifest.read_bytes())
    path = inputs.get(told["input"]["sha256"])
    if path is not None:
        told["input"]["path"] = path
        manifest.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
