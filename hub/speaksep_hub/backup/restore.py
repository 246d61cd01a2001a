"""A platform is made again from a backup, where nothing is: files first, then the databases that name them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Engine

from speaksep_hub.backup.database import Row, closing_engine, fill, head_of, lines_of, refuse_filled
from speaksep_hub.backup.files import chunks
from speaksep_hub.backup.hub_database import as_after_a_restart, empty_hub
from speaksep_hub.backup.places import Places
from speaksep_hub.backup.values import Listing, Summary
from speaksep_hub.backup.vault import Vault
from speaksep_hub.local.folder import Folder
from speaksep_hub.settings import Settings
from speaksep_kernel.catalogue.tables import SCHEMA
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.database import JOBS, engine_of, migrate
from speaksep_kernel.store import keys
from speaksep_kernel.store.faults import explained

BEGUN = "restoring.json"
"""In the folder of the hub while a restore is not finished; the same backup may go on."""
_BEING_SENT = frozenset({"uploads", "upload_parts", "claims"})
_ADDRESSES = ("parameters", "output", "result", "report", "error", "about")


@dataclass(frozen=True)
class Restored:
    """What was put back: rows of each table by database, files and their bytes."""

    rows: dict[str, dict[str, int]]
    files: int
    bytes: int


def restore(settings: Settings, vault: Vault, summary: Summary) -> Restored:
    """Put everything of a backup where the settings say.

    What is there already and the same is left alone, so one that was interrupted can go on.

    Raises
    ------
    InputError
        Reason ``already-up``: a platform runs here; ``not-empty``: there is something that it would overwrite.
    StoreError
        Reason ``backup-damaged``: files are missing, and nothing was touched; ``other-jupyterhub``, ``store-newer``.
    """
    listing = vault.listing(summary)
    _refuse_incomplete(vault, summary, listing)
    folder = Folder.open(settings.hub.folder)
    lock = folder.claim(url="restore")
    try:
        places, begun = Places.of(settings), folder.path / BEGUN
        going_on = begun.is_file() and begun.read_text() == summary.id
        hub = jobs = None
        if "hub" in listing.databases:
            copy = lines_of(vault.read(listing.databases["hub"][0]))
            head = head_of(copy)
            hub = _unless(going_on, lambda: empty_hub(places.hub, head, summary.jupyterhub))
        if "jobs" in listing.databases:
            jobs = _unless(going_on, lambda: _empty_jobs(places))
        begun.write_text(summary.id)
        putting = _Putting(places, vault)
        putting.files(listing)
        rows = {}
        if hub is not None:
            with closing_engine(hub):
                rows["hub"] = fill(hub, copy, head, as_after_a_restart)
        if jobs is not None:
            rows["jobs"] = putting.jobs(jobs, listing)
        begun.unlink()
    finally:
        os.close(lock)
    return Restored(rows, putting.count, putting.bytes)


class _Putting:
    def __init__(self, places: Places, vault: Vault) -> None:
        self.places, self.vault, self.count, self.bytes = places, vault, 0, 0

    def files(self, listing: Listing) -> None:
        """Recordings, results and folders."""
        for room, files in listing.rooms.items():
            for path, (sha256, size_bytes) in files.items():
                match room:
                    case "blobs":
                        self._stored(keys.blob(path), sha256, size_bytes)
                    case "results":
                        self._stored(path, sha256, size_bytes)
                    case "settings":
                        self._placed(self.places.tokens if path == "tokens.toml" else self._aside(path), sha256)
                    case "voices" | "audit" | "homes":
                        self._placed(_below(self.places.folders[room], path), sha256)
                self.count += 1
                self.bytes += size_bytes

    def jobs(self, engine: Engine, listing: Listing) -> dict[str, int]:
        """The job table and the catalogue, brought to today's version."""
        lines = lines_of(self.vault.read(listing.databases["jobs"][0]))
        head = head_of(lines)
        moved = _Moved(listing.places, self.places.addresses)
        lost = set(listing.lost)
        with closing_engine(engine):
            for schema in (JOBS, SCHEMA):
                if revision := head["versions"].get(schema.version_table):
                    try:
                        migrate(engine, revision, schema)
                    except CommandError:
                        raise StoreError(
                            f"the backup's {schema.name} has revision {revision!r}, which this SpeakSep does not know",
                            reason="store-newer",
                            hint="update SpeakSep",
                        ) from None

            def changed(table: str, row: Row) -> Row | None:
                if table in _BEING_SENT:
                    return None
                if table == "recordings" and keys.blob(row["sha256"]) not in lost:
                    self.places.store.name(row["sha256"], row["name"])
                return moved.row(row) if table == "jobs" else row

            rows = fill(engine, lines, head, changed)
            for schema in (JOBS, SCHEMA):
                migrate(engine, schema=schema)
        return rows

    def _stored(self, key: str, sha256: str, size_bytes: int) -> None:
        store = self.places.store
        if store.exists(key) and store.size_bytes(key) == size_bytes:
            return
        with store.incoming(key) as file:
            for chunk in self.vault.read(sha256):
                file.write(chunk)
            file.seal()
            store.put(file.path, key)

    def _placed(self, path: Path, sha256: str) -> None:
        with explained(str(path.parent)):
            if path.exists():
                if b"".join(chunks(path)) == b"".join(self.vault.read(sha256)):
                    return
                raise InputError(
                    f"{path} is there already, and not the one of the backup",
                    reason="not-empty",
                    hint="a backup is restored where nothing is: move it away",
                )
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.part")
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for chunk in self.vault.read(sha256):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)

    def _aside(self, path: str) -> Path:
        """Settings are the administrator's: they lie there to be compared, and are not in force."""
        return _below(self.places.root / "restored", path)


@dataclass(frozen=True)
class _Moved:
    """Addresses in the rows of jobs, as they are here."""

    before: Mapping[str, str]
    now: Mapping[str, str]

    def row(self, row: Row) -> Row:
        if self.before == self.now:
            return row
        return row | {name: json.dumps(self._value(json.loads(row[name]))) for name in _ADDRESSES if row.get(name)}

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                for name, old in self.before.items():
                    if value == old or value.startswith(f"{old}/"):
                        return self.now[name] + value[len(old) :]
                return value
            case list():
                return [self._value(each) for each in value]
            case dict():
                return {name: self._value(each) for name, each in value.items()}
            case _:
                return value


def _unless(going_on: bool, work: Callable[[], Engine]) -> Engine | None:
    """``None`` where it was filled before the restore was interrupted."""
    try:
        return work()
    except InputError as error:
        if error.reason != "not-empty" or not going_on:
            raise
        return None


def _empty_jobs(places: Places) -> Engine:
    engine = engine_of(places.jobs, patience_s=30.0)
    refuse_filled(engine)
    return engine


def _refuse_incomplete(vault: Vault, summary: Summary, listing: Listing) -> None:
    missing = [
        sha256
        for sha256, size_bytes in listing.all().items()
        if vault.size_bytes(sha256) != vault.expected_bytes(size_bytes)
    ]
    if missing:
        raise StoreError(
            f"{len(missing)} files of backup {summary.id} are missing or cut off, {missing[0]} first",
            reason="backup-damaged",
            hint="take another backup; nothing was touched",
        )


def _below(folder: Path, path: str) -> Path:
    found = folder / path
    if ".." in Path(path).parts or Path(path).is_absolute():
        raise keys.bad(path)
    return found
