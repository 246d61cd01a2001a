"""What a new home begins with: notebooks, and peace."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import speaksep_kernel

FIRST = "workbench.ipynb"
"""What the server opens with."""
NOTEBOOKS = (f"explore/{FIRST}", "tutorials/first_result.ipynb")
QUIET = Path(".jupyter/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings")
"""Lab's own place for what it notifies about."""
KERNEL = {"name": "speaksep", "display_name": "SpeakSep", "language": "python"}


def fill_home(home: Path) -> None:
    """Put the first notebooks there, once: what somebody deletes or changes stays as it is.

    Parameters
    ----------
    home
        Where the server works; belongs to the user of this process.
    """
    done = home / ".speaksep" / "welcomed"
    if done.exists():
        return
    for source in map(_shipped, NOTEBOOKS):
        target = home / source.name
        if not target.exists() and not target.is_symlink():
            notebook = json.loads(source.read_text(encoding="utf-8"))
            notebook["metadata"]["kernelspec"] = KERNEL
            target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    quiet = home / QUIET
    if not quiet.exists():  # else the first thing that everybody sees is a question about news from the network
        quiet.parent.mkdir(parents=True, exist_ok=True)
        quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    done.parent.mkdir(mode=0o700, exist_ok=True)
    done.touch()


def _shipped(name: str) -> Path:
    """A notebook of ours: in the checkout, or where the wheel put it."""
    checkout = Path(speaksep_kernel.__file__).parents[1] / "notebooks" / name
    return checkout if checkout.exists() else Path(sys.prefix, "share", "speaksep", "notebooks", name)
