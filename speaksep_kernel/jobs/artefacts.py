"""What a job made, as hashes: what two runs of one job must have in common."""

from __future__ import annotations

import json
from pathlib import Path

from speaksep_kernel.results.directory import MANIFEST
from speaksep_kernel.results.manifest import sha256


def artefacts(directory: Path, *, without: tuple[str, ...]) -> dict[str, str]:
    """Hash of every file that the same input, parameters and versions make again byte for byte, by path.

    A directory with a manifest says itself which of its files those are (`speaksep_kernel.results.manifest`): timings
    and the picture are not among them. Everywhere else it is every file.

    Parameters
    ----------
    directory
        What a job published, or is about to.
    without
        Names of files of ``directory`` itself that differ from run to run: the executed notebook, ``job.json``.
    """
    manifests = [path.parent for path in sorted(directory.rglob(MANIFEST))]
    found: dict[str, str] = {}
    for place in manifests:
        files: dict[str, str] = json.loads((place / MANIFEST).read_bytes())["files"]
        found |= {str((place / name).relative_to(directory)): digest for name, digest in files.items()}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_file() and name not in without and not any(place in path.parents for place in manifests):
            found[name] = sha256(path)
    return dict(sorted(found.items()))
