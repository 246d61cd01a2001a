"""The place that backups are in: a store of files by their hash, and a list of them for each backup."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from speaksep_hub.backup.sealing import CHUNK_BYTES, TAG_BYTES, Seals, sealed_bytes
from speaksep_hub.backup.values import ID, Listing, Summary
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.store import keys
from speaksep_kernel.store.store import Store

ABOUT = f"{keys.BACKUPS}/vault.json"
UNDER_WAY_S = 86400.0
"""Whoever said so long ago that they work here has died."""


class Vault:
    """Any number of backups; see `Vault.open`.

    Attributes
    ----------
    store
        Where they lie: files in ``blobs``, what belongs to which backup in ``backups``.
    """

    def __init__(self, store: Store, seals: Seals | None) -> None:
        self.store, self._seals = store, seals
        self._held: dict[str, int] | None = None

    @classmethod
    def open(cls, place: str, key: str | None, *, make: bool = False) -> Vault:
        """A place with backups.

        Parameters
        ----------
        place
            A folder, or ``s3://bucket/prefix``.
        key
            What opens and seals them; ``None`` where they are open.
        make
            Whether a place where there is nothing becomes one.

        Raises
        ------
        InputError
            Reason ``no-backups``: there are none; ``key-needed``, ``no-key``, ``wrong-key``, ``bad-key``.
        StoreError
            It does not answer.
        """
        if not make and "://" not in place and not Path(place).expanduser().is_dir():
            raise _none(place)
        store = Store.open(place)
        try:
            about = json.loads(b"".join(store.read(ABOUT)))
        except StoreError as error:
            if error.reason != "not-stored":
                raise
            if not make:
                raise _none(place) from None
            seals = None if key is None else Seals.of(key)
            made = {} if seals is None else {"salt": base64.b64encode(seals.salt).decode(), "check": seals.check}
            store.write(ABOUT, json.dumps({"format": 1, **made}).encode())
            return cls(store, seals)
        return cls(store, _seals(place, about, key))

    @property
    def sealed(self) -> bool:
        """Whether a key is needed."""
        return self._seals is not None

    # Files

    def keep(self, read: Callable[[], Iterable[bytes]], sha256: str | None = None) -> tuple[str, int, int]:
        """Have a file.

        Parameters
        ----------
        read
            Its bytes, each time from the beginning.
        sha256
            Their hash, where that is known.

        Returns
        -------
        Hash and size of the file, and the bytes that are new here.

        Raises
        ------
        StoreError
            Reason ``not-stored``: it is gone; ``store-damaged``: it is not what its hash says.
        """
        size_bytes = -1
        if sha256 is None:
            digest, size_bytes = hashlib.sha256(), 0
            for chunk in read():
                digest.update(chunk)
                size_bytes += len(chunk)
            sha256 = digest.hexdigest()
        if (held := self.size_bytes(sha256)) is not None:
            return sha256, size_bytes if size_bytes >= 0 else self._plain_bytes(held), 0
        counted = _Counted(read())
        name = self._name(sha256)
        with self.store.incoming(sha256) as file:
            for chunk in counted if self._seals is None else self._seals.seal(name, counted):
                file.write(chunk)
            if counted.sha256 != sha256:
                raise StoreError(
                    f"what was stored as {sha256} is something else now",
                    reason="store-damaged",
                    hint="its disk may be failing; take it from an earlier backup",
                )
            file.seal()
            written = file.bytes
            self.store.put(file.path, keys.blob(name))
        self._known[name] = written
        return sha256, counted.bytes, written

    def size_bytes(self, sha256: str) -> int | None:
        """What a file takes here; ``None`` if it is not here."""
        return self._known.get(self._name(sha256))

    def expected_bytes(self, size_bytes: int) -> int:
        """What a file of so many bytes takes here."""
        return size_bytes if self._seals is None else sealed_bytes(size_bytes)

    def read(self, sha256: str) -> Iterator[bytes]:
        """The bytes of a file; it raises at the end if they are not those that were kept.

        Raises
        ------
        StoreError
            Reason ``not-stored`` or ``backup-damaged``.
        """
        name = self._name(sha256)
        stored = self.store.read(keys.blob(name))
        counted = _Counted(stored if self._seals is None else self._seals.unseal(name, stored))
        yield from counted
        if counted.sha256 != sha256:
            raise StoreError(
                f"{sha256} is not what was put into the backup", reason="backup-damaged", hint="take another backup"
            )

    def discard(self, sha256: str) -> None:
        """Have a file no more: the next who brings it is asked for its bytes."""
        self.store.remove(keys.blob(self._name(sha256)))
        self._known.pop(self._name(sha256), None)

    # Backups

    def summaries(self) -> list[Summary]:
        """All backups, the newest first."""
        names = (key.rpartition("/")[2] for key in self.store.children(keys.BACKUPS))
        whole = [self.summary(name[:-5]) for name in names if name.endswith(".json") and ID.fullmatch(name[:-5])]
        # Names hold seconds; two backups of one second are parted by what is in them.
        return sorted(whole, key=lambda each: (each.made_at, each.id), reverse=True)

    def summary(self, backup: str) -> Summary:
        """One of them; ``"latest"`` is the newest.

        Raises
        ------
        InputError
            Reason ``unknown-backup``.
        StoreError
            Reason ``backup-newer``: a later SpeakSep made it; ``backup-damaged``.
        """
        if backup == "latest":
            if found := self.summaries():
                return found[0]
            raise _none(self.store.url)
        try:
            if not ID.fullmatch(backup):
                raise StoreError("", reason="not-stored")
            text = b"".join(self.store.read(f"{keys.BACKUPS}/{backup}.json"))
        except StoreError as error:
            if error.reason != "not-stored":
                raise
            raise InputError(
                f"no backup {backup[:60]!r}", reason="unknown-backup", hint="speaksep backup list shows those there are"
            ) from None
        try:
            return Summary.model_validate_json(text)
        except ValidationError as error:
            newer = b'"format":' in text and b'"format":1,' not in text
            raise StoreError(
                f"backup {backup} is {'of a later SpeakSep' if newer else 'damaged'}",
                reason="backup-newer" if newer else "backup-damaged",
                hint="update SpeakSep" if newer else "take another backup",
            ) from error

    def listing(self, summary: Summary) -> Listing:
        """All files of a backup.

        Raises
        ------
        StoreError
            Reason ``backup-damaged``.
        """
        name = f"{keys.BACKUPS}/{summary.id}.files"
        stored = self.store.read(name)
        data = b"".join(stored if self._seals is None else self._seals.unseal(name, stored))
        if hashlib.sha256(data).hexdigest() != summary.listing:
            raise StoreError(
                f"the list of files of backup {summary.id} is not the one that was written",
                reason="backup-damaged",
                hint="take another backup",
            )
        return Listing.model_validate_json(gzip.decompress(data))

    def write_listing(self, backup: str, listing: Listing) -> str:
        """Note what a backup holds; the hash of that. It is a backup when its summary is written, not before."""
        name = f"{keys.BACKUPS}/{backup}.files"
        data = gzip.compress(listing.model_dump_json().encode(), 6, mtime=0)
        self.store.write(name, data if self._seals is None else b"".join(self._seals.seal(name, [data])))
        return hashlib.sha256(data).hexdigest()

    def write_summary(self, summary: Summary) -> None:
        """From now on it is there."""
        self.store.write(f"{keys.BACKUPS}/{summary.id}.json", summary.model_dump_json().encode())

    def forget(self, backup: str) -> None:
        """A backup is one no more; its files stay until `sweep`."""
        for end in (".json", ".files"):
            self.store.remove(f"{keys.BACKUPS}/{backup}{end}")

    def sweep(self) -> tuple[int, int]:
        """Remove files that are in no backup; how many those were, and their bytes."""
        wanted = {self._name(sha256) for each in self.summaries() for sha256 in self.listing(each).all()}
        unwanted = {name: size for name, size in self._known.items() if name not in wanted}
        for name in unwanted:
            self.store.remove(keys.blob(name))
            del self._known[name]
        self.store.remove_abandoned()
        return len(unwanted), sum(unwanted.values())

    # Who works here

    def begin(self, name: str, *, beside: str) -> Callable[[], None]:
        """Say that something is under way here; the answer says that it is over.

        Parameters
        ----------
        name
            What.
        beside
            End of the names of what must not be under way at the same time.

        Raises
        ------
        InputError
            Reason ``backup-under-way``.
        """
        mine = f"{keys.BACKUPS}/{name}"
        self.store.write(mine, json.dumps({"since": time.time()}).encode())
        for key in self.store.children(keys.BACKUPS):
            if key.endswith(beside) and key != mine and self._since(key) > time.time() - UNDER_WAY_S:
                self.store.remove(mine)
                raise InputError(
                    f"{key.rpartition('/')[2]} is under way in {self.store.url}",
                    reason="backup-under-way",
                    hint=f"wait for it; if it was killed, remove {self.store.address(key)}",
                )
        return lambda: self.store.remove(mine)

    def _since(self, key: str) -> float:
        with suppress(StoreError, ValueError, KeyError):
            return float(json.loads(b"".join(self.store.read(key)))["since"])
        return 0.0

    # How it is done

    @property
    def _known(self) -> dict[str, int]:
        if self._held is None:
            found = (self.store.files(folder) for folder in self.store.children("blobs"))
            self._held = {path.rpartition("/")[2]: size for folder in found for path, size in folder.items()}
        return self._held

    def _name(self, sha256: str) -> str:
        return sha256 if self._seals is None else self._seals.name(sha256)

    def _plain_bytes(self, held_bytes: int) -> int:
        """Size of a file whose size here is known: sealing adds a tag for every chunk."""
        if self._seals is None:
            return held_bytes
        return held_bytes - TAG_BYTES * -(-held_bytes // sealed_bytes(CHUNK_BYTES))


class _Counted:
    """Bytes that are counted and hashed while they go through."""

    def __init__(self, data: Iterable[bytes]) -> None:
        self._data, self._digest, self.bytes = data, hashlib.sha256(), 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._data:
            self._digest.update(chunk)
            self.bytes += len(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def _seals(place: str, about: dict[str, str], key: str | None) -> Seals | None:
    if "salt" not in about:
        if key is not None:
            raise InputError(
                f"the backups in {place} are not encrypted, and a key is given",
                reason="no-key",
                hint="leave out the key, or begin in another place with it",
            )
        return None
    if key is None:
        raise InputError(f"the backups in {place} are encrypted", reason="key-needed", hint="give the key: --key-file")
    seals = Seals.of(key, base64.b64decode(about["salt"]))
    if seals.check != about["check"]:
        raise InputError(
            f"that is not the key of the backups in {place}",
            reason="wrong-key",
            hint="give the one they were made with",
        )
    return seals


def _none(place: str) -> InputError:
    return InputError(
        f"there are no backups in {place!r}", reason="no-backups", hint="speaksep backup create makes one"
    )
