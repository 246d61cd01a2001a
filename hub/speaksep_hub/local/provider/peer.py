"""Whose process is at the other end of a connection on this machine (Linux).

Loopback keeps other machines out, but every user of this one can connect to it; the system's table of connections says
to whom the other socket belongs.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"


def owner_of(host: str, port: int, own_port: int) -> int | None:
    """User id of the process that connected from there.

    Parameters
    ----------
    host, port
        Of the peer, as the connection says them.
    own_port
        Which it connected to.

    Returns
    -------
    ``None`` if the system does not know: the peer is on another machine, or in another network namespace.
    """
    near, far = f"{port:04X}", f"{own_port:04X}"
    address = ipaddress.ip_address(host)
    for table in TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, remote, state = line.split()[:4]
            where, _, number = local.partition(":")
            if number == near and remote.endswith(f":{far}") and state == _ESTABLISHED and _address(where) == address:
                return int(line.split()[7])
    return None


def may_come(host: str, port: int, own_port: int) -> bool:
    """Whether the peer is a process of the user that runs this one, or of root, who may do everything anyway."""
    return owner_of(host, port, own_port) in {os.geteuid(), 0}


def _address(digits: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address as the table has it: 32-bit words in the machine's own order of bytes."""
    words = bytes.fromhex(digits)
    packed = words
    if sys.byteorder == "little":
        packed = b"".join(words[start : start + 4][::-1] for start in range(0, len(words), 4))
    address = ipaddress.ip_address(packed)
    return getattr(address, "ipv4_mapped", None) or address
