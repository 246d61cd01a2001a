"""Notebooks as they are stored: whole, small, checkable, of no particular machine."""

import json
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
EXECUTED = sorted([*NOTEBOOKS.glob("explore/*.ipynb"), *NOTEBOOKS.glob("tutorials/*.ipynb")])
BATCH = sorted(NOTEBOOKS.glob("batch/*.ipynb"))
UNCOMPARED = "nbval-ignore-output"


def named(path: Path) -> str:
    return str(path.relative_to(NOTEBOOKS))


def code(path: Path) -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_they_are_all_there():
    assert [named(path) for path in EXECUTED + BATCH] == [
        "explore/compare_separators.ipynb",
        "explore/diagnose_folder.ipynb",
        "explore/workbench.ipynb",
        "tutorials/evaluate.ipynb",
        "tutorials/fine_tune.ipynb",
        "tutorials/first_result.ipynb",
        "tutorials/write_a_plugin.ipynb",
        "batch/convert.ipynb",
        "batch/diagnose.ipynb",
        "batch/diagnose_folder.ipynb",
        "batch/edit.ipynb",
        "batch/enroll.ipynb",
        "batch/evaluate.ipynb",
        "batch/identify.ipynb",
        "batch/separate.ipynb",
        "batch/summary.ipynb",
    ]


@pytest.mark.parametrize("path", EXECUTED + BATCH, ids=named)
def test_it_is_valid_small_and_for_any_kernel_of_python(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert "widgets" not in notebook.metadata  # a stored widget would bring its script along, and last year's
    assert path.stat().st_size < 200_000


@pytest.mark.parametrize("path", EXECUTED + BATCH, ids=named)
def test_it_tells_nothing_of_the_machine_that_ran_it(path):
    outputs = json.dumps([cell.outputs for cell in code(path)])
    assert not re.search(r"/(?:home|root|tmp|work|Users|var)/", outputs)
    assert "Traceback" not in outputs


@pytest.mark.parametrize("path", EXECUTED, ids=named)
def test_it_was_executed_from_top_to_bottom(path):
    counts = [cell.execution_count for cell in code(path)]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("path", EXECUTED, ids=named)
def test_there_is_something_to_compare_and_to_assert(path):
    """Strict nbval passes where nothing is stored and nothing asserted, and would prove nothing."""
    compared = [cell for cell in code(path) if cell.outputs and UNCOMPARED not in cell.metadata.get("tags", ())]
    assert compared
    assert sum(len(re.findall(r"^\s*assert ", cell.source, re.MULTILINE)) for cell in code(path)) >= 2


@pytest.mark.parametrize("path", BATCH, ids=named)
def test_batch_notebooks_are_stored_without_outputs_and_assert(path):
    assert all(not cell.outputs for cell in code(path))
    assert any(re.search(r"^\s*assert ", cell.source, re.MULTILINE) for cell in code(path))


@pytest.mark.parametrize("path", EXECUTED + BATCH, ids=named)
def test_links_lead_somewhere(path):
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / link).exists(), link
