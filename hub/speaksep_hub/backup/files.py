"""Files of folders that others write to: each as it was at one moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from speaksep_hub.audit.chain import HEAD
from speaksep_hub.audit.verify import snapshot
from speaksep_hub.backup.vault import Vault
from speaksep_kernel.errors import StoreError
from speaksep_kernel.store.faults import explained

CHUNK_BYTES = 4 << 20
Read = Callable[[], Iterator[bytes]]


def keep_folder(vault: Vault, folder: Path) -> dict[str, tuple[str, int, int]]:
    """Keep every file below a folder by its path there: hash, size and new bytes. Links are left out, and so are files
    that somebody is still writing."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(place, name)
            if path.is_symlink() or not path.is_file() or name.endswith((".part", ".lock")):
                continue
            try:
                found[path.relative_to(folder).as_posix()] = vault.keep(lambda path=path: chunks(path))  # type: ignore[misc]
            except StoreError as error:
                if error.reason not in ("not-stored", "store-damaged"):  # removed or changed meanwhile
                    raise
    return found


def keep_trail(vault: Vault, folder: Path) -> dict[str, tuple[str, int, int]]:
    """Keep the audit trail as of one moment, so that its last entry is the one that is noted as its last."""
    if not (folder / HEAD).is_file():
        return {}
    head, files = snapshot(folder)
    found = {HEAD: vault.keep(lambda: iter([f"{head}\n".encode()]))}
    for path, file, size in files:
        with file:
            found[path.name] = vault.keep(lambda file=file, size=size: _first(file.fileno(), size))  # type: ignore[misc]
    return found


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file."""
    with explained(str(path.parent)), path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _first(descriptor: int, size: int) -> Iterator[bytes]:
    at = 0
    while at < size and (chunk := os.pread(descriptor, min(CHUNK_BYTES, size - at), at)):
        at += len(chunk)
        yield chunk
