"""Files as pages name them: below the folder that the Jupyter server serves, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from speaksep_kernel.errors import InputError


def inside(root: Path, path: str) -> Path:
    """The file of a name.

    Raises
    ------
    InputError
        Reason ``file-not-found``: there is none, it is hidden, or it is elsewhere, which is not told apart.
    """
    steps = path.strip("/").split("/")
    place = Path(root, *steps)
    hidden = any(step.startswith(".") or "\0" in step for step in steps)
    if hidden or not place.is_file() or not place.resolve().is_relative_to(root.resolve()):
        raise InputError(f"no file {path[:200]!r}", reason="file-not-found", hint="look whether it was moved")
    return place


def shown(root: Path, place: str | Path | None) -> str | None:
    """How pages name a place; ``None`` where they cannot see it."""
    if not place:
        return None
    try:
        return Path(place).resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return None


def free_name(place: Path) -> Path:
    """A place that nothing has yet: as wished, or with a number."""
    found, number = place, 2
    while found.exists():
        found, number = place.with_name(f"{place.name} ({number})"), number + 1
    return found
