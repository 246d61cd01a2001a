"""The clerk as the server sees it: a process that is started when it is needed, asked, and replaced if it dies."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from speaksep_hub.lab.frames import HEAD, MOST_BYTES, packed
from speaksep_kernel.errors import InputError, SpeakSepError

IDLE_S = 300.0
"""Nobody asks for so long: the process ends, and its memory is free."""
PATIENCE_S = 60.0
"""For one answer."""


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes
    ----------
    content
        The answer.
    told, rest
        The same as it came: JSON, and the bytes beside it.
    """

    content: dict[str, Any]
    told: bytes
    rest: bytes


class Clerk:
    """One process for all questions of this server's pages.

    Parameters
    ----------
    root
        Folder that the server serves.
    environment
        Of the process; the server's by default.
    idle_s
        After so long without a question it is ended.
    """

    def __init__(self, root: str, environment: Mapping[str, str] | None = None, *, idle_s: float = IDLE_S) -> None:
        self._root, self._environment, self._idle_s = root, environment, idle_s
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._numbers = count(1)
        self._starting = asyncio.Lock()

    async def ask(self, call: str, **fields: Any) -> Reply:
        """Ask; a process that died meanwhile is replaced once.

        Raises
        ------
        SpeakSepError
            As the clerk says; reason ``no-clerk``: it does not answer.
        """
        for again in (True, False):
            process = await self._running()
            number = next(self._numbers)
            future = self._waiting[number] = asyncio.get_running_loop().create_future()
            try:
                assert process.stdin is not None
                process.stdin.write(packed(number, {"call": call, "fields": fields}))
                await process.stdin.drain()
                reply: Reply = await asyncio.wait_for(future, PATIENCE_S)
            except (ConnectionError, TimeoutError) as error:
                if again and isinstance(error, ConnectionError):
                    await self._ended(process)  # its pipe may break before anybody knows of its end
                    continue
                raise SpeakSepError(
                    "the process that reads recordings does not answer",
                    reason="no-clerk",
                    hint="try again; the log of the Jupyter server says more",
                ) from error
            finally:
                self._waiting.pop(number, None)
            if reply.content.get("ok") is False:
                kind = InputError if reply.content.pop("input", False) else SpeakSepError
                words = {name: str(reply.content.get(name, "")) for name in ("reason", "hint")}
                raise kind(str(reply.content.get("error")), **words)
            return reply
        raise AssertionError("the second time returns or raises")

    async def close(self) -> None:
        """End the process; whoever waits for it hears so."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _running(self) -> asyncio.subprocess.Process:
        loop = asyncio.get_running_loop()
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = loop.call_later(self._idle_s, self._leave)
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "speaksep_hub.lab.clerk", self._root),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    env=self._environment,
                )
                self._reading = loop.create_task(self._read(self._process))
            return self._process

    @staticmethod
    async def _ended(process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()

    def _leave(self) -> None:
        if self._waiting:  # somebody is being answered
            self._leaving = asyncio.get_running_loop().call_later(self._idle_s, self._leave)
        elif self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()  # at the end of what it is asked, it ends

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                number, length, more = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
                if length + more > MOST_BYTES:
                    raise ConnectionError("the clerk says what cannot be")
                told = await process.stdout.readexactly(length)
                reply = Reply(json.loads(told), told, await process.stdout.readexactly(more))
                future = self._waiting.get(number)
                if future is not None and not future.done():
                    future.set_result(reply)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            await self._ended(process)
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("the clerk has ended"))
