"""A store: recordings by their hash, results by their job; in a directory, or wherever fsspec reaches (S3 by URL)."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from platformdirs import user_cache_path, user_data_path

from speaksep_kernel.atomic import write_atomically
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


class Store:
    """Files under keys (`speaksep_kernel.store.keys`). Any number of processes and machines may use one.

    A directory is read where it lies; of what lies elsewhere `local` makes a copy on this machine. Files appear whole
    or not at all.

    Attributes
    ----------
    url
        Directory or URL that opens it again; holds no secrets.
    remote
        Whether it lies elsewhere.

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

    def __init__(self, url: str, *, remote: bool, copies: Copies, presigned: bool = True) -> None:
        self.url, self.remote = url, remote
        self._copies, self._presigned = copies, presigned

    @classmethod
    def open(
        cls, place: str | os.PathLike[str] | None = None, *, cache: Path | None = None, presigned: bool = True
    ) -> Self:
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
        words = os.fspath(place or os.environ.get(PLACE) or user_data_path("speaksep") / "store")
        folder = cache or Path(os.environ.get(CACHE) or user_cache_path("speaksep") / "store")
        copies = Copies(folder, int(os.environ.get(CACHE_BYTES) or MOST_CACHED_BYTES))
        protocol, separator, rest = words.partition("://")
        if separator and protocol != "file":
            if "@" in rest.split("/")[0] or "?" in rest or not rest.strip("/"):
                raise InputError(
                    f"the address of the store at {protocol}:// has a password or a query in it, or names nothing",
                    reason="bad-store",
                    hint="write s3://bucket/prefix, and give keys by the environment",
                )
            return cls(words.rstrip("/"), remote=True, copies=copies, presigned=presigned)
        root = Path(rest if separator else words).expanduser().absolute()
        with explained(str(root)):
            for each in (root, *(root / name for name in ("blobs", "named", "results", "uploads", "incoming"))):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(str(root), remote=False, copies=copies)

    @cached_property
    def _files(self) -> tuple[Any, str]:
        """fsspec's file system and the root in it."""
        from fsspec.core import url_to_fs

        try:
            # No listings from memory: another process may have changed what it lists.
            options: dict[str, Any] = {"use_listings_cache": False} if self.remote else {}
            if self.url.startswith(("s3:", "s3a:")):
                options["config_kwargs"] = {"signature_version": "s3v4"}  # of addresses given away, too
                # As it would find by itself; so two servers in one process are two file systems of fsspec.
                options["endpoint_url"] = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
            system, root = url_to_fs(self.url, **options)
        except (ImportError, ValueError) as error:
            raise InputError(
                f"no store can be at {self.url!r}: {error}",
                reason="bad-store",
                hint="a directory, or s3://bucket/prefix",
            ) from error
        return system, str(root).rstrip("/")

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (type(self), self.url, self._copies.folder, self._presigned)

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
        folder = Path(self.url, "incoming") if not self.remote else self._copies.folder
        with explained(str(folder)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Incoming(folder, name, max_bytes)

    def keep(self, file: Incoming) -> str:
        """Keep what has come under its hash; nothing is stored twice. Returns the key."""
        key = keys.blob(file.sha256)
        if not self.exists(key):
            file.seal()
            self.put(file.path, key)
        return key

    def name(self, sha256: str, name: str) -> str:
        """Key of stored bytes under a name; the bytes are there once."""
        key = keys.named(sha256, name)
        if not self.remote:
            link, source = self._path(key), self._path(keys.blob(sha256))
            with self._explained():
                while not link.exists():
                    link.parent.mkdir(mode=0o700, exist_ok=True)
                    with suppress(FileExistsError, FileNotFoundError):  # another process made it, or removed its folder
                        link.hardlink_to(source)
                    source.stat()
        return key

    def put(self, path: Path, key: str) -> None:
        """Move a file of this machine in; from a directory's ``incoming`` that is one rename."""
        keys.checked(key)
        with self._explained():
            if self.remote:
                system, root = self._files
                system.put_file(str(path), f"{root}/{key}")
                return
            place = self._path(key)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o400)
            shutil.move(path, place)
            _sync(place.parent)

    def put_tree(self, folder: Path, key: str) -> None:
        """Copy a folder of this machine in, file by file; the manifests last, so a result that has one is whole."""
        keys.checked(key)
        system, root = self._files
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        with self._explained():
            for path in sorted(files, key=lambda path: path.name == "manifest.json"):
                target = f"{root}/{key}/{path.relative_to(folder).as_posix()}"
                if not self.remote:
                    Path(target).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                system.put_file(str(path), target)

    def write(self, key: str, data: bytes) -> None:
        """A small file, wholly old or wholly new."""
        with self._explained():
            if self.remote:
                system, root = self._files
                system.pipe_file(f"{root}/{keys.checked(key)}", data)
            else:
                place = self._path(key)
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_atomically(place, data, mode=0o600)

    # Looking at it

    def exists(self, key: str) -> bool:
        """Whether there is such a file."""
        try:
            self._about(key)
        except StoreError as error:
            if error.reason != "not-stored":
                raise
            return False
        return True

    def size_bytes(self, key: str) -> int:
        """How large a file is.

        Raises
        ------
        StoreError
            Reason ``not-stored``, or what :func:`~speaksep_kernel.store.faults.explained` says, as from all methods.
        """
        return int(self._about(key)["size"])

    def local(self, key: str) -> Path:
        """A file on this machine that may be read: where it lies, or a copy of it as it is now.

        A copy stays for six hours at least after it was last asked for.
        """
        if not self.remote:
            with self._explained():
                self._path(key).stat()
            return self._path(key)
        about = self._about(key)
        tag = f"{self.url} {about['name']} {about['size']} {about.get('ETag') or about.get('LastModified') or about}"

        def fetch(path: Path) -> None:
            with self._explained():
                self._files[0].get_file(about["name"], str(path))

        return self._copies.get(
            tag if "/blobs/" not in about["name"] else f"{tag} {key}", key.rpartition("/")[2], fetch
        )

    def read(self, key: str) -> Iterator[bytes]:
        """A file's bytes in chunks, from where it lies."""
        system, root = self._files
        with self._explained(), system.open(f"{root}/{self._real(key)}", "rb", cache_type="none") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

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
        if not self.remote or not self._presigned:
            return None
        where = self._about(key)["name"]
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        options = {"ResponseContentDisposition": disposition, "ResponseContentType": media_type}
        try:
            with self._explained():
                return str(self._files[0].sign(where, expiration=seconds, **options))
        except StoreError:
            return None  # this kind of store cannot

    def files(self, key: str) -> dict[str, int]:
        """Sizes in bytes of all files below a key, by path from there; empty if there is none."""
        keys.checked(key)
        system, root = self._files
        with self._explained():
            found = system.find(f"{root}/{key}", detail=True)
        return {path[len(f"{root}/{key}/") :]: int(about["size"]) for path, about in sorted(found.items())}

    def children(self, key: str) -> list[str]:
        """Keys right below a room (``results``) or a key: folders and files."""
        system, root = self._files
        try:
            with self._explained():
                found = system.ls(f"{root}/{key}", detail=False)
        except StoreError as error:
            if error.reason != "not-stored":
                raise
            return []
        return sorted(f"{key}/{name}" for each in found if (name := str(each).rstrip("/").rpartition("/")[2]))

    def check(self) -> None:
        """Raise a `StoreError` unless it can be reached."""
        system, root = self._files
        with self._explained():
            if not self.remote:
                os.listdir(self.url)
            else:
                system.ls(root.split("/")[0])

    def free_bytes(self) -> int | None:
        """Room that is left, where that is known."""
        if self.remote:
            return None
        with self._explained():
            return shutil.disk_usage(self.url).free

    # Taking something out

    def remove(self, key: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing happens if there is none."""
        keys.checked(key)
        if not self.remote:
            place = self._path(key)
            with self._explained():
                if place.is_dir():
                    shutil.rmtree(place)
                else:
                    place.unlink(missing_ok=True)
                if key.startswith("named/"):
                    with suppress(OSError):
                        place.parent.rmdir()  # its name is a hash that nobody has any more
            return
        system, root = self._files
        with self._explained():
            for path in system.find(f"{root}/{key}"):
                with suppress(FileNotFoundError):
                    system.rm_file(path)

    def remove_abandoned(self) -> int:
        """Remove files on their way in that nobody brings any more; how many those were."""
        folder = Path(self.url, "incoming") if not self.remote else self._copies.folder
        removed = 0
        for path in folder.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - ABANDONED_S:
                    path.unlink()
                    removed += 1
        return removed

    # How it is done

    def _path(self, key: str) -> Path:
        return Path(self.url, keys.checked(key))

    def _real(self, key: str) -> str:
        """Where the bytes of a key are: elsewhere than in a directory, names are not stored."""
        room, _, rest = keys.checked(key).partition("/")
        return keys.blob(rest.split("/")[0]) if self.remote and room == "named" else key

    def _about(self, key: str) -> dict[str, Any]:
        system, root = self._files
        with self._explained():
            about: dict[str, Any] = system.info(f"{root}/{self._real(key)}")
            if about["type"] != "file":
                raise FileNotFoundError(key)
        return about

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self.url, remote=self.remote)


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


def _sync(folder: Path) -> None:
    """What was renamed stays so after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reopen(kind: type[Store], url: str, cache: Path, presigned: bool) -> Store:
    return kind.open(url, cache=cache, presigned=presigned)
