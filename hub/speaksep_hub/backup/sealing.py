"""Files that say nothing to who has no key, however long they are: AES-256-GCM, chunk by chunk.

Each file has a key of its own, made from its name, and its name from what it holds: the same file is the same bytes
again, so it is there once. A chunk knows its number and whether it is the last: none can be moved, left out or cut off.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from speaksep_kernel.errors import InputError, StoreError

CHUNK_BYTES = 1 << 20
TAG_BYTES, SALT_BYTES = 16, 16
SHORTEST_KEY = 12
SCRYPT = {"n": 2**15, "r": 8, "p": 1}
"""32 MiB and a tenth of a second for each guess."""


@dataclass(frozen=True)
class Seals:
    """What a key and a salt make.

    Attributes
    ----------
    salt
        Of the place that the backups are in; no secret.
    check
        Tells a wrong key; 64 hexadecimal digits, no secret.
    """

    salt: bytes
    check: str
    _contents: bytes = field(repr=False)
    _names: bytes = field(repr=False)

    @classmethod
    def of(cls, key: str, salt: bytes | None = None) -> Seals:
        """From the words that people know.

        Raises
        ------
        InputError
            Reason ``bad-key``: too short.
        """
        if len(key) < SHORTEST_KEY:
            raise InputError(
                f"a key of {len(key)} characters is too short",
                reason="bad-key",
                hint=f"{SHORTEST_KEY} or more: openssl rand -hex 32",
            )
        salt = salt or secrets.token_bytes(SALT_BYTES)
        made = Scrypt(salt=salt, length=96, **SCRYPT).derive(key.encode())
        return cls(salt, made[64:].hex(), made[:32], made[32:64])

    def name(self, sha256: str) -> str:
        """What a file with this hash is called: who has no key cannot tell whether a file that they know is there."""
        return hmac.new(self._names, sha256.encode(), hashlib.sha256).hexdigest()

    def seal(self, name: str, data: Iterable[bytes]) -> Iterator[bytes]:
        """The bytes of a file, sealed."""
        cipher, before = self._cipher(name), None
        numbers = count()
        for chunk in _chunks(data):
            if before is not None:
                yield cipher.encrypt(_nonce(next(numbers), last=False), before, None)
            before = chunk
        yield cipher.encrypt(_nonce(next(numbers), last=True), before or b"", None)

    def unseal(self, name: str, data: Iterable[bytes]) -> Iterator[bytes]:
        """The bytes as they were.

        Raises
        ------
        StoreError
            Reason ``backup-damaged``: they are not what was sealed.
        """
        cipher, before = self._cipher(name), None
        numbers = count()
        try:
            for chunk in _chunks(data, CHUNK_BYTES + TAG_BYTES):
                if before is not None:
                    yield cipher.decrypt(_nonce(next(numbers), last=False), before, None)
                before = chunk
            yield cipher.decrypt(_nonce(next(numbers), last=True), before or b"", None)
        except InvalidTag:
            raise StoreError(
                f"{name!r} is not what was put into the backup", reason="backup-damaged", hint="take another backup"
            ) from None

    def _cipher(self, name: str) -> AESGCM:
        return AESGCM(hmac.new(self._contents, name.encode(), hashlib.sha256).digest())


def sealed_bytes(size_bytes: int) -> int:
    """How large a file becomes.

    >>> sealed_bytes(0), sealed_bytes(1 << 20), sealed_bytes((1 << 20) + 1)
    (16, 1048592, 1048609)
    """
    return size_bytes + TAG_BYTES * max(1, -(-size_bytes // CHUNK_BYTES))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _chunks(data: Iterable[bytes], size_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The same bytes in pieces of one size, the last one shorter."""
    held = bytearray()
    for piece in data:
        held += piece
        while len(held) > size_bytes:
            yield bytes(held[:size_bytes])
            del held[:size_bytes]
    if held:
        yield bytes(held)
