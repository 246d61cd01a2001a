"""Equal audio, equal bytes: give Ogg files a fixed stream number instead of libsndfile's random one."""

from __future__ import annotations

import functools
from pathlib import Path

_SERIAL = b"SPKS"
_POLYNOMIAL = 0x04C11DB7


def fix_serial(path: Path) -> None:
    """Overwrite the stream serial number of every page, and its checksum, in place (RFC 3533).

    The page checksum is linear over GF(2): the change of the four serial bytes alone, moved up by the bytes that
    follow them, is what has to be added to it. The audio is not read.
    """
    with path.open("r+b") as file:
        while len(header := file.read(27)) == 27 and header[:4] == b"OggS":
            start = file.tell() - 27
            lacing = file.read(header[26])
            size = 27 + len(lacing) + sum(lacing)
            change = int.from_bytes(header[14:18]) ^ int.from_bytes(_SERIAL)
            checksum = int.from_bytes(header[22:26], "little") ^ _times(change, _power(8 * (size - 18) + 32))
            file.seek(start + 14)
            file.write(_SERIAL)
            file.seek(start + 22)
            file.write(checksum.to_bytes(4, "little"))
            file.seek(start + size)


def _times(a: int, b: int) -> int:
    """Product of two polynomials modulo the Ogg checksum's."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a >> 32:
            a ^= _POLYNOMIAL | 1 << 32
        b >>= 1
    return product


@functools.cache
def _power(bits: int) -> int:
    """x to the power of ``bits`` modulo the checksum's polynomial."""
    if bits < 32:
        return 1 << bits
    half = _power(bits // 2)
    square = _times(half, half)
    return _times(square, 2) if bits % 2 else square
