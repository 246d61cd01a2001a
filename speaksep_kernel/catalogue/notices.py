"""What people are told when their jobs end: made from the events of the job table, each one time for each address.

Any number of processes may make and send notices at once: where they are in the events is a row that they share, and
what one of them sends is held by it for a while.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Insert, Row, delete, func, insert, or_, select, update

from speaksep_kernel.catalogue.locks import lock_owner
from speaksep_kernel.catalogue.notice import DROPPED, FAILED, SENT, WAITING, Ended, Notice, Wishes
from speaksep_kernel.catalogue.tables import notice_reader, notice_wishes, notices
from speaksep_kernel.errors import CapacityError
from speaksep_kernel.jobs.overview import GROUP
from speaksep_kernel.jobs.rows import EVENTS, plain
from speaksep_kernel.jobs.states import FINISHED, State
from speaksep_kernel.jobs.tables import events, jobs
from speaksep_kernel.jobs.transactions import Transactions, lock_until_commit

AT_ONCE = 500
"""Ends of jobs that one step looks at."""
MOST_TOGETHER = 100
"""Notices in one message."""
MOST_TRIED = 5
"""How often somebody may have addresses tried in an hour: they may be another's."""

Plan = Callable[[Wishes, Ended], Iterable[tuple[str, float]]]
"""From what somebody wants and what ended to the addresses that are told, and when (seconds since 1970)."""


class Notices:
    """The part of a `speaksep_kernel.catalogue.catalogue.Catalogue` that is about telling people what ended."""

    def __init__(self, transactions: Transactions, clock: Callable[[], float]) -> None:
        self._transactions, self._clock = transactions, clock

    def wishes(self, owner: str) -> Wishes | None:
        """What somebody wants to be told of; None: they never said."""
        return _wishes(self._transactions.read(select(notice_wishes).where(notice_wishes.c.owner == plain(owner))))

    def wish(self, owner: str, wishes: Wishes | None) -> None:
        """Note what somebody wants to be told of, in the place of what was there; None: nothing is known any more."""

        def work(connection: Connection) -> None:
            lock_owner(connection, f"notices {owner}")
            connection.execute(delete(notice_wishes).where(notice_wishes.c.owner == plain(owner)))
            if wishes is not None:
                connection.execute(insert(notice_wishes).values(owner=plain(owner), wishes=json.dumps(wishes)))

        self._transactions.run(work)

    def collect(self, plan: Plan) -> int:
        """Make notices of what ended since the last time; what ended before the first time is not told.

        Parameters
        ----------
        plan
            Who is told where and when.

        Returns
        -------
        How many were made.
        """
        newest = select(func.coalesce(func.max(events.c.seq), 0))
        (known,) = self._transactions.read(select(func.max(notice_reader.c.seq)))[0]
        if known is not None and self._transactions.read(newest)[0][0] <= known:
            return 0  # without a lock, as most of the time

        def work(connection: Connection) -> int:
            lock_owner(connection, _READER)
            lock_until_commit(connection, EVENTS)  # as jobs.rows.noted: none becomes visible later with a lower number
            (seen,) = connection.execute(select(func.max(notice_reader.c.seq))).one()
            (last,) = connection.execute(newest).one()
            if seen is None:
                connection.execute(insert(notice_reader).values(number=1, seq=last))
                return 0
            ends = (events.c.seq > seen, events.c.state.in_(FINISHED))
            wanted = select(events.c.seq, events.c.state.label("then"), jobs).join(jobs).where(*ends)
            found = connection.execute(wanted.order_by(events.c.seq).limit(AT_ONCE)).all()
            read = found[-1].seq if len(found) == AT_ONCE else last
            connection.execute(update(notice_reader).values(seq=read))
            return sum(self._make(connection, ended, plan) for ended in _ended(connection, found))

        return self._transactions.run(work)

    def try_out(self, owner: str, addresses: Collection[str]) -> None:
        """Have something sent to addresses at once, to see whether it arrives.

        Raises
        ------
        CapacityError
            Reason ``too-many-notices``: that was done `MOST_TRIED` times in the last hour.
        """

        def work(connection: Connection) -> None:
            lock_owner(connection, f"notices {owner}")
            now = self._clock()
            tests = (notices.c.owner == plain(owner), notices.c.about.startswith("test "))
            lately = select(func.count(notices.c.about.distinct())).where(*tests, notices.c.made_at > now - 3600)
            done = connection.execute(lately).scalar_one()
            if done >= MOST_TRIED:
                raise CapacityError(
                    f"addresses were tried {done} times in the last hour",
                    reason="too-many-notices",
                    hint="wait an hour",
                )
            test = Ended(owner=plain(owner), about=f"test {secrets.token_hex(8)}", kind="test", id="", notebook="")
            for address in addresses:
                connection.execute(_new(test, address, now, now))

        self._transactions.run(work)

    def claim(self, held_s: float, *, together_s: float = 0.0) -> list[Notice]:
        """Take what is due for one address of one person, to be sent together.

        Parameters
        ----------
        held_s
            Nobody else gets them for so long.
        together_s
            What is due within so many seconds goes along.
        """

        def work(connection: Connection) -> list[Notice]:
            lock_owner(connection, _READER)
            now = self._clock()
            free = or_(notices.c.held_until.is_(None), notices.c.held_until <= now)
            waiting = (notices.c.state == WAITING, free)
            due = select(notices).where(*waiting, notices.c.due_at <= now)
            first = connection.execute(due.order_by(notices.c.due_at).limit(1)).first()
            if first is None:
                return []
            same = (notices.c.owner == first.owner, notices.c.address == first.address)
            soon = notices.c.due_at <= now + together_s
            wanted = select(notices).where(*waiting, *same, soon).order_by(notices.c.number).limit(MOST_TOGETHER)
            found = [notice_of(row) for row in connection.execute(wanted)]
            held = {"held_until": now + held_s, "tries": notices.c.tries + 1}
            connection.execute(update(notices).where(_among(found)).values(held))
            return found

        due = (notices.c.state == WAITING, notices.c.due_at <= self._clock())
        return (
            self._transactions.run(work)
            if self._transactions.read(select(notices.c.number).where(*due).limit(1))
            else []
        )

    def sent(self, which: Collection[Notice]) -> None:
        """They arrived."""
        self._settle(which, state=SENT, told_at=self._clock(), error="")

    def again(self, which: Collection[Notice], due_at: float, error: str) -> None:
        """They did not arrive, and are sent again."""
        self._settle(which, due_at=due_at, error=plain(error))

    def failed(self, which: Collection[Notice], error: str) -> None:
        """They did not arrive, and are not sent again."""
        self._settle(which, state=FAILED, error=plain(error))

    def dropped(self, which: Collection[Notice]) -> None:
        """Their address is no longer wanted."""
        self._settle(which, state=DROPPED)

    def recent(self, owner: str, limit: int) -> list[Notice]:
        """What somebody was told last, or is to be, the newest first."""
        theirs = select(notices).where(notices.c.owner == plain(owner))
        return [
            notice_of(row) for row in self._transactions.read(theirs.order_by(notices.c.number.desc()).limit(limit))
        ]

    def forget(self, older_s: float) -> int:
        """Remove notices that were made so long ago; returns how many those were."""
        old = delete(notices).where(notices.c.made_at <= self._clock() - older_s, notices.c.state != WAITING)
        return self._transactions.run(lambda connection: connection.execute(old).rowcount)

    # How it is done

    def _settle(self, which: Collection[Notice], **values: Any) -> None:
        done = update(notices).where(_among(which), notices.c.state == WAITING).values(held_until=None, **values)
        self._transactions.run(lambda connection: connection.execute(done))

    def _make(self, connection: Connection, ended: Ended, plan: Plan) -> int:
        wishes = _wishes(connection.execute(select(notice_wishes).where(notice_wishes.c.owner == ended.owner)).all())
        made = 0
        for address, due_at in plan(wishes, ended) if wishes else ():
            which = {"owner": ended.owner, "about": ended.about, "address": address}
            known = select(notices.c.number).where(*(notices.c[name] == value for name, value in which.items()))
            if connection.execute(known).first() is None:
                connection.execute(_new(ended, address, self._clock(), due_at))
                made += 1
        return made


_READER = "notices"


def _among(which: Collection[Notice]) -> Any:
    return notices.c.number.in_([each.number for each in which])


def _new(ended: Ended, address: str, now: float, due_at: float) -> Insert:
    words = {"owner": ended.owner, "about": ended.about, "address": address, "facts": json.dumps(asdict(ended))}
    return insert(notices).values(**words, state=WAITING, tries=0, made_at=now, due_at=due_at, error="")


def _wishes(rows: Sequence[Row[Any]]) -> Wishes | None:
    found: Wishes | None = json.loads(rows[0].wishes) if rows else None
    return found


def notice_of(row: Row[Any]) -> Notice:
    """The notice in a row."""
    return Notice(
        number=row.number,
        owner=row.owner,
        address=row.address,
        ended=Ended(**json.loads(row.facts)),
        state=row.state,
        tries=row.tries,
        made_at=row.made_at,
        due_at=row.due_at,
        told_at=row.told_at,
        error=row.error,
    )


def _ended(connection: Connection, found: Sequence[Row[Any]]) -> list[Ended]:
    """What has ended with these jobs: those that are in no batch, and the batches in which nothing is left to do."""
    alone = [_job(row) for row in found if not _in_batch(row.batch)]
    batches = dict.fromkeys((row.owner, row.batch) for row in found if _in_batch(row.batch))
    return [*alone, *(ended for which in batches if (ended := _batch(connection, *which)) is not None)]


def _in_batch(batch: str | None) -> bool:
    return batch is not None and GROUP not in batch


def _job(row: Row[Any]) -> Ended:
    error = row.error or {}
    return Ended(
        owner=row.owner,
        about=f"job {row.id} {row.seq}",
        kind="job",
        id=row.id,
        notebook=row.notebook,
        name=str((row.about or {}).get("name") or ""),
        counts={row.then.value: 1},
        seconds=max(0.0, (row.finished_at or row.created_at) - row.created_at),
        reason=str(error.get("reason", "")) if row.then is State.FAILED else "",
    )


def _batch(connection: Connection, owner: str, batch: str) -> Ended | None:
    theirs = (jobs.c.owner == owner, jobs.c.batch == batch)
    counted = connection.execute(select(jobs.c.state, func.count()).where(*theirs).group_by(jobs.c.state)).all()
    counts = {state: int(number) for state, number in counted}
    if not counts or not counts.keys() <= FINISHED:
        return None
    # Two readers that come to the end one after the other find the same last event: the second adds nothing.
    last = select(func.max(events.c.seq)).join(jobs).where(*theirs, events.c.state.in_(FINISHED))
    times = select(func.min(jobs.c.created_at), func.max(jobs.c.finished_at)).where(*theirs)
    first = connection.execute(select(jobs).where(*theirs).order_by(jobs.c.number).limit(1)).one()
    began, ended = connection.execute(times).one()
    return Ended(
        owner=owner,
        about=f"batch {connection.execute(last).scalar_one()}",
        kind="batch",
        id=batch,
        notebook=first.notebook,
        name=str((first.about or {}).get("batch_name") or ""),
        counts={state.value: number for state, number in counts.items()},
        seconds=max(0.0, (ended or began) - began),
    )
