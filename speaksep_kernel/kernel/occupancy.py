"""The GPUs of this machine at this moment: memory, slots, who holds them, who waits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from speaksep_kernel.errors import CapacityError
from speaksep_kernel.kernel.devices import Device, devices
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.leases import slots_of
from speaksep_kernel.kernel.settings import LeaseSettings
from speaksep_kernel.kernel.waiting import in_line


@dataclass(frozen=True)
class DeviceUse:
    """One GPU and who has its slots.

    Parameters
    ----------
    device
        Name, memory, number of slots.
    holders
        One per slot, None where it is free.
    """

    device: Device
    holders: tuple[Holder | None, ...]


@dataclass(frozen=True)
class Occupancy:
    """All GPUs that may be used here.

    Parameters
    ----------
    devices
        One by one.
    waiting
        Who queues for a slot, first come first.
    folder
        Where the lock files are.
    problem
        Why there is no GPU; empty if there is one.
    """

    devices: tuple[DeviceUse, ...]
    waiting: tuple[Holder, ...]
    folder: Path
    problem: str = ""

    @property
    def slots(self) -> int:
        """Kernels that may have a GPU at a time."""
        return sum(len(use.holders) for use in self.devices)

    @property
    def free(self) -> int:
        """Slots that nobody holds, on GPUs that take one more."""
        return sum(use.holders.count(None) for use in self.devices if not use.device.refusal)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "folder": str(self.folder), "slots": self.slots, "free": self.free}


def occupancy(settings: LeaseSettings | None = None, nvml: Any = None) -> Occupancy:
    """Look, without taking anything.

    Parameters
    ----------
    settings
        Of this process's environment by default.
    nvml
        A module like ``pynvml``, which is the default.

    Raises
    ------
    InputError
        Reason ``bad-setting``.
    CapacityError
        Reason ``leases-unusable``: their folder is none, or cannot be read.
    """
    chosen = settings or LeaseSettings.of()
    known = devices(chosen, nvml)
    try:
        uses = tuple(DeviceUse(each, tuple(slot.holder() for slot in slots_of(each, chosen))) for each in known.found)
        waiting = tuple(holder for _, holder in in_line(chosen.folder))
    except OSError as error:
        raise CapacityError(
            f"the leases in {str(chosen.folder)!r} cannot be used ({error.strerror}), so no kernel gets a GPU",
            reason="leases-unusable",
            hint="SPEAKSEP_LEASES must be a folder that all who share the GPUs may write to, on a disk with room",
        ) from error
    return Occupancy(uses, waiting, chosen.folder, known.problem)
