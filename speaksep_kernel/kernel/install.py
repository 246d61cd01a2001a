"""The kernelspec ``speaksep``: where Jupyter finds the kernel."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from speaksep_kernel.errors import StoreError

NAME = "speaksep"
SPEC = Path(__file__).parent / "spec"


def install(prefix: str | None = sys.prefix) -> Path:
    """Install the kernelspec for the Python that runs this.

    Parameters
    ----------
    prefix
        Root of an environment; ``None`` for the user's own folder, where Jupyters of other environments find it too.

    Returns
    -------
    Where it is.

    Raises
    ------
    StoreError
        Reason ``cannot-install``.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            spec = Path(shutil.copytree(SPEC, Path(folder, NAME)))
            described = json.loads((spec / "kernel.json").read_text())
            described["argv"][0] = sys.executable  # a Jupyter of another environment must start this one
            (spec / "kernel.json").write_text(json.dumps(described, indent=2))
            manager = KernelSpecManager()
            return Path(manager.install_kernel_spec(str(spec), NAME, user=prefix is None, prefix=prefix))
    except OSError as error:
        raise StoreError(
            f"the kernel cannot be installed into {prefix or 'your own folder'}: {error}",
            reason="cannot-install",
            hint="choose another place: --user, or --prefix DIR",
        ) from error


def installed() -> Path | None:
    """Where Jupyter finds it now."""
    try:
        return Path(KernelSpecManager().get_kernel_spec(NAME).resource_dir)
    except NoSuchKernel:
        return None
