"""Certificates: what they are for, until when they hold, and whether their key is the right one."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from speaksep_kernel.errors import InputError

AUTOMATIC = "certificates.json"
"""Where the proxy keeps those that it got itself, in the folder of the hub."""


@dataclass(frozen=True)
class Certificate:
    """What matters of one.

    Parameters
    ----------
    names
        Hosts that it is for; ``*.`` before a name is every host below it.
    since, over
        From when to when it holds.
    serial
        Its number at its authority.
    """

    names: tuple[str, ...]
    since: datetime
    over: datetime
    serial: int

    @classmethod
    def of(cls, made: x509.Certificate) -> Certificate:
        """What one says."""
        try:
            said = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names: list[str] = []
        else:
            names = said.get_values_for_type(x509.DNSName)
            names += [str(address) for address in said.get_values_for_type(x509.IPAddress)]
        return cls(tuple(names), made.not_valid_before_utc, made.not_valid_after_utc, made.serial_number)

    @classmethod
    def of_pem(cls, pem: bytes) -> Certificate:
        """The first of a chain, which is its own; those after it are its authorities'.

        Raises
        ------
        ValueError
            There is none.
        """
        return cls.of(x509.load_pem_x509_certificates(pem)[0])

    def covers(self, host: str) -> bool:
        """Whether browsers take it for this host."""
        try:
            return str(ipaddress.ip_address(host)) in self.names
        except ValueError:
            below = f"*.{host.partition('.')[2]}"
            return any(name.lower() in (host.lower(), below.lower()) for name in self.names)

    def left(self, now: datetime | None = None) -> timedelta:
        """For how long it still holds; negative afterwards."""
        return self.over - (now or datetime.now(UTC))


def load_pair(certificate: Path, key: Path) -> tuple[bytes, bytes]:
    """Files of a certificate and its key, if a server can use them together.

    Raises
    ------
    InputError
        Reason ``certificate-unreadable`` or ``key-mismatch``.
    """
    try:
        found = certificate.read_bytes(), key.read_bytes()
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read: {error.strerror}",
            reason="certificate-unreadable",
            hint="check tls.certificate and tls.key, and that the hub's account may read them",
        ) from error
    try:
        made = x509.load_pem_x509_certificates(found[0])[0]
        fits = load_pem_private_key(found[1], password=None).public_key() == made.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"{certificate} or {key} is not PEM that a server can use: {error}",
            reason="certificate-unreadable",
            hint="give the certificate with its chain, and its key without a password",
        ) from error
    if not fits:
        raise InputError(
            f"{key} is not the key of {certificate}",
            reason="key-mismatch",
            hint="give the key that the certificate was asked for with",
        )
    return found


class HandedOver:
    """Copies of a certificate and its key that the proxy reads, so that it never sees half of a change.

    Who puts new files in place writes one after the other, and a proxy that looked between them would have a
    certificate without its key. A copy has a name of its own, made of what is in it.

    Parameters
    ----------
    certificate, key
        Files that the administrator, or a program of theirs, replaces.
    folder
        Where copies go; nobody else may enter it.
    """

    def __init__(self, certificate: Path, key: Path, folder: Path) -> None:
        self._files = certificate, key
        self._folder = folder
        self._seen: tuple[tuple[int, ...], ...] = ()
        self._handed: tuple[Path, Path] | None = None

    def changed(self) -> bool:
        """Whether the files are others than when this was asked last; so it is the first time."""
        seen = tuple(_look_of(path) for path in self._files)
        if seen == self._seen:
            return False
        self._seen = seen
        return True

    def hand_over(self) -> tuple[Path, Path]:
        """Copy them.

        Returns
        -------
        The copies, the same ones for the same content.

        Raises
        ------
        InputError
            As `load_pair`; copies from before stay.
        """
        pem, key = load_pair(*self._files)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(pem + b"\0" + key).hexdigest()[:16]
        copies = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        for copy, content in zip(copies, (pem, key), strict=True):
            draft = copy.with_name(f".{copy.name}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            draft.replace(copy)
        before, self._handed = self._handed, copies
        for old in self._folder.glob("*.*"):  # those of the last change are kept: the proxy may just read them
            if old not in copies and old not in (before or ()):
                old.unlink(missing_ok=True)
        return copies


def automatic(place: Path) -> Iterator[tuple[str, bytes]]:
    """Hosts and certificates (PEM) that the proxy got itself.

    Parameters
    ----------
    place
        File where it keeps them.

    Raises
    ------
    ValueError, OSError
        It cannot be read.
    """
    resolvers = json.loads(place.read_bytes() or b"{}")
    for resolver in resolvers.values():
        for each in resolver.get("Certificates") or ():
            yield str(each["domain"]["main"]), base64.b64decode(each["certificate"])


def _look_of(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size
