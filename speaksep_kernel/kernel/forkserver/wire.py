"""Messages between a fork server and who asks it: one JSON document each, with open files beside it."""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")
_MOST_BYTES = 4 << 20
"""An environment and a command line are never longer (Linux itself allows some megabytes)."""
_MOST_FDS = 32
_CREDENTIALS = struct.Struct("3i")


def send(connection: socket.socket, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
    """One message, with files.

    Raises
    ------
    OSError
        The other side is gone, or slower than the socket's time limit.
    """
    payload = json.dumps(message).encode()
    header = _LENGTH.pack(len(payload))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    connection.sendmsg([header], rights)
    connection.sendall(payload)


def receive(connection: socket.socket) -> tuple[dict[str, Any], tuple[int, ...]]:
    """One message, and the files that came with it, not inheritable.

    Raises
    ------
    EOFError
        The other side is gone.
    OSError
        It is slower than the socket's time limit.
    ValueError
        It said something else.
    """
    header, fds, _, _ = socket.recv_fds(connection, _LENGTH.size, _MOST_FDS)
    try:
        for fd in fds:
            os.set_inheritable(fd, False)
        (length,) = _LENGTH.unpack(header + _exactly(connection, _LENGTH.size - len(header)))
        if length > _MOST_BYTES:
            raise ValueError(f"a message of {length} bytes")
        message = json.loads(_exactly(connection, length))
    except BaseException:
        for fd in fds:
            os.close(fd)
        raise
    return message, tuple(fds)


def peer(connection: socket.socket) -> tuple[int, int]:
    """Process and user at the other side, by the kernel of the operating system (``SO_PEERCRED``)."""
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError("the other side closed the connection")
        data += part
    return bytes(data)
