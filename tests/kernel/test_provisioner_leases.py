"""Kernels started through Jupyter's own manager share pretended GPUs: who gets a slot, who keeps it, who frees it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
import papermill
import pytest

from speaksep_kernel.errors import CapacityError, InputError
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.occupancy import occupancy
from speaksep_kernel.kernel.waiting import Ticket
from tests.kernel.lease_machine import Machine, eventually, machine_in, run, told


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with machine_in(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def one_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with machine_in(tmp_path, monkeypatch, SPEAKSEP_GPUS="pretend:0", SPEAKSEP_GPU_SLOTS="1") as made:
        yield made


def test_eight_kernels_on_two_gpus_of_two_slots(machine: Machine) -> None:
    kernels = [machine.start() for _ in range(8)]
    names = ("CUDA_VISIBLE_DEVICES", "SPEAKSEP_DEVICE_GIVEN", "SPEAKSEP_DEVICE_REASON")
    tell = f"import os; print(*(os.environ[name] for name in {names}), sep='|')"
    answers = [run(kernel, tell).strip().split("|") for kernel in kernels]
    assert [answer[:2] for answer in answers] == [
        *(["pretended-0", "cuda"], ["pretended-1", "cuda"]) * 2,
        *(["", "cpu"],) * 4,
    ]
    assert answers[0][2] == "GPU 0 (pretended), slot 1 of 2"
    assert all(reason.startswith("CPU: 4 of 4 slots are taken, by ") for _, _, reason in answers[4:])
    assert all(kernels[0].kernel_id[:8] in reason for _, _, reason in answers[4:])
    with_slot = [kernel.provisioner.pid for kernel in kernels[:4]]
    assert machine.pids() == set(with_slot)
    assert machine.files_open_here() == []

    kernels[0].restart_kernel()
    kernels[1].restart_kernel(now=True)
    assert [run(kernel, tell).split("|")[0] for kernel in kernels[:2]] == ["pretended-0", "pretended-1"]
    assert machine.pids() == {kernel.provisioner.pid for kernel in kernels[:4]}
    assert not machine.pids() & set(with_slot[:2])

    os.kill(with_slot[2], signal.SIGKILL)
    assert eventually(lambda: len(machine.pids()) == 3)
    kernels[4].restart_kernel()
    assert told(kernels[4].provisioner.pid)["CUDA_VISIBLE_DEVICES"] == "pretended-0"
    for kernel in kernels:
        kernel.shutdown_kernel(now=True)
    assert machine.holders() == []
    assert machine.files_open_here() == []


def test_restart_keeps_the_slot_while_others_try_to_get_it(one_slot: Machine) -> None:
    kernel = one_slot.start()
    run(kernel, "pass")
    ended = threading.Event()
    stolen: list[Machine] = []

    def try_hard() -> None:
        from speaksep_kernel.kernel.leases import Lease, acquire

        while not ended.is_set():
            stolen.extend([one_slot] * isinstance(acquire(Holder("thief", "eve"), one_slot.settings), Lease))

    thief = threading.Thread(target=try_hard)
    thief.start()
    try:
        for now in (False, True):
            kernel.restart_kernel(now=now)
            assert one_slot.pids() == {kernel.provisioner.pid}
    finally:
        ended.set()
        thief.join()
    assert stolen == []


def test_kernel_that_died_by_itself_gets_its_slot_back_when_restarted(machine: Machine) -> None:
    machine.start()
    kernel = machine.start()
    os.kill(kernel.provisioner.pid, signal.SIGKILL)
    assert eventually(lambda: len(machine.pids()) == 1)
    kernel.restart_kernel(now=True)
    assert told(kernel.provisioner.pid)["SPEAKSEP_DEVICE_REASON"] == "GPU 1 (pretended), slot 1 of 2"


def test_gpu_or_no_kernel(one_slot: Machine) -> None:
    first = one_slot.start(SPEAKSEP_DEVICE="gpu", SPEAKSEP_HOLDER="job 17")
    with pytest.raises(CapacityError) as caught:
        one_slot.manager().start_kernel(env={**os.environ, "SPEAKSEP_DEVICE": "gpu"})
    assert caught.value.reason == "no-gpu"
    assert caught.value.error.startswith("no GPU for this kernel: the only slot is taken, by ")
    assert f"(job 17 {first.kernel_id[:8]}, since " in caught.value.error
    assert "SPEAKSEP_DEVICE=auto" in caught.value.hint


def test_cpu_kernel_leaves_the_slots_to_others(one_slot: Machine) -> None:
    kernel = one_slot.start(SPEAKSEP_DEVICE="cpu")
    environ = told(kernel.provisioner.pid)
    assert (environ["CUDA_VISIBLE_DEVICES"], environ["SPEAKSEP_DEVICE_REASON"]) == ("", "CPU: as asked")
    assert "SPEAKSEP_LEASE_FD" not in environ
    assert one_slot.holders() == []


def test_restart_on_the_cpu_frees_the_slot(one_slot: Machine) -> None:
    kernel = one_slot.start()
    kernel.update_env(env={"SPEAKSEP_DEVICE": "cpu"})
    kernel.restart_kernel(now=True)
    assert one_slot.holders() == []
    assert one_slot.files_open_here() == []


def test_kernel_that_waits_gets_the_slot_when_it_is_free(one_slot: Machine) -> None:
    first = one_slot.start()
    threading.Timer(1.0, lambda: os.kill(first.provisioner.pid, signal.SIGKILL)).start()
    second = one_slot.start(SPEAKSEP_DEVICE="gpu", SPEAKSEP_DEVICE_WAIT_S="60")
    assert one_slot.pids() == {second.provisioner.pid}
    assert occupancy(one_slot.settings).waiting == ()


def test_waiting_ends(one_slot: Machine) -> None:
    one_slot.start()
    began = time.monotonic()
    with pytest.raises(CapacityError, match="the only slot is taken"):
        one_slot.manager().start_kernel(env={**os.environ, "SPEAKSEP_DEVICE": "gpu", "SPEAKSEP_DEVICE_WAIT_S": "0.5"})
    assert time.monotonic() - began >= 0.5
    assert occupancy(one_slot.settings).waiting == ()


def test_nobody_overtakes_who_waits(one_slot: Machine) -> None:
    with Ticket(one_slot.settings.folder, Holder("kernel-w", "ann")):
        kernel = one_slot.start()
        reason = told(kernel.provisioner.pid)["SPEAKSEP_DEVICE_REASON"]
    assert reason == "CPU: what is free is kept for ann (kernel kernel-w)"


def test_children_of_a_kernel_do_not_hold_its_slot(one_slot: Machine) -> None:
    kernel = one_slot.start()
    child = run(
        kernel,
        "import os, time\npid = os.fork()\nif not pid:\n    os.setsid(); time.sleep(60); os._exit(0)\nprint(pid)",
    )
    other = run(kernel, "import subprocess\nprint(subprocess.Popen(['setsid', 'sleep', '60'], close_fds=False).pid)")
    os.kill(kernel.provisioner.pid, signal.SIGKILL)
    assert eventually(lambda: one_slot.holders() == [], 5)
    for pid in (child, other):
        os.kill(int(pid), signal.SIGKILL)


@pytest.mark.parametrize("command", [["/no/such/program"], ["false"]], ids=["no-program", "ends-at-once"])
def test_kernel_that_does_not_start_holds_nothing(one_slot: Machine, command: list[str]) -> None:
    one_slot.spec("broken", command)
    manager = one_slot.manager("broken")
    with suppress(FileNotFoundError):
        manager.start_kernel()
    assert eventually(lambda: one_slot.holders() == [])
    assert one_slot.files_open_here() == []


def test_bad_setting_starts_no_kernel(one_slot: Machine) -> None:
    with pytest.raises(InputError, match="SPEAKSEP_DEVICE is 'tpu'"):
        one_slot.manager().start_kernel(env={**os.environ, "SPEAKSEP_DEVICE": "tpu"})


def test_kernelspec_chooses_where_the_environment_does_not(one_slot: Machine) -> None:
    one_slot.spec("chosen", ["sleep", "60"], device="cpu", idle_release_s=60.0, wait_s=3.0)
    environ = told(one_slot.start("chosen").provisioner.pid)
    names = ("SPEAKSEP_DEVICE", "SPEAKSEP_IDLE_RELEASE_S", "SPEAKSEP_DEVICE_WAIT_S", "SPEAKSEP_GPUS")
    assert [environ[name] for name in names] == ["cpu", "60.0", "3.0", "pretend:0"]
    other = told(one_slot.start("chosen", SPEAKSEP_DEVICE="auto").provisioner.pid)
    assert other["SPEAKSEP_DEVICE_GIVEN"] == "cuda"


def test_kernels_started_from_a_kernel_lease_for_themselves(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    outer = told(machine.start().provisioner.pid)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", outer["CUDA_VISIBLE_DEVICES"])
    inner = told(machine.start(**outer).provisioner.pid)
    assert inner["SPEAKSEP_LEASE"] != outer["SPEAKSEP_LEASE"]
    assert inner["SPEAKSEP_KERNEL_ID"] != outer["SPEAKSEP_KERNEL_ID"]
    assert len(machine.pids()) == 2


def test_kernels_are_reached_over_the_file_system(one_slot: Machine) -> None:
    kernel = one_slot.start()
    assert kernel.transport == "ipc"
    assert run(kernel, "print(6 * 7)") == "42\n"


def test_notebooks_run_by_papermill_lease_like_people(one_slot: Machine) -> None:
    tell = "import os; print(os.environ['SPEAKSEP_DEVICE_REASON'])"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(tell)])
    spec = {"name": "leased", "display_name": "leased", "language": "python"}
    notebook.metadata.kernelspec = spec
    nbformat.write(notebook, one_slot.folder / "in.ipynb")
    for reason in ("GPU 0 (pretended), slot 1 of 1\n", "CPU: the only slot is taken, by "):
        done = papermill.execute_notebook(one_slot.folder / "in.ipynb", None, progress_bar=False)
        assert done.cells[0].outputs[0].text.startswith(reason)
        one_slot.start()  # the slot was free again
    assert len(one_slot.holders()) == 1
