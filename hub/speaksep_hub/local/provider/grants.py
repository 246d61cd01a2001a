"""Codes that are good once, and tokens that outlive a restart."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import jwt

from speaksep_hub.local.provider.personas import Persona
from speaksep_kernel.errors import InputError

CODE_S = 60.0
TOKEN_S = 30 * 86400
_ALGORITHM = "HS256"
_ACCESS = "speaksep-local-userinfo"


@dataclass(frozen=True)
class _Code:
    persona: Persona
    redirect_uri: str
    challenge: str
    nonce: str
    until: float


@dataclass
class Grants:
    """What was granted.

    Parameters
    ----------
    issuer
        Address of this provider.
    client_id, client_secret
        Of the one client there is: the hub.
    key
        Signs access tokens; kept in a file, so that they are good after a restart.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    key: str = field(repr=False)
    _codes: dict[str, _Code] = field(default_factory=dict, init=False, repr=False)

    def code(self, persona: Persona, *, redirect_uri: str, challenge: str, nonce: str) -> str:
        """A code for the client: good once, for a minute, for this address, for whoever knows the verifier."""
        now = time.monotonic()
        self._codes = {code: found for code, found in self._codes.items() if found.until > now}
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Code(persona, redirect_uri, challenge, nonce, now + CODE_S)
        return code

    def tokens(self, code: str, *, redirect_uri: str, verifier: str) -> dict[str, Any]:
        """What a code is worth: the answer of a token endpoint.

        Raises
        ------
        InputError
            Reason ``invalid_grant``, the word of OAuth 2.0 (RFC 6749, 5.2).
        """
        found = self._codes.pop(code, None)  # good once, also if it is used wrongly
        if found is None or found.until <= time.monotonic():
            raise _invalid("the code is unknown, was used before, or is older than a minute")
        if not secrets.compare_digest(found.redirect_uri.encode(), redirect_uri.encode()):
            raise _invalid("redirect_uri is not the one the code was made for")
        if not secrets.compare_digest(found.challenge.encode(), challenge_of(verifier).encode()):
            raise _invalid("code_verifier does not belong to the code_challenge")
        now = int(time.time())
        common = {"iss": self.issuer, "iat": now, "exp": now + TOKEN_S, **found.persona.claims()}
        access = {**common, "aud": _ACCESS}  # of no address: the provider may have another port tomorrow
        identity = {**common, "aud": self.client_id, **({"nonce": found.nonce} if found.nonce else {})}
        return {
            "access_token": jwt.encode(access, self.key, _ALGORITHM),
            "id_token": jwt.encode(identity, self.client_secret, _ALGORITHM),
            "token_type": "Bearer",
            "expires_in": TOKEN_S,
            "scope": "openid profile groups",
        }

    def claims(self, token: str) -> dict[str, Any]:
        """What an access token says of its owner.

        Raises
        ------
        InputError
            Reason ``invalid_token`` (RFC 6750, 3.1).
        """
        try:
            found = jwt.decode(token, self.key, [_ALGORITHM], audience=_ACCESS)
        except jwt.InvalidTokenError as error:
            raise InputError(f"the token is not good: {error}", reason="invalid_token", hint="sign in again") from None
        return {name: found[name] for name in ("sub", "preferred_username", "name", "groups")}


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _invalid(why: str) -> InputError:
    return InputError(why, reason="invalid_grant", hint="begin again at the hub's sign-in page")
