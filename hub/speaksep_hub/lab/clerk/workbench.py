"""A notebook of one's own with the workbench for a recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from speaksep_hub.lab.clerk.paths import free_name, inside

KERNEL = {"name": "speaksep", "display_name": "SpeakSep", "language": "python"}


def workbench(root: Path, *, path: str | None = None, folder: str = "") -> dict[str, Any]:
    """Write the notebook beside the recording; one that is there already is not touched.

    Parameters
    ----------
    root
        Folder that the server serves.
    path
        The recording below it; ``None``: the notebook begins with a choice of files.
    folder
        Without a recording: where the notebook goes.

    Raises
    ------
    InputError
        Reason ``file-not-found``.
    """
    if path is None:
        place = root.joinpath(*(step for step in folder.split("/") if step not in ("", "..")))
        name, source = "workbench", ""
    else:
        recording = inside(root, path)
        place, name, source = recording.parent, f"{recording.stem}-workbench", repr(recording.name)
    target = free_name(place / f"{name}.ipynb") if path is None else place / f"{name}.ipynb"
    if not target.exists():
        target.write_text(json.dumps(_notebook(source), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return {"path": target.resolve().relative_to(root.resolve()).as_posix()}


def _notebook(source: str) -> dict[str, Any]:
    code = f"from speaksep_widgets import Workbench\n\nbench = Workbench({source})\nbench"
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "workbench",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
    }
    return {
        "cells": [cell | {"source": code.splitlines(keepends=True)}],
        "metadata": {"kernelspec": KERNEL},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
