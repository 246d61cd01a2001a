"""A machine with pretended GPUs, on which tests start real kernels through Jupyter."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.occupancy import occupancy
from speaksep_kernel.kernel.settings import LeaseSettings

# Started plainly, since it is not the command that a fork server knows; it looks after its slot as our kernel does.
COMMAND = [
    "python",
    "-m",
    "ipykernel_launcher",
    "-f",
    "{connection_file}",
    "--IPKernelApp.exec_lines=from speaksep_kernel.kernel import holding; holding.attend(get_ipython())",
]


class Machine:
    """Two GPUs of two slots by default.

    Parameters
    ----------
    folder
        For the lock files, kernelspecs and everything else.
    environ
        More variables, for all kernels.
    """

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.environ = {
            "SPEAKSEP_LEASES": str(folder / "leases"),
            "SPEAKSEP_GPUS": "pretend:0,1",
            "JUPYTER_PATH": str(folder / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipython"),
            **environ,
        }
        self.spec("leased", COMMAND)
        self.managers: list[KernelManager] = []

    @property
    def settings(self) -> LeaseSettings:
        return LeaseSettings.of(os.environ | self.environ)

    def spec(self, name: str, command: list[str], **config: Any) -> None:
        """Install a kernelspec that uses our provisioner."""
        folder = self.folder / "jupyter/kernels" / name
        folder.mkdir(parents=True, exist_ok=True)
        provisioner = {"provisioner_name": "speaksep", "config": config}
        spec = {"argv": command, "display_name": name, "language": "python"}
        (folder / "kernel.json").write_text(json.dumps({**spec, "metadata": {"kernel_provisioner": provisioner}}))

    def manager(self, name: str = "leased") -> KernelManager:
        manager = KernelManager(kernel_name=name)
        self.managers.append(manager)
        return manager

    def start(self, name: str = "leased", **environ: str) -> KernelManager:
        """A kernel; it may not be ready yet."""
        manager = self.manager(name)
        manager.start_kernel(env={**os.environ, **environ})
        return manager

    def holders(self) -> list[Holder]:
        return [holder for use in occupancy(self.settings).devices for holder in use.holders if holder]

    def pids(self) -> set[int]:
        """Of the kernels that have a slot."""
        return {holder.pid for holder in self.holders()}

    def files_open_here(self) -> list[str]:
        """Lock files that this process has not let go of."""
        links = [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
        return [link for link in links if link.startswith(str(self.folder / "leases"))]


@contextmanager
def machine_in(folder: Path, patch: pytest.MonkeyPatch, **environ: str) -> Iterator[Machine]:
    """The machine, with all its kernels ended afterwards."""
    machine = Machine(folder, **environ)
    for name in ("CUDA_VISIBLE_DEVICES", "SPEAKSEP_DEVICE", "SPEAKSEP_KERNEL_ID", "JUPYTERHUB_USER"):
        patch.delenv(name, raising=False)
    for name, value in machine.environ.items():
        patch.setenv(name, value)
    try:
        yield machine
    finally:
        for manager in machine.managers:
            manager.shutdown_kernel(now=True)


def told(pid: int) -> dict[str, str]:
    """The environment a process was started with."""
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def eventually(condition: Callable[[], object], seconds: float = 30.0) -> bool:
    """Whether something becomes true in good time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def run(manager: KernelManager, code: str) -> str:
    """What a cell prints."""
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        lines: list[str] = []
        reply = client.execute_interactive(
            code, timeout=60, output_hook=lambda message: lines.append(message["content"].get("text", ""))
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(lines)
    finally:
        client.stop_channels()
