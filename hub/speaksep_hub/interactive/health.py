"""Whether Voila and Panel live, and whether they can open what pages show: as the other services say it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tornado.web import RequestHandler

from speaksep_dashboards.desk import Desk
from speaksep_kernel.errors import SpeakSepError

PATIENCE_S = 3.0
REMEMBERED_S = 1.0
"""Nobody needs a token to ask: so it is not looked more often, however many ask."""


class Health(RequestHandler):
    """``health`` and ``ready``, the same for everybody.

    Attributes
    ----------
    desk
        Where pages come from.
    """

    _seen: tuple[float, dict[str, str]] = (0.0, {})

    def initialize(self, desk: Callable[[], Desk]) -> None:
        """Be told where pages come from."""
        self._desk = desk

    async def get(self, name: str) -> None:
        """200 with ``{"ok": true}``, or 503 and why not."""
        self.set_header("Cache-Control", "no-store")
        answer: dict[str, Any] = {"ok": True}
        if name == "ready":
            checks = await self._checks()
            answer = {"ok": all(said == "ok" for said in checks.values()), "checks": checks}
        self.set_status(200 if answer["ok"] else 503)
        self.finish(answer)

    async def _checks(self) -> dict[str, str]:
        kind = type(self)
        looked_at, checks = kind._seen
        if time.monotonic() - looked_at >= REMEMBERED_S:
            desk = self._desk()
            looks: dict[str, Callable[[], object]] = {"jobs": desk.jobs.claimable, "store": desk.store.check}
            said = await asyncio.gather(*(_said(look) for look in looks.values()))
            checks = dict(zip(looks, said, strict=True))
            kind._seen = time.monotonic(), checks
        return checks


async def _said(look: Callable[[], object]) -> str:
    try:
        await asyncio.wait_for(asyncio.to_thread(look), PATIENCE_S)
    except SpeakSepError as error:
        return error.reason
    except TimeoutError:
        return "does not answer"
    return "ok"
