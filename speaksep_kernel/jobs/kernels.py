"""Which kernel runs a job, and how it is started."""

from __future__ import annotations

import os
import uuid
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager

OWN = "speaksep"
CHOICE = "SPEAKSEP_KERNEL"
"""Environment variable: name of the kernelspec for jobs."""
LONGEST_BYTES = 100
"""A socket's path may have some 107."""


def kernel_name() -> str:
    """What ``SPEAKSEP_KERNEL`` says; else our kernelspec where it is installed, the interpreter's own where not."""
    return os.environ.get(CHOICE) or _found()


@cache
def _found() -> str:
    from jupyter_client.kernelspec import KernelSpecManager

    return OWN if OWN in KernelSpecManager().find_kernel_specs() else "python3"


def kernel_manager() -> AsyncKernelManager:
    """A manager whose kernel talks over sockets that are files: TCP would let every user of the machine listen."""
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.paths import jupyter_runtime_dir

    manager = AsyncKernelManager(kernel_name=kernel_name())
    Path(jupyter_runtime_dir()).mkdir(mode=0o700, parents=True, exist_ok=True)
    # Its own number: a manager's kernel_id is None until it starts one, and all kernels would share their sockets.
    place = os.path.join(jupyter_runtime_dir(), f"kernel-{uuid.uuid4()}")
    if len(os.fsencode(place)) < LONGEST_BYTES:
        # In full: by default they are looked for in the working directory, which is the kernel's own.
        manager.transport, manager.connection_file, manager.ip = "ipc", f"{place}.json", f"{place}-ipc"
    return manager
