"""How Jupyter starts and ends our kernels: with a slot of a GPU if one is free, forked if possible."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import CaselessStrEnum, Float

from speaksep_kernel.kernel import forkserver
from speaksep_kernel.kernel.devices import devices
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.leases import Lease, Refusal, Reservation, Slot, acquire, reserve, slots_of
from speaksep_kernel.kernel.settings import MODES, LeaseSettings
from speaksep_kernel.kernel.transport import prefer_ipc
from speaksep_kernel.kernel.waiting import Ticket

_LOOK_S = 0.2  # between two looks at the slots of one who waits
_ENDING_S = 2.0  # for the process of before a restart to be gone
_STREAMS = {"env", "cwd", "pass_fds", "stdin", "stdout", "stderr"}  # all that a forked kernel can be given


class SpeakSepProvisioner(LocalProvisioner):
    """Starts kernels as Jupyter does, over ``ipc``, and leases a slot of a GPU for each.

    The lease passes to the kernel's own process. This object keeps only the right to start the next one on the same
    slot, and only while a restart is under way.
    """

    device: Any = CaselessStrEnum(
        MODES,
        "auto",
        help="What kernels compute on where SPEAKSEP_DEVICE does not say: auto, gpu (or no kernel at all) or cpu.",
    ).tag(config=True)
    wait_s: Any = Float(
        0.0, min=0.0, help="Seconds that a gpu kernel queues for a slot where SPEAKSEP_DEVICE_WAIT_S does not say."
    ).tag(config=True)
    idle_release_s: Any = Float(
        1800.0,
        min=0.0,
        help="Seconds of doing nothing after which a kernel gives its slot back, where SPEAKSEP_IDLE_RELEASE_S does "
        "not say; 0 is never.",
    ).tag(config=True)

    process: Any = None
    _lease: Lease | None = None  # between the lease and the start of the kernel
    _reservation: Reservation | None = None  # between the end of a kernel and the lease of the next one
    _slot: Slot | None = None  # what the kernel was started with; it may have given it back
    _settings = LeaseSettings()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Lease, and tell the kernel what it got.

        Raises
        ------
        InputError
            Reason ``bad-setting``.
        CapacityError
            Reason ``no-gpu``: the kernel must have a GPU and there is none.
        """
        if self.parent:
            prefer_ipc(self.parent)
        kwargs = await super().pre_launch(**kwargs)
        env: dict[str, str] = kwargs["env"]
        env.setdefault("SPEAKSEP_DEVICE", self.device)
        env.setdefault("SPEAKSEP_DEVICE_WAIT_S", str(self.wait_s))
        env.setdefault("SPEAKSEP_IDLE_RELEASE_S", str(self.idle_release_s))
        try:
            self._settings = LeaseSettings.of(env)
            outcome = await self._outcome()
        finally:
            self._unreserve()
        for name in ("SPEAKSEP_LEASE", "SPEAKSEP_LEASE_FD"):  # of a kernel that this one is started from
            env.pop(name, None)
        env.update(outcome.environment)
        env["SPEAKSEP_KERNEL_ID"] = self.kernel_id
        env["SPEAKSEP_GPUS"] = self._settings.gpus  # for kernels that are started from this one
        self.log.info("Kernel %s: %s", self.kernel_id, env["SPEAKSEP_DEVICE_REASON"])
        self._slot = None
        if isinstance(outcome, Lease):
            self._lease, self._slot = outcome, outcome.slot
            kwargs["pass_fds"] = (*kwargs.get("pass_fds", ()), outcome.descriptor)
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start it; from then on the kernel alone holds the lease."""
        lease, self._lease = self._lease, None
        try:
            if not self._forked(cmd, **kwargs):
                await super().launch_kernel(cmd, **kwargs)
            if lease and self.pid:
                lease.started(self.pid)
        finally:
            if lease:
                lease.close()
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Keep the slot of a kernel that was asked to end and will be started again."""
        if restart:
            await self._reserve()

    async def kill(self, restart: bool = False) -> None:
        """End it now. Whether it will be started again Jupyter says only in `cleanup`."""
        await self._reserve()
        await super().kill(restart=restart)

    async def cleanup(self, restart: bool = False) -> None:
        """The kernel is gone; without a restart nothing of its lease stays."""
        await super().cleanup(restart=restart)
        if not restart:
            self._unreserve()

    def _forked(self, cmd: list[str], *, independent: bool = False, **kwargs: Any) -> bool:
        """Try the start that takes no time."""
        given = self._scrub_kwargs(kwargs)
        try:
            if independent or not given.keys() <= _STREAMS:
                raise forkserver.ForkUnavailable("it is to be started in a way of its own", reason="unsupported")
            kernel = forkserver.start(cmd, **given)
        except forkserver.ForkUnavailable as error:
            self.log.info("Kernel %s is started plainly: %s", self.kernel_id, error.error)
            return False
        self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid
        self.cwd = given.get("cwd") or os.getcwd()
        return True

    async def _outcome(self) -> Lease | Refusal:
        holder = Holder.now(self.kernel_id, self._settings)
        must = self._settings.device == "gpu"
        outcome = await self._kept(holder) or await self._looked(holder)
        if isinstance(outcome, Refusal) and outcome.worth_waiting and must and self._settings.wait_s:
            outcome = await self._queued(holder)
        if isinstance(outcome, Refusal) and must:
            raise outcome.error()
        return outcome

    async def _looked(self, holder: Holder, ticket: Ticket | None = None) -> Lease | Refusal:
        # Only the driver is asked in a thread: a lease taken there would be lost if this start is cancelled meanwhile.
        known = await asyncio.to_thread(devices, self._settings)
        return acquire(holder, self._settings, known, ticket=ticket, first=self._slot)

    async def _queued(self, holder: Holder) -> Lease | Refusal:
        end = time.monotonic() + self._settings.wait_s
        with Ticket(self._settings.folder, holder) as ticket:
            while True:
                outcome = await self._looked(holder, ticket)
                if isinstance(outcome, Lease) or time.monotonic() > end:
                    return outcome
                await asyncio.sleep(_LOOK_S)

    async def _kept(self, holder: Holder) -> Lease | None:
        """The slot of before a restart, once the old process is gone."""
        end = time.monotonic() + _ENDING_S
        while self._reservation and self._settings.device != "cpu" and time.monotonic() < end:
            if lease := self._reservation.lease(holder):
                self._reservation = None  # it is the lease's now
                return lease
            await asyncio.sleep(_LOOK_S)
        return None

    async def _reserve(self) -> None:
        """Keep the slot over the death of the kernel, if the kernel still has one."""
        end = time.monotonic() + _ENDING_S
        while self._slot and self._reservation is None and time.monotonic() < end:
            slots = slots_of(self._slot.device, self._settings)
            mine = (slot for slot in slots if (who := slot.holder()) and who.kernel == self.kernel_id)
            if (slot := next(mine, None)) is None:
                return
            self._reservation = reserve(slot)
            await asyncio.sleep(0 if self._reservation else 0.01)  # who is just trying that slot will not get it

    def _unreserve(self) -> None:
        if self._reservation:
            self._reservation.close()
            self._reservation = None
