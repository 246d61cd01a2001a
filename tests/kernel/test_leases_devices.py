"""What the driver tells of GPUs: an NVML object made in the test, and a library in C under NVIDIA's real bindings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from speaksep_kernel.kernel.devices import devices
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.leases import Refusal, acquire
from speaksep_kernel.kernel.occupancy import occupancy
from speaksep_kernel.kernel.settings import LeaseSettings

GIB = 1 << 30


class Unable(Exception):
    """What `pynvml.NVMLError` is to its callers."""


@dataclass
class Gpu:
    uuid: str
    free_bytes: int = 70 * GIB
    mode: int = 0
    name: str = "NVIDIA H100 80GB HBM3"
    total_bytes: int = 80 * GIB
    silent: bool = False  # about its memory
    lost: bool = False
    instances: tuple[Gpu | None, ...] | None = None


class Nvml:
    """Answers as the library does, and nothing that would change a device."""

    NVMLError = Unable
    NVML_COMPUTEMODE_DEFAULT, NVML_COMPUTEMODE_PROHIBITED, NVML_COMPUTEMODE_EXCLUSIVE_PROCESS = 0, 2, 3

    def __init__(self, *gpus: Gpu, broken: str = "") -> None:
        self.gpus = gpus
        self.broken = broken
        self.open = 0

    def nvmlInit(self) -> None:
        self._fail_if(self.broken == "init")
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        self._fail_if(self.broken == "count")
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Gpu:
        self._fail_if(self.gpus[index].lost)
        return self.gpus[index]

    def nvmlDeviceGetUUID(self, gpu: Gpu) -> str:
        return gpu.uuid

    def nvmlDeviceGetName(self, gpu: Gpu) -> str:
        return gpu.name

    def nvmlDeviceGetMemoryInfo(self, gpu: Gpu) -> Any:
        self._fail_if(gpu.silent)
        return SimpleNamespace(total=gpu.total_bytes, free=gpu.free_bytes)

    def nvmlDeviceGetComputeMode(self, gpu: Gpu) -> int:
        self._fail_if(gpu.uuid.startswith("MIG-"))
        return gpu.mode

    def nvmlDeviceGetMigMode(self, gpu: Gpu) -> list[int]:
        self._fail_if(gpu.name == "NVIDIA T4")
        return [int(gpu.instances is not None), 0]

    def nvmlDeviceGetMaxMigDeviceCount(self, gpu: Gpu) -> int:
        return len(gpu.instances or ())

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: Gpu, place: int) -> Gpu:
        instance = (gpu.instances or ())[place]
        self._fail_if(instance is None)
        assert instance
        return instance

    @staticmethod
    def _fail_if(wrong: bool) -> None:
        if wrong:
            raise Unable("Not Supported")


DIVIDED = Gpu("GPU-d", instances=(Gpu("MIG-1", 9 * GIB, name="MIG 1g.10gb"), None, Gpu("MIG-3", 9 * GIB)))


def test_names_and_memory_are_the_drivers() -> None:
    nvml = Nvml(Gpu("GPU-a"), Gpu("GPU-b", name="NVIDIA T4", silent=True))
    first, second = devices(LeaseSettings(slots_per_gpu=3), nvml).found
    assert (first.index, first.uuid, first.name, first.slots) == ("0", "GPU-a", "NVIDIA H100 80GB HBM3", 3)
    assert (first.total_bytes, first.free_bytes, first.refusal) == (80 * GIB, 70 * GIB, "")
    assert (second.index, second.name, second.total_bytes, second.refusal) == ("1", "NVIDIA T4", None, "")
    assert nvml.open == 0


@pytest.mark.parametrize(
    ("gpus", "indices"),
    [
        ("all", ["0", "1", "2:0", "2:2"]),
        ("1", ["1"]),
        ("GPU-a", ["0"]),
        ("MIG-3, 0", ["0", "2:2"]),
        ("2", ["2:0", "2:2"]),
        ("2:0", ["2:0"]),
    ],
)
def test_only_what_is_allowed_is_used(gpus: str, indices: list[str]) -> None:
    found = devices(LeaseSettings(gpus=gpus), Nvml(Gpu("GPU-a"), Gpu("GPU-b"), DIVIDED)).found
    assert [device.index for device in found] == indices


@pytest.mark.parametrize(
    ("settings", "nvml", "problem"),
    [
        (LeaseSettings(), Nvml(broken="init"), "there is no usable NVIDIA driver here (Not Supported)"),
        (LeaseSettings(), Nvml(broken="count"), "the NVIDIA driver does not answer (Not Supported)"),
        (LeaseSettings(), Nvml(), "no GPU here answers"),
        (LeaseSettings(), Nvml(Gpu("GPU-a", lost=True)), "no GPU here answers"),
        (LeaseSettings(gpus="none"), Nvml(Gpu("GPU-a")), "CUDA_VISIBLE_DEVICES is empty, which hides every GPU"),
        (
            LeaseSettings(gpus="7"),
            Nvml(Gpu("GPU-a"), DIVIDED),
            "none of the GPUs here (0, 1:0, 1:2) is among those allowed (7)",
        ),
    ],
    ids=["no-driver", "driver-fails", "no-gpu", "gpu-lost", "hidden", "not-allowed"],
)
def test_no_gpu_has_a_reason(settings: LeaseSettings, nvml: Nvml, problem: str) -> None:
    known = devices(settings, nvml)
    assert known.found == ()
    assert known.problem == problem
    refusal = acquire(Holder("k", "ann"), settings, known)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.worth_waiting) == (problem, False)


@pytest.mark.parametrize(
    ("gpu", "slots", "refusal"),
    [
        (Gpu("GPU-a", mode=2), 0, "its compute mode prohibits computing"),
        (Gpu("GPU-a", mode=3), 1, ""),
        (Gpu("GPU-a", free_bytes=GIB // 2), 2, "only 0.5 GiB of its memory are free, 1.0 GiB are wanted"),
    ],
    ids=["prohibited", "exclusive", "full"],
)
def test_compute_mode_and_memory_are_respected(gpu: Gpu, slots: int, refusal: str) -> None:
    device = devices(LeaseSettings(), Nvml(gpu)).found[0]
    assert (device.slots, device.refusal) == (slots, refusal)


def test_full_gpu_is_passed_over_and_named(tmp_path: Path) -> None:
    settings = LeaseSettings(folder=tmp_path / "leases", slots_per_gpu=1)
    nvml = Nvml(Gpu("GPU-a", free_bytes=0), Gpu("GPU-b"))
    lease = acquire(Holder("k", "ann"), settings, devices(settings, nvml))
    assert not isinstance(lease, Refusal)
    refusal = acquire(Holder("l", "bob"), settings, devices(settings, nvml))
    seen = occupancy(settings, nvml)
    lease.close()
    assert lease.environment["CUDA_VISIBLE_DEVICES"] == "GPU-b"
    assert isinstance(refusal, Refusal)
    assert refusal.reason.startswith("GPU 0: only 0.0 GiB of its memory are free, 1.0 GiB are wanted; 1 of 2 slots are")
    assert (seen.slots, seen.free) == (2, 0)
    assert json.loads(json.dumps(seen.to_dict()))["devices"][1]["holders"][0]["kernel"] == "k"


def test_the_gpu_with_more_free_memory_comes_first(tmp_path: Path) -> None:
    settings = LeaseSettings(folder=tmp_path / "leases")
    known = devices(settings, Nvml(Gpu("GPU-a", free_bytes=20 * GIB), Gpu("GPU-b", free_bytes=60 * GIB)))
    lease = acquire(Holder("k", "ann"), settings, known)
    assert not isinstance(lease, Refusal)
    lease.close()
    assert lease.slot.device.uuid == "GPU-b"


LIBRARY = r"""
#include <string.h>
#include <stdint.h>
typedef struct { unsigned long long total, free, used; } memory_t;
static const char *uuids[] = {"", "GPU-whole", "GPU-divided", "MIG-instance"};
static const char *names[] = {"", "Fake H100", "Fake A100", "Fake A100 MIG 1g.5gb"};
int nvmlInitWithFlags(unsigned flags) { return 0; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return "Not Supported"; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, intptr_t *handle) {
    if (index == 2) return 4; /* no permission: another one's */
    *handle = index + 1; return 0;
}
int nvmlDeviceGetName(intptr_t handle, char *text, unsigned size) { strncpy(text, names[handle], size); return 0; }
int nvmlDeviceGetUUID(intptr_t handle, char *text, unsigned size) { strncpy(text, uuids[handle], size); return 0; }
int nvmlDeviceGetMemoryInfo(intptr_t handle, memory_t *memory) {
    memory->total = 5ull << 30; memory->free = 4ull << 30; memory->used = 1ull << 30; return 0;
}
int nvmlDeviceGetComputeMode(intptr_t handle, unsigned *mode) { *mode = 0; return handle == 3 ? 3 : 0; }
int nvmlDeviceGetMigMode(intptr_t handle, unsigned *now, unsigned *next) {
    *now = *next = handle == 2; return handle == 1 ? 3 : 0; /* not supported */
}
int nvmlDeviceGetMaxMigDeviceCount(intptr_t handle, unsigned *count) { *count = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(intptr_t handle, unsigned index, intptr_t *instance) {
    *instance = 3; return index == 4 ? 0 : 6; /* not found */
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_nvidias_bindings_are_called_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "nvml.c").write_text(LIBRARY)
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "nvml.c")], check=True)
    look = (
        "import json; from speaksep_kernel.kernel.occupancy import occupancy; print(json.dumps(occupancy().to_dict()))"
    )
    env = os.environ | {"LD_LIBRARY_PATH": str(tmp_path), "SPEAKSEP_LEASES": str(tmp_path / "leases")}
    env = {name: value for name, value in env.items() if name not in ("SPEAKSEP_GPUS", "CUDA_VISIBLE_DEVICES")}
    done = subprocess.run([sys.executable, "-c", look], env=env, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert [(use["device"]["index"], use["device"]["uuid"], use["device"]["name"]) for use in seen["devices"]] == [
        ("0", "GPU-whole", "Fake H100"),
        ("1:4", "MIG-instance", "Fake A100 MIG 1g.5gb"),
    ]
    assert (seen["slots"], seen["free"], seen["problem"]) == (4, 4, "")
    assert seen["devices"][1]["device"]["free_bytes"] == 4 * GIB
