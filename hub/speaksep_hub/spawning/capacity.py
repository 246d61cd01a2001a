"""Whether this machine can take one more server; clusters find that out by themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
from jupyterhub.spawner import SpawnException

from speaksep_hub.settings import Profile

SERVER_BYTES = 256 * 1024**2
"""What a server takes before anything runs in it."""
HOME_BYTES = 64 * 1024**2


def machine_check(homes: Path) -> Callable[[Profile], None]:
    """A check for servers on the hub's own machine.

    Parameters
    ----------
    homes
        Folder in which homes are.
    """

    def check(profile: Profile) -> None:
        free = psutil.virtual_memory().available
        if free < SERVER_BYTES:
            raise SpawnException(
                f"This machine has {free / 1024**2:.0f} MiB of memory left; one takes {SERVER_BYTES / 1024**2:.0f}. "
                "Stop one you do not need, or try again later.",
                reason="no-memory",
                status_code=503,
            )
        space = shutil.disk_usage(homes).free
        if space < HOME_BYTES:
            raise SpawnException(
                f"The disk of this machine is full ({space / 1024**2:.0f} MiB left): somebody must make room.",
                reason="no-space",
                status_code=507,
            )
        if profile.device == "gpu" and (problem := _no_gpu()):
            raise SpawnException(
                f"The size {profile.name!r} has a GPU, and here is none to be had: {problem}; choose another.",
                reason="no-gpu",
                status_code=409,
            )

    return check


def _no_gpu() -> str:
    from speaksep_kernel.kernel.occupancy import occupancy

    return occupancy().problem
