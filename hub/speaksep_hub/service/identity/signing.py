"""The keys of the service: they sign its tokens and encrypt its cookies, are replaced from time to time, and are shared
by all of its processes through a folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from speaksep_kernel.errors import StoreError

ALGORITHM = "EdDSA"
_TICK_NS = 1_000_000_000
_NAME = re.compile(r"(\d{12,16})-([0-9a-f]{16})\.pem")


@dataclass(frozen=True)
class SigningKey:
    """One of the keys.

    Attributes
    ----------
    id
        Sixteen hexadecimal digits of the hash of its public half: ``kid`` in signed tokens.
    made_at
        Seconds since 1970.
    private
        The key itself; never shown.
    """

    id: str
    made_at: float
    private: Ed25519PrivateKey = field(repr=False, compare=False)

    @property
    def public_jwk(self) -> dict[str, Any]:
        """Its public half, as a JSON Web Key (RFC 8037)."""
        jwk = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**jwk, "kid": self.id, "use": "sig", "alg": ALGORITHM}

    @cached_property
    def sealing(self) -> bytes:
        """32 bytes derived from it, for AES."""
        raw = self.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return HKDF(SHA256(), 32, None, b"speaksep sealing").derive(raw)


class SigningKeys:
    """All keys, in a folder.

    The newest signs. It is replaced when it is old enough; an older one is known for as long as anything that it made
    may be worth something, then removed.

    Parameters
    ----------
    folder
        Made if it is not there; nobody else may enter it.
    period_s
        How long a key signs.
    longest_s
        How long a signed token is worth something at most.
    clock
        Seconds since 1970; for tests.

    Attributes
    ----------
    folder
        As given.
    """

    def __init__(
        self, folder: Path, *, period_s: float, longest_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder
        self._period_s = period_s
        self._longest_s = longest_s
        self._clock = clock
        self._seen: tuple[int, list[SigningKey]] = (-1, [])

    def current(self) -> SigningKey:
        """The key that signs now; made, if there is none or it is too old.

        Raises
        ------
        StoreError
            Reason ``no-signing-keys``: the folder cannot be used.
        """
        keys = self.known()
        if keys and self._clock() - keys[-1].made_at < self._period_s:
            return keys[-1]
        with self._alone():
            keys = self.known()  # another process may have been first
            if keys and self._clock() - keys[-1].made_at < self._period_s:
                return keys[-1]
            return self._make()

    def rotate(self, *, forget: bool = False) -> SigningKey:
        """Sign with a new key from now on.

        Parameters
        ----------
        forget
            Remove the older ones at once, e.g. because somebody has seen them: all that they signed is worth nothing,
            and people sign in anew.
        """
        with self._alone():
            key = self._make()
            for old in self.known()[:-1] if forget else ():
                self._path(old).unlink(missing_ok=True)
            return key

    def find(self, key_id: str) -> SigningKey | None:
        """The key of that id, if it is known (still)."""
        return next((key for key in self.known() if key.id == key_id), None)

    def known(self) -> list[SigningKey]:
        """All keys that are worth something, the oldest first."""
        with _explained(self.folder):
            try:
                changed = self.folder.stat().st_mtime_ns
            except FileNotFoundError:
                return []
            if self._seen[0] != changed:
                found = (_read(path) for path in self.folder.iterdir() if _NAME.fullmatch(path.name))
                # What changes within a tick of the file system's clock looks as if it had not: it is read again.
                settled = time.time_ns() - changed > _TICK_NS
                self._seen = changed if settled else -1, sorted(found, key=lambda key: (key.made_at, key.id))
        keys = self._seen[1]
        over = self._clock() - self._longest_s
        useless = sum(after.made_at <= over for after in keys[1:])
        return keys[useless:]

    def public(self) -> dict[str, Any]:
        """The public halves, as a JSON Web Key Set (RFC 7517), for whoever checks signed tokens by himself."""
        self.current()
        return {"keys": [key.public_jwk for key in self.known()]}

    def _make(self) -> SigningKey:
        private = Ed25519PrivateKey.generate()
        shown = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        key = SigningKey(hashlib.sha256(shown).hexdigest()[:16], self._made_at(), private)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with _explained(self.folder):
            unfinished = self._path(key).with_suffix(".new")
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self._path(key))
            worth = {self._path(each).name for each in self.known()}
            for path in self.folder.iterdir():
                if _NAME.fullmatch(path.name) and path.name not in worth:
                    path.unlink(missing_ok=True)
        return key

    def _made_at(self) -> float:
        """Now, and later than all there are: the newest is the newest also after the clock was put back."""
        self.known()
        last = self._seen[1][-1].made_at if self._seen[1] else 0.0
        return max(round(self._clock(), 3), last + 0.001)

    def _path(self, key: SigningKey) -> Path:
        return self.folder / f"{round(key.made_at * 1000):013d}-{key.id}.pem"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with _explained(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _read(path: Path) -> SigningKey:
    match = _NAME.fullmatch(path.name)
    private = load_pem_private_key(path.read_bytes(), None)
    assert match is not None
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"{path.name} is not an Ed25519 key")
    return SigningKey(match[2], int(match[1]) / 1000, private)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise StoreError(
            f"the signing keys in {str(folder)!r} cannot be used: {error}",
            reason="no-signing-keys",
            hint="give the service a folder of its own that it may write: service.signing",
        ) from error
