"""Short-lived signed tokens (JWT, RFC 7519) in exchange for a token of the hub.

Whoever has the public keys can check one without asking; the service itself also asks whether the token behind it is
still worth something, and with which scopes. To do that with any of its processes it finds that token, sealed so that
only the service can open it, in the signed one.
"""

from __future__ import annotations

import base64
import math
import os
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from speaksep_hub.scopes import SCOPES, expand
from speaksep_hub.service.errors import NotAllowed
from speaksep_hub.service.identity.caller import MANAGE, Caller
from speaksep_hub.service.identity.revoked import Revoked
from speaksep_hub.service.identity.signing import ALGORITHM, SigningKey, SigningKeys

AUDIENCE = "speaksep"
SEALED = "hub"
"""Claim that holds the sealed token."""

_CLAIMS = ("iss", "aud", "sub", "exp", "iat", "jti", "scope", SEALED)
_NONCE_BYTES = 12


@dataclass(frozen=True)
class Signed:
    """What a signed token says, after its signature and times were checked.

    Attributes
    ----------
    id
        Its own (``jti``).
    name
        Whose it is.
    scopes
        Short names.
    expires_at
        Seconds since 1970.
    parent
        The token behind it.
    """

    id: str
    name: str
    scopes: frozenset[str]
    expires_at: float
    parent: str

    def caller(self, parent: Caller) -> Caller | None:
        """Who has it: never with more than the token behind it has now."""
        if parent.name != self.name:
            return None
        scopes = expand(self.scopes & SCOPES.keys()) & parent.scopes
        id_ = f"{parent.token_id}/{self.id}"
        return Caller(self.name, scopes, "jwt", id_, self.expires_at, self.parent, parent.groups)


class Exchange:
    """Makes and reads signed tokens.

    Parameters
    ----------
    keys
        What signs.
    revoked
        Signed tokens that were ended.
    issuer
        The platform's address.
    life_s
        How long one is worth something, at most.
    clock
        Seconds since 1970; for tests.
    """

    def __init__(
        self,
        keys: SigningKeys,
        revoked: Revoked,
        *,
        issuer: str,
        life_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys
        self._revoked = revoked
        self._issuer = issuer
        self._life_s = life_s
        self._clock = clock

    def make(
        self, caller: Caller, scopes: Iterable[str] | None = None, life_s: float | None = None
    ) -> tuple[str, Signed]:
        """Sign a token for a caller.

        Parameters
        ----------
        caller
            Who asks, by a token of the hub or of the file.
        scopes
            Short names; all of the caller's by default.
        life_s
            Seconds; the longest by default. It never outlives the token behind it.

        Returns
        -------
        The token, and what it says.

        Raises
        ------
        NotAllowed
            Reason ``missing-scope``: the caller does not have one of them; ``not-exchangeable``: it was asked for by a
            browser, or with a signed token, which would live for ever that way.
        """
        if caller.kind not in ("hub-token", "file-token"):
            raise NotAllowed(
                f"a {caller.kind} is not exchanged for a signed token",
                reason="not-exchangeable",
                hint="send the token of the hub itself",
            )
        asked = caller.scopes - {MANAGE} if scopes is None else frozenset(scopes)
        if missing := sorted(asked - (caller.scopes - {MANAGE})):
            raise NotAllowed(
                f"the token of {caller.name} has no scope {', '.join(missing)}",
                reason="missing-scope",
                hint="GET /api/v1/me says which it has",
            )
        now = self._clock()
        ends = min(now + min(life_s or self._life_s, self._life_s), caller.expires_at or float("inf"))
        key = self.keys.current()
        signed = Signed(uuid.uuid4().hex, caller.name, asked, int(ends), caller.secret)
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": signed.name,
            "iat": int(now),
            "exp": int(ends),
            "jti": signed.id,
            "scope": " ".join(sorted(asked)),
            SEALED: _seal(key, signed),
        }
        return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.id}), signed

    def read(self, token: str) -> Signed | None:
        """What a token says; None where it is not one of ours, not whole, or over."""
        try:
            key = self.keys.find(str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key.private.public_key(),
                algorithms=[ALGORITHM],  # never what the token itself names
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False},
            )
            scopes = frozenset(claims["scope"].split())
            signed = Signed(claims["jti"], claims["sub"], scopes, claims["exp"], "")
            parent = _unseal(key, claims[SEALED], signed)
        except (jwt.InvalidTokenError, InvalidTag, ValueError, TypeError, KeyError, AttributeError):
            return None
        if not claims["iat"] - self._life_s <= self._clock() < signed.expires_at or signed.id in self._revoked:
            return None
        return Signed(signed.id, signed.name, scopes, signed.expires_at, parent)

    def left_s(self, signed: Signed) -> int:
        """Seconds that a token is worth something from now on."""
        return max(0, math.ceil(signed.expires_at - self._clock()))

    def revoke(self, caller: Caller) -> None:
        """End the signed token by which somebody is known, before its time.

        Raises
        ------
        StoreError
            Reason ``store-failed``.
        """
        self._revoked.add(_own_id(caller), caller.expires_at or 0.0)

    def over(self, caller: Caller) -> bool:
        """Whether what proved a caller is over by its own date, or was ended if it is a signed token."""
        ended = caller.kind == "jwt" and _own_id(caller) in self._revoked
        return ended or (caller.expires_at is not None and self._clock() >= caller.expires_at)


def looks_signed(secret: str) -> bool:
    """Whether a token has the form of a signed one: three parts with a dot between, of which the first is JSON."""
    return secret.count(".") == 2 and secret.startswith("ey")


def moment(at: float | None) -> str | None:
    """A time as people read it, in UTC.

    >>> moment(60.0)
    '1970-01-01T00:01:00+00:00'
    """
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _own_id(caller: Caller) -> str:
    return caller.token_id.rpartition("/")[2]


def _seal(key: SigningKey, signed: Signed) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key.sealing).encrypt(nonce, signed.parent.encode(), signed.id.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def _unseal(key: SigningKey, sealed: str, signed: Signed) -> str:
    raw = base64.urlsafe_b64decode(sealed)
    return AESGCM(key.sealing).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], signed.id.encode()).decode()
