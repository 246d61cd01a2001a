"""What people who look at something say about it: votes, and comments at a time."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, select, update

from speaksep_kernel.catalogue.locks import lock_owner
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.catalogue.tables import remarks
from speaksep_kernel.errors import CapacityError, InputError
from speaksep_kernel.jobs.job import LONGEST_WORD
from speaksep_kernel.jobs.transactions import Transactions

LONGEST_COMMENT = 2000
"""Characters."""
MOST, MOST_OF_ONE = 20_000, 2_000
"""Votes and comments of one place, by all and by one reader; all who did not sign in are one."""

VOTE, COMMENT = "vote", "comment"


@dataclass(frozen=True, kw_only=True)
class Vote:
    """What somebody chose; of several for one item by one person the last counts.

    Attributes
    ----------
    reader
        Who; empty for somebody with a link who did not sign in: each of those votes counts by itself.
    item, choice
        Of what, and what: words of the dashboard that asks.
    made_at
        Seconds since 1970 (UTC).
    """

    reader: str
    item: str
    choice: str
    made_at: float


@dataclass(frozen=True, kw_only=True)
class Comment:
    """What somebody wrote.

    Attributes
    ----------
    id
        Rises with every remark.
    reader, text
        Who, and what; as of `Vote`.
    at_s
        About which second of the recording; ``None``: about all of it.
    made_at
        Seconds since 1970 (UTC).
    """

    id: int
    reader: str
    text: str
    at_s: float | None
    made_at: float


class Remarks:
    """The part of a `speaksep_kernel.catalogue.catalogue.Catalogue` that is about what people say of what they look at.

    Everything belongs to a share and to what is seen there: a recording that is opened from a shared collection has
    comments of its own. What an owner says of something that is shared with nobody belongs to that thing. Whether
    somebody may see the share is asked by whoever calls.
    """

    def __init__(self, transactions: Transactions, clock: Callable[[], float]) -> None:
        self._transactions, self._clock = transactions, clock

    def vote(self, share: Share, reader: str, item: str, choice: str, key: str) -> Vote:
        """Note what somebody chose.

        Parameters
        ----------
        share, reader
            Where, and who.
        item, choice
            Of what, and what.
        key
            Idempotency key: what comes a second time with it is the first one, and changes nothing.

        Raises
        ------
        InputError
            Reason ``bad-remark``, or ``key-conflict``: the key was used for something else.
        CapacityError
            Reason ``too-many-remarks``.
        """
        _check("item", item)
        _check("choice", choice)
        return _vote(self._add(share, reader, VOTE, item, choice, None, key))

    def comment(self, share: Share, reader: str, text: str, at_s: float | None, key: str) -> Comment:
        """Note what somebody wrote; parameters and errors as of `vote`.

        Parameters
        ----------
        text
            Up to `LONGEST_COMMENT` characters.
        at_s
            About which second; all of it, if ``None``.
        """
        words = text.strip()
        plain = words.replace("\n", "").replace("\t", "").replace("\r", "")
        if not words or len(words) > LONGEST_COMMENT or "\0" in plain or not _encodes(plain):
            raise _bad(f"a comment of {len(words)} characters", f"write 1 to {LONGEST_COMMENT} characters")
        if at_s is not None and not (math.isfinite(at_s) and at_s >= 0):
            raise _bad(f"at_s is {at_s}", "give seconds from the beginning, or none")
        return _comment(self._add(share, reader, COMMENT, "", words, at_s, key))

    def votes(self, share: Share) -> list[Vote]:
        """Votes that count, in the order in which they were made."""
        last: dict[tuple[str, Any], Vote] = {}
        for row in self._rows(share, VOTE):
            who = (row.item, row.reader or row.number)
            last.pop(who, None)
            last[who] = _vote(row)
        return list(last.values())

    def tally(self, share: Share) -> dict[str, dict[str, int]]:
        """How many chose what, by item."""
        counted: dict[str, Counter[str]] = {}
        for vote in self.votes(share):
            counted.setdefault(vote.item, Counter())[vote.choice] += 1
        return {item: dict(choices) for item, choices in counted.items()}

    def comments(self, share: Share) -> list[Comment]:
        """Comments that are left, the oldest first."""
        return [_comment(row) for row in self._rows(share, COMMENT)]

    def all_comments(self, share: Share) -> list[Comment]:
        """Comments on a share and on everything that was opened from it, the oldest first."""
        here = (remarks.c.share == share.id, remarks.c.owner == share.owner, *_LEFT, remarks.c.sort == COMMENT)
        wanted = select(remarks).where(*here).order_by(remarks.c.number)
        return [_comment(row) for row in self._transactions.read(wanted)] if share.id else self.comments(share)

    def remove_comment(self, share: Share, reader: str, comment: int) -> None:
        """Take a comment back: one's own; as the owner of the share, anybody's. Twice is once.

        Raises
        ------
        InputError
            Reason ``unknown-comment``: there is none, or it is another's.
        """
        this = and_(remarks.c.share == share.id, remarks.c.owner == share.owner, remarks.c.sort == COMMENT)
        this = and_(this, remarks.c.number == (comment if 0 < comment < 1 << 63 else 0))
        if reader != share.owner or not reader:
            this = and_(this, remarks.c.reader == reader, remarks.c.reader != "")

        def work(connection: Connection) -> None:
            gone = update(remarks).where(this).values(words="", removed_at=self._clock())
            if connection.execute(gone).rowcount == 0:
                raise InputError(
                    f"no comment {comment} of yours", reason="unknown-comment", hint="look at the page again"
                )

        self._transactions.run(work)

    def version(self, share: Share) -> str:
        """Changes whenever something is said or taken back; cheap."""
        counts = select(func.max(remarks.c.number), func.count(remarks.c.removed_at)).where(_here(share))
        return "-".join(str(count or 0) for count in self._transactions.read(counts)[0])

    # How it is done

    def _rows(self, share: Share, sort: str) -> list[Row[Any]]:
        wanted = select(remarks).where(_here(share), remarks.c.sort == sort, *_LEFT).order_by(remarks.c.number)
        return list(self._transactions.read(wanted))

    def _add(
        self, share: Share, reader: str, sort: str, item: str, words: str, at_s: float | None, key: str
    ) -> Row[Any]:
        _check("key", key)
        new = {
            "share": share.id, "place": place_of(share), "owner": share.owner, "reader": reader, "sort": sort,
            "item": item, "words": words, "at_s": at_s, "key": key, "made_at": self._clock(),
        }  # fmt: skip

        def work(connection: Connection) -> Row[Any]:
            lock_owner(connection, f"remarks {place_of(share)}")
            mine = and_(_here(share), remarks.c.reader == reader, remarks.c.key == key)
            known = connection.execute(select(remarks).where(mine)).first()
            if known is not None:
                same = (known.sort, known.item) == (sort, item) and known.words in (words, "")
                if not same:
                    raise InputError(
                        f"key {key!r} was used for something else", reason="key-conflict", hint="make a new key"
                    )
                return known
            counts = select(func.count(), func.count().filter(remarks.c.reader == reader)).where(_here(share))
            by_all, by_one = connection.execute(counts).one()
            if by_all >= MOST or by_one >= MOST_OF_ONE:
                raise CapacityError(
                    f"{by_all} votes and comments were made here, {by_one} of them by the same reader",
                    reason="too-many-remarks",
                    hint=f"at most {MOST}, and {MOST_OF_ONE} of one reader: have it shared anew",
                )
            return connection.execute(insert(remarks).values(**new).returning(*remarks.c)).one()

        return self._transactions.run(work)


def place_of(share: Share) -> str:
    """What remarks are about."""
    subject = json.dumps([share.owner, share.kind, share.what], sort_keys=True)
    return hashlib.sha256(subject.encode()).hexdigest()


def _here(share: Share) -> ColumnElement[bool]:
    return and_(remarks.c.share == share.id, remarks.c.place == place_of(share))


_LEFT = (remarks.c.removed_at.is_(None),)


def _check(name: str, value: object) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_WORD or not value.isprintable():
        raise _bad(f"{name} is {str(value)[:60]!r}", f"give 1 to {LONGEST_WORD} printable characters")


def _encodes(words: str) -> bool:
    """Whether text can be stored: half a character of UTF-16 cannot."""
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bad(error: str, hint: str) -> InputError:
    return InputError(error, reason="bad-remark", hint=hint)


def _vote(row: Row[Any]) -> Vote:
    return Vote(reader=row.reader, item=row.item, choice=row.words, made_at=row.made_at)


def _comment(row: Row[Any]) -> Comment:
    return Comment(id=row.number, reader=row.reader, text=row.words, at_s=row.at_s, made_at=row.made_at)
