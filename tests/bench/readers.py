"""People who look at their jobs: each has one, polls, and has a stream of events open."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

PATHS = ("jobs?limit=20", "jobs/{job}", "recordings?limit=20", "batches?limit=20")
EVERY_S = 1.0
AWAY = frozenset({502, 503, 504})


class Readers:
    """Signed-in people in their browsers: cookies of the service, no tokens.

    Parameters
    ----------
    url
        Of the service, with a slash.
    browsers
        One client per person, signed in at the hub.
    talks
        A recording per person.

    Attributes
    ----------
    reads_ms
        How long each read that was answered took.
    faults, away
        Requests that were refused; those that nobody answered, or that were told to come back.
    events
        By person: the state after each event of the own job, as it came by the stream.
    """

    def __init__(self, url: str, browsers: Sequence[httpx.Client], talks: Sequence[Path]) -> None:
        self._talks = talks
        self._people = [_person(url, browser) for browser in browsers]
        self._jobs: list[str] = []
        self._over = asyncio.Event()
        self.reads_ms: list[float] = []
        self.faults = self.away = 0
        self.events: list[list[str]] = [[] for _ in browsers]

    async def begin(self) -> None:
        """Everybody asks for a separation."""
        asked = (self._submit(person, talk) for person, talk in zip(self._people, self._talks, strict=True))
        self._jobs = [await each for each in asked]

    async def read(self, seconds: float) -> None:
        """Everybody looks, for so long or until :meth:`stop`."""
        streams = [asyncio.create_task(self._follow(number)) for number in range(len(self._people))]
        polls = [asyncio.create_task(self._poll(number)) for number in range(len(self._people))]
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            self._over.set()
        await asyncio.gather(*polls)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)

    def stop(self) -> None:
        """They have seen enough."""
        self._over.set()

    async def states(self) -> list[str]:
        """Where their jobs stand."""
        answers = [await person.get(f"jobs/{job}") for person, job in zip(self._people, self._jobs, strict=True)]
        return [answer.json()["state"] for answer in answers]

    async def end(self) -> None:
        """What is not done is cancelled."""
        for person, job in zip(self._people, self._jobs, strict=True):
            await person.post(f"jobs/{job}/cancel")
            await person.aclose()

    async def _submit(self, person: httpx.AsyncClient, talk: Path) -> str:
        answer = await person.post(f"recordings?name={talk.name}", content=talk.read_bytes())
        answer.raise_for_status()
        answer = await person.post(f"recordings/{answer.json()['id']}/separations", json={})
        answer.raise_for_status()
        return str(answer.json()["id"])

    async def _poll(self, number: int) -> None:
        person, job = self._people[number], self._jobs[number]
        await asyncio.sleep(random.uniform(0, EVERY_S))
        while not self._over.is_set():
            start_s = time.monotonic()
            try:
                self._count(await person.get(random.choice(PATHS).format(job=job)))
                self.reads_ms.append(1000 * (time.monotonic() - start_s))
            except httpx.TransportError:
                self.away += 1
            await asyncio.sleep(random.uniform(0.5, 1.5) * EVERY_S)

    async def _follow(self, number: int) -> None:
        """As EventSource does: come back after a break, and say what was seen last."""
        last, seen = 0, self.events[number]
        while True:
            headers = {"Last-Event-ID": str(last)}
            try:
                async with self._people[number].stream("GET", "events", headers=headers, timeout=None) as answer:
                    self._count(answer)
                    async for line in answer.aiter_lines():
                        name, _, value = line.partition(": ")
                        match name:
                            case "id":
                                last = int(value)
                            case "data":
                                seen.append(json.loads(value)["state"])
            except httpx.TransportError:
                self.away += 1
            await asyncio.sleep(0.5)

    def _count(self, answer: httpx.Response) -> None:
        self.away += answer.status_code in AWAY
        self.faults += not answer.is_success and answer.status_code not in AWAY


def _person(url: str, browser: httpx.Client) -> httpx.AsyncClient:
    browser.get(url, follow_redirects=True).raise_for_status()  # through the hub, and back with a cookie
    found = (cookie.value or "" for cookie in browser.cookies.jar if cookie.name == "speaksep-xsrf")
    return httpx.AsyncClient(
        base_url=f"{url}api/v1/",
        cookies=browser.cookies,
        headers={"X-XSRFToken": next(found, "")},
        limits=httpx.Limits(max_connections=3),
        timeout=60.0,
    )
