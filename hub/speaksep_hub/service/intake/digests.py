"""Hashes that senders announce: ``Repr-Digest`` (RFC 9530) and ``Upload-Checksum`` (tus)."""

from __future__ import annotations

import base64
import binascii
import re

from speaksep_kernel.errors import InputError

_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")


def announced_sha256(header: str | None) -> str | None:
    """The sha256 in a ``Repr-Digest``, hexadecimal; ``None`` where there is no header.

    Raises
    ------
    InputError
        Reason ``bad-digest``: it holds none.

    Examples
    --------
    >>> announced_sha256("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")[:8]
    'e3b0c442'
    """
    if header is None:
        return None
    found = _SHA256.search(header)
    digest = decoded(found[1]) if found else b""
    if len(digest) != 32:
        raise InputError(
            f"Repr-Digest {header[:100]!r} holds no sha-256",
            reason="bad-digest",
            hint="send sha-256=:BASE64: with the hash of the file, or no such header",
        )
    return digest.hex()


def decoded(text: str) -> bytes:
    """Base64; nothing if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def check_digest(name: str, wanted: str | None, came: str) -> None:
    """Refuse what is not what was announced.

    Raises
    ------
    InputError
        Reason ``digest-mismatch``.
    """
    if wanted is not None and wanted != came:
        raise InputError(
            f"{name}: sha256 {came} came, {wanted} was announced",
            reason="digest-mismatch",
            hint="it was damaged on its way, or changed meanwhile: send it again",
        )
