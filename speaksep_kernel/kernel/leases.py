"""Leases of GPU slots: who may compute on which GPU, for as long as the kernel lives.

A slot is a file. Its byte 0 is locked by the kernel that has the slot: the lock belongs to an open file that only this
kernel keeps, so the operating system frees it however the kernel dies, whoever else lives or dies. Byte 1 is locked by
whoever starts a kernel on the slot, for that moment, and over a restart from before the old process is ended until the
new one has byte 0: so a restart keeps its slot.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from speaksep_kernel.errors import CapacityError
from speaksep_kernel.kernel import locks
from speaksep_kernel.kernel.devices import Device, Devices, devices
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.settings import LeaseSettings
from speaksep_kernel.kernel.waiting import Ticket, in_line

_KERNEL, _START = 0, 1  # the bytes of a slot's file
_NAMED = 4  # of those ahead, in a sentence


@dataclass(frozen=True)
class Slot:
    """One of the kernels that a GPU takes.

    Parameters
    ----------
    device
        The GPU.
    number
        From 1.
    path
        The lock file.
    """

    device: Device
    number: int
    path: Path

    def describe(self) -> str:
        """E.g. ``GPU 0 (NVIDIA L4), slot 1 of 2``."""
        return f"GPU {self.device.index} ({self.device.name}), slot {self.number} of {self.device.slots}"

    def packed(self) -> str:
        """All of it but memory, for the environment of the kernel: which then need not ask the driver."""
        device = self.device
        return json.dumps([str(self.path), self.number, device.index, device.uuid, device.name, device.slots])

    @classmethod
    def unpacked(cls, text: str) -> Slot:
        """The slot that was `packed`.

        Raises
        ------
        ValueError, TypeError
            It was not.
        """
        path, number, *device = json.loads(text)
        return cls(Device(*device), number, Path(path))

    def holder(self) -> Holder | None:
        """Who has it; None if it is free."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            taken = locks.locked(descriptor, _KERNEL) or locks.locked(descriptor, _START)
            return Holder.read(descriptor) if taken else None
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class Refusal:
    """Why there is no GPU for a kernel.

    Parameters
    ----------
    reason
        A sentence without its full stop.
    ahead
        Who has the slots, then who waits for one.
    worth_waiting
        Whether one may become free.
    """

    reason: str
    ahead: tuple[Holder, ...] = ()
    worth_waiting: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """What a kernel that does without needs to know."""
        return {
            "CUDA_VISIBLE_DEVICES": "",
            "SPEAKSEP_DEVICE_GIVEN": "cpu",
            "SPEAKSEP_DEVICE_REASON": f"CPU: {self.reason}",
        }

    def error(self) -> CapacityError:
        """For a kernel that must have a GPU."""
        return CapacityError(
            f"no GPU for this kernel: {self.reason}",
            reason="no-gpu",
            hint="stop a kernel that has one, wait with SPEAKSEP_DEVICE_WAIT_S, or use SPEAKSEP_DEVICE=auto",
        )


class Reservation:
    """The right to start a kernel on a slot; ends with `close`, or with this process."""

    def __init__(self, slot: Slot, descriptor: int) -> None:
        self.slot = slot
        self._descriptor = descriptor

    def lease(self, holder: Holder) -> Lease | None:
        """The slot itself; None while a kernel still has it. The reservation belongs to the lease from then on."""
        descriptor = locks.open_shared(self.slot.path)
        try:
            locks.spare(descriptor)
            mine = locks.lock(descriptor, _KERNEL) and locks.still_there(descriptor, self.slot.path)
        except OSError:
            mine = False
        if not mine:
            os.close(descriptor)
            return None
        lease = Lease(self.slot, replace(holder, gpu=self.slot.device.index, slot=self.slot.number), descriptor, self)
        lease.holder.write(descriptor)
        return lease

    def close(self) -> None:
        """Give it up; harmless when done twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Lease:
    """A slot of a GPU that this process holds, for itself or until the kernel it starts has the open file.

    Parameters
    ----------
    slot
        What is held.
    holder
        For whom.
    descriptor
        The open file that has the lock: give it to the kernel.
    reservation
        Held until the kernel has started.
    """

    def __init__(self, slot: Slot, holder: Holder, descriptor: int, reservation: Reservation | None = None) -> None:
        self.slot = slot
        self.holder = holder
        self.descriptor = descriptor
        self._reservation = reservation

    @property
    def environment(self) -> dict[str, str]:
        """What the kernel needs to know."""
        return {
            "CUDA_VISIBLE_DEVICES": self.slot.device.uuid,
            "SPEAKSEP_DEVICE_GIVEN": "cuda",
            "SPEAKSEP_DEVICE_REASON": self.slot.describe(),
            "SPEAKSEP_LEASE": self.slot.packed(),
            "SPEAKSEP_LEASE_FD": str(self.descriptor),
        }

    def started(self, pid: int) -> None:
        """The kernel runs and has the open file: from now on it alone holds the slot."""
        replace(self.holder, pid=pid).write(self.descriptor)
        self.close()

    def keep(self) -> None:
        """The kernel is this process: only the lock of the kernel stays."""
        if self._reservation:
            self._reservation.close()

    def close(self) -> None:
        """Let go of this process's copy, which frees the slot unless the kernel has one; harmless when done twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        self.keep()


def acquire(
    holder: Holder,
    settings: LeaseSettings,
    known: Devices | None = None,
    *,
    ticket: Ticket | None = None,
    first: Slot | None = None,
    only: str = "",
) -> Lease | Refusal:
    """Take a slot of a GPU, of the emptiest one first.

    Parameters
    ----------
    holder
        For whom.
    settings
        Which GPUs, how many slots, where the lock files are; the device asked for.
    known
        The GPUs as they were found; looked for by default, which takes time while the driver is loaded.
    ticket
        The place in the line of those who wait, for one who does.
    first
        The slot to be tried before all others.
    only
        UUID of the one GPU that will do.

    Returns
    -------
    A lease to be handed to the kernel, or why there is none. Never waits.
    """
    if settings.device == "cpu":
        return Refusal("as asked")
    known = known or devices(settings)
    if not known.found:
        return Refusal(known.problem)
    try:
        locks.make_shared_folder(settings.folder)
        return _free(known.found, holder, settings, ticket, first, only)
    except OSError as error:
        return Refusal(f"the leases in {str(settings.folder)!r} cannot be used ({error.strerror})")


def usable(settings: LeaseSettings, known: Devices) -> bool:
    """Whether slots could be taken here at all, free or not: their files can be made and opened.

    Parameters
    ----------
    settings
        Where they are.
    known
        The GPUs.
    """
    try:
        locks.make_shared_folder(settings.folder)
        for device in known.found:
            for slot in slots_of(device, settings):
                os.close(locks.open_shared(slot.path))
    except OSError:
        return False
    return True


def _free(
    found: tuple[Device, ...],
    holder: Holder,
    settings: LeaseSettings,
    ticket: Ticket | None,
    first: Slot | None,
    only: str,
) -> Lease | Refusal:
    slots = [slot for device in found for slot in slots_of(device, settings)]
    holders = {slot: slot.holder() for slot in slots}
    taken = tuple(who for who in holders.values() if who)
    waiting = tuple(who for place, who in in_line(settings.folder) if ticket is None or place < ticket.place)
    usable = [slot for slot in slots if not slot.device.refusal and (not only or slot.device.uuid == only)]
    empty = [slot for slot in usable if not holders[slot]]
    if len(empty) > len(waiting):
        crowd = Counter(slot.device for slot, who in holders.items() if who)
        for slot in sorted(
            empty,
            key=lambda slot: (
                first is None or slot.path != first.path,
                crowd[slot.device],
                -(slot.device.free_bytes or 0),
            ),
        ):
            if reservation := reserve(slot):
                if lease := reservation.lease(holder):
                    return lease
                reservation.close()
    return Refusal(_why(found, len(slots), taken, waiting, bool(empty)), taken + waiting, worth_waiting=True)


def _why(
    found: tuple[Device, ...], slots: int, taken: tuple[Holder, ...], waiting: tuple[Holder, ...], some_free: bool
) -> str:
    reasons = [f"GPU {device.index}: {device.refusal}" for device in found if device.refusal]
    if taken:
        how_many = "the only slot is" if slots == 1 else f"{len(taken)} of {slots} slots are"
        reasons.append(f"{how_many} taken, by {_list(taken)}")
    if waiting:
        kept = "what is free is kept for" if some_free else "before this kernel wait"
        reasons.append(f"{kept} {_list(waiting)}")
    return "; ".join(reasons) or "another kernel was faster; try again"


def _list(holders: tuple[Holder, ...]) -> str:
    named = [holder.describe() for holder in holders[:_NAMED]]
    more = len(holders) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def slots_of(device: Device, settings: LeaseSettings) -> list[Slot]:
    """The slots of a GPU, free or not."""
    return [
        Slot(device, number, settings.folder / f"{device.key}.slot{number}") for number in range(1, device.slots + 1)
    ]


def reserve(slot: Slot) -> Reservation | None:
    """Keep others from starting a kernel on a slot; None if another one is about to.

    Raises
    ------
    OSError
        If the lock file cannot be opened.
    """
    descriptor = locks.open_shared(slot.path)
    if locks.lock(descriptor, _START):
        return Reservation(slot, descriptor)
    os.close(descriptor)
    return None
