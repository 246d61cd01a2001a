"""Notices are made and sent by every process of the service; each goes out once, whoever of them sends it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread

from speaksep_hub.notices.addresses import Addresses
from speaksep_hub.notices.quiet import not_before
from speaksep_hub.notices.wishes import Wanted, planned
from speaksep_hub.notices.words import message
from speaksep_kernel.errors import SpeakSepError

if TYPE_CHECKING:
    from collections.abc import Callable

    from speaksep_kernel.catalogue.notice import Ended
    from speaksep_kernel.catalogue.notices import Notices

_LOG = logging.getLogger("speaksep.service")

POLL_S = 2.0
"""How often it is looked whether something ended."""
HELD_S = 60.0
"""How long a notice that is being sent is left to whoever sends it; sent again then, should that process be gone."""
AGAIN_S = (30.0, 120.0, 600.0, 3600.0, 6 * 3600.0)
"""Waits after each failure; after the last of them nothing more is tried."""
SENDERS = 4
"""Messages under way at once: an address that does not answer holds up few others."""
DAY_S = 86400.0


class Post:
    """Makes and sends notices.

    Parameters
    ----------
    notices
        Of the catalogue.
    addresses
        How something is sent.
    gather_s
        How long a notice waits for others.
    keep_days
        When those that were sent are forgotten.
    link
        Where something that ended can be seen.
    """

    def __init__(
        self,
        notices: Notices,
        addresses: Addresses,
        *,
        gather_s: float,
        keep_days: float = 30.0,
        link: Callable[[Ended], str | None] = lambda ended: None,
    ) -> None:
        self._notices, self._addresses, self._link = notices, addresses, link
        self._gather_s, self._keep_days = gather_s, keep_days

    def collect(self) -> int:
        """Make notices of what ended; returns how many were made."""
        return self._notices.collect(partial(planned, gather_s=self._gather_s))

    def forget(self) -> int:
        """Remove notices whose time is over."""
        return self._notices.forget(self._keep_days * DAY_S)

    def send_next(self) -> bool:
        """Send what is due at one address; returns whether there was anything."""
        found = self._notices.claim(HELD_S, together_s=self._gather_s)
        if not found:
            return False
        wanted = Wanted.read(self._notices.wishes(found[0].owner))
        sealed = wanted.addresses.get(found[0].address)
        address = None if sealed is None else self._addresses.open(sealed)
        if address is None:
            self._notices.dropped(found)
            return True
        told = message([each.ended for each in found], names=wanted.names, link=self._link)
        error = self._addresses.send(address, told.title, told.body, bad=told.bad)
        if not error:
            self._notices.sent(found)
            return True
        tries = 1 + min(each.tries for each in found)
        _LOG.warning("%d notices did not arrive at the %d. try: %s", len(found), tries, error)
        if tries > len(AGAIN_S):
            self._notices.failed(found, error)
        else:
            self._notices.again(found, not_before(time.time() + AGAIN_S[tries - 1], wanted.quiet), error)
        return True

    async def keep(self, leaving: asyncio.Event, every_s: float = POLL_S) -> None:
        """Make and send, again and again, until it is left. What goes wrong is the log's."""
        forgot_s = float("-inf")
        while not leaving.is_set():
            try:
                await to_thread.run_sync(self.collect, abandon_on_cancel=True)
                await asyncio.gather(*(self._send_all(leaving) for _ in range(SENDERS)))
                if time.monotonic() - forgot_s > DAY_S / 24:
                    await to_thread.run_sync(self.forget, abandon_on_cancel=True)
                    forgot_s = time.monotonic()
            except SpeakSepError as error:
                _LOG.warning("notices have to wait: %s", error)
            except Exception:
                _LOG.exception("notices have to wait")
            with suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), every_s)

    async def _send_all(self, leaving: asyncio.Event) -> None:
        while not leaving.is_set() and await to_thread.run_sync(self.send_next, abandon_on_cancel=True):
            pass
