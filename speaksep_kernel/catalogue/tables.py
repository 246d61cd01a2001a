"""The catalogue's tables, in the same database as the jobs."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from speaksep_kernel.jobs.database import Schema
from speaksep_kernel.jobs.job import LONGEST_WORD
from speaksep_kernel.jobs.tables import metadata as jobs_metadata

SCHEMA = Schema("catalogue", "0003", Path(__file__).parent / "migrations", version_table="catalogue_version")
"""The migration that these tables belong to."""

metadata = MetaData(naming_convention=jobs_metadata.naming_convention)

_Count = BigInteger().with_variant(Integer, "sqlite")
_Word = String(LONGEST_WORD)

recordings = Table(
    "recordings",
    metadata,
    Column("number", _Count, primary_key=True),  # order of arrival, whatever the clock says
    Column("id", String(16), nullable=False, unique=True),
    Column("owner", _Word, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("name", _Word, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("rate_hz", Integer, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("format", String(32), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, index=True),
    UniqueConstraint("owner", "sha256"),
    sqlite_autoincrement=True,
)
Index("ix_recordings_owner_number", recordings.c.owner, recordings.c.number)

uploads = Table(
    "uploads",
    metadata,
    Column("number", _Count, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("owner", _Word, nullable=False),
    Column("key", _Word),
    Column("name", _Word, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("recording", String(16)),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    UniqueConstraint("owner", "key"),
    sqlite_autoincrement=True,
)

parts = Table(
    "upload_parts",
    metadata,
    Column("upload", String(32), ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("place", Text, nullable=False),
)

claims = Table(  # bytes that are being stored: nobody removes them meanwhile
    "claims",
    metadata,
    Column("token", String(32), primary_key=True),
    Column("sha256", String(64), nullable=False, index=True),
    Column("until", Float, nullable=False),
)

shares = Table(
    "shares",
    metadata,
    Column("number", _Count, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("owner", _Word, nullable=False),
    Column("key", _Word),
    Column("kind", String(16), nullable=False),
    Column("title", _Word, nullable=False),
    Column("what", Text, nullable=False),
    Column("download", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    UniqueConstraint("owner", "key"),
    sqlite_autoincrement=True,
)
Index("ix_shares_owner_number", shares.c.owner, shares.c.number)

share_people = Table(  # who may see a share
    "share_people",
    metadata,
    Column("share", String(32), ForeignKey("shares.id", ondelete="CASCADE"), primary_key=True),
    Column("sort", String(8), primary_key=True),  # user or group
    Column("name", _Word, primary_key=True),
)
Index("ix_share_people_sort_name", share_people.c.sort, share_people.c.name)

share_links = Table(
    "share_links",
    metadata,
    Column("number", _Count, primary_key=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("share", String(32), ForeignKey("shares.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("sha256", String(64), nullable=False, unique=True),  # of what the link reads, which nobody keeps
    Column("note", _Word, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    sqlite_autoincrement=True,
)

remarks = Table(  # votes and comments, as they were made; of votes the last one counts
    "remarks",
    metadata,
    Column("number", _Count, primary_key=True),
    Column("share", String(32), nullable=False),  # empty: said by the owner, of what is shared with nobody
    Column("place", String(64), nullable=False),  # what it is about
    Column("owner", _Word, nullable=False),
    Column("reader", _Word, nullable=False),
    Column("sort", String(8), nullable=False),  # vote or comment
    Column("item", _Word, nullable=False),
    Column("words", Text, nullable=False),
    Column("at_s", Float),
    Column("key", _Word, nullable=False),
    Column("made_at", Float, nullable=False),
    Column("removed_at", Float),
    UniqueConstraint("share", "place", "reader", "key"),
    sqlite_autoincrement=True,
)
Index("ix_remarks_share_place_number", remarks.c.share, remarks.c.place, remarks.c.number)

notice_wishes = Table(  # what somebody wants to be told of, and where
    "notice_wishes",
    metadata,
    Column("owner", _Word, primary_key=True),
    Column("wishes", Text, nullable=False),
)

notice_reader = Table(  # one row: up to which event of the job table notices are made
    "notice_reader",
    metadata,
    Column("number", _Count, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("number", _Count, primary_key=True),
    Column("owner", _Word, nullable=False),
    Column("about", _Word, nullable=False),  # what ended, and which time
    Column("address", String(64), nullable=False),  # which of the owner's
    Column("facts", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("made_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("held_until", Float),  # somebody is sending it
    Column("told_at", Float),
    Column("error", Text, nullable=False),
    UniqueConstraint("owner", "about", "address"),
    sqlite_autoincrement=True,
)
Index("ix_notices_state_due_at", notices.c.state, notices.c.due_at)
Index("ix_notices_made_at", notices.c.made_at)
