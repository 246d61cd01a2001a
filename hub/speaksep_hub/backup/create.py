"""A backup is made while the platform runs.

The databases are read first, each at one moment; then everything that they name is kept. Recordings and results never
change once a database names them, so what is read later is what was named then. What was removed in between is missed:
then the databases are read again, until they name nothing that is not there.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path

from speaksep_hub.backup.database import dump
from speaksep_hub.backup.files import chunks, keep_folder, keep_trail
from speaksep_hub.backup.named import Named
from speaksep_hub.backup.places import Places, is_there
from speaksep_hub.backup.values import Listing, Summary, new_id
from speaksep_hub.backup.vault import Vault
from speaksep_hub.settings import Settings, hidden
from speaksep_hub.settings.toml import as_toml
from speaksep_kernel.errors import StoreError
from speaksep_kernel.store import keys

PATIENCE_S = 20.0
"""So long what is named and not there may be something that is being removed; later it is lost."""
_GONE = ("not-stored", "store-damaged")


def create(settings: Settings, vault: Vault) -> Summary:
    """Make a backup of the platform with these settings.

    Raises
    ------
    InputError
        Reason ``backup-under-way``: old ones are being removed.
    StoreError
        A database, the store or the place of the backups does not answer, is full or damaged. There is no backup then.
    """
    begun_s, backup = time.monotonic(), new_id()
    over = vault.begin(f"{backup}.making", beside=".pruning")
    try:
        making = _Making(Places.of(settings), vault)
        made_at = making.databases_and_store()
        making.folders(settings)
        listing = making.listing()
        summary = Summary(
            id=backup,
            made_at=made_at,
            took_s=round(time.monotonic() - begun_s, 2),
            speaksep=version("speaksep"),
            jupyterhub=version("jupyterhub"),
            sealed=vault.sealed,
            rows=making.rows,
            files=len(making.databases) + sum(map(len, making.rooms.values())),
            bytes=sum(listing.all().values()),
            new_files=making.new_files,
            new_bytes=making.new_bytes,
            lost=len(making.lost),
            listing=vault.write_listing(backup, listing),
        )
        vault.write_summary(summary)
    finally:
        with suppress(StoreError):
            over()
    return summary


class _Making:
    def __init__(self, places: Places, vault: Vault) -> None:
        self.places, self.vault = places, vault
        self.rows: dict[str, dict[str, int]] = {}
        self.databases: dict[str, tuple[str, int]] = {}
        self.rooms: dict[str, dict[str, tuple[str, int]]] = {}
        self.stamps: dict[str, str] = {}
        self.lost: frozenset[str] = frozenset()
        self.new_files = self.new_bytes = 0
        earlier = vault.summaries()
        self._before = vault.listing(earlier[0]) if earlier else Listing(places={})
        self._results: dict[str, tuple[str, dict[str, tuple[str, int]]]] = {}

    def databases_and_store(self) -> datetime:
        """Databases that name nothing that is not kept; when they were read."""
        with tempfile.TemporaryDirectory(prefix="speaksep-backup-") as folder:
            begun_s = time.monotonic()
            for look in count(1):
                made_at, named = datetime.now(UTC), Named(self.places.store)
                copies = dict(self._read(Path(folder), named))
                before, self.lost = self.lost, self._keep_store(named)
                waited_s = time.monotonic() - begun_s
                if not self.lost or (waited_s > PATIENCE_S and self.lost <= before):
                    break
                if waited_s > 10 * PATIENCE_S and look > 1:  # a slow first look says nothing of changes
                    raise StoreError(
                        f"things are removed from {self.places.store.url} faster than they can be copied",
                        reason="store-changing",
                        hint="make the backup when retention does not run",
                    )
                time.sleep(PATIENCE_S / 100)
            for name, copy in copies.items():
                self.databases[name] = self._counted(*self.vault.keep(lambda copy=copy: chunks(copy)))  # type: ignore[misc]
        return made_at

    def folders(self, settings: Settings) -> None:
        """Voice books, the trail, the settings without secrets; homes if they are wanted."""
        folders = self.places.folders
        found = {
            "voices": keep_folder(self.vault, folders["voices"]),
            "audit": keep_trail(self.vault, folders["audit"]),
        }
        shown = as_toml(hidden(settings)).encode()
        found["settings"] = {"settings.toml": self.vault.keep(lambda: [shown])}
        if self.places.tokens.is_file():
            found["settings"]["tokens.toml"] = self.vault.keep(lambda: chunks(self.places.tokens))
        if settings.backup.homes:
            found["homes"] = keep_folder(self.vault, folders["homes"])
        for room, files in found.items():
            self.rooms[room] = {path: self._counted(*kept) for path, kept in files.items()}

    def listing(self) -> Listing:
        """What it holds."""
        return Listing(
            places=self.places.addresses,
            databases=self.databases,
            rooms=self.rooms,
            stamps=self.stamps,
            lost=tuple(sorted(self.lost)),
        )

    def _read(self, folder: Path, named: Named) -> Iterator[tuple[str, Path]]:
        for name, url in (("hub", self.places.hub), ("jobs", self.places.jobs)):
            if is_there(url):
                self.rows[name] = dump(url, folder / name, named.see)
                yield name, folder / name

    def _keep_store(self, named: Named) -> frozenset[str]:
        """Keep what is named; what was not there, or not what it should be."""
        store, missed = self.places.store, set()
        blobs: dict[str, tuple[str, int]] = {}
        for sha256 in sorted(named.blobs):
            key = keys.blob(sha256)
            try:
                blobs[sha256] = self._counted(*self.vault.keep(lambda key=key: store.read(key), sha256))  # type: ignore[misc]
            except StoreError as error:
                if error.reason not in _GONE:
                    raise
                missed.add(key)
        results: dict[str, tuple[str, int]] = {}
        self.stamps = {}
        for key, (stamp, whole) in named.results.items():
            files = self._keep_result(key, stamp)
            if files is None or (whole and not files):
                missed.add(key)
            results |= files or {}
            self.stamps[key] = stamp
        self.rooms |= {"blobs": blobs, "results": results}
        return frozenset(missed)

    def _keep_result(self, key: str, stamp: str) -> dict[str, tuple[str, int]] | None:
        """Files of a result, by their keys; ``None`` if one vanished. Those that an earlier backup has are not read."""
        known = self._results.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        store, found = self.places.store, {}
        before = self._before.rooms.get("results", {}) if self._before.stamps.get(key) == stamp else {}
        for path, size_bytes in store.files(key).items():
            name = f"{key}/{path}"
            old = before.get(name)
            if old is not None and old[1] == size_bytes and self.vault.size_bytes(old[0]) is not None:
                found[name] = old
                continue
            try:
                found[name] = self._counted(*self.vault.keep(lambda name=name: store.read(name)))  # type: ignore[misc]
            except StoreError as error:
                if error.reason not in _GONE:
                    raise
                return None
        self._results[key] = (stamp, found)
        return found

    def _counted(self, sha256: str, size_bytes: int, new_bytes: int) -> tuple[str, int]:
        self.new_files += bool(new_bytes)
        self.new_bytes += new_bytes
        return sha256, size_bytes
