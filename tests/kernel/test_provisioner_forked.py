"""Kernels that are forked hold their own slots: neither the fork server nor its death changes that."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from speaksep_kernel.kernel import forkserver
from tests.kernel.lease_machine import Machine, eventually, machine_in, run

FORKED = ["python", "-m", "speaksep_kernel.kernel", "-f", "{connection_file}"]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="speaksep-") as runtime, monkeypatch.context() as patch:
        with machine_in(tmp_path, patch, SPEAKSEP_GPUS="pretend:0", SPEAKSEP_RUNTIME_DIR=runtime) as made:
            made.spec("speaksep", FORKED)
            yield made
        _end_servers(runtime)  # also one that is only just starting


def _end_servers(runtime: str) -> None:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(word.startswith(runtime) for word in process.cmdline()):
                process.kill()


def _open_files(pid: int) -> list[str]:
    return [os.path.realpath(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]


@pytest.mark.slow
def test_forked_kernels_hold_their_own_slots(machine: Machine) -> None:
    forkserver.warm()
    first, second, third = (machine.start("speaksep") for _ in range(3))
    kernels = [manager.provisioner.process for manager in (first, second, third)]
    assert [type(kernel).__name__ for kernel in kernels] == ["ForkedKernel"] * 3
    assert machine.pids() == {kernel.pid for kernel in kernels[:2]}
    assert run(first, "print(__import__('os').environ['CUDA_VISIBLE_DEVICES'])") == "pretended-0\n"
    server = psutil.Process(kernels[0].pid).ppid()
    leases = str(machine.folder / "leases")
    assert not any(path.startswith(leases) for path in (*_open_files(server), *_open_files(kernels[2].pid)))
    assert sum(path.startswith(leases) for path in _open_files(kernels[0].pid)) == 1

    first.restart_kernel()
    assert machine.pids() == {first.provisioner.pid, kernels[1].pid}

    os.kill(kernels[1].pid, signal.SIGKILL)
    assert eventually(lambda: machine.pids() == {first.provisioner.pid})

    os.kill(server, signal.SIGKILL)
    assert eventually(lambda: not psutil.pid_exists(server) or psutil.Process(server).status() == "zombie")
    assert run(first, "print(6 * 7)") == "42\n"  # goes on, with its slot
    assert machine.pids() == {first.provisioner.pid}
    first.restart_kernel(now=True)  # plainly: a new server is only just starting
    assert machine.pids() == {first.provisioner.pid}
    for manager in (first, second, third):
        manager.shutdown_kernel(now=True)
    assert machine.holders() == []
    assert machine.files_open_here() == []
