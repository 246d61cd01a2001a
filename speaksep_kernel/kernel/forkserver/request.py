"""What is asked of a fork server: one kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """A kernel to be, as its process gets it after the fork.

    Parameters
    ----------
    arguments
        Of the kernel's application: what follows ``-m speaksep_kernel.kernel``.
    env
        The whole environment.
    cwd
        Where it works.
    fds
        Numbers that the files sent along are to have; 0, 1 and 2 are among them.
    watched_pid
        The process it ends with.
    """

    arguments: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    fds: tuple[int, ...]
    watched_pid: int

    def to_dict(self) -> dict[str, Any]:
        """As sent."""
        return {"ask": "fork", **self.__dict__}

    @classmethod
    def from_dict(cls, message: dict[str, Any]) -> Request:
        """As received.

        Raises
        ------
        KeyError, TypeError, ValueError
            Something is missing or of another kind.
        """
        return cls(
            arguments=tuple(map(str, message["arguments"])),
            env={str(name): str(value) for name, value in message["env"].items()},
            cwd=str(message["cwd"]),
            fds=tuple(map(int, message["fds"])),
            watched_pid=int(message["watched_pid"]),
        )
