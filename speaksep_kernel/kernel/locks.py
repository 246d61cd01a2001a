"""Locks on bytes of a file that belong to an open file, not to a process.

Linux gives "open file description" locks (``fcntl(2)``, ``F_OFD_SETLK``): whoever has the open file has the lock, it
passes to children and through sockets with the descriptor, and it ends when the last copy is closed, by whatever death.
Other than ``flock`` they can be looked at without being taken, so that looking never makes another one's attempt fail.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

_FLOCK = "hhqqi4x"  # struct flock on 64-bit Linux: type, whence, start, length, pid


def open_shared(path: Path) -> int:
    """Open a lock file, made for all users if it is not there.

    Returns
    -------
    A descriptor that children do not inherit.

    Raises
    ------
    OSError
        If the file system refuses.
    """
    while True:
        # Never O_CREAT on a file that exists: fs.protected_regular refuses that for other users' files in /tmp.
        try:
            return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            pass
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except FileExistsError:
            continue
        os.fchmod(descriptor, 0o666)  # whatever the umask
        return descriptor


def make_shared_folder(path: Path) -> None:
    """Make a folder in which every user may make files and nobody may remove another's.

    Raises
    ------
    OSError
        If the file system refuses.
    """
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        return
    path.chmod(0o1777)


def lock(descriptor: int, byte: int) -> bool:
    """Take one byte of an open file; False if another open file has it."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))
    except BlockingIOError:
        return False
    return True


def locked(descriptor: int, byte: int) -> bool:
    """Whether another open file has that byte; takes nothing."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    kind: int = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))[0]
    return kind != fcntl.F_UNLCK


def spare(descriptor: int) -> None:
    """Ask cleaners of temporary folders to leave the file: systemd-tmpfiles skips what is ``flock``\\ ed."""
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def still_there(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one others will open by that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
