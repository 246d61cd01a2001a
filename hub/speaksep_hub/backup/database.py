"""A database as one file that SQLite or PostgreSQL can be filled from: rows as lines of JSON, as of one moment."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, func, insert, inspect, select, text
from sqlalchemy.engine import URL

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.database import explained

Row = dict[str, Any]
Seen = Callable[[str, Row], object]
Changed = Callable[[str, Row], Row | None]
_BATCH = 500


def dump(url: URL, place: Path, seen: Seen) -> dict[str, int]:
    """Copy a database while others use it.

    Parameters
    ----------
    url
        SQLite or PostgreSQL.
    place
        File to write: gzip; its first line says what the others are.
    seen
        Called with each table's name and row.

    Returns
    -------
    Rows of each table.

    Raises
    ------
    StoreError
        Reason ``store-damaged``, ``store-unreachable`` or ``store-failed``.
    """
    counts: dict[str, int] = {}
    with _moment(url) as connection, gzip.GzipFile(place, "wb", compresslevel=6, mtime=0) as file:
        tables = MetaData()
        tables.reflect(connection)
        versions = {
            name: connection.execute(text(f"SELECT version_num FROM {name}")).scalar()
            for name in tables.tables
            if name.endswith("_version")
        }
        head = {"speaksep": "tables 1", "versions": versions, "counters": _counters(connection, tables)}
        file.write(_line(head))
        for table in tables.sorted_tables:
            if table.name in versions or table.name.startswith("sqlite_"):
                continue
            counts[table.name] = 0
            rows = connection.execution_options(yield_per=_BATCH).execute(select(table).order_by(*table.primary_key))
            for row in rows.mappings():
                seen(table.name, dict(row))
                file.write(_line([table.name, {name: _plain(value) for name, value in row.items()}]))
                counts[table.name] += 1
    return counts


def head_of(lines: Iterator[bytes]) -> dict[str, Any]:
    """What a copy says of itself; the lines after it are its rows.

    Raises
    ------
    StoreError
        Reason ``backup-damaged``.
    """
    found = json.loads(next(lines, b"null"))
    if not isinstance(found, dict) or found.get("speaksep") != "tables 1":
        raise StoreError("that is no copy of a database", reason="backup-damaged", hint="take another backup")
    return found


def lines_of(data: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a copy, from its bytes.

    Raises
    ------
    StoreError
        Reason ``backup-damaged``.
    """
    unpacking, held = zlib.decompressobj(31), b""
    try:
        for chunk in data:
            *lines, held = (held + unpacking.decompress(chunk)).split(b"\n")
            yield from lines
    except zlib.error as error:
        raise StoreError(
            "a copy of a database is damaged", reason="backup-damaged", hint="take another backup"
        ) from error


def rows_of(lines: Iterable[bytes]) -> Iterator[tuple[str, Row]]:
    """Each row with the name of its table."""
    for line in lines:
        name, row = json.loads(line)
        yield name, {column: _rich(value) for column, value in row.items()}


def fill(engine: Engine, lines: Iterator[bytes], head: Mapping[str, Any], changed: Changed) -> dict[str, int]:
    """Put the rows of a copy into tables of the same version, in one transaction.

    Parameters
    ----------
    engine
        Of a database whose tables are there and have no rows.
    lines, head
        From `head_of`.
    changed
        What a row becomes here; ``None`` leaves it out.

    Returns
    -------
    Rows of each table.
    """
    counts: dict[str, int] = {}
    with explained(engine), engine.execution_options(writes=True).begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for name, rows in groupby(rows_of(lines), key=lambda each: each[0]):
            kept = (new for _, row in rows if (new := changed(name, row)) is not None)
            counts[name] = 0
            while some := list(islice(kept, _BATCH)):
                connection.execute(insert(tables.tables[name]), some)
                counts[name] += len(some)
        _count_on(connection, tables, head["counters"])
    return counts


def refuse_filled(engine: Engine, *, without: Iterable[str] = ()) -> None:
    """Refuse a database where somebody has something already.

    Raises
    ------
    InputError
        Reason ``not-empty``.
    """
    with explained(engine), engine.begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name.endswith("_version") or table.name in without or table.name.startswith("sqlite_"):
                continue
            if connection.execute(select(func.count()).select_from(table)).scalar():
                raise InputError(
                    f"there are {table.name} in {engine.url.render_as_string()} already",
                    reason="not-empty",
                    hint="a backup is restored where nothing is: move the old database away",
                )


@contextmanager
def _moment(url: URL) -> Iterator[Connection]:
    """The database as it is now, however long it is read and whoever changes it meanwhile."""
    if url.get_backend_name() != "sqlite":
        engine = create_engine(
            url,
            isolation_level="REPEATABLE READ",
            connect_args={"connect_timeout": 10},
            execution_options={"postgresql_readonly": True},
        )
        with explained(engine), closing_engine(engine), engine.begin() as connection:
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix="speaksep-backup-") as folder:
        copy = Path(folder, "copy.sqlite")
        engine = create_engine(URL.create("sqlite", database=str(copy)))
        with explained(engine), closing_engine(engine):
            _copy(Path(str(url.database)), copy)
            with engine.connect() as connection:
                yield connection


def _copy(source: Path, target: Path) -> None:
    # SQLite's own: whole, and nobody waits for it longer than for a write of theirs.
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=30)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        if (said := new.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise StoreError(
                f"the database {source} is damaged: {said}",
                reason="store-damaged",
                hint="restore the newest backup; the damaged file is left as it is",
            )
        new.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def closing_engine(engine: Engine) -> Iterator[Engine]:
    """Its connections, closed at the end."""
    try:
        yield engine
    finally:
        engine.dispose()


def _counters(connection: Connection, tables: MetaData) -> dict[str, int]:
    """The highest number that was ever given to a row, by table: none is given twice."""
    if connection.dialect.name == "sqlite":
        if not inspect(connection).has_table("sqlite_sequence"):
            return {}
        found = connection.execute(text("SELECT name, seq FROM sqlite_sequence")).all()
        return {name: number for name, number in found if name in tables.tables}
    sequences = (
        (table.name, connection.execute(_SEQUENCE, {"name": table.name, "key": column.name}).scalar())
        for table in tables.sorted_tables
        for column in table.primary_key
    )
    last = text("SELECT last_value FROM pg_sequences WHERE format('%I.%I', schemaname, sequencename) = :name")
    numbers = {table: connection.execute(last, {"name": name}).scalar() for table, name in sequences if name}
    return {table: int(number) for table, number in numbers.items() if number}


_SEQUENCE = text("SELECT pg_get_serial_sequence(:name, :key)")


def _count_on(connection: Connection, tables: MetaData, counters: Mapping[str, int]) -> None:
    if connection.dialect.name == "sqlite":
        if "sqlite_sequence" in tables.tables or inspect(connection).has_table("sqlite_sequence"):
            for name, number in counters.items():
                connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
                new = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)")
                connection.execute(new, {"name": name, "number": number})
        return
    for table in tables.sorted_tables:
        for column in table.primary_key:
            if sequence := connection.execute(_SEQUENCE, {"name": table.name, "key": column.name}).scalar():
                highest = connection.execute(select(func.max(column))).scalar() or 0
                if number := max(highest, counters.get(table.name, 0)):
                    connection.execute(text("SELECT setval(:name, :number)"), {"name": sequence, "number": number})


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
        case datetime():
            return {"time": value.isoformat()}
        case _:
            return value


def _rich(value: Any) -> Any:
    match value:
        case {"bytes": str(words)}:
            return base64.b64decode(words)
        case {"time": str(words)}:
            return datetime.fromisoformat(words)
        case _:
            return value
