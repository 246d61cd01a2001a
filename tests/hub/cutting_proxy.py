"""A network that breaks: forwards TCP connections, and resets one after so many bytes."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import Literal, Self

Direction = Literal["up", "down"]


class CuttingProxy:
    """Forwards to a port of this machine.

    Attributes
    ----------
    url
        Its own address.
    cuts
        How many connections it has reset.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.cuts = 0
        self._left: dict[Direction, list[int]] = {"up": [], "down": []}
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def cut(self, direction: Direction, *after_bytes: int) -> None:
        """Reset whichever connection carries so many more bytes up to the service or down from it; then the next."""
        with self._lock:
            self._left[direction] = list(after_bytes)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        with self._lock:
            for each in self._open:
                _reset(each)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._server.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._port))
                except ConnectionError:  # nobody is there: as if nobody were here
                    _reset(client)
                    continue
                with self._lock:
                    self._open |= {client, server}
                for ends, direction in (((client, server), "up"), ((server, client), "down")):
                    threading.Thread(target=self._pump, args=(*ends, direction), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, direction: Direction) -> None:
        with suppress(OSError):
            while piece := source.recv(16384):
                if self._is_cut(direction, len(piece)):
                    _reset(source)
                    _reset(target)
                    return
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def _is_cut(self, direction: Direction, count: int) -> bool:
        with self._lock:
            left = self._left[direction]
            if not left:
                return False
            left[0] -= count
            if left[0] > 0:
                return False
            del left[0]
            self.cuts += 1
            return True


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        # Nothing is said, nothing that is on its way arrives: RST in place of FIN.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    end.close()
