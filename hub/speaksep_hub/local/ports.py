"""Ports that are free now, on this machine only."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from speaksep_kernel.errors import InputError

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on.

    Parameters
    ----------
    count
        How many; all are held until the last is found, so that no two are the same.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def check_port(host: str, port: int) -> None:
    """See whether a server can listen there.

    Raises
    ------
    InputError
        Reason ``port-taken``.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that has just ended is no hindrance
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"no server can listen on {host} port {port}: {error.strerror}",
                reason="port-taken",
                hint="end what runs there, or choose another: --port 8080, or 0 for any that is free",
            ) from error
