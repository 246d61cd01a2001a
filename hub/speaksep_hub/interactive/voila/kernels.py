"""Kernels of people who look: each belongs to one reader, and shows what its ticket says."""

from __future__ import annotations

import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from jupyter_client.manager import KernelManager
from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Dict, Integer

from speaksep_dashboards.address import Address
from speaksep_dashboards.page import Reader
from speaksep_dashboards.ticket import KERNEL, KEY, LIFE_S, TICKET, Ticket
from speaksep_kernel.errors import CapacityError


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


class ReadersKernels(AsyncMappingKernelManager):  # type: ignore[misc] # it has no types
    """Starts a kernel for a visit, remembers whose it is, and ends what nobody looks at before there are too many."""

    most = Integer(100, help="Kernels of all readers.").tag(config=True)
    most_of_one = Integer(8, help="Kernels of one reader; beyond that, the oldest that nobody looks at is ended.").tag(
        config=True
    )
    environment = Dict(help="Of the kernels, in the place of the server's.").tag(config=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._readers: dict[str, str] = {}

    def belongs(self, kernel_id: str, reader: str) -> bool:
        """Whether a kernel is there and is this reader's."""
        return kernel_id in self and self._readers.get(kernel_id) == reader

    async def start_kernel(self, *, path: str | None = None, env: dict[str, str], **kwargs: Any) -> str:
        """Start a kernel for the visit of this request.

        Raises
        ------
        CapacityError
            Reason ``too-many-pages``.
        """
        visit = VISIT.get()
        await self._make_room(visit.reader.name)
        kernel_id, key = self.new_kernel_id(), secrets.token_bytes(32)
        told = {name: value for name, value in env.items() if name.startswith("VOILA_")}
        kernel_env = {**self.environment, **told, KERNEL: kernel_id}
        if visit.address is not None:
            ticket = Ticket(kernel_id, visit.address, visit.reader, time.time() + LIFE_S)
            kernel_env |= {TICKET: ticket.sealed(key), KEY: key.hex()}
        self._readers[kernel_id] = visit.reader.name
        try:
            return str(await super().start_kernel(kernel_id=kernel_id, path=path, env=kernel_env, **kwargs))
        except BaseException:
            self._readers.pop(kernel_id, None)
            raise

    async def alive(self, kernel_id: str) -> bool:
        """Whether the process of a kernel lives; if not, it is forgotten."""
        kernel: KernelManager = self.get_kernel(kernel_id)
        if await ensure_async(kernel.is_alive()):
            return True
        await ensure_async(self.shutdown_kernel(kernel_id, now=True))
        return False

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that has ended, and whose it was."""
        self._readers.pop(kernel_id, None)
        return super().remove_kernel(kernel_id)

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
