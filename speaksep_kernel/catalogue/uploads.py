"""Uploads that come in pieces: what has come of them, piece by piece, so that any process can go on."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Protocol

from sqlalchemy import Connection, Row, delete, insert, select, update

from speaksep_kernel.catalogue.locks import lock_owner
from speaksep_kernel.catalogue.tables import parts, uploads
from speaksep_kernel.catalogue.values import Quota, Upload
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.transactions import Transactions

_FIELDS = tuple(each.name for each in fields(Upload))


class QuotaCheck(Protocol):
    """Refuses what would be too much."""

    def __call__(self, connection: Connection, owner: str, more_bytes: int, quota: Quota | None) -> None:
        """Raise `CapacityError`."""


class Uploads:
    """The part of a `speaksep_kernel.catalogue.catalogue.Catalogue` that is about uploads under way."""

    def __init__(self, transactions: Transactions, clock: Callable[[], float], check_quota: QuotaCheck) -> None:
        self._transactions, self._clock, self._check_quota = transactions, clock, check_quota

    def begin(
        self,
        owner: str,
        name: str,
        length: int,
        *,
        keep_s: float,
        sha256: str | None = None,
        quota: Quota | None = None,
        key: str | None = None,
    ) -> Upload:
        """Announce a recording; its bytes count as used from now on.

        Parameters
        ----------
        owner, name
            Whose, and a plain file name.
        length
            In bytes.
        keep_s
            How long it may take, from each piece on.
        sha256
            What it must come to.
        quota
            What the owner may keep.
        key
            Idempotency key: a second announcement with it is the first one's upload.

        Raises
        ------
        CapacityError
            Reason ``quota-bytes`` or ``quota-recordings``.
        InputError
            Reason ``key-conflict``: the key was used for another upload.
        """

        def work(connection: Connection) -> Upload:
            now = self._clock()
            lock_owner(connection, owner)
            known = (
                None
                if key is None
                else connection.execute(select(uploads).where(_mine(owner), uploads.c.key == key)).first()
            )
            if known is not None:
                if (known.name, known.length, known.sha256) != (name, length, sha256):
                    raise InputError(
                        f"idempotency key {key!r} was used for another upload",
                        reason="key-conflict",
                        hint="give every upload a key of its own",
                    )
                return _upload(known)
            self._check_quota(connection, owner, length, quota)
            new = {
                "id": secrets.token_hex(16), "owner": owner, "key": key, "name": name, "length": length, "received": 0,
                "sha256": sha256, "created_at": now, "expires_at": now + keep_s,
            }  # fmt: skip
            return _upload(connection.execute(insert(uploads).values(**new).returning(*uploads.c)).one())

        return self._transactions.run(work)

    def get(self, owner: str, upload: str) -> Upload:
        """An upload of somebody.

        Raises
        ------
        InputError
            Reason ``unknown-upload``: there is none, it is another's, or its time is over.
        """
        mine = (uploads.c.id == upload, _mine(owner), uploads.c.expires_at > self._clock())
        found = self._transactions.read(select(uploads).where(*mine))
        if not found:
            raise unknown(upload)
        return _upload(found[0])

    def advance(self, upload: Upload, start: int, length: int, place: str, *, keep_s: float) -> Upload:
        """Note that a piece has come, which is stored: of several that begin at one byte, the first counts.

        Parameters
        ----------
        start, length
            Of the piece, in bytes.
        place
            Its key in the store.
        keep_s
            How long the next one may take.

        Raises
        ------
        StoreError
            Reason ``offset-conflict``: the upload is not where the piece begins; what was stored is not needed.
        """

        def work(connection: Connection) -> Upload:
            here = (uploads.c.id == upload.id, uploads.c.received == start, uploads.c.recording.is_(None))
            moved = update(uploads).where(*here).values(received=start + length, expires_at=self._clock() + keep_s)
            row = connection.execute(moved.returning(*uploads.c)).first()
            if row is None:
                raise offset_conflict(upload, start)
            connection.execute(insert(parts).values(upload=upload.id, start=start, place=place))
            return _upload(row)

        return self._transactions.run(work)

    def places(self, upload: str) -> list[str]:
        """Keys of the pieces that have come, in their order."""
        wanted = select(parts.c.place).where(parts.c.upload == upload).order_by(parts.c.start)
        return [row.place for row in self._transactions.read(wanted)]

    def drop(self, upload: str) -> None:
        """Forget an upload; its pieces are removed from the store by whoever calls this, before."""
        self._transactions.run(lambda connection: connection.execute(delete(uploads).where(uploads.c.id == upload)))

    def forget_parts(self, upload: str) -> None:
        """Forget the pieces of an upload that has become a recording; how far it came can still be asked for."""
        self._transactions.run(lambda connection: connection.execute(delete(parts).where(parts.c.upload == upload)))

    def expired(self) -> list[Upload]:
        """Uploads whose time is over."""
        wanted = select(uploads).where(uploads.c.expires_at <= self._clock())
        return [_upload(row) for row in self._transactions.read(wanted)]


def unknown(upload: str) -> InputError:
    """The error for an upload that does not exist, or is another's."""
    return InputError(
        f"no upload {upload[:40]!r}",
        reason="unknown-upload",
        hint="its time may be over, or it was cancelled: begin anew",
    )


def offset_conflict(upload: Upload, start: int) -> StoreError:
    """The error for a piece that does not begin where the upload stands."""
    return StoreError(
        f"upload {upload.id} is not at byte {start}",
        reason="offset-conflict",
        hint="ask where it is, and go on from there",
    )


def _mine(owner: str) -> Any:
    return uploads.c.owner == owner


def _upload(row: Row[Any]) -> Upload:
    return Upload(**{name: getattr(row, name) for name in _FIELDS})
