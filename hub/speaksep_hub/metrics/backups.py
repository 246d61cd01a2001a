"""When the newest backup was made, as its place says."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from speaksep_hub.backup.values import ID
from speaksep_hub.metrics.registry import Sample
from speaksep_hub.settings import Settings
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.store import keys
from speaksep_kernel.store.store import Store

_LOG = logging.getLogger("speaksep.metrics")
REMEMBERED_S = 60.0
"""Backups come once a night."""
PATIENCE_S = 1.0
"""Prometheus does not wait for a place that is far away: it is told next time."""


def backups(settings: Settings) -> Iterator[Sample]:
    """When the newest one was begun; nothing where none are wanted.

    Parameters
    ----------
    settings
        Of the platform.
    """
    place = settings.backup.to
    if not place:
        return
    looked_at_s, known = _seen.get(place, (-REMEMBERED_S, None))
    if time.monotonic() - looked_at_s >= REMEMBERED_S:
        _seen[place] = time.monotonic(), known
        looking = Thread(target=_look, args=(place,), daemon=True)
        looking.start()
        looking.join(PATIENCE_S)
    if (found := _seen[place][1]) is not None:
        yield Sample("speaksep_backup_timestamp_seconds", found)


_seen: dict[str, tuple[float, float | None]] = {}
"""Per place: when somebody looked last, and what was seen."""


def _look(place: str) -> None:
    _seen[place] = time.monotonic(), newest(place)


def newest(place: str) -> float:
    """Seconds since 1970 when the newest backup in a place was begun; 0 if there is none, or nobody reaches it.

    Parameters
    ----------
    place
        A folder, or ``s3://bucket/prefix``. It is only looked at: names say enough, and no key is needed.
    """
    if "://" not in place and not Path(place).expanduser().is_dir():
        return 0.0  # to open it would make it
    try:
        found = [key.rpartition("/")[2].removesuffix(".json") for key in Store.open(place).children(keys.BACKUPS)]
    except SpeakSepError as error:
        _LOG.warning("the backups cannot be looked at: %s", error)
        return 0.0
    last = max((name for name in found if ID.fullmatch(name)), default="")  # .making and .files do not match
    return datetime.strptime(last[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() if last else 0.0
