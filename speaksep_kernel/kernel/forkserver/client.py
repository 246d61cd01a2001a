"""Ask for a kernel that is ready at once, and hold it like a process started by oneself."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from speaksep_kernel.errors import SpeakSepError, StoreError
from speaksep_kernel.kernel.forkserver import wire
from speaksep_kernel.kernel.forkserver.place import Place, imports_environment, place_for
from speaksep_kernel.kernel.forkserver.request import Request

MODULE = "speaksep_kernel.kernel"
PATIENCE_S = 5.0
"""An answer takes some milliseconds; a server that needs longer is not waited for."""
RETRY_S = 60.0
"""After a server that could not be started the next one is tried only then."""
SWITCH = "SPEAKSEP_FORK"
"""A kernel in whose environment this is 0 is started plainly, and no server either."""
LOST = 255
"""Exit code of a kernel whose own is unknown, since the fork server died before it."""
Stream = int | IO[Any] | None


class ForkUnavailable(SpeakSepError):
    """No forked kernel now; a plain start is to be used.

    Its ``reason`` is one of ``unsupported`` (system, command or streams), ``unsafe-runtime-dir``, ``long-runtime-dir``,
    ``starting`` (ask again in some seconds), ``stale`` (replaced since a file changed), ``threads``, ``failed``.
    """


class ForkedKernel:
    """A kernel forked for this process, used like a `subprocess.Popen`.

    Parameters
    ----------
    pid
        Process, and leader of its own session and group.
    pidfd
        The same for ever: a number of a process may come back, this does not.
    connection
        Over which the server tells how it ended.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, pidfd: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pidfd = os.fdopen(pidfd, "rb", buffering=0)
        self._connection = connection
        self._asking = threading.Lock()

    def __repr__(self) -> str:
        return f"ForkedKernel(pid={self.pid}, returncode={self.returncode})"

    def poll(self) -> int | None:
        """The exit code, ``None`` while it runs; negative: the signal that ended it."""
        with self._asking:
            if self.returncode is None and select.select([self._pidfd], [], [], 0)[0]:
                self.returncode = self._told()
                self._connection.close()
                self._pidfd.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises
        ------
        subprocess.TimeoutExpired
            It still runs.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(repr(self), timeout or 0)
            with suppress(ValueError):  # another thread saw the end, and closed it
                select.select([self._pidfd], [], [], left)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel alone; none if it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd.fileno(), number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _told(self) -> int:
        """What the server says; it is told by the operating system at the same time as we are."""
        try:
            message, _ = wire.receive(self._connection)
            return int(message["code"])
        except (OSError, EOFError, ValueError, KeyError):
            return LOST


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    pass_fds: Sequence[int] = (),
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
) -> ForkedKernel:
    """Start a kernel by forking; if there is no server, start one for the next kernel and say so at once.

    Parameters
    ----------
    command
        The whole command line: ``[python, "-m", "speaksep_kernel.kernel", "-f", file, ...]``.
    env
        Its environment; that of this process by default.
    cwd
        Where it works; the current folder by default.
    pass_fds
        Files it gets under the same numbers.
    stdin, stdout, stderr
        As for `subprocess.Popen`, without pipes; stdin is empty by default.

    Returns
    -------
    ForkedKernel
        It ends by itself when this process does.

    Raises
    ------
    ForkUnavailable
        For whatever reason; nothing was started.
    OSError
        ``cwd`` cannot be entered.
    """
    environment = dict(os.environ if env is None else env)
    folder = os.path.abspath(cwd or os.getcwd())
    place = _place(command, environment)
    if not os.access(folder, os.X_OK):
        raise FileNotFoundError(2, "no such folder to work in", folder)
    with ExitStack() as stack:
        streams = [_stream(stack, each, number) for number, each in enumerate((stdin, stdout, stderr))]
        request = Request(
            arguments=tuple(command[3:]),
            env=environment,
            cwd=folder,
            fds=(0, 1, 2, *pass_fds),
            watched_pid=os.getpid(),
        )
        connection = _connect(place) or _start_server(place, command[0], environment)
        try:
            return _ask(connection, request, (*streams, *pass_fds))
        except BaseException:
            connection.close()
            raise


def warm(interpreter: str = sys.executable, *, env: Mapping[str, str] | None = None, wait_s: float = 120.0) -> None:
    """See to it that a fork server is ready.

    Parameters
    ----------
    interpreter, env
        Of the kernels that it is to serve.
    wait_s
        Seconds to wait for it.

    Raises
    ------
    ForkUnavailable
        It is not.
    """
    environment = dict(os.environ if env is None else env)
    place = _place([interpreter, "-m", MODULE], environment)
    end = time.monotonic() + wait_s
    while True:
        try:
            (_connect(place) or _start_server(place, interpreter, environment)).close()
            return
        except ForkUnavailable as error:
            if error.reason != "starting" or time.monotonic() > end:
                raise
            time.sleep(0.05)


def ask(place: Place, question: str) -> dict[str, Any] | None:
    """Ask a server for its "status", or to "stop"; ``None`` if none listens there."""
    connection = _connect(place)
    if connection is None:
        return None
    with connection:
        try:
            wire.send(connection, {"ask": question})
            return wire.receive(connection)[0]
        except (OSError, EOFError, ValueError):
            return None


def _place(command: Sequence[str], env: Mapping[str, str]) -> Place:
    if env.get(SWITCH) == "0":
        raise _unavailable(f"{SWITCH}=0 in the environment says so", "unsupported")
    if sys.platform != "linux":
        raise _unavailable("kernels are forked on Linux only", "unsupported")
    if not os.path.isabs(command[0]) or tuple(command[1:3]) != ("-m", MODULE):
        raise _unavailable(f"not a command that can be forked: {' '.join(command)}", "unsupported")
    try:
        return place_for(command[0], env)
    except StoreError as error:
        raise ForkUnavailable(error.error, reason=error.reason, hint=error.hint) from error


def _connect(place: Place) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(place.socket))
        if wire.peer(connection)[1] != os.geteuid():
            raise _unavailable("the fork server belongs to another user", "unsafe-runtime-dir")
        return connection
    except OSError:
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise


def _ask(connection: socket.socket, request: Request, fds: tuple[int, ...]) -> ForkedKernel:
    pidfds: tuple[int, ...] = ()
    try:
        wire.send(connection, request.to_dict(), fds)
        answer, pidfds = wire.receive(connection)
        if "pid" in answer:
            wire.send(connection, {"go": True})
            return ForkedKernel(int(answer["pid"]), pidfds[0], connection)
    except (OSError, EOFError, ValueError, IndexError) as error:
        for fd in pidfds:
            os.close(fd)
        raise _unavailable(f"the fork server does not answer ({type(error).__name__}: {error})", "failed") from error
    reason, _, detail = str(answer.get("refused", "failed")).partition(": ")
    raise _unavailable(f"the fork server refuses: {detail or reason}", reason)


def _start_server(place: Place, interpreter: str, env: Mapping[str, str]) -> socket.socket:
    """Start the server that was not there. Always raises: it takes seconds, and nobody waits for it."""
    lock = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _unavailable("the fork server is starting", "starting") from None
        found = os.fstat(lock)
        if found.st_size == 0 and 0 <= time.time() - found.st_mtime < RETRY_S and place.log.exists():
            raise _unavailable(f"the fork server could not be started: see {place.log}", "failed")
        os.truncate(lock, 0)
        os.utime(lock)
        with place.log.open("wb") as log:
            server = subprocess.Popen(
                [interpreter, "-P", "-m", f"{MODULE}.forkserver", str(place.socket), str(lock)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=imports_environment(env) | _server_settings(env),
                pass_fds=(lock,),
                start_new_session=True,
            )
        threading.Thread(target=server.wait, name="fork server", daemon=True).start()  # no zombie stays
    except OSError as error:
        raise _unavailable(f"no fork server can be started: {error}", "failed") from error
    finally:
        os.close(lock)
    raise _unavailable("the fork server is starting", "starting")


def _server_settings(env: Mapping[str, str]) -> dict[str, str]:
    """One thread: what has none can be forked. A kernel gets its own number."""
    settings = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYANNOTE_METRICS_ENABLED": "false"}
    return settings | {name: env[name] for name in ("SPEAKSEP_FORK_IDLE_S",) if name in env}


def _stream(stack: ExitStack, stream: Stream, number: int) -> int:
    if stream == subprocess.DEVNULL or (stream is None and number == 0):
        return stack.enter_context(Path(os.devnull).open("r+b")).fileno()
    if stream == subprocess.STDOUT and number == 2:
        raise _unavailable("stderr=STDOUT is not supported by forked kernels", "unsupported")
    if stream == subprocess.PIPE:
        raise _unavailable("pipes are not supported by forked kernels", "unsupported")
    if stream is None:
        return number
    return stream if isinstance(stream, int) else stream.fileno()


def _unavailable(error: str, reason: str) -> ForkUnavailable:
    return ForkUnavailable(error, reason=reason, hint="a plain start is used")
