"""Whether there is room where the platform keeps things, and whether clocks agree."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from speaksep_hub.settings import Settings
from speaksep_kernel.errors import SpeakSepError

FULL_BYTES, TIGHT_BYTES = 1e9, 10e9
"""With less, databases soon take nothing any more; with less than the other it is worth a word."""
APART_S = 120.0
"""Clocks further apart make fresh tokens old, and certificates not yet valid."""
PATIENCE_S = 5


def folder(settings: Settings) -> str | tuple[str, str]:
    """The folder of the hub: whose it is, and its room.

    Raises
    ------
    SpeakSepError
        It cannot be used, or there is no room.
    """
    place = settings.hub.kept()
    there = next(each for each in (place, *place.parents) if each.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise SpeakSepError(f"nothing can be written in {there}", hint="set hub.folder to one of the hub's account")
    if there == place and place.stat().st_mode & 0o077:
        raise SpeakSepError(f"others may enter {place}", hint=f"chmod 700 {place}")
    return _room(there, shown=str(place))


def store(settings: Settings) -> str | tuple[str, str]:
    """Where recordings and results are.

    Raises
    ------
    SpeakSepError
        It cannot be reached, or there is no room.
    """
    from speaksep_kernel.store.store import Store

    url = settings.store.url or os.environ.get("SPEAKSEP_STORE") or ""
    if not url or "://" not in url or url.startswith("file:"):
        place = Path(url.removeprefix("file://")) if url else settings.hub.kept("store")
        there = next(each for each in (place, *place.parents) if each.exists())
        return _room(there, shown=str(place))
    opened = Store.open(url, presigned=False)
    opened.check()
    return f"{opened.url} answers"


def clocks(settings: Settings, now_s: float | None = None) -> str:
    """Whether this machine's clock agrees with what it works with.

    Parameters
    ----------
    settings
        Of the platform.
    now_s
        Seconds of the epoch; what the clock says by default.

    Raises
    ------
    SpeakSepError
        It does not.
    """
    compared = []
    for name, there_s in _others(settings):
        here_s = time.time() if now_s is None else now_s
        apart_s = there_s - here_s
        if name == "files" and apart_s < APART_S:  # those are old, as a rule
            compared.append(name)
            continue
        if abs(apart_s) > APART_S:
            raise SpeakSepError(
                f"{name} {'are' if name == 'files' else 'is'} {abs(apart_s) / 60:.0f} minutes "
                f"{'ahead of' if apart_s > 0 else 'behind'} this clock, "
                f"which says {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime(here_s))}",
                hint="have both machines set their clocks by NTP: tokens, leases of jobs and certificates depend on it",
            )
        compared.append(name)
    return f"agrees with {', '.join(compared)}" if compared else "nothing to compare with yet"


def _others(settings: Settings) -> Iterator[tuple[str, float]]:
    """What has a time: files that were written here, servers that are asked. Who does not answer is no clock."""
    place = settings.hub.kept()
    if place.is_dir():
        yield "files", max((each.stat().st_mtime for each in (place, *place.iterdir()) if each.exists()), default=0.0)
    for name, url in (("hub.database", settings.hub.database), ("service.jobs", settings.service.jobs)):
        if url is not None and url.get_secret_value().startswith("postgres"):
            yield from _of_postgresql(name, url.get_secret_value())
    if settings.protection.storage is not None:
        yield from _of_redis(settings.protection.storage.get_secret_value())


def _of_postgresql(name: str, url: str) -> Iterator[tuple[str, float]]:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from speaksep_kernel.jobs.database import engine_of, url_of

    try:
        engine = engine_of(url_of(url), patience_s=PATIENCE_S)
        try:
            with engine.connect() as connection:
                yield name, float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        finally:
            engine.dispose()
    except (SQLAlchemyError, SpeakSepError):  # another check says so
        return


def _of_redis(url: str) -> Iterator[tuple[str, float]]:
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S) as redis:
            seconds, micros = redis.time()
    except (RedisError, ValueError):
        return
    yield "Redis", seconds + micros / 1e6


def _room(there: Path, shown: str) -> str | tuple[str, str]:
    usage = shutil.disk_usage(there)
    found = f"{shown}, {usage.free / 1e9:.1f} of {usage.total / 1e9:.0f} GB free"
    hint = "speaksep store usage says who keeps how much, speaksep store prune removes what is over; or a larger disk"
    if usage.free < FULL_BYTES:
        raise SpeakSepError(f"full: {found}", hint=hint)
    return (found, hint) if usage.free < TIGHT_BYTES else found
