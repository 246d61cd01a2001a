"""Databases of the job table: where they are, how they are opened and migrated, what their errors mean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.tables import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

BUSY = frozenset({"store-busy", "store-conflict"})
"""Reasons of a StoreError that mean that others use the table."""

TRANSIENT = BUSY | {"store-full", "store-unreachable"}
"""Reasons of a StoreError that may be gone in a minute."""

_LONGEST_TRANSACTION_MS = 300_000
_MIGRATING = 0x53706565  # key of PostgreSQL's advisory lock: "Spee"


@dataclass(frozen=True)
class Schema:
    """Tables that are made and brought up to date together; several such sets may lie in one database.

    Attributes
    ----------
    name
        What they are, for messages.
    revision
        The migration that the tables of the code belong to.
    migrations
        Folder of their Alembic scripts.
    version_table
        Where the database notes its revision of them.
    """

    name: str
    revision: str
    migrations: Path
    version_table: str


JOBS = Schema("job table", REVISION, Path(__file__).parent / "migrations", "alembic_version")


def default_place() -> str:
    """Where the table is when nobody says: ``SPEAKSEP_JOBS`` (a path or a URL), or a file of the user."""
    from platformdirs import user_data_path

    return os.environ.get("SPEAKSEP_JOBS") or str(user_data_path("speaksep") / "jobs.sqlite3")


def url_of(place: str | Path) -> URL:
    """The database that a path or a URL means.

    Raises
    ------
    InputError
        Reason ``bad-database`` or ``missing-package``.
    """
    words = str(place)
    if "://" not in words:
        return URL.create("sqlite", database=str(Path(words).expanduser().absolute()))
    try:
        url = make_url(words)
    except (ArgumentError, ValueError):
        raise InputError("the address of the job table is not a URL", reason="bad-database", hint=_PLACES) from None
    backend = url.get_backend_name()
    if backend in ("postgres", "postgresql"):
        if find_spec("psycopg") is None:
            raise InputError(
                "PostgreSQL needs a package that is not installed: psycopg",
                reason="missing-package",
                hint="pip install 'speaksep[postgresql]'",
            )
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or url.database in (None, "", ":memory:"):
        shown = url.render_as_string(hide_password=True)
        raise InputError(f"no job table can be in {shown!r}", reason="bad-database", hint=_PLACES)
    return url


def place_of(url: URL) -> str:
    """What :func:`url_of` turns into this database again; holds the password, if there is one."""
    if url.get_backend_name() == "sqlite" and not url.query:
        return str(url.database)  # a path may hold what means something else in a URL
    return url.render_as_string(hide_password=False)


_PLACES = "a path, sqlite:///path, or postgresql://user@host/name"


def engine_of(url: URL, *, patience_s: float) -> Engine:
    """Connections to it, with transactions as the table needs them.

    Parameters
    ----------
    url
        From :func:`url_of`.
    patience_s
        How long to wait for another writer.

    Raises
    ------
    StoreError
        Reason ``store-failed``: the file or its folder cannot be made.
    """
    if url.get_backend_name() == "postgresql":
        wait_ms = max(1000, round(1000 * patience_s))
        # A client that is cut off in the middle of a transaction must not hold its rows for ever.
        options = f"-c lock_timeout={wait_ms} -c idle_in_transaction_session_timeout={_LONGEST_TRANSACTION_MS}"
        return create_engine(
            url,
            pool_pre_ping=True,  # a server that was restarted is met with new connections
            isolation_level="READ COMMITTED",
            connect_args={"connect_timeout": max(2, wait_ms // 1000), "options": options},
        )
    file = Path(str(url.database))
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            file.touch(mode=0o600)  # of all users of the machine, nobody else reads what is done here
    except OSError as error:
        raise StoreError(
            f"cannot make the folder or the file of the job table, {str(file)!r}: {error.strerror}",
            reason="store-failed",
            hint="check the path, or name another with SPEAKSEP_JOBS",
        ) from error
    engine = create_engine(url, connect_args={"timeout": patience_s})

    @event.listens_for(engine, "connect")
    def settings(connection: Any, record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: see below
        connection.execute("PRAGMA foreign_keys = ON")
        # What was acknowledged is on the disk: a job that was submitted survives a power cut.
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that will write takes the lock first: one that read before could only fail.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def migrate(engine: Engine, revision: str = "head", schema: Schema = JOBS) -> None:
    """Bring the tables to a revision, up or down, in one transaction; processes that do so at once take turns.

    Parameters
    ----------
    engine
        From :func:`engine_of`.
    revision
        ``"head"``, ``"base"`` (nothing is left) or a number.
    schema
        Which tables.

    Raises
    ------
    StoreError
        Reason ``store-newer`` (a later SpeakSep made it), or what :func:`explained` says.
    """
    with explained(engine):
        if revision == "head":
            with engine.begin() as connection:
                if _revision(connection, schema) == schema.revision:
                    return  # without a lock: a table that is being written to is opened at once
        if engine.dialect.name == "sqlite":
            _write_ahead(engine)
        with engine.execution_options(writes=True).begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            now = _revision(connection, schema)
            if now == schema.revision and revision == "head":
                return
            _run_alembic(connection, schema, now, revision)


def revision_of(engine: Engine, schema: Schema = JOBS) -> str | None:
    """The revision that the database notes of the tables; ``None``: it has none of them.

    Raises
    ------
    StoreError
        As :func:`explained`.
    """
    with explained(engine), engine.begin() as connection:
        return _revision(connection, schema)


def revisions_of(schema: Schema) -> list[str]:
    """All that this version knows of, the oldest first."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    return [each.revision for each in ScriptDirectory.from_config(_scripts(schema, Config())).walk_revisions()][::-1]


def _write_ahead(engine: Engine) -> None:
    # Readers and one writer at once; the file remembers it. Not possible inside a transaction.
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode = WAL")
    finally:
        raw.close()


def _revision(connection: Connection, schema: Schema) -> str | None:
    if not inspect(connection).has_table(schema.version_table):
        return None
    return connection.execute(text(f"SELECT version_num FROM {schema.version_table}")).scalar()


def _run_alembic(connection: Connection, schema: Schema, now: str | None, revision: str) -> None:
    from alembic import command  # a tenth of a second, which a table that is up to date never pays
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = _scripts(schema, Config(attributes={"connection": connection}))
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]  # newest first
    if now is not None and now not in known:
        raise StoreError(
            f"the {schema.name} has revision {now!r}, this SpeakSep knows those up to {known[0]!r}",
            reason="store-newer",
            hint="update SpeakSep, name another table with SPEAKSEP_JOBS, or see: speaksep jobs schema --help",
        )
    down = revision == "base" or (now in known and revision in known and known.index(revision) > known.index(now))
    (command.downgrade if down else command.upgrade)(config, revision)


def _scripts(schema: Schema, config: Config) -> Config:
    config.set_main_option("script_location", str(schema.migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn the database's errors into ours.

    Raises
    ------
    StoreError
        Reason ``store-busy``, ``store-full``, ``store-unreachable``, ``store-conflict`` (all :data:`TRANSIENT`),
        ``store-damaged`` or ``store-failed``.
    """
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:  # the second while connecting
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason, hint = _meaning(cause, cut_off=getattr(error, "connection_invalidated", False))
        raise StoreError(f"job table {_shown(engine)}: {cause}", reason=reason, hint=hint) from error
    except PoolTimeout as error:
        raise StoreError(
            f"job table {_shown(engine)}: too many threads use it", reason="store-busy", hint="use fewer threads"
        ) from error


def _shown(engine: Engine) -> str:
    return str(engine.url.database) if engine.dialect.name == "sqlite" else engine.url.render_as_string()


def _meaning(cause: BaseException | None, *, cut_off: bool) -> tuple[str, str]:
    said = str(cause).lower()
    code = getattr(cause, "sqlstate", None) or ""
    for words, codes, reason, hint in _MEANINGS:
        if any(word in said for word in words) or code.startswith(codes):
            return reason, hint
    if cut_off or (not code and type(cause).__module__.startswith("psycopg")):
        return "store-unreachable", "is the database server running, and its address right?"
    return "store-failed", "check the place of the table and its permissions"


_MEANINGS: tuple[tuple[tuple[str, ...], tuple[str, ...], str, str], ...] = (
    (("database is locked", "table is locked"), ("55P03",), "store-busy", "another process is writing; try again"),
    (("disk is full", "disk i/o error"), ("53",), "store-full", "free some space; nothing was lost"),
    (("not a database", "malformed"), ("XX",), "store-damaged", "restore a copy, or name another table"),
    ((), ("08", "57P"), "store-unreachable", "is the database server running, and its address right?"),
    ((), ("40",), "store-conflict", "two transactions were in each other's way; try again"),
)
