"""A store in a directory of this machine, closed to its other users."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from speaksep_kernel.atomic import write_atomically
from speaksep_kernel.store import keys
from speaksep_kernel.store.faults import explained
from speaksep_kernel.store.store import CHUNK_BYTES, Store

LANDING = "incoming"


class DirectoryStore(Store):
    """See `speaksep_kernel.store.store.Store`.

    Parameters
    ----------
    root
        The directory; made if there is none.

    Raises
    ------
    StoreError
        It cannot be made.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(str(root), root / LANDING)
        with self._explained():
            for each in (root, *(root / name for name in (*keys.ROOMS, LANDING))):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)

    def name(self, sha256: str, name: str) -> str:
        """A hard link."""
        key = keys.named(sha256, name)
        link, source = self._path(key), self._path(keys.blob(sha256))
        with self._explained():
            while not link.exists():
                link.parent.mkdir(mode=0o700, exist_ok=True)
                with suppress(FileExistsError, FileNotFoundError):  # another process made it, or removed its folder
                    link.hardlink_to(source)
                source.stat()
        return key

    def put(self, path: Path, key: str) -> None:
        """One rename, on the disk when this returns."""
        with self._explained():
            place = self._place(key)
            path.chmod(0o400)
            shutil.move(path, place)
            descriptor = os.open(place.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _copy(self, path: Path, key: str) -> None:
        with self._explained():
            shutil.copyfile(path, self._place(key))

    def write(self, key: str, data: bytes) -> None:
        """Written aside and renamed."""
        with self._explained():
            write_atomically(self._place(key), data, mode=0o600)

    def size_bytes(self, key: str) -> int:
        """Of the file."""
        with self._explained():
            if not self._path(key).is_file():
                raise FileNotFoundError(key)
            return self._path(key).stat().st_size

    def local(self, key: str) -> Path:
        """Where it lies."""
        self.size_bytes(key)
        return self._path(key)

    def read(self, key: str) -> Iterator[bytes]:
        """Chunk by chunk."""
        with self._explained(), self._path(key).open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def link(self, key: str, *, name: str, media_type: str, seconds: int = 300) -> str | None:
        """There is none."""
        return None

    def files(self, key: str) -> dict[str, int]:
        """All below."""
        root = self._path(key)
        with self._explained():
            found = sorted(path for path in root.rglob("*") if path.is_file())
            return {path.relative_to(root).as_posix(): path.stat().st_size for path in found}

    def children(self, key: str) -> list[str]:
        """Right below."""
        place = Path(self.url, key if key in (*keys.ROOMS, keys.BACKUPS) else keys.checked(key))
        with self._explained():
            return sorted(f"{key}/{path.name}" for path in place.iterdir()) if place.is_dir() else []

    def check(self) -> None:
        """Whether it can be read."""
        with self._explained():
            os.listdir(self.url)

    def free_bytes(self) -> int | None:
        """On its disk."""
        with self._explained():
            return shutil.disk_usage(self.url).free

    def remove(self, key: str) -> None:
        """File or folder."""
        place = self._path(key)
        with self._explained():
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
            if key.startswith("named/"):
                with suppress(OSError):
                    place.parent.rmdir()  # its name is a hash that nobody has any more

    def _path(self, key: str) -> Path:
        return Path(self.url, keys.checked(key))

    def _place(self, key: str) -> Path:
        """The path of something new: its folder is there."""
        place = self._path(key)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self.url)
