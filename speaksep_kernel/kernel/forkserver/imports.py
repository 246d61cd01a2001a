"""What a fork server has ready, and whether it still is what the disk holds."""

from __future__ import annotations

import gc
import os
import sys
import sysconfig
from importlib import import_module
from types import ModuleType

from speaksep_kernel.kernel.forkserver.place import CHOSEN
from speaksep_kernel.kernel.threads import pools

KERNEL = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "debugpy",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipywidgets",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "speaksep_kernel.kernel.app",
    "speaksep_kernel.kernel.forkserver.child",
    "speaksep_kernel.kernel.magics",
    "speaksep_kernel.kernel.status",
    "tornado.platform.asyncio",
)
"""Modules of a kernel; those that are not installed are left out."""
SCIENCE = (
    "librosa",
    "librosa.beat",
    "librosa.core",
    "librosa.decompose",
    "librosa.effects",
    "librosa.feature",
    "librosa.filters",
    "librosa.onset",
    "librosa.util",
    "pandas",
    "pyannote.core",
    "scipy.signal",
    "sklearn.cluster",
    "soundfile",
    "soxr",
    "torch",
    "torch.nn.functional",
)
OWN = (
    "speaksep_kernel.diagnosis.run",
    "speaksep_kernel.pipeline",
    "speaksep_kernel.separation.embedded",
    "speaksep_kernel.separation.run",
    "speaksep_kernel.testing",
    "speaksep_kernel.voices.weights",
)


def warm_up() -> list[str]:
    """Import and load everything; nothing of it may start a thread or touch a GPU.

    Returns
    -------
    What is not installed.
    """
    missing = []
    chosen = [name for name in os.environ.get(CHOSEN, "").split(",") if name]
    for name in (*KERNEL, *(chosen or (*SCIENCE, *OWN))):
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            missing.append(f"{name}: {error}")
    if not chosen:
        _load_networks()
    pools()  # looking for them takes longer than anything a new kernel does
    gc.collect()
    gc.freeze()  # a collection in a kernel then writes to no page it shares
    return missing


def _load_networks() -> None:
    from speaksep_kernel.separation.embedded import EmbeddedSeparator
    from speaksep_kernel.voices.weights import load_campplus, load_segmentation

    load_segmentation()
    load_campplus()
    EmbeddedSeparator()


def threads() -> int:
    """Threads of this process: after a fork only one goes on, and what the others held is lost."""
    return len(os.listdir("/proc/self/task"))


class Sources:
    """What was imported, and when it was written.

    Looked at are the files outside of installed packages (our own and others under development), and of the installed
    ones the folders that hold them: whatever is installed, updated or removed there changes those.
    """

    def __init__(self) -> None:
        installed = {path for name in ("purelib", "platlib", "stdlib") if (path := sysconfig.get_path(name))}
        files = {file for file in map(_file, list(sys.modules.values())) if file}
        ours = {file for file in files if not file.startswith(tuple(f"{path}{os.sep}" for path in installed))}
        self._written_ns = {path: _written_ns(path) for path in sorted(installed | ours)}

    def changed(self) -> str:
        """One of them that is not what was imported, or ""."""
        for path, written_ns in self._written_ns.items():
            if _written_ns(path) != written_ns:
                return path
        return ""


def _file(module: ModuleType) -> str:
    file = vars(module).get("__file__")
    return file if isinstance(file, str) else ""


def _written_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1
