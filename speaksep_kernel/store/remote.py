"""A store elsewhere, reached by fsspec: S3 and its like. What is read from it is copied to this machine first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.store import keys
from speaksep_kernel.store.copies import Copies
from speaksep_kernel.store.faults import explained
from speaksep_kernel.store.store import CHUNK_BYTES, Store


class RemoteStore(Store):
    """See `speaksep_kernel.store.store.Store`.

    Parameters
    ----------
    url
        As fsspec takes it, without secrets.
    copies
        Of what was read.
    presigned
        Whether `link` may give addresses away.
    """

    def __init__(self, url: str, copies: Copies, *, presigned: bool) -> None:
        super().__init__(url, copies.folder)
        self._copies, self._presigned = copies, presigned

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.url, self._copies.folder, self._presigned)

    @cached_property
    def _files(self) -> tuple[Any, str]:
        """fsspec's file system and the root in it."""
        from fsspec.core import url_to_fs

        # No listings from memory: another process may have changed what it lists.
        options: dict[str, Any] = {"use_listings_cache": False}
        if self.url.startswith(("s3:", "s3a:")):
            options["config_kwargs"] = {"signature_version": "s3v4"}  # of addresses given away, too
            # As it would find by itself; so two servers in one process are two file systems of fsspec.
            options["endpoint_url"] = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        try:
            system, root = url_to_fs(self.url, **options)
        except (ImportError, ValueError) as error:
            raise InputError(
                f"no store can be at {self.url!r}: {error}",
                reason="bad-store",
                hint="a directory, or s3://bucket/prefix",
            ) from error
        return system, str(root).rstrip("/")

    def name(self, sha256: str, name: str) -> str:
        """Nothing is stored: the key says both."""
        return keys.named(sha256, name)

    def put(self, path: Path, key: str) -> None:
        """A copy; whoever made the file removes it."""
        self._copy(path, key)

    def _copy(self, path: Path, key: str) -> None:
        system, place = self._place(key)
        with self._explained():
            system.put_file(str(path), place)

    def write(self, key: str, data: bytes) -> None:
        """One request."""
        system, place = self._place(key)
        with self._explained():
            system.pipe_file(place, data)

    def size_bytes(self, key: str) -> int:
        """Of the file."""
        return int(self._about(key)["size"])

    def local(self, key: str) -> Path:
        """A copy of this state of it."""
        about = self._about(key)
        state = about.get("ETag") or about.get("LastModified") or about

        def fetch(path: Path) -> None:
            with self._explained():
                self._files[0].get_file(about["name"], str(path))

        return self._copies.get(f"{self.url} {key} {about['size']} {state}", key.rpartition("/")[2], fetch)

    def read(self, key: str) -> Iterator[bytes]:
        """Chunk by chunk, without a copy."""
        system, place = self._place(key)
        with self._explained(), system.open(place, "rb", cache_type="none") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def link(self, key: str, *, name: str, media_type: str, seconds: int = 300) -> str | None:
        """Signed, where that is possible and allowed."""
        if not self._presigned:
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
        """All below."""
        system, place = self._place(key)
        with self._explained():
            found = system.find(place, detail=True)
        return {path[len(place) + 1 :]: int(about["size"]) for path, about in sorted(found.items())}

    def children(self, key: str) -> list[str]:
        """Right below."""
        system, root = self._files
        try:
            with self._explained():
                found = system.ls(
                    f"{root}/{key if key in (*keys.ROOMS, keys.BACKUPS) else keys.checked(key)}", detail=False
                )
        except StoreError as error:
            if error.reason != "not-stored":
                raise
            return []
        return sorted(f"{key}/{name}" for each in found if (name := str(each).rstrip("/").rpartition("/")[2]))

    def check(self) -> None:
        """Whether its bucket answers."""
        system, root = self._files
        with self._explained():
            system.ls(root.split("/")[0])

    def free_bytes(self) -> int | None:
        """Nobody knows."""
        return None

    def remove(self, key: str) -> None:
        """File or folder."""
        system, root = self._files
        with self._explained():
            for path in system.find(f"{root}/{keys.checked(key)}"):
                with suppress(FileNotFoundError):
                    system.rm_file(path)

    def _place(self, key: str) -> tuple[Any, str]:
        """The file system, and where the bytes of a key are in it: names are not stored."""
        system, root = self._files
        room, _, rest = keys.checked(key).partition("/")
        return system, f"{root}/{keys.blob(rest.split('/')[0]) if room == 'named' else key}"

    def _about(self, key: str) -> dict[str, Any]:
        system, place = self._place(key)
        with self._explained():
            about: dict[str, Any] = system.info(place)
            if about["type"] != "file":
                raise FileNotFoundError(key)
        return about

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self.url, remote=True)


def _reopen(url: str, cache: Path, presigned: bool) -> Store:
    return Store.open(url, cache=cache, presigned=presigned)
