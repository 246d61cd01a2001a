"""How the server of the service is run, so that connections that do nothing cost nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from speaksep_hub.protection.settings import ProtectionSettings

KEEP_ALIVE_S = 75
"""Longer than proxies keep idle connections, so that none is closed at the moment it is used again."""
HEADER_BYTES = 32 * 1024
LOOPBACK = ("127.0.0.1", "::1")


class PatientH11(H11Protocol):
    """uvicorn's HTTP/1.1 with an end to its patience: headers that do not come in time close the connection.

    uvicorn waits for ever for the first request of a connection, and for the rest of headers that have begun.
    """

    header_s = 10.0

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.header_s, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Wait for headers that have begun; stop when they are there."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self._timer is None and self.conn.trailing_data[0]:
            self._timer = self.loop.call_later(self.header_s, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop()
        super().connection_lost(exc)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()


def serve_options(settings: ProtectionSettings, *, behind_hub: bool = True) -> dict[str, Any]:
    """What ``uvicorn.Config`` gets besides the application and where it listens.

    Parameters
    ----------
    settings
        Of protection.
    behind_hub
        Whether the proxy of a hub on this machine is in front; nobody's word is taken for an address otherwise.
    """
    proxies = settings.proxies if settings.proxies is not None else LOOPBACK * behind_hub
    return {
        "http": type("PatientH11", (PatientH11,), {"header_s": settings.header_s}),
        "h11_max_incomplete_event_size": HEADER_BYTES,
        "ws_max_size": HEADER_BYTES,  # nobody sends us anything there
        "limit_concurrency": settings.connections,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "server_header": False,
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": list(proxies),
    }
