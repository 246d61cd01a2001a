"""Kernels that are ready before anybody wants one: nobody's yet, without a ticket, with everything imported."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from jupyter_core.utils import ensure_async

WARM_S = 60.0
REST_S = 1.0
"""After one was taken, the next is started when its page has had time to open."""
TRIES_S = 30.0
"""After one that could not be started."""
_IMPORTS = "import speaksep_dashboards.warm"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spare:
    """A kernel that waits.

    Attributes
    ----------
    kernel_id
        Its id.
    key
        That its ticket is to be sealed with.
    manager, client
        Its process, and what speaks to it.
    """

    kernel_id: str
    key: bytes
    manager: Any
    client: Any

    @classmethod
    async def warmed(cls, manager: Any, kernel_id: str, key: bytes) -> Self:
        """Wait until a kernel that was just started has imported everything."""
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=WARM_S)
        spare = cls(kernel_id, key, manager, client)
        await spare._run(_IMPORTS)
        return spare

    async def alive(self) -> bool:
        """Whether it still is there."""
        return bool(await ensure_async(self.manager.is_alive()))

    async def tell(self, variables: Mapping[str, str]) -> None:
        """Put something into its environment; it is a reader's then, and nobody speaks to it from here any more."""
        await self._run(f"import os; os.environ.update({dict(variables)!r})")
        self.client.stop_channels()

    async def _run(self, code: str) -> None:
        reply = await self.client.execute(code, silent=True, store_history=False, reply=True, timeout=WARM_S)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"a kernel could not be made ready: {reply['content'].get('evalue')}")


class Spares:
    """So many of them, started one after another.

    Parameters
    ----------
    start
        Starts one.
    count
        How many wait.
    """

    def __init__(self, start: Callable[[], Awaitable[Spare]], count: int) -> None:
        self._start, self._count = start, count
        self._ready: deque[Spare] = deque()
        self._filling: asyncio.Task[None] | None = None

    async def take(self) -> Spare | None:
        """One that lives, if there is one; another is started for the next."""
        found = None
        while self._ready and found is None:
            spare = self._ready.popleft()
            found = spare if await spare.alive() else None
        self.fill(REST_S)
        return found

    def fill(self, rest_s: float = 0.0) -> None:
        """See to it that as many as there should be are started."""
        if self._filling is None or self._filling.done():
            self._filling = asyncio.ensure_future(self._fill(rest_s))

    async def _fill(self, rest_s: float) -> None:
        while len(self._ready) < self._count:
            await asyncio.sleep(rest_s)
            try:
                self._ready.append(await self._start())
            except Exception:  # whatever it was, readers get kernels that are started for them
                _log.exception("no kernel could be made ready")
                await asyncio.sleep(TRIES_S)
