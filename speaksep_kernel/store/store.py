"""A store: recordings by their hash, results by their job; in a directory, or wherever fsspec reaches (S3 by URL)."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.store import keys
from speaksep_kernel.store.copies import Copies
from speaksep_kernel.store.faults import explained
from speaksep_kernel.store.incoming import PREFIX, Incoming

PLACE, CACHE, CACHE_BYTES = "SPEAKSEP_STORE", "SPEAKSEP_STORE_CACHE", "SPEAKSEP_STORE_CACHE_BYTES"
"""Environment variables: directory or URL; where copies of a remote store lie; how much they may take."""

MOST_CACHED_BYTES = 20 << 30
CHUNK_BYTES = 4 << 20
ABANDONED_S = 86400.0
"""A file on its way in that nobody has written to for so long has lost who brought it."""


class Store(ABC):
    """Files under keys (`speaksep_kernel.store.keys`). Any number of processes and machines may use one.

    A directory is read where it lies; of what lies elsewhere `local` makes a copy on this machine. Files appear whole
    or not at all. Every method raises a `StoreError` if the store does not answer, is full or is closed to us
    (`speaksep_kernel.store.faults`), and an `InputError` with reason ``bad-key`` for what is no key.

    Attributes
    ----------
    url
        Directory or URL that opens it again; holds no secrets.
    landing
        Folder of this machine for files on their way in.

    Examples
    --------
    >>> import tempfile
    >>> store = Store.open(tempfile.mkdtemp())
    >>> with store.incoming("talk.wav") as file:
    ...     file.write(b"RIFF")
    ...     key = store.keep(file)
    >>> store.local(key).read_bytes(), store.size_bytes(key)
    (b'RIFF', 4)
    """

    def __init__(self, url: str, landing: Path) -> None:
        self.url, self.landing = url, landing

    @classmethod
    def open(
        cls, place: str | os.PathLike[str] | None = None, *, cache: Path | None = None, presigned: bool = True
    ) -> Store:
        """Open a store; a directory is made where there is none.

        Parameters
        ----------
        place
            A directory, or ``s3://bucket/prefix`` and its like; ``SPEAKSEP_STORE`` or a directory of the user if
            ``None``. Keys and the address of a server are taken from the environment (``AWS_ACCESS_KEY_ID``,
            ``AWS_ENDPOINT_URL_S3``, …), never from the URL.
        cache
            Where copies lie; ``SPEAKSEP_STORE_CACHE`` or a directory of the user if ``None``.
        presigned
            Whether `link` may give addresses away.

        Raises
        ------
        InputError
            Reason ``bad-store``: no such kind of store, or secrets in its URL.
        StoreError
            The directory cannot be made.
        """
        from speaksep_kernel.store.directory import DirectoryStore
        from speaksep_kernel.store.remote import RemoteStore

        words = os.fspath(place or os.environ.get(PLACE) or user_data_path("speaksep") / "store")
        protocol, separator, rest = words.partition("://")
        if not separator or protocol == "file":
            return DirectoryStore(Path(rest if separator else words).expanduser().absolute())
        if "@" in rest.split("/")[0] or "?" in rest or not rest.strip("/"):
            raise InputError(
                f"the address of the store at {protocol}:// has a password or a query in it, or names nothing",
                reason="bad-store",
                hint="write s3://bucket/prefix, and give keys by the environment",
            )
        folder = cache or Path(os.environ.get(CACHE) or user_cache_path("speaksep") / "store")
        copies = Copies(folder, int(os.environ.get(CACHE_BYTES) or MOST_CACHED_BYTES))
        return RemoteStore(words.rstrip("/"), copies, presigned=presigned)

    # Addresses

    def address(self, key: str) -> str:
        """Path or URL of a key, for a job's parameters and output."""
        return f"{self.url}/{keys.checked(key)}"

    def key_of(self, address: str) -> str:
        """The key at an address.

        Raises
        ------
        InputError
            Reason ``bad-key``: it does not lie in this store.
        """
        if not address.startswith(f"{self.url}/"):
            raise keys.bad(address)
        return keys.checked(address[len(self.url) + 1 :])

    # Bringing something in

    def incoming(self, name: str, max_bytes: int = 1 << 62) -> Incoming:
        """A file to write to, which `keep` and `put` take."""
        with explained(str(self.landing)):
            self.landing.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Incoming(self.landing, name, max_bytes)

    def keep(self, file: Incoming) -> str:
        """Keep what has come under its hash; nothing is stored twice. Returns the key."""
        key = keys.blob(file.sha256)
        if not self.exists(key):
            file.seal()
            self.put(file.path, key)
        return key

    @abstractmethod
    def name(self, sha256: str, name: str) -> str:
        """Key of stored bytes under a name; the bytes are there once."""

    @abstractmethod
    def put(self, path: Path, key: str) -> None:
        """Move a file of this machine in; from `landing` of a directory that is one rename."""

    def put_tree(self, folder: Path, key: str) -> None:
        """Copy a folder of this machine in, file by file; the manifests last, so a result that has one is whole."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: path.name == "manifest.json"):
            self._copy(path, f"{key}/{path.relative_to(folder).as_posix()}")

    @abstractmethod
    def _copy(self, path: Path, key: str) -> None: ...

    @abstractmethod
    def write(self, key: str, data: bytes) -> None:
        """A small file, wholly old or wholly new."""

    # Looking at it

    def exists(self, key: str) -> bool:
        """Whether there is such a file."""
        try:
            self.size_bytes(key)
        except StoreError as error:
            if error.reason != "not-stored":
                raise
            return False
        return True

    @abstractmethod
    def size_bytes(self, key: str) -> int:
        """How large a file is; a StoreError with reason ``not-stored`` if there is none."""

    @abstractmethod
    def local(self, key: str) -> Path:
        """A file on this machine that may be read: where it lies, or a copy of it as it is now.

        A copy stays for six hours at least after it was last asked for.
        """

    @abstractmethod
    def read(self, key: str) -> Iterator[bytes]:
        """A file's bytes in chunks, from where it lies."""

    @abstractmethod
    def link(self, key: str, *, name: str, media_type: str, seconds: int = 300) -> str | None:
        """An address from which anybody may get a file for a while, if the store can make such; else ``None``.

        Parameters
        ----------
        name
            What the browser calls it.
        media_type
            What the browser takes it for.
        seconds
            How long the address is good.
        """

    @abstractmethod
    def files(self, key: str) -> dict[str, int]:
        """Sizes in bytes of all files below a key, by path from there; empty if there is none."""

    @abstractmethod
    def children(self, key: str) -> list[str]:
        """Keys right below a room (``results``) or a key: folders and files."""

    @abstractmethod
    def check(self) -> None:
        """Raise a `StoreError` unless it can be reached."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Room that is left, where that is known."""

    # Taking something out

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing happens if there is none."""

    def remove_abandoned(self) -> int:
        """Remove files on their way in that nobody brings any more; how many those were."""
        removed = 0
        for path in self.landing.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - ABANDONED_S:
                    path.unlink()
                    removed += 1
        return removed


def at(address: str) -> tuple[Store, str]:
    """The store and the key of an address in a remote store; what is there decides nothing.

    Raises
    ------
    InputError
        Reason ``bad-key``: that is no address in a store.
    """
    for room in ("/named/", "/blobs/", "/results/"):
        root, found, rest = address.rpartition(room)
        if found:
            return Store.open(root), keys.checked(f"{room.strip('/')}/{rest}")
    raise keys.bad(address)
