"""nbval on the tutorials and the explore notebooks: what is stored is what comes out, and their assertions hold.

nbval runs in a process of its own: it starts kernels, and this project's pytest settings are not for notebooks.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
# The workbench needs a minute for the minute of the sample: papermill runs it on less, in test_papermill.py.
CHECKED = [
    "explore/compare_separators",
    "explore/diagnose_folder",
    "tutorials/evaluate",
    "tutorials/fine_tune",
    "tutorials/first_result",
    "tutorials/write_a_plugin",
]


def nbval(notebook: Path) -> subprocess.CompletedProcess[str]:
    """Run the notebook in its folder and compare."""
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=900", "-q"]
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:hypothesispytest"]
    place = [f"--rootdir={notebook.parent}", "-c", os.devnull, str(notebook)]
    # One thread: other tests run beside this one, and threads that wait for each other gain nothing.
    quiet = {
        "PYANNOTE_METRICS_ENABLED": "false",
        "OMP_NUM_THREADS": "1",
        "IPYTHONDIR": str(notebook.parent / ".ipython"),
    }
    return subprocess.run(
        command + plugins + place, capture_output=True, text=True, timeout=1500, cwd=notebook.parent,
        env={**os.environ, **quiet},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", CHECKED)
def test_it_does_what_is_stored(tmp_path, name):
    shutil.copy(NOTEBOOKS / f"{name}.ipynb", tmp_path)
    done = nbval(tmp_path / f"{Path(name).name}.ipynb")
    assert done.returncode == 0, done.stdout[-5000:]
    assert "passed" in done.stdout


def test_a_notebook_that_does_otherwise_is_caught(tmp_path):
    stored = new_output("stream", name="stdout", text="42\n")
    sources = ["print(6 * 7)", "print(6 * 8)", "print(42); assert 6 * 7 == 43"]
    cells = [new_code_cell(source, outputs=[stored], execution_count=n) for n, source in enumerate(sources, 1)]
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "small.ipynb")
    done = nbval(tmp_path / "small.ipynb")
    assert done.returncode == 1
    assert "2 failed, 1 passed" in done.stdout
    assert "Cell 0" not in done.stdout
