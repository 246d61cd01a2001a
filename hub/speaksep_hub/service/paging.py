"""Long lists, a page at a time: ``?limit=&cursor=`` and ``{"items": [...], "next": cursor or null}``."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from speaksep_kernel.errors import InputError

Item = TypeVar("Item")
LARGEST = 200
"""Most items of a page."""


class Page(BaseModel, Generic[Item]):
    """Some of a list."""

    items: list[Item]
    next: str | None = Field(None, description="`cursor` of the next page; null on the last one.")


@dataclass(frozen=True)
class Wanted:
    """Which page is asked for.

    Attributes
    ----------
    limit
        Most items.
    after
        What the cursor holds, as :func:`cursor_of` was given it; None: the first page.
    """

    limit: int
    after: Any


def wanted(
    limit: Annotated[int, Query(ge=1, le=LARGEST, description="Most items of the page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of the page before.")] = None,
) -> Wanted:
    """The page that a request asks for.

    Raises
    ------
    InputError
        Reason ``bad-cursor``.
    """
    if cursor is None:
        return Wanted(limit, None)
    try:
        return Wanted(limit, json.loads(base64.urlsafe_b64decode(cursor.encode())))
    except (binascii.Error, ValueError, RecursionError):
        raise InputError(
            f"cursor {cursor!r} is none of ours", reason="bad-cursor", hint="give next of the page before, unchanged"
        ) from None


WantedPage = Annotated[Wanted, Depends(wanted)]
"""Type of a route's parameter that takes ``limit`` and ``cursor``."""


def cursor_of(after: Any) -> str:
    """Where the next page begins, as text that nobody needs to understand; ``after`` is JSON-able.

    >>> cursor_of(["2026", 7])
    'WyIyMDI2Iiw3XQ=='
    """
    return base64.urlsafe_b64encode(json.dumps(after, separators=(",", ":")).encode()).decode()
