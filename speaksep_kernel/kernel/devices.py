"""The GPUs of this machine, with names and memory, as the driver's library (NVML) tells; none is changed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from speaksep_kernel.kernel.settings import LeaseSettings

_PRETEND = "pretend:"
_PRETENDED_BYTES = 8 << 30


@dataclass(frozen=True)
class Device:
    """One GPU, or one MIG instance of a GPU that was divided.

    Parameters
    ----------
    index
        As ``nvidia-smi`` counts, e.g. "0", or "0:1" for the second instance on it.
    uuid
        What the driver calls it; also what goes into ``CUDA_VISIBLE_DEVICES``, whatever order CUDA counts in.
    name
        E.g. "NVIDIA H100 80GB HBM3".
    slots
        Kernels that may use it at a time.
    total_bytes, free_bytes
        Memory; None where the driver does not say.
    refusal
        Why no further kernel may have it now; empty if one may.
    """

    index: str
    uuid: str
    name: str
    slots: int
    total_bytes: int | None = None
    free_bytes: int | None = None
    refusal: str = ""

    @property
    def key(self) -> str:
        """Part of a file name that is the same for all users."""
        return re.sub(r"[^A-Za-z0-9-]", "_", self.uuid)


@dataclass(frozen=True)
class Devices:
    """What there is, and what stands in the way.

    Parameters
    ----------
    found
        The GPUs that may be used.
    problem
        Why there is none; empty if there is one.
    """

    found: tuple[Device, ...]
    problem: str = ""


def devices(settings: LeaseSettings, nvml: Any = None) -> Devices:
    """Look for GPUs.

    Parameters
    ----------
    settings
        Which of them may be used, by how many kernels.
    nvml
        A module like ``pynvml``, which is the default.
    """
    if settings.gpus.startswith(_PRETEND):
        return Devices(tuple(_pretended(index, settings) for index in _named(settings.gpus.removeprefix(_PRETEND))))
    if settings.gpus == "none":
        return Devices((), "CUDA_VISIBLE_DEVICES is empty, which hides every GPU")
    if nvml is None:
        import pynvml

        nvml = pynvml
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return Devices((), f"there is no usable NVIDIA driver here ({error})")
    try:
        present = tuple(
            device for index in range(nvml.nvmlDeviceGetCount()) for device in _asked(nvml, index, settings)
        )
    except nvml.NVMLError as error:
        return Devices((), f"the NVIDIA driver does not answer ({error})")
    finally:
        nvml.nvmlShutdown()
    if not present:
        return Devices((), "no GPU here answers")
    allowed = tuple(device for device in present if settings.gpus == "all" or _is_named(device, settings.gpus))
    if not allowed:
        there = ", ".join(device.index for device in present)
        return Devices((), f"none of the GPUs here ({there}) is among those allowed ({settings.gpus})")
    return Devices(allowed)


def _named(gpus: str) -> list[str]:
    return [name.strip() for name in gpus.split(",") if name.strip()]


def _is_named(device: Device, gpus: str) -> bool:
    """By index, by the index of the GPU an instance is on, or by UUID or the beginning of one, as CUDA allows."""
    return any(
        name in (device.index, device.index.split(":")[0])
        or (name[:4] in ("GPU-", "MIG-") and device.uuid.startswith(name))
        for name in _named(gpus)
    )


def _pretended(index: str, settings: LeaseSettings) -> Device:
    return Device(index, f"pretended-{index}", "pretended", settings.slots_per_gpu, _PRETENDED_BYTES, _PRETENDED_BYTES)


def _asked(nvml: Any, index: int, settings: LeaseSettings) -> list[Device]:
    """One GPU, or the instances that an administrator divided it into; none if it is lost, or kept from us."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        if _fact(nvml, nvml.nvmlDeviceGetMigMode, handle, (0, 0))[0] == 0:
            return [_described(nvml, handle, str(index), settings)]
        instances = (
            (place, _fact(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, None, place))
            for place in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle))
        )
        return [
            _described(nvml, handle, f"{index}:{place}", settings) for place, handle in instances if handle is not None
        ]
    except nvml.NVMLError:
        return []


def _described(nvml: Any, handle: Any, index: str, settings: LeaseSettings) -> Device:
    memory = _fact(nvml, nvml.nvmlDeviceGetMemoryInfo, handle, None)
    device = Device(
        index,
        nvml.nvmlDeviceGetUUID(handle),
        nvml.nvmlDeviceGetName(handle),
        settings.slots_per_gpu,
        memory and memory.total,
        memory and memory.free,
    )
    mode = _fact(nvml, nvml.nvmlDeviceGetComputeMode, handle, nvml.NVML_COMPUTEMODE_DEFAULT)
    if mode == nvml.NVML_COMPUTEMODE_PROHIBITED:
        return replace(device, slots=0, refusal="its compute mode prohibits computing")
    if mode == nvml.NVML_COMPUTEMODE_EXCLUSIVE_PROCESS:
        device = replace(device, slots=1)
    if device.free_bytes is not None and device.free_bytes < settings.min_free_bytes:
        free, wanted = device.free_bytes / 2**30, settings.min_free_bytes / 2**30
        return replace(device, refusal=f"only {free:.1f} GiB of its memory are free, {wanted:.1f} GiB are wanted")
    return device


def _fact(nvml: Any, ask: Any, handle: Any, otherwise: Any, *more: Any) -> Any:
    """What some devices do not tell."""
    try:
        return ask(handle, *more)
    except nvml.NVMLError:
        return otherwise
