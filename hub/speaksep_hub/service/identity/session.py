"""Browsers that signed in: a sealed cookie that any process of the service can open, and the proof that a request was
sent by a page of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import HTTPConnection
from starlette.responses import Response

from speaksep_hub.service.errors import NotAllowed
from speaksep_hub.service.identity.revoked import Revoked
from speaksep_hub.service.identity.signing import SigningKeys
from speaksep_hub.service.place import Place

SESSION = "speaksep-session"
XSRF = "speaksep-xsrf"
XSRF_HEADER = "X-XSRFToken"
_SAFE = ("GET", "HEAD", "OPTIONS")
_NONCE_BYTES = 12


@dataclass(frozen=True)
class Session:
    """A browser that somebody signed in with.

    Attributes
    ----------
    id
        32 hexadecimal digits.
    secret
        The token that the hub gave for it.
    made_at
        Seconds since 1970.
    """

    id: str
    secret: str
    made_at: float


class Sessions:
    """Makes and reads the cookies.

    Parameters
    ----------
    keys
        What seals them.
    place
        Where browsers see the service.
    revoked
        Sessions that were ended.
    life_s
        How long one lasts at most.
    clock
        Seconds since 1970; for tests.
    """

    def __init__(
        self,
        keys: SigningKeys,
        place: Place,
        revoked: Revoked,
        *,
        life_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._place = place
        self._revoked = revoked
        self._life_s = life_s
        self._clock = clock

    def seal(self, what: dict[str, Any], purpose: str) -> str:
        """A text that only the service can make and read."""
        key, nonce = self._keys.current(), os.urandom(_NONCE_BYTES)
        sealed = AESGCM(key.sealing).encrypt(nonce, json.dumps(what).encode(), purpose.encode())
        return f"{key.id}.{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"

    def unseal(self, text: str, purpose: str) -> dict[str, Any] | None:
        """What was sealed for that purpose; None where it is none of ours."""
        key_id, _, body = text.partition(".")
        key = self._keys.find(key_id)
        if key is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            opened = AESGCM(key.sealing).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            return None
        found: dict[str, Any] = json.loads(opened)
        return found

    def begin(self, response: Response, secret: str) -> Session:
        """Have a browser remember who signed in."""
        session = Session(uuid.uuid4().hex, secret, self._clock())
        sealed = self.seal({"id": session.id, "secret": secret, "made_at": session.made_at}, SESSION)
        self.set_cookie(response, SESSION, sealed, self._life_s)
        self.set_cookie(response, XSRF, self._xsrf(sealed, session), self._life_s, readable=True)
        return session

    def read(self, connection: HTTPConnection) -> Session | None:
        """The session of the browser that sent a request; None where there is none that is worth anything."""
        sealed = connection.cookies.get(SESSION)
        found = None if sealed is None else self.unseal(sealed, SESSION)
        if found is None:
            return None
        session = Session(**found)
        over = self._clock() - session.made_at >= self._life_s
        return None if over or session.id in self._revoked else session

    def end(self, connection: HTTPConnection, response: Response) -> None:
        """Have it forgotten: by the browser, and by us, should somebody have a copy."""
        session = self.read(connection)
        if session is not None:
            self._revoked.add(session.id, session.made_at + self._life_s)
        for name in (SESSION, XSRF):
            self.drop_cookie(response, name)

    def check_own_page(self, connection: HTTPConnection, session: Session) -> None:
        """See that a page of ours sent it: what changes something needs what only such a page can read.

        Raises
        ------
        NotAllowed
            Reason ``xsrf``.
        """
        if connection.scope["type"] == "websocket":
            if not same_origin(connection):
                raise _foreign("its Origin is another")
            return
        if connection.scope["method"] in _SAFE:
            return
        given = connection.headers.get(XSRF_HEADER, "")
        wanted = self._xsrf(connection.cookies[SESSION], session)
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise _foreign(f"the header {XSRF_HEADER} is {'wrong' if given else 'missing'}")

    def set_cookie(self, response: Response, name: str, value: str, life_s: float, *, readable: bool = False) -> None:
        """Give a cookie to the browser, for the service's own addresses."""
        response.set_cookie(
            name,
            value,
            max_age=int(life_s),
            path=self._place.prefix,
            secure=self._place.secure,
            httponly=not readable,
            samesite="strict" if readable else "lax",
        )

    def drop_cookie(self, response: Response, name: str) -> None:
        """Take a cookie back."""
        response.delete_cookie(name, path=self._place.prefix, secure=self._place.secure)

    def _xsrf(self, sealed: str, session: Session) -> str:
        key = self._keys.find(sealed.partition(".")[0])
        return hmac.new(
            key.sealing if key else os.urandom(32), f"xsrf {session.id}".encode(), hashlib.sha256
        ).hexdigest()


def same_origin(connection: HTTPConnection) -> bool:
    """Whether a page of the service's own host sent it, as the browser says."""
    origin = connection.headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == connection.headers.get("host")


def _foreign(why: str) -> NotAllowed:
    return NotAllowed(
        f"the request may have been sent by another page: {why}",
        reason="xsrf",
        hint=f"send the cookie {XSRF} as header {XSRF_HEADER}, or use a token",
    )
