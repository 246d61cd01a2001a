"""How server and clerk talk: JSON with bytes beside it, each message whole."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

HEAD = struct.Struct(">III")
"""Number of the question, bytes of JSON, bytes of all buffers."""
MOST_BYTES = 64 << 20
"""No message is larger; what claims to be is none of ours."""


def packed(number: int, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> bytes:
    """A message: its head, the JSON with the lengths of the buffers, the buffers."""
    told = json.dumps({**content, "lengths": [len(each) for each in buffers]}).encode()
    return b"".join((HEAD.pack(number, len(told), sum(map(len, buffers))), told, *buffers))


def for_pages(told: bytes, rest: bytes) -> bytes:
    """The same as pages take it: four bytes that say how long the JSON is, the JSON, the buffers."""
    return b"".join((struct.pack(">I", len(told)), told, rest))


def read_from(read: Callable[[int], bytes]) -> tuple[int, dict[str, Any]] | None:
    """The next message of a stream that has no buffers, with its number; ``None`` at its end."""
    head = read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    number, length, _ = HEAD.unpack(head)
    return number, json.loads(read(length))
