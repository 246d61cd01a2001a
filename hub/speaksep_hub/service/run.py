"""The process of the service: listens, serves, and leaves at once when it is told to."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from speaksep_hub.protection.serving import serve_options
from speaksep_hub.reporting.sentry import report_faults
from speaksep_hub.service.app import create_app
from speaksep_hub.service.place import Place
from speaksep_hub.service.platform import Platform
from speaksep_hub.settings import Settings
from speaksep_kernel.errors import InputError
from speaksep_kernel.logs.begin import log_to

LEAVE_S = 1
"""Seconds that requests under way have to end. Streams end at once, uploads go on where they were cut."""

DRAIN_S = 2.0
"""How long one of several processes says that it is ending, and serves on: two looks of the proxy."""


class Server(uvicorn.Server):
    """uvicorn, which tells the streams when it has to end.

    Parameters
    ----------
    config
        Of uvicorn.
    platform
        Whose ``leaving`` is set.
    drain_s
        How long to serve on, so that the proxy notices and sends further requests to others.
    """

    def __init__(self, config: uvicorn.Config, platform: Platform, drain_s: float = 0.0) -> None:
        super().__init__(config)
        self._platform, self._drain_s = platform, drain_s
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On SIGINT and SIGTERM; a second one does not wait."""
        if self._loop is not None and self._drain_s and not self._platform.draining:
            self._platform.draining = True
            self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_s, self._leave, sig)
        else:
            self._leave(sig)

    def _leave(self, sig: int) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._platform.leaving.set)
        super().handle_exit(sig, None)


def serve(
    settings: Settings,
    place: Place,
    *,
    create: Callable[[Settings, Place], FastAPI] = create_app,
    told: Callable[[str], None] = print,
    part: str = "service",
) -> None:
    """Serve until SIGINT or SIGTERM, then leave within two seconds, or four if others take over (``service.replicas``).

    Parameters
    ----------
    settings
        Of the platform.
    place
        Where to listen, behind which hub.
    create
        Makes the application, whose ``state.platform`` has what is told of the end.
    told
        Gets the address, once connections are taken.
    part
        What reports of faults call it.

    Raises
    ------
    InputError
        Reason ``cannot-listen``: the address is taken, or not of this machine.
    SpeakSepError
        Something that the settings name cannot be opened.
    """
    log_to(part)
    report_faults(settings.reporting, part)
    with listening(place) as listener:
        app = create(settings, place)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,  # see trace.py
            ws="websockets-sansio",  # the other one is built on what websockets has deprecated
            lifespan="on",
            timeout_graceful_shutdown=LEAVE_S,
            **serve_options(settings.protection, behind_hub=place.hub is not None),
        )
        host, port = listener.getsockname()[:2]
        told(f"http://{f'[{host}]' if ':' in host else host}:{port}{place.prefix}")
        with _own_signals():
            drain_s = DRAIN_S if part == "service" and settings.service.replicas else 0.0
            Server(config, app.state.platform, drain_s).run([listener])


@contextmanager
def listening(place: Place) -> Iterator[socket.socket]:
    """Take connections at a place while the block runs.

    Raises
    ------
    InputError
        Reason ``cannot-listen``.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    # With the protocol named asyncio answers at once; else small answers wait for 40 ms (Nagle's algorithm).
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((place.host, place.port))
        except (OSError, OverflowError) as error:
            raise InputError(
                f"cannot listen at {place.host}:{place.port}: {error}",
                reason="cannot-listen",
                hint="give another --host or --port; port 0 takes any that is free",
            ) from error
        listener.listen(2048)
        listener.set_inheritable(True)
        yield listener


@contextmanager
def _own_signals() -> Iterator[None]:
    """uvicorn raises the signals that ended it again when it is done: they shall not end the process a second time."""
    wakeup = signal.set_wakeup_fd(-1)  # the program's own watch gives half a second; see cli/interrupt.py
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
