"""Shares: who lets whom see what, for how long, and by which links."""

from __future__ import annotations

import json
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update

from speaksep_kernel.catalogue.links import Links, living
from speaksep_kernel.catalogue.locks import lock_owner
from speaksep_kernel.catalogue.share import Share, bad, checked_owner, checked_people, checked_title, checked_what
from speaksep_kernel.catalogue.tables import share_links, share_people, shares
from speaksep_kernel.errors import CapacityError, InputError
from speaksep_kernel.jobs.transactions import Transactions

MOST_SHARES = 10_000
"""Of one owner, those that are over included."""

USER, GROUP = "user", "group"
_ID = re.compile(r"[0-9a-f]{32}")
_COPIED = ("id", "owner", "kind", "title", "download", "created_at", "expires_at", "revoked_at")


class Shares:
    """The part of a `speaksep_kernel.catalogue.catalogue.Catalogue` that is about what people let others see.

    Who owns something shares it, lists it, changes it and revokes it: another's share is as unknown as one that does
    not exist. Whether somebody owns what they share is not known here: see `speaksep_kernel.catalogue.subjects`.

    Attributes
    ----------
    links
        Links that lead to shares.
    """

    def __init__(self, transactions: Transactions, clock: Callable[[], float]) -> None:
        self._transactions, self._clock = transactions, clock
        self.links = Links(transactions, clock, self._owned, self.read)

    # The owner

    def create(
        self,
        owner: str,
        kind: str,
        what: Mapping[str, Any],
        *,
        title: str = "",
        users: Iterable[str] = (),
        groups: Iterable[str] = (),
        download: bool = False,
        expires_at: float | None = None,
        key: str | None = None,
    ) -> Share:
        """Let others see something.

        Parameters
        ----------
        owner
            Whose it is.
        kind, what
            What it is: `speaksep_kernel.catalogue.share.checked_what`.
        title
            What the owner calls it.
        users, groups
            Who may see it; nobody yet, if both are empty.
        download
            Whether they may save its files.
        expires_at
            Until when, in seconds since 1970; until it is revoked, if ``None``.
        key
            Idempotency key: a second share of the owner with it is the first one.

        Raises
        ------
        InputError
            Reasons ``bad-share``, ``empty-share``, and ``key-conflict``: the key was used for another share.
        CapacityError
            Reason ``too-many-shares``.
        """
        told = {
            "owner": checked_owner(owner), "kind": kind, "what": json.dumps(checked_what(kind, what), sort_keys=True),
            "title": checked_title(title), "download": download, "expires_at": self._later(expires_at), "key": key,
        }  # fmt: skip
        people = (checked_people("users", users), checked_people("groups", groups))

        def work(connection: Connection) -> Share:
            lock_owner(connection, owner)
            mine = shares.c.owner == owner
            if key is not None:
                known = connection.execute(select(shares).where(mine, shares.c.key == key)).first()
                if known is not None:
                    return self._same(connection, known, told)
            if connection.execute(select(func.count()).select_from(shares).where(mine)).scalar_one() >= MOST_SHARES:
                raise CapacityError(
                    f"{MOST_SHARES} shares were made", reason="too-many-shares", hint="change one that is there"
                )
            new = {**told, "id": secrets.token_hex(16), "created_at": self._clock()}
            row = connection.execute(insert(shares).values(**new).returning(*shares.c)).one()
            _let(connection, row.id, *people)
            return self._read(connection, [row])[0]

        return self._transactions.run(work)

    def list(self, owner: str, *, limit: int = 100, before: str | None = None) -> Sequence[Share]:
        """Shares of somebody, the newest first; those that were made before the one with an id."""
        wanted = select(shares).where(shares.c.owner == _name(owner))
        if before is not None:
            other = shares.alias()
            bound = select(other.c.number).where(other.c.id == _id(before), other.c.owner == _name(owner))
            wanted = wanted.where(shares.c.number < bound.scalar_subquery())
        return self._found(wanted.order_by(shares.c.number.desc()).limit(limit))

    def get(self, owner: str, share: str) -> Share:
        """A share of somebody, whether it is over or not.

        Raises
        ------
        InputError
            Reason ``unknown-share``: there is none, or it is another's.
        """
        found = self._found(select(shares).where(shares.c.id == _id(share), shares.c.owner == _name(owner)))
        if not found:
            raise unknown(share)
        return found[0]

    def change(self, owner: str, share: str, changes: Mapping[str, Any]) -> Share:
        """Change who may see something, until when, and what they may do.

        Parameters
        ----------
        changes
            ``title``, ``users``, ``groups``, ``download`` and ``expires_at``: those that change, as of `create`.

        Raises
        ------
        InputError
            Reasons ``unknown-share``, ``bad-share``, and ``revoked-share``: it is over for good.
        """
        wrong = set(changes) - {"title", "users", "groups", "download", "expires_at"}
        if wrong:
            raise bad(f"{min(wrong)!r} of a share does not change", "make another share")
        values = {name: value for name, value in changes.items() if name not in ("users", "groups")}
        if "title" in values:
            values["title"] = checked_title(values["title"])
        if "expires_at" in values:
            values["expires_at"] = self._later(values["expires_at"])
        people = [checked_people(name, changes[name]) if name in changes else None for name in ("users", "groups")]

        def work(connection: Connection) -> Share:
            row = self._owned(connection, owner, share)
            if row.revoked_at is not None:
                raise revoked(share)
            if values:
                connection.execute(update(shares).where(shares.c.id == row.id).values(**values))
            _let(connection, row.id, *people)
            return self._read(connection, [self._owned(connection, owner, share)])[0]

        return self._transactions.run(work)

    def revoke(self, owner: str, share: str) -> Share:
        """End a share with all its links, for good; twice is once.

        Raises
        ------
        InputError
            Reason ``unknown-share``.
        """

        def work(connection: Connection) -> Share:
            row = self._owned(connection, owner, share)
            fresh = and_(shares.c.id == row.id, shares.c.revoked_at.is_(None))
            connection.execute(update(shares).where(fresh).values(revoked_at=self._clock()))
            return self._read(connection, [self._owned(connection, owner, share)])[0]

        return self._transactions.run(work)

    # Whoever looks

    def visible(self, name: str, groups: Collection[str] = (), *, limit: int = 200) -> Sequence[Share]:
        """What others let somebody see now, by name or by a group; the newest first."""
        now = self._clock()
        fresh = and_(shares.c.revoked_at.is_(None), or_(shares.c.expires_at.is_(None), shares.c.expires_at > now))
        wanted = select(shares).where(fresh, shares.c.owner != _name(name), _for(name, groups))
        return self._found(wanted.order_by(shares.c.number.desc()).limit(limit))

    def open(self, share: str, name: str, groups: Collection[str] = ()) -> Share:
        """A share, for somebody who wants to see it: its owner, one of its users, or a member of one of its groups.

        Raises
        ------
        InputError
            Reason ``unknown-share``: there is none, or it is not for them, which is not told apart; for those whom it
            was for, ``expired-share`` and ``revoked-share``.
        """
        allowed = or_(shares.c.owner == _name(name), _for(name, groups))
        found = self._found(select(shares).where(shares.c.id == _id(share), allowed))
        if not found:
            raise unknown(share)
        state = found[0].state(self._clock())
        if state == "revoked":
            raise revoked(share)
        if state == "expired":
            raise InputError(
                f"share {share} is over", reason="expired-share", hint=f"ask {found[0].owner} to share it again"
            )
        return found[0]

    def new_link(self, owner: str, share: str, expires_at: float | None = None, *, note: str = "") -> str:
        """What a new link to a share reads; see `Links.new`, which tells its id, too."""
        return self.links.new(owner, share, expires_at, note=note)[1]

    def follow(self, token: str) -> Share:
        """Where a link leads; see `Links.follow`."""
        return self.links.follow(token)

    # How it is done

    def read(self, share: str) -> Share | None:
        """A share by its id, whoever asks; for those who have made sure of that otherwise."""
        return next(iter(self._found(select(shares).where(shares.c.id == _id(share)))), None)

    def _found(self, wanted: Any) -> Sequence[Share]:
        return self._transactions.run(
            lambda connection: self._read(connection, connection.execute(wanted).all()), writes=False
        )

    def _read(self, connection: Connection, rows: Sequence[Row[Any]]) -> Sequence[Share]:
        ids = [row.id for row in rows]
        if not ids:
            return []
        people: defaultdict[tuple[str, str], tuple[str, ...]] = defaultdict(tuple)
        wanted = select(share_people).where(share_people.c.share.in_(ids)).order_by(share_people.c.name)
        for each in connection.execute(wanted):
            people[each.share, each.sort] += (each.name,)
        with_link = select(share_links.c.share).where(share_links.c.share.in_(ids), living(self._clock())).distinct()
        linked = {row.share for row in connection.execute(with_link)}
        return [
            Share(
                **{name: getattr(row, name) for name in _COPIED},
                what=json.loads(row.what),
                users=people[row.id, USER],
                groups=people[row.id, GROUP],
                link=row.id in linked and row.revoked_at is None,
            )
            for row in rows
        ]

    def _owned(self, connection: Connection, owner: str, share: str) -> Row[Any]:
        mine = select(shares).where(shares.c.id == _id(share), shares.c.owner == _name(owner))
        row = connection.execute(mine).first()
        if row is None:
            raise unknown(share)
        return row

    def _same(self, connection: Connection, known: Row[Any], told: Mapping[str, Any]) -> Share:
        if any(getattr(known, name) != told[name] for name in ("kind", "what")):
            raise InputError(
                f"idempotency key {told['key']!r} was used for another share",
                reason="key-conflict",
                hint="give every share a key of its own",
            )
        return self._read(connection, [known])[0]

    def _later(self, expires_at: float | None) -> float | None:
        if expires_at is not None and not self._clock() < expires_at < _FOR_EVER:
            raise bad(f"expires_at is {expires_at}", "give a time to come, in seconds since 1970, or none")
        return expires_at


_FOR_EVER = 2.0**40
"""Seconds since 1970 that no clock will show; what is more, or not a number, was a mistake."""


def unknown(share: str) -> InputError:
    """The error for a share that does not exist, or is not for who asks."""
    return InputError(f"no share {share[:40]!r}", reason="unknown-share", hint="ask whoever sent you here to share it")


def revoked(share: str) -> InputError:
    """The error for a share that its owner has ended."""
    return InputError(f"share {share} was revoked", reason="revoked-share", hint="ask its owner to share it again")


def _id(share: str) -> str:
    """An id that a query may have: what cannot be one is like one that nobody has."""
    return share if _ID.fullmatch(share) else ""


def _name(word: str) -> str:
    """A name that a query may have; nobody is called what cannot be one."""
    return word if word.isprintable() else ""


def _for(name: str, groups: Collection[str]) -> ColumnElement[bool]:
    """Shares that name somebody, or a group of theirs."""
    one = and_(share_people.c.sort == USER, share_people.c.name == _name(name))
    many = and_(share_people.c.sort == GROUP, share_people.c.name.in_(list(map(_name, groups))))
    return shares.c.id.in_(select(share_people.c.share).where(or_(one, many)))


def _let(
    connection: Connection, share: str, users: Sequence[str] | None = None, groups: Sequence[str] | None = None
) -> None:
    """Note who may see a share; None leaves that as it is."""
    for sort, names in ((USER, users), (GROUP, groups)):
        if names is None:
            continue
        connection.execute(delete(share_people).where(share_people.c.share == share, share_people.c.sort == sort))
        if names:
            connection.execute(insert(share_people), [{"share": share, "sort": sort, "name": name} for name in names])
