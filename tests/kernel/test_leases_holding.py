"""Slots given back by kernels that do nothing, had again on return, and kept as long as memory on the GPU is in use."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import pytest

from speaksep_kernel.diagnosis import plan
from speaksep_kernel.errors import InputError
from speaksep_kernel.kernel import holding
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.holding import Holding
from speaksep_kernel.kernel.leases import Lease, Refusal, acquire
from speaksep_kernel.kernel.settings import LeaseSettings
from speaksep_kernel.kernel.waiting import Ticket, in_line
from speaksep_kernel.separation.embedded import EmbeddedSeparator
from tests.kernel.lease_machine import eventually, machine_in, run

ONE_SLOT = {"SPEAKSEP_GPUS": "pretend:0", "SPEAKSEP_GPU_SLOTS": "1"}


@pytest.fixture
def settings(tmp_path: Path) -> LeaseSettings:
    return LeaseSettings(folder=tmp_path / "leases", gpus="pretend:0", slots_per_gpu=1, idle_release_s=0.0, user="ann")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def held(settings: LeaseSettings, told: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Holding]:
    """The slot of this process, as a kernel's."""
    lease = acquire(Holder.now("kernel-0", settings), settings)
    assert isinstance(lease, Lease)
    lease.keep()
    for name, value in {**lease.environment, "SPEAKSEP_KERNEL_ID": "kernel-0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(holding, "_libraries", lambda: "")
    made = Holding(lease, settings, told.append)
    yield made
    made.give_back("the test")
    lease.close()


def _other(settings: LeaseSettings) -> Lease | Refusal:
    return acquire(Holder("kernel-1", "bob"), settings)


def _cuda(monkeypatch: pytest.MonkeyPatch, allocated_bytes: int) -> list[str]:
    """As if torch had computed on a GPU."""
    emptied: list[str] = []
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        memory_allocated=lambda: allocated_bytes,
        empty_cache=lambda: emptied.append("cache"),
    )
    monkeypatch.setattr(holding, "_libraries", lambda: "/usr/lib/libcuda.so.1")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    return emptied


def test_slot_given_back_is_free_and_hidden_from_libraries(held: Holding, settings: LeaseSettings) -> None:
    assert isinstance(_other(settings), Refusal)
    assert held.give_back("5 s of doing nothing")
    assert (held.standing.device, held.standing.slot) == ("cpu", "")
    assert held.standing.reason == (
        "CPU: GPU 0 (pretended), slot 1 of 1 was given back after 5 s of doing nothing; the next cell asks again"
    )
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    other = _other(settings)
    assert isinstance(other, Lease)
    other.close()


def test_slot_is_had_again_on_return(held: Holding, settings: LeaseSettings, told: list[str]) -> None:
    held.give_back("5 s of doing nothing")
    held.begin()
    held.end()
    assert (held.standing.device, os.environ["CUDA_VISIBLE_DEVICES"]) == ("cuda", "pretended-0")
    assert told == ["GPU 0 (pretended), slot 1 of 1 is used again; it had been given back while nothing was done."]
    assert isinstance(_other(settings), Refusal)


def test_who_is_ahead_is_told_once(held: Holding, settings: LeaseSettings, told: list[str]) -> None:
    held.give_back("5 s of doing nothing")
    other = _other(settings)
    assert isinstance(other, Lease)
    for _ in range(3):
        held.begin()
        held.end()
    other.close()
    assert len(told) == 1
    assert told[0].startswith(
        "CPU: GPU 0 (pretended), slot 1 of 1 was given back while nothing was done, and now the only slot"
    )
    assert "taken, by bob (kernel kernel-1)" in told[0]
    held.begin()
    assert held.standing.device == "cuda"


def test_slot_with_memory_in_use_is_kept_and_others_read_why(
    held: Holding, settings: LeaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied = _cuda(monkeypatch, 3 << 29)
    assert not held.give_back("5 s of doing nothing")
    assert held.standing.kept == "idle, but 1.5 GiB of its tensors are on the GPU"
    assert emptied == []
    refusal = _other(settings)
    assert isinstance(refusal, Refusal)
    assert f", {held.standing.kept})" in refusal.reason
    held.begin()
    again = _other(settings)
    assert isinstance(again, Refusal)
    assert (held.standing.kept, again.ahead[0].note) == ("", "")
    _cuda(monkeypatch, 0)


def test_slot_is_given_back_with_little_in_memory(held: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    emptied = _cuda(monkeypatch, holding.LITTLE_BYTES)
    assert held.give_back("5 s of doing nothing")
    assert emptied == ["cache"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "pretended-0"  # the driver has seen it: hiding it would do nothing


def test_memory_that_cannot_be_seen_keeps_the_slot(held: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "_libraries", lambda: "libcuda.so.1 libonnxruntime_providers_cuda.so")
    assert not held.give_back("5 s of doing nothing")
    monkeypatch.setattr(holding, "_libraries", lambda: "")


def _computing(ended: threading.Event) -> None:
    while not ended.is_set():
        pass


def _device_after(settings: LeaseSettings, work: Callable[[threading.Event], object], patience_s: float) -> str:
    """In a process of its own: what other tests left running would count as work of this kernel."""
    lease = acquire(Holder.now("kernel-0", settings), settings)
    assert isinstance(lease, Lease)
    os.environ.update(lease.environment)
    ended = threading.Event()
    threading.Thread(target=work, args=[ended]).start()
    made = Holding(lease, settings, print)
    end_s = time.monotonic() + patience_s
    while made.standing.device != "cpu" and time.monotonic() < end_s:
        time.sleep(0.1)
    device = made.standing.device
    ended.set()
    made.give_back("the test")
    return device


@pytest.mark.parametrize(
    ("work", "device", "patience_s"),
    [(threading.Event.wait, "cpu", 30.0), (_computing, "cuda", 3.0)],
    ids=["thread-that-sleeps", "thread-that-computes"],
)
def test_only_a_process_that_does_nothing_is_idle(
    settings: LeaseSettings, work: Callable[[threading.Event], object], device: str, patience_s: float
) -> None:
    watching = replace(settings, idle_release_s=1.0)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        assert apart.submit(_device_after, watching, work, patience_s).result() == device


def test_idle_kernel_gives_its_slot_to_the_next_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    show = "from speaksep_kernel.kernel import holding; print(holding.standing().device)"
    with machine_in(tmp_path, monkeypatch, **ONE_SLOT, SPEAKSEP_IDLE_RELEASE_S="1") as machine:
        first = machine.start()
        assert run(first, show) == "cuda\n"
        assert eventually(lambda: machine.holders() == [])
        second = machine.start(SPEAKSEP_IDLE_RELEASE_S="0")
        assert run(second, show) == "cuda\n"
        answer = run(first, show)
        assert "SpeakSep: CPU: GPU 0 (pretended), slot 1 of 1 was given back while nothing was done" in answer
        assert "cpu\n" in answer
        second.shutdown_kernel(now=True)
        answer = run(first, show)
        assert "used again; it had been given back while nothing was done.\n" in answer
        assert "cuda\n" in answer
        assert machine.pids() == {first.provisioner.pid}


def test_restart_of_a_kernel_that_gave_its_slot_back_takes_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with machine_in(tmp_path, monkeypatch, **ONE_SLOT, SPEAKSEP_IDLE_RELEASE_S="1") as machine:
        first = machine.start()
        run(first, "pass")
        assert eventually(lambda: machine.holders() == [])
        second = machine.start(SPEAKSEP_IDLE_RELEASE_S="0")
        first.restart_kernel(now=True)
        assert machine.pids() == {second.provisioner.pid}


def test_plan_obeys_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKSEP_DEVICE_GIVEN", "cpu")
    monkeypatch.setenv("SPEAKSEP_DEVICE_REASON", "CPU: 4 of 4 slots are taken")
    info = EmbeddedSeparator.info
    assert plan._device("auto", info) == ("cpu", "On the CPU: this kernel has no slot of a GPU.")
    with pytest.raises(InputError, match=r"this kernel has no GPU \(CPU: 4 of 4 slots are taken\)"):
        plan._device("cuda", info)


def test_line_is_first_come_first_served_and_without_the_dead(settings: LeaseSettings) -> None:
    with Ticket(settings.folder, Holder("a", "ann")) as first, Ticket(settings.folder, Holder("b", "bob")) as second:
        (settings.folder / "waiting" / "00000000000000000001-dead").write_text("{}")
        assert [holder.kernel for _, holder in in_line(settings.folder)] == ["a", "b"]
        assert len(list((settings.folder / "waiting").iterdir())) == 2
        behind = acquire(Holder("b", "bob"), settings, ticket=second)
        assert isinstance(behind, Refusal)
        assert [holder.kernel for holder in behind.ahead] == ["a"]
        lease = acquire(Holder("a", "ann"), settings, ticket=first)
        assert isinstance(lease, Lease)
        lease.close()
    assert in_line(settings.folder) == []
