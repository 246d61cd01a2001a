"""Kernels are talked to over sockets in the file system: nobody but their user can connect, and no port is taken."""

from __future__ import annotations

import os
import uuid
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_core.utils import ensure_dir_exists

from speaksep_kernel.errors import StoreError
from speaksep_kernel.kernel.forkserver.place import runtime_dir

_LONGEST = 105  # bytes: Linux allows 107, and a dash and the number of a channel follow


def prefer_ipc(manager: Any) -> None:
    """Make a `KernelManager` talk over ``ipc``, unless an address was configured or none is short enough.

    Parameters
    ----------
    manager
        Whose kernel has not been started yet; of one that is started again nothing changes.
    """
    if any(manager.trait_has_value(name) for name in ("transport", "ip", "cache_ports")):
        return
    if not manager.connection_file:
        ensure_dir_exists(jupyter_runtime_dir(), 0o700)
        manager.connection_file = os.path.join(jupyter_runtime_dir(), f"kernel-{manager.kernel_id}.json")
    beside = os.path.splitext(os.path.abspath(manager.connection_file))[0] + "-ipc"
    address = beside if len(os.fsencode(beside)) <= _LONGEST else _short()
    if len(os.fsencode(address)) <= _LONGEST:
        manager.transport, manager.ip = "ipc", address


def _short() -> str:
    try:
        return str(runtime_dir() / f"ipc-{uuid.uuid4().hex[:12]}")
    except StoreError:
        return "-" * (_LONGEST + 1)
