"""The sample job: the batch notebook, run by papermill on the sample recording. ``make demo`` calls it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

from speaksep_kernel.testing import sample_recording


def run(notebook: Path, directory: Path) -> str:
    """Run the batch notebook on the sample recording.

    Parameters
    ----------
    notebook
        ``notebooks/batch/separate.ipynb``.
    directory
        Gets the executed notebook and, in ``tracks``, the result.

    Returns
    -------
    What the notebook printed.
    """
    os.environ["PYANNOTE_METRICS_ENABLED"] = "false"  # inherited by the kernel: no telemetry
    import papermill
    from traitlets.config import Config

    directory.mkdir(parents=True, exist_ok=True)
    executed = papermill.execute_notebook(
        str(notebook),
        str(directory / notebook.name),
        parameters={"source": str(sample_recording()), "directory": str((directory / "tracks").resolve())},
        kernel_name="python3",
        progress_bar=False,
        config=Config({"KernelManager": {"transport": "ipc"}}),  # TCP would let other users of the machine listen
    )
    return "".join(text for cell in executed.cells for text in _printed(cell))


def _printed(cell: Any) -> list[str]:
    return [output.text for output in cell.get("outputs", ()) if output.get("name") == "stdout"]


def main() -> int:
    """Run it and say what was found and where everything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("directory", type=Path)
    options = parser.parse_args()
    print(f"Running {options.notebook} on the sample recording {sample_recording().name} …", flush=True)
    start = time.monotonic()
    from papermill.exceptions import PapermillExecutionError

    try:
        printed = run(options.notebook, options.directory)
    except KeyboardInterrupt:
        return 130
    except PapermillExecutionError as error:
        print(f"{error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    print(printed, end="")
    print(f"The executed notebook is {options.directory / options.notebook.name} ({time.monotonic() - start:.0f} s).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
