"""What is kept no longer is removed, now and then, by any process of the service."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from anyio import to_thread

from speaksep_hub.service.intake.taking import DAY_S, HOUR_S
from speaksep_kernel.catalogue.retention import Pruned, prune
from speaksep_kernel.errors import SpeakSepError

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

_LOG = logging.getLogger("speaksep.service")


async def keep_tidy(platform: Platform, every_s: float = HOUR_S) -> None:
    """Remove what is kept no longer, again and again, until the platform is left. What goes wrong is the log's."""
    while not platform.leaving.is_set():
        try:
            pruned = await to_thread.run_sync(tidy, platform, abandon_on_cancel=True)
            if pruned != Pruned(0, 0, 0, 0):
                _LOG.info("removed what is kept no longer: %s", pruned.to_dict())
                await platform.audit.arecord(
                    "retention",
                    actor="",
                    recordings=pruned.recordings,
                    uploads=pruned.uploads,
                    results=pruned.results,
                )
        except SpeakSepError as error:
            _LOG.warning("what is kept no longer stays for now: %s", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(platform.leaving.wait(), every_s)


def tidy(platform: Platform) -> Pruned:
    """Remove what is kept no longer, once."""
    days = platform.settings.store.results_days
    return prune(platform.catalogue, platform.store, platform.jobs, results_older_s=days * DAY_S if days else None)
