"""Tells systemd, if that started this process, that it works: ``systemctl start`` waits for it (``Type=notify``)."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress

VARIABLE = "NOTIFY_SOCKET"


def take_notify(environment: MutableMapping[str, str] = os.environ) -> str:
    """Where systemd listens, empty if nowhere; nothing that is started later is told."""
    return environment.pop(VARIABLE, "")


def notify(address: str, state: str = "READY=1") -> None:
    """Tell it; nothing happens if nobody listens.

    Parameters
    ----------
    address
        From `take_notify`: path of a socket, or ``@`` and a name without a file.
    state
        What to tell, as of ``sd_notify(3)``.
    """
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
