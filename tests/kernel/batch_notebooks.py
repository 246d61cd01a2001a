"""Batch notebooks made for tests."""

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

SPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


def write(folder: Path, name: str, parameters: str, *cells: str, **metadata: Any) -> Path:
    """A notebook with these parameters and cells in a folder."""
    tagged = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    notebook = new_notebook(
        cells=[new_markdown_cell(f"# {name}\n\nFor a test."), tagged, *map(new_code_cell, cells)],
        metadata={"kernelspec": SPEC, "language_info": {"name": "python"}, "speaksep": metadata},
    )
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"
