"""Takes out of a text what no log may have: secrets, places of people's files, and data.

What our own code logs has none of it. This is for what others write: messages of libraries, and of errors.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LONGEST = 1000
"""Characters of a text; a longer one is data."""
SECRET, PLACE, DATA = "‹secret›", "‹path›", "‹data›"
"""What is there instead."""

_SECRET_NAMES = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|DSN|_KEY$", re.IGNORECASE)
_SHORTEST_SECRET = 8
_CODE = {str(Path(each)) for each in (sys.prefix, sys.base_prefix, Path(__file__).parents[2])}

_QUERY = re.compile(r"\?[^\s'\"<>]*=[^\s'\"<>]*")
_NAMED = re.compile(
    r"\b(authorization|cookie|[a-z_-]*(?:token|secret|password|passwd|api_?key|xsrf))"
    r"(['\"]?\s*[=:]\s*['\"]?)(?:(?:bearer|token|basic)\s+)?[^\s&'\",;)}\]]{4,}",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@'\"]+@")
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")
_RANDOM = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-zA-Z])[\w]{32,}(?![\w-])")
_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{120,}|(?:-?\d+\.\d+(?:e[+-]?\d+)?[,\s]+){6,}")
_QUOTED = re.compile(r"(['\"])(?:file://)?(/(?!/)[^'\"]*)\1")
_PATH = re.compile(r"(?<![\w:/.<…›-])(?:file://)?(/[^\s'\"<>|:;,()\[\]{}/]+(?:/[^\s'\"<>|:;,()\[\]{}]*)?)")
_IN_A_SERVER = re.compile(r"(/user(?:-redirect)?/[^/\s'\"]+/(?:api/)?[^/\s'\"]+)/[^\s'\"]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def cleaned(text: str, *, random: bool = False) -> str:
    """A text without secrets, places of files and data, in one line.

    Parameters
    ----------
    text
        What somebody wants to log.
    random
        Whether long words that look as if they were made by chance go, too: in what others write, those are tokens.

    >>> cleaned("GET /hub/login?next=%2F&code=9a7 by token: 1f00aa11")
    'GET /hub/login?… by token: ‹secret›'
    >>> cleaned("cannot open '/home/ann/my talk.wav'")
    "cannot open '‹path›'"
    """
    for secret in _secrets(_environment()):
        text = text.replace(secret, SECRET)
    text = _CONTROLS.sub(" ", text[: 4 * LONGEST]).strip()
    text = _QUERY.sub("?…", text)
    text = _USER_IN_URL.sub("…@", text)
    text = _NAMED.sub(rf"\1\2{SECRET}", text)
    text = _SCHEME.sub(rf"\1 {SECRET}", text)
    text = _JWT.sub(SECRET, text)
    text = _IN_A_SERVER.sub(r"\1/…", text)
    text = _QUOTED.sub(lambda found: f"{found[1]}{_shown(found[2])}{found[1]}", text)
    text = _PATH.sub(lambda found: _shown(found[1]), text)
    if random:
        text = _RANDOM.sub(SECRET, text)
    text = _BLOB.sub(DATA, text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def seen_path(path: str) -> str:
    """The path of an address as logs may have it: what somebody has in their server is nobody's business.

    >>> seen_path("/user/ann/api/contents/my talk.wav"), seen_path("/hub/user-redirect/lab/tree/talk.ipynb")
    ('/user/ann/api/contents/…', '/hub/user-redirect/lab/…')
    """
    return _IN_A_SERVER.sub(r"\1/…", ascii(path)[1:-1].replace(" ", "%20").replace("'", "%27"))


def _shown(path: str) -> str:
    """A path of the machine as it may be logged: of code, from the package on; of anything else, that it was one."""
    for root in _CODE:
        if path.startswith(f"{root}/"):
            inside = path.removeprefix(f"{root}/").partition("site-packages/")
            return inside[2] or inside[0]
    first = path.split("/", 2)[1]
    return PLACE if first in _top() or path.startswith("//") else path


def _environment() -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in _told().items() if len(value) >= _SHORTEST_SECRET)


@cache
def _told() -> Mapping[str, str]:
    """Variables whose names say that they are secret: once, since a process is told at its start."""
    return {name: value for name, value in os.environ.items() if _SECRET_NAMES.search(name)}


@cache
def _secrets(told: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(sorted({value for _, value in told}, key=len, reverse=True))


@cache
def _top() -> frozenset[str]:
    """Folders at the root of this machine: what begins with another word is the path of an address."""
    return frozenset(os.listdir("/"))
