"""The catalogue: who has which recording, and lets others see what.

The bytes are in a `speaksep_kernel.store.store.Store`, once each.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from speaksep_kernel.catalogue.locks import lock_bytes, lock_owner
from speaksep_kernel.catalogue.notices import Notices
from speaksep_kernel.catalogue.remarks import Remarks
from speaksep_kernel.catalogue.shares import Shares
from speaksep_kernel.catalogue.tables import SCHEMA, claims, recordings, uploads
from speaksep_kernel.catalogue.uploads import Uploads
from speaksep_kernel.catalogue.values import Quota, StoredRecording, Usage
from speaksep_kernel.errors import CapacityError, InputError
from speaksep_kernel.jobs.database import BUSY, default_place, migrate, place_of, url_of
from speaksep_kernel.jobs.transactions import Transactions
from speaksep_kernel.recording.inspection import Sound
from speaksep_kernel.store import keys

CLAIM_S = 86400.0
"""How long bytes that are being stored are spared at most, should their bringer be killed."""

_FIELDS = tuple(each.name for each in fields(StoredRecording))


class Catalogue:
    """Recordings and uploads by owner, in the database of the job table; any number of processes share it.

    Whoever asks gives the owner: what is another's is as unknown as what does not exist.

    Attributes
    ----------
    uploads
        Those that are under way.
    shares, remarks
        What people let others see, and what those say about it.
    notices
        What people are told when their jobs end.

    Examples
    --------
    >>> import tempfile
    >>> with Catalogue.open(tempfile.mkdtemp() + "/jobs.sqlite3") as catalogue:
    ...     with catalogue.claim("ab" * 32) as claim:
    ...         sound = Sound(seconds=1.5, rate_hz=16000, channels=1, format="WAV")
    ...         recording, new = catalogue.add("ada", "talk.wav", claim, 48044, sound)
    ...     catalogue.get("ada", recording.id).name, new, catalogue.usage("ada").bytes
    ('talk.wav', True, 48044)
    """

    def __init__(self, transactions: Transactions, *, clock: Callable[[], float]) -> None:
        self._transactions, self._clock = transactions, clock
        self.uploads = Uploads(transactions, clock, self._check_quota)
        self.shares = Shares(transactions, clock)
        self.remarks = Remarks(transactions, clock)
        self.notices = Notices(transactions, clock)

    @classmethod
    def open(
        cls, place: str | Path | None = None, *, patience_s: float = 30.0, clock: Callable[[], float] = time.time
    ) -> Self:
        """Open the catalogue; its tables are made, or brought to this version, where they have to be.

        Parameters
        ----------
        place
            As of `speaksep_kernel.jobs.queue.JobTable.open`.
        patience_s
            How long a locked, full or unreachable database is waited for.
        clock
            Seconds since 1970.

        Raises
        ------
        InputError
            Reason ``bad-database`` or ``missing-package``.
        StoreError
            It cannot be opened: see `speaksep_kernel.jobs.database.explained`, as from all methods.
        """
        transactions = Transactions(url_of(place or default_place()), patience_s=patience_s)
        try:
            transactions.patiently(lambda: migrate(transactions.engine, schema=SCHEMA), faults=BUSY)
        except BaseException:
            transactions.close()
            raise
        return cls(transactions, clock=clock)

    @property
    def url(self) -> str:
        """Path or URL that opens it elsewhere; holds the password, if there is one."""
        return place_of(self._transactions.url)

    def close(self) -> None:
        """Close all connections; it can still be used, it opens new ones."""
        self._transactions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Bringing something in

    def claim(self, sha256: str) -> Claim:
        """A context manager around storing bytes: meanwhile nobody removes them from the store."""
        return Claim(self._transactions, keys.blob(sha256)[-64:], self._clock)

    def add(
        self,
        owner: str,
        name: str,
        claim: Claim,
        size_bytes: int,
        sound: Sound,
        *,
        quota: Quota | None = None,
        keep_s: float | None = None,
        upload: str | None = None,
    ) -> tuple[StoredRecording, bool]:
        """Note that somebody has a recording, whose bytes are stored.

        Parameters
        ----------
        owner, name
            Whose, and a plain file name.
        claim
            On its bytes.
        size_bytes, sound
            What it is.
        quota
            What the owner may keep.
        keep_s
            How long it is kept; for ever if ``None``. One that is there already is kept longer.
        upload
            Id of the upload that it was: that becomes this recording.

        Returns
        -------
        The recording, and whether it is new: the same bytes of one owner are one recording, under its first name.

        Raises
        ------
        CapacityError
            Reason ``quota-bytes`` or ``quota-recordings``.
        """

        def work(connection: Connection) -> tuple[StoredRecording, bool]:
            now = self._clock()
            until = None if keep_s is None else now + keep_s
            lock_owner(connection, owner)
            mine = (recordings.c.owner == owner, recordings.c.sha256 == claim.sha256)
            known = connection.execute(select(recordings).where(*mine)).first()
            if known is not None:
                longer = None if until is None or known.expires_at is None else max(until, known.expires_at)
                changed = update(recordings).where(*mine).values(expires_at=longer).returning(*recordings.c)
                made = connection.execute(changed).one()
            else:
                self._check_quota(connection, owner, size_bytes, quota, without=upload)
                about = {"seconds": sound.seconds, "rate_hz": sound.rate_hz, "channels": sound.channels}
                new = about | {
                    "id": secrets.token_hex(8), "owner": owner, "sha256": claim.sha256, "name": name,
                    "bytes": size_bytes, "format": sound.format, "created_at": now, "expires_at": until,
                }  # fmt: skip
                made = connection.execute(insert(recordings).values(**new).returning(*recordings.c)).one()
            if upload is not None:
                done = update(uploads).where(uploads.c.id == upload, uploads.c.owner == owner)
                connection.execute(done.values(recording=made.id))
            return _recording(made), known is None

        return self._transactions.run(work)

    # Looking at it

    def get(self, owner: str, recording: str) -> StoredRecording:
        """A recording of somebody.

        Raises
        ------
        InputError
            Reason ``unknown-recording``: there is none, or it is another's.
        """
        found = self._transactions.read(
            select(recordings).where(recordings.c.id == recording, recordings.c.owner == owner)
        )
        if not found:
            raise unknown(recording)
        return _recording(found[0])

    def find(self, owner: str, sha256: str) -> StoredRecording | None:
        """The recording of somebody that has these bytes, if there is one."""
        mine = (recordings.c.owner == owner, recordings.c.sha256 == sha256)
        found = self._transactions.read(select(recordings).where(*mine))
        return _recording(found[0]) if found else None

    def recordings(self, owner: str, *, limit: int = 100, before: int | None = None) -> list[StoredRecording]:
        """Recordings of somebody, the newest first; those that came before the one with a ``number``."""
        older = () if before is None else (recordings.c.number < before,)
        wanted = select(recordings).where(recordings.c.owner == owner, *older)
        return [
            _recording(row) for row in self._transactions.read(wanted.order_by(recordings.c.number.desc()).limit(limit))
        ]

    def usage(self, owner: str) -> Usage:
        """How much somebody keeps, results not counted."""
        return self._transactions.run(lambda connection: _usage(connection, owner), writes=False)

    def check_quota(self, owner: str, more_bytes: int, quota: Quota) -> None:
        """Refuse what would be too much as things stand; `add` and `Uploads.begin` ask again.

        Raises
        ------
        CapacityError
            Reason ``quota-bytes`` or ``quota-recordings``.
        """
        self._transactions.run(lambda connection: self._check_quota(connection, owner, more_bytes, quota), writes=False)

    def owners(self) -> list[str]:
        """Everybody who has a recording or an upload."""
        both = select(recordings.c.owner).union(select(uploads.c.owner))
        return sorted(row.owner for row in self._transactions.read(both))

    def expired(self) -> list[StoredRecording]:
        """Recordings whose time is over."""
        wanted = select(recordings).where(recordings.c.expires_at <= self._clock())
        return [_recording(row) for row in self._transactions.read(wanted.order_by(recordings.c.expires_at))]

    def abandoned(self) -> list[str]:
        """Hashes of bytes that somebody began to store and never spoke of again."""
        wanted = select(claims.c.sha256).where(claims.c.until <= self._clock()).distinct()
        return [row.sha256 for row in self._transactions.read(wanted)]

    # Taking something out

    def remove(self, owner: str, recording: str, gone: Callable[[str], object]) -> StoredRecording:
        """Forget a recording.

        Parameters
        ----------
        gone
            Called with every key of the store that nobody has any more, while nobody else can claim it: `Store.remove`.
            It must be quick and leave the catalogue alone. What it raises leaves the recording as it was.

        Raises
        ------
        InputError
            Reason ``unknown-recording``.
        """
        known = self.get(owner, recording)

        def work(connection: Connection) -> StoredRecording:
            lock_bytes(connection, known.sha256)
            mine = (recordings.c.id == recording, recordings.c.owner == owner)
            if connection.execute(delete(recordings).where(*mine)).rowcount == 0:
                raise unknown(recording)
            same = (recordings.c.sha256 == known.sha256,)
            if not _any(connection, recordings, *same, recordings.c.name == known.name):
                gone(keys.named(known.sha256, known.name))
            claimed = _any(connection, claims, claims.c.sha256 == known.sha256, claims.c.until > self._clock())
            if not claimed and not _any(connection, recordings, *same):
                gone(keys.blob(known.sha256))
            return known

        return self._transactions.run(work)

    def unclaimed(self, sha256: str, gone: Callable[[str], object]) -> None:
        """Remove stored bytes that nobody has: what is left where a recording was stored and then refused."""

        def work(connection: Connection) -> None:
            lock_bytes(connection, sha256)
            connection.execute(delete(claims).where(claims.c.until <= self._clock()))
            if not _any(connection, claims, claims.c.sha256 == sha256) and not _any(
                connection, recordings, recordings.c.sha256 == sha256
            ):
                gone(keys.blob(sha256))

        self._transactions.run(work)

    # How it is done

    def _check_quota(
        self, connection: Connection, owner: str, more_bytes: int, quota: Quota | None, without: str | None = None
    ) -> None:
        """Refuse what would be too much; the owner is locked. ``without`` is an upload that becomes a recording now."""
        if quota is None:
            return
        usage = _usage(connection, owner, without)
        used = usage.bytes + usage.announced_bytes
        if used + more_bytes > quota.bytes:
            raise CapacityError(
                f"{more_bytes} bytes more than the {used} that are kept would exceed the quota of {quota.bytes}",
                reason="quota-bytes",
                hint="delete recordings that are not needed any more, or ask for more room",
            )
        if usage.recordings >= quota.recordings:
            raise CapacityError(
                f"{usage.recordings} recordings and uploads are kept, which is the quota",
                reason="quota-recordings",
                hint="delete recordings that are not needed any more, or ask for more room",
            )


class Claim:
    """See `Catalogue.claim`."""

    def __init__(self, transactions: Transactions, sha256: str, clock: Callable[[], float]) -> None:
        self.sha256 = sha256
        self._transactions, self._clock, self._token = transactions, clock, secrets.token_hex(16)

    def __enter__(self) -> Self:
        def work(connection: Connection) -> None:
            lock_bytes(connection, self.sha256)
            until = self._clock() + CLAIM_S
            connection.execute(insert(claims).values(token=self._token, sha256=self.sha256, until=until))

        self._transactions.run(work)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        mine = delete(claims).where(claims.c.token == self._token)
        self._transactions.run(lambda connection: connection.execute(mine))


def unknown(recording: str) -> InputError:
    """The error for a recording that does not exist, or is another's."""
    return InputError(f"no recording {recording[:40]!r}", reason="unknown-recording", hint="list your recordings")


def _usage(connection: Connection, owner: str, without: str | None = None) -> Usage:
    kept = select(func.count(), func.coalesce(func.sum(recordings.c.bytes), 0)).where(recordings.c.owner == owner)
    count, size_bytes = connection.execute(kept).one()
    coming = (
        uploads.c.owner == owner,
        uploads.c.recording.is_(None),
        *(() if without is None else (uploads.c.id != without,)),
    )
    announced = select(func.count(), func.coalesce(func.sum(uploads.c.length), 0)).where(*coming)
    open_count, announced_bytes = connection.execute(announced).one()
    return Usage(int(count) + int(open_count), int(size_bytes), int(announced_bytes))


def _any(connection: Connection, table: Any, *which: ColumnElement[bool]) -> bool:
    return connection.execute(select(table).where(*which).limit(1)).first() is not None


def _recording(row: Row[Any]) -> StoredRecording:
    return StoredRecording(**{name: getattr(row, name) for name in _FIELDS})
