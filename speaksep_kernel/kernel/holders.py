"""Who holds a slot or waits for one: a short record inside the lock file.

The lock says whether somebody holds it; the record only says who, for people to read. Every user may write to these
files, so what is read is bounded and stripped of what a terminal would act on.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from speaksep_kernel.kernel.settings import LeaseSettings

_SIZE_BYTES = 4096
_LONGEST = 80


@dataclass(frozen=True)
class Holder:
    """Who holds or wants a GPU.

    Parameters
    ----------
    kernel
        Identifier of the kernel.
    user
        Whose it is.
    label
        What it is: "kernel", "job 17".
    pid
        Process of the kernel; until it has started, of whoever starts it.
    since
        UTC time, ISO 8601.
    gpu, slot
        The GPU as people know it and the number of the slot on it, from 1; empty and 0 while waiting.
    note
        What else is to say, e.g. why an idle kernel keeps its slot.
    """

    kernel: str
    user: str
    label: str = "kernel"
    pid: int = 0
    since: str = ""
    gpu: str = ""
    slot: int = 0
    note: str = ""

    @classmethod
    def now(cls, kernel: str, settings: LeaseSettings) -> Holder:
        """This process, for a kernel that it starts or is."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(kernel, settings.user, settings.label, os.getpid(), since)

    def describe(self) -> str:
        """In a few words, e.g. ``ann (kernel 1f2e3d4c, since 09:12)``."""
        since = f"since {self.since[11:16]} UTC" if self.since else ""
        return f"{self.user} ({', '.join(filter(None, [f'{self.label} {self.kernel[:8]}', since, self.note]))})"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def write(self, descriptor: int) -> None:
        """Put the record into a lock file that is held; one write of one size, so readers see all or the old."""
        record = {name: value[:_LONGEST] if type(value) is str else value for name, value in asdict(self).items()}
        with suppress(OSError):  # a full disk: the lock is what counts
            os.pwrite(descriptor, json.dumps(record).encode()[:_SIZE_BYTES].ljust(_SIZE_BYTES), 0)

    @classmethod
    def read(cls, descriptor: int) -> Holder:
        """The record in a lock file; unreadable ones are ``somebody``."""
        try:
            found = json.loads(os.pread(descriptor, _SIZE_BYTES, 0))
            return cls(**{field.name: _clean(found[field.name], field.default) for field in fields(cls)})
        except (ValueError, TypeError, KeyError, RecursionError):
            return cls(kernel="", user="somebody")


def _clean(value: Any, like: Any) -> Any:
    if type(like) is int:
        return int(value)
    return "".join(letter for letter in str(value)[:_LONGEST] if letter.isprintable())
