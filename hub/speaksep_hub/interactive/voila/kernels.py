"""Kernels of people who look: each belongs to one reader, and shows what its ticket says."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Dict, Integer

from speaksep_dashboards.address import Address
from speaksep_dashboards.page import Reader
from speaksep_dashboards.ticket import KERNEL, KEY, LIFE_S, TICKET, Ticket
from speaksep_hub.interactive.voila.spares import Spare, Spares
from speaksep_kernel.errors import CapacityError
from speaksep_kernel.kernel.forkserver import ForkUnavailable, warm

NAME = "speaksep"
"""Kernelspec of our notebooks."""


@dataclass(frozen=True)
class Visit:
    """Somebody who opens a notebook.

    Attributes
    ----------
    reader
        Who.
    address
        What they want to see; ``None``: the notebook shows the same to everybody.
    """

    reader: Reader
    address: Address | None


VISIT: ContextVar[Visit] = ContextVar("VISIT")
"""Of the request that is being answered."""


_Kernels: Any = AsyncMappingKernelManager  # its types contradict each other


class ReadersKernels(_Kernels):  # type: ignore[misc]
    """Starts a kernel for a visit, remembers whose it is, and ends what nobody looks at before there are too many."""

    most = Integer(100, help="Kernels of all readers.").tag(config=True)
    most_of_one = Integer(8, help="Kernels of one reader; beyond that, the oldest that nobody looks at is ended.").tag(
        config=True
    )
    spare = Integer(2, help="Kernels that are ready for the next readers.").tag(config=True)
    environment = Dict(help="Of the kernels, in the place of the server's.").tag(config=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._readers: dict[str, str] = {}
        self.spares = Spares(self._start_spare, self.spare)

    def belongs(self, kernel_id: str, reader: str) -> bool:
        """Whether a kernel is there and is this reader's."""
        return kernel_id in self and self._readers.get(kernel_id) == reader

    async def start_kernel(self, *, path: str | None = None, env: dict[str, str], **kwargs: Any) -> str:
        """Start a kernel for the visit of this request, or give it one that is ready.

        Raises
        ------
        CapacityError
            Reason ``too-many-pages``.
        """
        visit = VISIT.get()
        await self._make_room(visit.reader.name)
        if visit.address is not None and (spare := await self.spares.take()):
            self._readers[spare.kernel_id] = visit.reader.name
            await spare.tell({TICKET: _ticket(spare.kernel_id, visit).sealed(spare.key)})
            return spare.kernel_id
        kernel_id, key = self.new_kernel_id(), secrets.token_bytes(32)
        told = {name: value for name, value in env.items() if name.startswith("VOILA_")}
        if visit.address is not None:
            told |= {TICKET: _ticket(kernel_id, visit).sealed(key), KEY: key.hex()}
        self._readers[kernel_id] = visit.reader.name
        try:
            return await self._start(kernel_id, told, path=path, **kwargs)
        except BaseException:
            self._readers.pop(kernel_id, None)
            raise

    async def alive(self, kernel_id: str) -> bool:
        """Whether the process of a kernel lives; if not, it is forgotten."""
        if await ensure_async(self.get_kernel(kernel_id).is_alive()):
            return True
        await ensure_async(self.shutdown_kernel(kernel_id, now=True))
        return False

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that has ended, and whose it was."""
        self._readers.pop(kernel_id, None)
        return super().remove_kernel(kernel_id)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End what nobody looks at any more; what waits for a reader stays."""
        if kernel_id in self._readers:
            await super().cull_kernel_if_idle(kernel_id)

    async def _start(self, kernel_id: str, told: dict[str, str], **kwargs: Any) -> str:
        env = {**self.environment, **told, KERNEL: kernel_id}
        return str(await super().start_kernel(kernel_id=kernel_id, env=env, **kwargs))

    async def _start_spare(self) -> Spare:
        spec = self.kernel_spec_manager.get_kernel_spec(NAME)
        with suppress(ForkUnavailable):  # then it is started plainly
            await asyncio.to_thread(warm, sys.executable, env={**self.environment, **spec.env})
        kernel_id, key = self.new_kernel_id(), secrets.token_bytes(32)
        await self._start(kernel_id, {KEY: key.hex()}, path="", kernel_name=NAME)
        return await Spare.warmed(self.get_kernel(kernel_id), kernel_id, key)

    async def _make_room(self, reader: str) -> None:
        mine = [kernel_id for kernel_id, name in self._readers.items() if name == reader]
        if len(mine) >= self.most_of_one:
            await self._end_one(mine, f"you have {len(mine)} pages open")
        if len(self._readers) >= self.most:
            await self._end_one(list(self._readers), f"{len(self._readers)} people look at dashboards now")

    async def _end_one(self, kernel_ids: list[str], why: str) -> None:
        idle = [each for each in kernel_ids if each in self and not self._kernel_connections.get(each)]
        if not idle:
            raise CapacityError(why, reason="too-many-pages", hint="close one of them, or come back later")
        oldest = min(idle, key=lambda each: self.get_kernel(each).last_activity)
        await ensure_async(self.shutdown_kernel(oldest, now=True))


def _ticket(kernel_id: str, visit: Visit) -> Ticket:
    assert visit.address is not None
    return Ticket(kernel_id, visit.address, visit.reader, time.time() + LIFE_S)
