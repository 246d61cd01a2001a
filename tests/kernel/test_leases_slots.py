"""Slots of GPUs: each is had by one process at a time and freed by the operating system, whatever ends it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from speaksep_kernel.errors import CapacityError, InputError
from speaksep_kernel.kernel.devices import devices
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.leases import Lease, Refusal, acquire, reserve, usable
from speaksep_kernel.kernel.occupancy import occupancy
from speaksep_kernel.kernel.settings import LeaseSettings

TAKE = """
import os, sys, time
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.leases import Lease, acquire
from speaksep_kernel.kernel.settings import LeaseSettings
settings = LeaseSettings.of()
sys.stdin.readline()
outcome = acquire(Holder.now(sys.argv[1], settings), settings)
print(outcome.slot.path.name if isinstance(outcome, Lease) else "none", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def settings(tmp_path: Path) -> LeaseSettings:
    return LeaseSettings(folder=tmp_path / "leases", gpus="pretend:0,1", user="ann")


@pytest.fixture
def leases() -> Iterator[list[Lease]]:
    taken: list[Lease] = []
    yield taken
    for lease in taken:
        lease.close()


def _take(settings: LeaseSettings, kernel: str, leases: list[Lease]) -> Lease:
    outcome = acquire(Holder.now(kernel, settings), settings)
    assert isinstance(outcome, Lease)
    leases.append(outcome)
    return outcome


def _refused(settings: LeaseSettings, kernel: str = "late") -> Refusal:
    outcome = acquire(Holder.now(kernel, settings), settings)
    assert isinstance(outcome, Refusal)
    return outcome


def _holders(settings: LeaseSettings) -> list[str]:
    return [holder.kernel for use in occupancy(settings).devices for holder in use.holders if holder]


def _process(settings: LeaseSettings, *, kernel: str, **more: object) -> subprocess.Popen[str]:
    env = os.environ | {
        "SPEAKSEP_LEASES": str(settings.folder),
        "SPEAKSEP_GPUS": settings.gpus,
        "SPEAKSEP_DEVICE": "auto",
    }
    return subprocess.Popen(
        [sys.executable, "-c", TAKE, kernel],
        stdin=-1,
        stdout=-1,
        text=True,
        env=env,
        **more,  # type: ignore[call-overload,no-any-return]
    )


def test_gpus_fill_evenly_and_the_fifth_kernel_is_told_who_is_ahead(
    settings: LeaseSettings, leases: list[Lease]
) -> None:
    gpus = [_take(settings, f"kernel-{number}", leases).slot.device.index for number in range(4)]
    assert gpus == ["0", "1", "0", "1"]
    refusal = _refused(settings)
    assert {holder.kernel for holder in refusal.ahead} == {f"kernel-{number}" for number in range(4)}
    assert refusal.reason.startswith("4 of 4 slots are taken, by ann (kernel kernel-0, since ")
    assert refusal.worth_waiting
    assert refusal.environment["CUDA_VISIBLE_DEVICES"] == ""
    assert refusal.error().reason == "no-gpu"


def test_slot_is_free_when_the_kernel_alone_is_killed(settings: LeaseSettings, leases: list[Lease]) -> None:
    lease = _take(settings, "kernel-0", leases)
    kernel = subprocess.Popen(["sleep", "60"], pass_fds=[lease.descriptor])
    lease.started(kernel.pid)
    assert [holder.pid for use in occupancy(settings).devices for holder in use.holders if holder] == [kernel.pid]
    kernel.kill()
    kernel.wait()
    assert _holders(settings) == []


def test_slot_is_held_by_the_kernel_when_all_others_are_gone(settings: LeaseSettings) -> None:
    with _process(settings, kernel="parent") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "pretended-0.slot1\n"
        assert _holders(settings) == ["parent"]
        process.send_signal(signal.SIGKILL)
    assert _holders(settings) == []


def test_many_processes_at_once_share_out_exactly_the_slots(settings: LeaseSettings) -> None:
    crowd = [_process(settings, kernel=f"kernel-{number}") for number in range(8)]
    for process in crowd:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    got = sorted(process.stdout.readline().strip() for process in crowd if process.stdout)
    assert len(set(_holders(settings))) == 4
    for process in crowd:
        process.communicate("\n")
    assert got == ["none"] * 4 + [f"pretended-{gpu}.slot{slot}" for gpu in (0, 1) for slot in (1, 2)]
    assert _holders(settings) == []


def test_looking_never_makes_an_attempt_fail(settings: LeaseSettings) -> None:
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            occupancy(settings)

    watcher = threading.Thread(target=look)
    watcher.start()
    outcomes = []
    for number in range(300):
        outcomes.append(acquire(Holder.now(str(number), settings), settings))
        outcomes[-1].close()  # type: ignore[union-attr]
    ended.set()
    watcher.join()
    assert all(isinstance(outcome, Lease) for outcome in outcomes)


def test_leases_that_cannot_be_used_are_told_and_looking_takes_none(settings: LeaseSettings, tmp_path: Path) -> None:
    known = devices(settings)
    assert usable(settings, known)
    lease = acquire(Holder.now("one", settings), settings)
    assert usable(settings, known)
    assert len(_holders(settings)) == 1
    lease.close()  # type: ignore[union-attr]
    (tmp_path / "file").touch()
    broken = replace(settings, folder=tmp_path / "file")
    assert not usable(broken, known)
    assert "cannot be used" in _refused(broken).reason
    with pytest.raises(CapacityError, match="cannot be used") as caught:
        occupancy(broken)
    assert caught.value.reason == "leases-unusable"


def test_reserved_slot_is_refused_to_others_and_had_by_the_next_kernel(
    settings: LeaseSettings, leases: list[Lease]
) -> None:
    one_slot = LeaseSettings(folder=settings.folder, gpus="pretend:0", slots_per_gpu=1, user="ann")
    lease = _take(one_slot, "kernel-0", leases)
    kernel = subprocess.Popen(["sleep", "60"], pass_fds=[lease.descriptor])
    lease.started(kernel.pid)
    reservation = reserve(lease.slot)
    assert reservation
    assert reserve(lease.slot) is None
    assert reservation.lease(Holder("kernel-0", "ann")) is None  # the old one still lives
    kernel.kill()
    kernel.wait()
    assert _refused(one_slot).ahead[0].kernel == "kernel-0"
    again = reservation.lease(Holder("kernel-0", "ann"))
    assert again
    leases.append(again)
    again.keep()
    assert _holders(one_slot) == ["kernel-0"]


def test_files_in_use_are_locked_against_cleaners(settings: LeaseSettings, leases: list[Lease]) -> None:
    lease = _take(settings, "kernel-0", leases)
    with lease.slot.path.open("rb") as cleaner, pytest.raises(BlockingIOError):
        fcntl.flock(cleaner, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_another_user_finds_who_is_ahead_and_takes_the_rest(leases: list[Lease]) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to others
        Path(folder).chmod(0o755)
        settings = LeaseSettings(folder=Path(folder) / "leases", gpus="pretend:0", user="ann")
        previous = os.umask(0o077)
        _take(settings, "kernel-0", leases)
        os.umask(previous)
        look = f"""
import os
from pathlib import Path
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.leases import acquire
from speaksep_kernel.kernel.settings import LeaseSettings
os.setuid(65534)
settings = LeaseSettings(folder=Path({str(settings.folder)!r}), gpus="pretend:0", user="bob")
mine = acquire(Holder.now("kernel-1", settings), settings)
print(mine.slot.path.name, acquire(Holder.now("kernel-2", settings), settings).reason)
"""
        done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("pretended-0.slot2 2 of 2 slots are taken, by ann (kernel kernel-0")
    assert "bob (kernel kernel-1" in done.stdout


def test_folder_that_cannot_be_used_is_a_reason_not_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refusal = _refused(LeaseSettings(folder=tmp_path / "file", gpus="pretend:0"))
    assert "the leases in " in refusal.reason
    assert "Not a directory" in refusal.reason
    assert not refusal.worth_waiting


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 5000, b"[1, 2", b"[]", b'{"kernel": 1}', b"[" * 4000],
    ids=["empty", "binary", "broken", "list", "short", "deep"],
)
def test_unreadable_records_are_somebody(settings: LeaseSettings, leases: list[Lease], content: bytes) -> None:
    lease = _take(settings, "kernel-0", leases)
    lease.slot.path.write_bytes(content)
    holder = lease.slot.holder()
    assert holder == Holder(kernel="", user="somebody")


def test_records_of_others_cannot_reach_the_terminal(settings: LeaseSettings, leases: list[Lease]) -> None:
    lease = _take(settings, "kernel-0", leases)
    record = Holder("kernel-0", "\x1b]0;owned\x07\x1b[2J" + "x" * 200, pid=1).to_dict()
    lease.slot.path.write_text(json.dumps(record))
    holder = lease.slot.holder()
    assert holder
    assert holder.user.isprintable()
    assert len(holder.user) <= 80


def test_cpu_takes_no_slot(settings: LeaseSettings) -> None:
    refusal = _refused(LeaseSettings(folder=settings.folder, gpus="pretend:0", device="cpu"))
    assert refusal.environment == {
        "CUDA_VISIBLE_DEVICES": "",
        "SPEAKSEP_DEVICE_GIVEN": "cpu",
        "SPEAKSEP_DEVICE_REASON": "CPU: as asked",
    }
    assert not settings.folder.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPEAKSEP_DEVICE", "tpu"),
        ("SPEAKSEP_GPU_SLOTS", "0"),
        ("SPEAKSEP_GPU_SLOTS", "1.5"),
        ("SPEAKSEP_GPU_MIN_FREE_BYTES", "1 GiB"),
        ("SPEAKSEP_IDLE_RELEASE_S", "-1"),
        ("SPEAKSEP_IDLE_RELEASE_S", "nan"),
        ("SPEAKSEP_DEVICE_WAIT_S", "inf"),
    ],
)
def test_bad_settings_are_named(name: str, value: str) -> None:
    with pytest.raises(InputError) as caught:
        LeaseSettings.of({name: value})
    assert caught.value.error == f"{name} is {value!r}"
    assert caught.value.reason == "bad-setting"


def test_settings_of_an_empty_environment_are_the_defaults() -> None:
    given = LeaseSettings.of({})
    assert given == LeaseSettings(user=given.user)


@pytest.mark.parametrize(
    ("environ", "gpus"),
    [
        ({"CUDA_VISIBLE_DEVICES": "1,2"}, "1,2"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "none"),
        ({"CUDA_VISIBLE_DEVICES": "GPU-1", "SPEAKSEP_GPUS": "all"}, "all"),
    ],
    ids=["scheduler", "hidden", "inside-a-kernel"],
)
def test_what_a_scheduler_left_is_respected(environ: dict[str, str], gpus: str) -> None:
    assert LeaseSettings.of(environ).gpus == gpus
