"""Counting requests, in memory or in a Redis that several processes share."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from speaksep_hub.protection.settings import ProtectionSettings
from speaksep_hub.protection.too_many import TooMany
from speaksep_kernel.errors import InputError

_LOG = logging.getLogger("speaksep.protection")
RATED = ("read", "write", "upload", "job", "stream", "token", "guess")
"""What has a rate: the groups of routes, and wrong tokens."""

AWAY_S = 5.0
"""Seconds until a Redis that did not answer is asked again."""
ANSWER_S = 0.5
"""Seconds that a request waits for Redis."""
CONNECTIONS = 32
"""To Redis, of one process; requests beyond wait for a free one."""
_SCHEMES = ("redis://", "rediss://", "unix://")


@dataclass(frozen=True)
class Verdict:
    """What became of a request.

    Attributes
    ----------
    allowed
        Whether it may go on.
    limit, window_s
        Requests that are allowed in so many seconds.
    remaining
        How many are left of them.
    reset_s
        Seconds until all are there again.
    """

    allowed: bool
    limit: int
    window_s: int
    remaining: int
    reset_s: float

    @property
    def headers(self) -> dict[str, str]:
        """``RateLimit-*``, as of the sixth draft of the IETF, which clients know."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(max(0, math.ceil(self.reset_s))),
            "RateLimit-Policy": f"{self.limit};w={self.window_s}",
        }


class Limiter:
    """Rates and open streams of users.

    A window begins with the first request in it and lets exactly as many pass as the rate says, over all processes that
    count in the same Redis. While Redis is away every process counts for itself, and it says so in its log.

    Parameters
    ----------
    rates
        Name to rate, such as ``"600/minute"``.
    streams_per_user
        Streams that one user may have open at this process.
    redis
        Connections to it, or None.
    """

    def __init__(
        self, rates: dict[str, str], streams_per_user: int, redis: BlockingConnectionPool | None = None
    ) -> None:
        self._rates: dict[str, RateLimitItem] = {name: parse(rate) for name, rate in rates.items()}
        self._streams_per_user = streams_per_user
        self._streams: Counter[str] = Counter()
        self._memory, self._redis = MemoryStorage(), redis
        # The address is that of the pool; this one is not looked at.
        options: dict[str, Any] = {"implementation": "redispy", "connection_pool": redis}
        self._shared = RedisStorage("async+redis://", **options) if redis else None
        self._away, self._ask_again_s = False, 0.0

    @classmethod
    def open(cls, settings: ProtectionSettings) -> Limiter:
        """As the settings say; Redis is not asked before the first request.

        Raises
        ------
        InputError
            Reason ``bad-settings``: the address of Redis is none.
        """
        url = settings.storage.get_secret_value() if settings.storage else ""
        rates = {name: getattr(settings, name) for name in RATED}
        return cls(rates, settings.streams_per_user, _redis(url) if url and url != "memory://" else None)

    @property
    def shared(self) -> bool:
        """Whether Redis counted the last request; always False without one."""
        return self._shared is not None and not self._away

    async def reachable(self) -> bool:
        """Whether Redis counts at this moment: it is asked, also where nobody sends requests."""
        await self.look("read", "")
        return self.shared

    async def hit(self, name: str, who: str) -> Verdict:
        """Count a request of somebody."""
        rate = self._rates[name]
        count, until = await self._count(rate.key_for(quote(who, safe=""), name), rate.get_expiry(), 1)
        return self._verdict(rate, count <= rate.amount, count, until)

    async def look(self, name: str, who: str) -> Verdict:
        """Whether one more would be allowed, without counting it."""
        rate = self._rates[name]
        count, until = await self._count(rate.key_for(quote(who, safe=""), name), rate.get_expiry(), 0)
        return self._verdict(rate, count < rate.amount, count, until)

    @contextmanager
    def stream(self, who: str) -> Iterator[None]:
        """Around a stream that is open as long as the other end wants.

        Raises
        ------
        TooMany
            Reason ``too-many-streams``.
        """
        if self._streams[who] >= self._streams_per_user:
            raise TooMany(
                f"{self._streams[who]} streams of {who} are open",
                reason="too-many-streams",
                hint=f"at most {self._streams_per_user} at a time; one stream of /events follows all your jobs",
                retry_after_s=5,
            )
        self._streams[who] += 1
        try:
            yield
        finally:
            self._streams[who] -= 1
            if not self._streams[who]:
                del self._streams[who]

    async def close(self) -> None:
        """Give connections back."""
        if self._redis is not None:
            await self._redis.disconnect()

    @staticmethod
    def _verdict(rate: RateLimitItem, allowed: bool, count: int, until: float) -> Verdict:
        left, reset_s = max(0, rate.amount - count), until - time.time()
        return Verdict(allowed, rate.amount, rate.get_expiry(), left, min(max(0.0, reset_s), rate.get_expiry()))

    async def _count(self, key: str, window_s: int, amount: int) -> tuple[int, float]:
        """The count of a window with what is added, and when (seconds since 1970) the window ends."""
        if self._shared is not None and time.monotonic() >= self._ask_again_s:
            if self._away:  # one request asks; those beside it do not wait
                self._ask_again_s = time.monotonic() + AWAY_S
            try:
                counted = await _add(self._shared, key, window_s, amount)
            except (RedisError, OSError, TimeoutError) as error:
                if not self._away:
                    _LOG.warning("Redis does not answer (%s): this process counts for itself until it is back", error)
                self._away, self._ask_again_s = True, time.monotonic() + AWAY_S
            else:
                if self._away:
                    _LOG.warning("Redis is back: requests are counted over all processes again")
                self._away, self._ask_again_s = False, 0.0
                return counted
        return await _add(self._memory, key, window_s, amount)


async def _add(storage: MemoryStorage | RedisStorage, key: str, window_s: int, amount: int) -> tuple[int, float]:
    count = await (storage.incr(key, window_s, amount=amount) if amount else storage.get(key))
    return count, await storage.get_expiry(key)


def _redis(url: str) -> BlockingConnectionPool:
    if not url.startswith(_SCHEMES):
        raise InputError(
            f"[protection] storage is {url.partition('@')[2] or url!r}",
            reason="bad-settings",
            hint="redis://host:6379/0, rediss://… with TLS, or unix:///path/to/socket",
        )
    return BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=ANSWER_S,
        socket_timeout=ANSWER_S,
        socket_connect_timeout=ANSWER_S,
        retry=Retry(NoBackoff(), 0),
    )
