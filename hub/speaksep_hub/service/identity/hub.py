"""Whose a token is, as the hub says, asked again every few seconds so that a revoked one is soon worth nothing."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from speaksep_hub.scopes import expand, short_names
from speaksep_hub.service.errors import Away
from speaksep_hub.service.identity.caller import MANAGE, Caller, Kind
from speaksep_hub.service.place import HubAccess
from speaksep_kernel.logs.carried import HEADER, carried

TIMEOUT_S = 3.0
"""How long the hub may take to answer."""

_MOST_ANSWERS = 4096
_AGAIN_S = 0.5  # a hub that is away is not asked by every request of a crowd
_AHEAD = 0.6
"""Part of an answer's time after which the next one is asked for, so that nobody who is known waits for the hub."""


@dataclass
class _Answer:
    until: float
    ahead: float
    task: asyncio.Task[Caller | None]
    next: _Answer | None = None

    @property
    def good(self) -> bool:
        """Whether it is somebody."""
        return self.task.done() and self.task.exception() is None and self.task.result() is not None

    @property
    def told(self) -> bool:
        """Whether the hub has answered, whatever it said."""
        return self.task.done() and self.task.exception() is None


class HubDirectory:
    """Asks the hub whose a token is, with that token itself: the service needs no rights of its own for it.

    Parameters
    ----------
    access
        Where the hub is.
    answer_s
        How long an answer holds, counted from when it was asked for. Those who ask meanwhile share it; the next one is
        asked for while it still holds.
    monotonic
        Seconds that only rise; for tests.
    """

    def __init__(self, access: HubAccess, *, answer_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._answer_s = answer_s
        self._monotonic = monotonic
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()
        self._good: OrderedDict[bytes, None] = OrderedDict()
        # Neither proxies of the environment nor redirections: tokens go to the hub and nowhere else.
        self.http = httpx.AsyncClient(
            base_url=access.api_url,
            timeout=TIMEOUT_S,
            trust_env=False,
            limits=httpx.Limits(max_connections=20),
            event_hooks={"request": [_in_its_name]},
        )

    async def caller(self, secret: str, kind: Kind | None = None) -> Caller | None:
        """Whose a token is.

        Parameters
        ----------
        secret
            The token.
        kind
            Where it came from: ``"cookie"``, or None for a token that was sent as it is.

        Returns
        -------
        The caller; None: the hub does not know it (any more), or it is not a person's.

        Raises
        ------
        Away
            Reason ``hub-unreachable``.
        """
        key, now = hashlib.sha256(f"{kind}:{secret}".encode()).digest(), self._monotonic()
        answer = self._answers.get(key)
        if answer is not None and answer.next is not None and (answer.next.told or answer.until <= now):
            answer = self._answers[key] = answer.next
        if answer is None or answer.until <= now:
            answer = self._answers[key] = self._asked(secret, kind, now)
            self._answers.move_to_end(key)
            if len(self._answers) > _MOST_ANSWERS:
                self._answers.popitem(last=False)
        elif answer.good and (answer.ahead if answer.next is None else answer.next.until) <= now:
            answer.next = self._asked(secret, kind, now)
        return await asyncio.shield(answer.task)  # one who leaves does not take the answer from the others

    def remembers(self, secret: str) -> bool:
        """Whether the hub knew a token when it was asked last."""
        return hashlib.sha256(secret.encode()).digest() in self._good

    async def request(self, method: str, path: str, secret: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Ask the hub for something in somebody's name.

        Raises
        ------
        Away
            Reason ``hub-unreachable``.
        """
        try:
            return await self.http.request(method, path, json=body, headers={"Authorization": f"token {secret}"})
        except httpx.TransportError as error:
            raise _away(f"{type(error).__name__}") from error

    def forget_all(self) -> None:
        """Ask anew about every token."""
        self._answers.clear()

    async def reachable(self) -> bool:
        """Whether the hub answers."""
        try:
            return (await self.http.get("")).status_code < 500
        except httpx.TransportError:
            return False

    async def close(self) -> None:
        """End the connections to the hub."""
        for answer in self._answers.values():
            for each in (answer, answer.next):
                if each is not None:
                    each.task.cancel()
        await self.http.aclose()

    async def _ask(self, secret: str, kind: Kind) -> Caller | None:
        response = await self.request("GET", "/user", secret)
        digest = hashlib.sha256(secret.encode()).digest()
        if response.status_code in (401, 403, 404):
            self._good.pop(digest, None)
            return None
        if response.status_code != 200:
            raise _away(f"status {response.status_code}")
        told = response.json()
        if told.get("kind") != "user":
            return None  # a service is nobody's owner
        self._good[digest] = None
        if len(self._good) > _MOST_ANSWERS:
            self._good.popitem(last=False)
        return Caller(
            name=told["name"],
            scopes=scopes_of(told.get("scopes") or ()),
            kind=kind,
            token_id=told.get("token_id") or "",
            secret=secret,
            groups=frozenset(told.get("groups") or ()),
        )

    def _asked(self, secret: str, kind: Kind | None, now: float) -> _Answer:
        task = asyncio.create_task(self._ask(secret, kind or "hub-token"))
        answer = _Answer(now + self._answer_s, now + _AHEAD * self._answer_s, task)
        task.add_done_callback(lambda done: self._settle(answer, done))
        return answer

    def _settle(self, answer: _Answer, done: asyncio.Task[Caller | None]) -> None:
        if done.cancelled() or done.exception() is not None:
            answer.until = min(answer.until, self._monotonic() + _AGAIN_S)


def scopes_of(named: Iterable[str]) -> frozenset[str]:
    """Short names of scopes as the hub tells them, with :data:`MANAGE` if it is among them.

    >>> sorted(scopes_of(["custom:speaksep:jobs:read", "tokens!user=ann", "self"]))
    ['jobs:read', 'tokens']
    """
    named = list(named)
    manages = any(scope.partition("!")[0] == "tokens" for scope in named)
    return expand(short_names(named)) | ({MANAGE} if manages else frozenset())


def seconds_of(moment: str | None) -> float | None:
    """Seconds since 1970 of a time as the hub writes it.

    >>> seconds_of("1970-01-01T00:01:00Z")
    60.0
    """
    return None if moment is None else datetime.fromisoformat(moment).timestamp()


async def _in_its_name(request: httpx.Request) -> None:
    """What is asked for somebody's request has the name of that request."""
    if name := carried().get("request_id"):
        request.headers[HEADER] = name


def _away(how: str) -> Away:
    return Away(
        f"the hub does not say whose the token is ({how})", reason="hub-unreachable", hint="try again in a moment"
    )
