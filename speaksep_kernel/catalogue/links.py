"""Links that lead to shares: whoever has one may look, until it is over."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from speaksep_kernel.catalogue.share import Link, Share, bad, checked_title
from speaksep_kernel.catalogue.tables import share_links
from speaksep_kernel.errors import CapacityError, InputError
from speaksep_kernel.jobs.transactions import Transactions

MOST_LINKS = 200
"""Of one share, those that are over included."""

_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_FIELDS = tuple(each.name for each in fields(Link))


class Links:
    """The links of a `speaksep_kernel.catalogue.shares.Shares`.

    What a link reads is 256 bits of chance. Of it only the SHA-256 is kept, so that nobody who reads the database can
    follow a link.
    """

    def __init__(
        self,
        transactions: Transactions,
        clock: Callable[[], float],
        owned: Callable[[Connection, str, str], Row[Any]],
        read: Callable[[str], Share | None],
    ) -> None:
        self._transactions, self._clock, self._owned, self._read = transactions, clock, owned, read

    def new(self, owner: str, share: str, expires_at: float | None = None, *, note: str = "") -> tuple[Link, str]:
        """Make a link.

        Parameters
        ----------
        owner, share
            Whose, and where it leads.
        expires_at
            Until when it works, in seconds since 1970; as long as the share, if ``None`` or later than that.
        note
            For whom it is, in words that only the owner sees.

        Returns
        -------
        The link, and what it reads: nobody can tell that again.

        Raises
        ------
        InputError
            Reasons ``unknown-share``, ``bad-share``, and ``revoked-share`` or ``expired-share``: that is over.
        CapacityError
            Reason ``too-many-links``.
        """
        now, words = self._clock(), checked_title(note)
        if expires_at is not None and not now < expires_at < float("inf"):
            raise bad(f"expires_at is {expires_at}", "give a time to come, in seconds since 1970, or none")
        token = secrets.token_urlsafe(_BYTES)

        def work(connection: Connection) -> Link:
            row = self._owned(connection, owner, share)
            if row.revoked_at is not None:
                raise InputError(f"share {share} was revoked", reason="revoked-share", hint="make another share")
            if row.expires_at is not None and row.expires_at <= now:
                raise InputError(f"share {share} is over", reason="expired-share", hint="let it last longer first")
            count = select(func.count()).select_from(share_links).where(share_links.c.share == row.id)
            if connection.execute(count).scalar_one() >= MOST_LINKS:
                raise CapacityError(
                    f"{MOST_LINKS} links to this share were made", reason="too-many-links", hint="make another share"
                )
            new = {
                "id": secrets.token_hex(8), "share": row.id, "sha256": _sha256(token), "note": words,
                "created_at": now, "expires_at": expires_at,
            }  # fmt: skip
            return _link(connection.execute(insert(share_links).values(**new).returning(*share_links.c)).one())

        return self._transactions.run(work), token

    def list(self, owner: str, share: str) -> Sequence[Link]:
        """Links to a share of somebody, the newest first, those that are over included.

        Raises
        ------
        InputError
            Reason ``unknown-share``.
        """

        def work(connection: Connection) -> Sequence[Link]:
            row = self._owned(connection, owner, share)
            wanted = select(share_links).where(share_links.c.share == row.id).order_by(share_links.c.number.desc())
            return [_link(each) for each in connection.execute(wanted)]

        return self._transactions.run(work, writes=False)

    def revoke(self, owner: str, share: str, link: str) -> Link:
        """End a link; twice is once.

        Raises
        ------
        InputError
            Reasons ``unknown-share`` and ``unknown-link``.
        """

        def work(connection: Connection) -> Link:
            row = self._owned(connection, owner, share)
            this = and_(share_links.c.share == row.id, share_links.c.id == (link if link.isalnum() else ""))
            fresh = update(share_links).where(this, share_links.c.revoked_at.is_(None))
            connection.execute(fresh.values(revoked_at=self._clock()))
            found = connection.execute(select(share_links).where(this)).first()
            if found is None:
                raise _unknown("the share has no such link")
            return _link(found)

        return self._transactions.run(work)

    def follow(self, token: str) -> Share:
        """Where a link leads.

        Raises
        ------
        InputError
            Reason ``unknown-link``: there is none that reads so; ``expired-link`` and ``revoked-link``: it, or its
            share, is over.
        """
        if not _TOKEN.fullmatch(token):
            raise _unknown("this is no link of a share")
        found = self._transactions.read(select(share_links).where(share_links.c.sha256 == _sha256(token)))
        share = self._read(found[0].share) if found else None
        if share is None:
            raise _unknown("this is no link of a share")
        states = {_link(found[0]).state(self._clock()), share.state(self._clock())}
        for state in ("revoked", "expired"):
            if state in states:
                over = {"revoked": "was revoked", "expired": "is over"}[state]
                raise InputError(
                    f"this link {over}", reason=f"{state}-link", hint="ask whoever gave it to you for another"
                )
        return share


def living(now: float) -> ColumnElement[bool]:
    """Links that have not ended by themselves."""
    lasts = or_(share_links.c.expires_at.is_(None), share_links.c.expires_at > now)
    return and_(share_links.c.revoked_at.is_(None), lasts)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _unknown(error: str) -> InputError:
    return InputError(error, reason="unknown-link", hint="copy the whole link, or ask for another")


def _link(row: Row[Any]) -> Link:
    return Link(**{name: getattr(row, name) for name in _FIELDS})
