"""Who may read metrics: whoever has the token that Prometheus has, which nobody else need know to check it."""

from __future__ import annotations

import hashlib
import hmac

from speaksep_hub.local.folder import Folder
from speaksep_hub.settings import Settings

SECRET = "metrics"
"""Name of the token's file among the secrets of the folder."""
KEY = "SPEAKSEP_METRICS_KEY"
"""Environment variable of workers: what their metrics are opened with, as `key_of`. Notebooks of jobs may read it."""


def key_of(token: str) -> str:
    """What a token is checked with: its SHA-256, which is no secret since the token is 32 random bytes."""
    return hashlib.sha256(token.encode()).hexdigest()


def key(settings: Settings) -> str:
    """What the platform's own token is checked with; empty while there is none."""
    given = settings.secrets.metrics
    if given is not None:
        return key_of(given.get_secret_value())
    place = Folder(settings.hub.kept()).path / "secrets" / SECRET
    try:
        return key_of(place.read_text(encoding="ascii").strip())
    except OSError:
        return ""


def opens(authorization: str, wanted: str) -> bool:
    """Whether a header has the token.

    Parameters
    ----------
    authorization
        The header.
    wanted
        As `key`; an empty one is opened by nothing.

    Examples
    --------
    >>> opens("Bearer abc", key_of("abc")), opens("Bearer abd", key_of("abc")), opens("Bearer ", "")
    (True, False, False)
    """
    kind, _, token = authorization.partition(" ")
    return bool(wanted) and kind.lower() == "bearer" and hmac.compare_digest(key_of(token.strip()), wanted)
