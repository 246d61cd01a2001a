"""The fork server: one thread that listens, forks, and tells how each kernel ended."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speaksep_kernel.kernel.forkserver import wire
from speaksep_kernel.kernel.forkserver.imports import Sources, threads
from speaksep_kernel.kernel.forkserver.request import Request

PATIENCE_S = 5.0
"""How long anybody who asks may keep all others waiting."""
LOOK_S = 10.0
"""At most so long it serves a socket whose file is gone: nobody can find it any more."""


@dataclass(frozen=True)
class Forked:
    """What the new process holds after the fork: the files it was sent, and who waits for its word."""

    request: Request
    fds: tuple[int, ...]
    connection: socket.socket


class ForkServer:
    """Listens until it is idle, told to end, or no longer what the disk holds.

    Parameters
    ----------
    path
        Its socket.
    lock
        File that stays locked as long as it listens.
    idle_s
        Seconds without a request and without a kernel after which it ends.
    """

    def __init__(self, path: Path, lock: int, *, idle_s: float) -> None:
        self._path = path
        self._lock = lock
        self._idle_s = idle_s
        self._sources = Sources()
        self._since = time.time()
        self._kernels: dict[int, socket.socket] = {}
        self._forked = 0
        self._busy_at = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._asleep, self._wake = socket.socketpair()
        self._listener: socket.socket | None = None

    def serve(self) -> Forked | None:
        """Answer until the end; in a process just forked, return what it is to become."""
        self._listen()
        while True:
            if self._listener is None and not self._kernels:
                return None
            events = self._selector.select(min(self._idle_s, LOOK_S))
            if events or self._kernels:
                self._busy_at = time.monotonic()
            for key, _ in events:
                if key.fileobj is self._asleep:
                    self._on_signal()
                elif self._listener is not None and (forked := self._answer(self._listener)) is not None:
                    return forked
            if time.monotonic() - self._busy_at >= self._idle_s or not self._path.exists():
                self.retire()

    def retire(self) -> None:
        """Take no more requests, and let another take the place; the kernels there are go on."""
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._path.unlink(missing_ok=True)
            self._listener.close()
            self._listener = None
            os.close(self._lock)

    def _listen(self) -> None:
        self._path.unlink(missing_ok=True)  # of one that was killed: the lock is ours
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        listener.bind(str(self._path))
        os.umask(mask)
        listener.listen(64)
        self._listener = listener
        for end in (self._asleep, self._wake):
            end.setblocking(False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._asleep, selectors.EVENT_READ)

    def _on_signal(self) -> None:
        numbers = self._asleep.recv(4096)
        if set(numbers) - {signal.SIGCHLD}:
            self.retire()
        while self._kernels and (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
            with suppress(ProcessLookupError):  # what it started; its number cannot be anybody else's yet
                os.killpg(ended.si_pid, signal.SIGKILL)
            _, status = os.waitpid(ended.si_pid, 0)
            self._tell(ended.si_pid, os.waitstatus_to_exitcode(status))

    def _tell(self, pid: int, code: int) -> None:
        with self._kernels.pop(pid) as connection, suppress(OSError):  # nobody wants to know any more
            wire.send(connection, {"code": code})

    def _answer(self, listener: socket.socket) -> Forked | None:
        connection, _ = listener.accept()
        connection.settimeout(PATIENCE_S)
        fds: tuple[int, ...] = ()
        try:
            if wire.peer(connection)[1] != os.geteuid():
                raise PermissionError("another user asked")  # who does not even get a word
            message, fds = wire.receive(connection)
            request = self._understood(connection, message)
            pid = os.fork() if request else -1
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            print(f"a request failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            request, pid = None, -1
        if request and pid == 0:
            self._leave()
            return Forked(request, fds, connection)
        for fd in fds:
            os.close(fd)
        if request:
            self._kernels[pid] = connection
            self._forked += 1
        else:
            connection.close()
        return None

    def _understood(self, connection: socket.socket, message: dict[str, Any]) -> Request | None:
        """The kernel asked for; everything else is answered here."""
        if message.get("ask") == "fork":
            request = Request.from_dict(message)
            why = self._refusal()
            if not why:
                return request
            wire.send(connection, {"refused": why})
            self.retire()
        else:
            wire.send(connection, self._status())
            if message.get("ask") == "stop":
                self.retire()
        return None

    def _leave(self) -> None:
        """In a new process: nothing of the server stays open, and signals mean what they mean to everybody."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._selector.close()
        for each in (self._listener, self._asleep, self._wake, *self._kernels.values()):
            if each is not None:
                each.close()
        os.close(self._lock)

    def _refusal(self) -> str:
        if changed := self._sources.changed():
            return f"stale: {changed} is not what was imported"
        if (count := threads()) != 1:
            return f"threads: {count - 1} besides the first one"
        return ""

    def _status(self) -> dict[str, object]:
        return {
            "pid": os.getpid(),
            "since": self._since,
            "kernels": sorted(self._kernels),
            "forked": self._forked,
            "idle_s": self._idle_s,
            "modules": len(sys.modules),
        }
