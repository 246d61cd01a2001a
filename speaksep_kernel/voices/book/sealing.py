"""Books that say nothing to who has no key: AES-256-GCM, with a key made from a passphrase by scrypt."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Base64Bytes

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.book.values import Value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY = "SPEAKSEP_BOOK_KEY"
"""Environment variable with the key, any text."""
KEY_FILE = "SPEAKSEP_BOOK_KEY_FILE"
"""Environment variable with the path of a file of keys, one a line: the first seals, all of them open."""
SHORTEST_KEY = 12
SALT_BYTES, NONCE_BYTES = 16, 12
SCRYPT = {"n": 2**15, "r": 8, "p": 1}
"""32 MiB and a tenth of a second for each guess."""
KIND: Literal["speaksep voice book, scrypt-aes256gcm 1"] = "speaksep voice book, scrypt-aes256gcm 1"


class Sealed(Value):
    """A book as it lies on the disk if there is a key."""

    sealed: Literal["speaksep voice book, scrypt-aes256gcm 1"] = KIND
    salt: Base64Bytes
    nonce: Base64Bytes
    data: Base64Bytes


def keys() -> tuple[str, ...]:
    """The keys of ``SPEAKSEP_BOOK_KEY`` and ``SPEAKSEP_BOOK_KEY_FILE``, in that order; none if neither is set.

    Raises
    ------
    InputError
        Reason ``bad-key``: the file cannot be read or holds no key, or a key is too short.
    """
    found = [key] if (key := os.environ.get(KEY, "").strip()) else []
    if place := os.environ.get(KEY_FILE):
        try:
            lines = Path(place).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"cannot read the key file {place!r}: {error}", reason="bad-key", hint=f"check {KEY_FILE}"
            ) from error
        found += [line.strip() for line in lines if line.strip()]
        if not found:
            raise InputError(f"no key in {place!r}", reason="bad-key", hint="put one in its first line")
    if short := [key for key in found if len(key) < SHORTEST_KEY]:
        # Never the key itself: messages end in logs.
        raise InputError(
            f"a key of {len(short[0])} characters is too short",
            reason="bad-key",
            hint=f"take {SHORTEST_KEY} or more, e.g. what `openssl rand -base64 24` prints",
        )
    return tuple(found)


def seal(data: bytes, key: str) -> bytes:
    """Encrypt the contents of a book."""
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    closed = _cipher(key, salt).encrypt(nonce, data, KIND.encode())
    # model_construct: plain bytes, which are base64 only on the disk.
    return Sealed.model_construct(salt=salt, nonce=nonce, data=closed).model_dump_json().encode()


def unseal(sealed: Sealed, path: Path) -> bytes:
    """Decrypt a book with the key that fits.

    Raises
    ------
    InputError
        Reason ``key-needed``: there is no key; ``wrong-key``: none of them opens it, or it was altered.
    """
    from cryptography.exceptions import InvalidTag

    known = keys()
    if not known:
        raise InputError(
            f"the voice book {str(path)!r} is encrypted",
            reason="key-needed",
            hint=f"set {KEY_FILE} to the path of its key, or {KEY} to the key",
        )
    for key in known:
        try:
            return _cipher(key, sealed.salt).decrypt(sealed.nonce, sealed.data, sealed.sealed.encode())
        except (InvalidTag, ValueError):
            continue
    raise InputError(
        f"no key of {len(known)} opens the voice book {str(path)!r}",
        reason="wrong-key",
        hint=f"give the key it was written with ({KEY_FILE} or {KEY}); or the file is damaged",
    )


def _cipher(key: str, salt: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return AESGCM(Scrypt(salt=salt, length=32, **SCRYPT).derive(key.encode()))
