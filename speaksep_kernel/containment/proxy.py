"""A plugin in a process of its own, seen as if it were here."""

from __future__ import annotations

import inspect
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from speaksep_kernel.containment.bounds import Bounds
from speaksep_kernel.errors import PluginError, SpeakSepError

LOOK_S = 0.1
"""Between two looks at the process while it computes."""


def contained(kind: str, cls: type[Any], bounds: Bounds, *, together: bool = False) -> type[Any]:
    """A class like ``cls`` whose instances live in processes of their own.

    Parameters
    ----------
    kind
        ``"separator"``, ``"encoder"``, ``"diagnoser"`` or ``"cleaner"``.
    cls
        The plugin's class. It must be importable by name.
    bounds
        What an instance may take. On a GPU its memory is not bounded beforehand, only watched: drivers reserve far
        more addresses than they use.
    together
        All instances in one process; another one is started when it has ended.

    Returns
    -------
    A class with the same public methods and constants. Its constructor and methods raise `PluginError` with reason
    ``plugin-crashed``, ``plugin-hung``, ``plugin-memory`` or ``plugin-failed``, and SpeakSep's own errors as they are.
    An instance ends its process when it is no longer needed; after a crash, every further call is refused.
    """
    public = {name: value for name, value in inspect.getmembers_static(cls) if not name.startswith("_")}
    body: dict[str, Any] = {
        name: _call(name)
        if callable(value) or isinstance(value, classmethod)
        else _read(name)
        if hasattr(value, "__get__")
        else value
        for name, value in public.items()
    }

    shared: list[_Process] = []

    def start(self: _Contained, **options: Any) -> None:
        if not together or not shared or shared[0].over:
            shared[:] = [_Process(kind, cls, bounds)]
        self._process = shared[0]
        if not together:
            shared.clear()
        try:
            memory_bytes = bounds.memory_bytes if options.get("device", "cpu") == "cpu" else 0
            self._ask("make", sys.path, cls.__module__, cls.__qualname__, memory_bytes, options)
        except BaseException:
            self.__dict__.pop("_process")
            raise

    return type(f"Contained{cls.__name__}", (_Contained,), body | {"__init__": start})


class _Contained:
    _process: _Process

    def _ask(self, what: str, *more: Any) -> Any:
        return self._process.ask(what, id(self), *more)

    def __del__(self) -> None:
        with suppress(Exception):  # not even begun, or the interpreter is ending
            self._process.dropped.append(id(self))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _attribute(self, name)


def peak_bytes(made: Any) -> int:
    """Most memory that the process of a contained instance had in use at once."""
    return int(made._ask("peak"))


def _call(name: str) -> Callable[..., Any]:
    def method(self: _Contained, *words: Any, **options: Any) -> Any:
        return self._ask("call", name, words, options)

    method.__name__ = name
    return method


def _read(name: str) -> property:
    return property(lambda self: _attribute(self, name))


def _attribute(self: _Contained, name: str) -> Any:
    there, value = self._ask("get", name)
    if not there:
        raise AttributeError(name)
    return value


class _Process:
    """One process; a call at a time."""

    def __init__(self, kind: str, cls: type[Any], bounds: Bounds) -> None:
        self._whose = f"{kind} {cls.info.name!r}"
        self._bounds = bounds
        self._one = threading.Lock()
        self._fault: PluginError | None = None
        self.dropped: list[int] = []
        """Instances that nobody needs: told with the next question, as this may be noticed at any moment."""
        here, there = socket.socketpair()
        with there:
            self._child = subprocess.Popen(
                # Unbuffered: what a plugin printed is not lost when its process is ended.
                [sys.executable, "-u", "-m", "speaksep_kernel.containment.child", str(there.fileno())],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._connection = Connection(here.detach())

    def __del__(self) -> None:
        with suppress(Exception):  # the interpreter may be ending
            self.end()

    @property
    def over(self) -> bool:
        """Whether it can be asked no more."""
        return self._fault is not None or self._connection.closed

    def ask(self, *question: Any) -> Any:
        """Its answer.

        Raises
        ------
        PluginError
            It crashed, hung, took too much memory or failed.
        """
        with self._one:
            if self._fault:
                raise self._fault
            try:
                while self.dropped:
                    self._connection.send(("drop", self.dropped.pop()))
                self._connection.send(question)
                self._wait()
                well, answer = self._connection.recv()
            except (EOFError, ConnectionError):
                self._give_up("plugin-crashed", f"ended its process ({self._ending()})")
            except BaseException:  # interrupted: what it would answer to the next question is not known
                self.end()
                raise
        if well:
            return answer
        if isinstance(answer, SpeakSepError):
            raise answer
        if answer == "memory":
            raise self._named("plugin-memory", f"wanted more memory than {self._bounds.memory_bytes / 1e9:.3g} GB")
        raise self._named("plugin-failed", f"failed: {answer}")

    def end(self) -> None:
        """Stop it at once; nothing that is wanted is in it."""
        self._connection.close()
        self._child.kill()
        self._child.wait()

    def _wait(self) -> None:
        import psutil

        until_s = time.monotonic() + self._bounds.call_s
        process = psutil.Process(self._child.pid)
        while not self._connection.poll(LOOK_S):
            with suppress(psutil.NoSuchProcess):
                if process.memory_info().rss > self._bounds.memory_bytes:
                    limit = f"{self._bounds.memory_bytes / 1e9:.3g} GB"
                    self._give_up("plugin-memory", f"took more memory than {limit}")
            if time.monotonic() > until_s:
                self._give_up("plugin-hung", f"gave no answer within {self._bounds.call_s:g} s")

    def _give_up(self, reason: str, what: str) -> None:
        self.end()
        self._fault = self._named(reason, what)
        raise self._fault

    def _ending(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(5)
        code = self._child.poll()
        if code is None:
            return "it no longer listens"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def _named(self, reason: str, what: str) -> PluginError:
        hints = {
            "plugin-hung": "SPEAKSEP_CONTAIN_CALL_S allows it more time",
            "plugin-memory": "SPEAKSEP_CONTAIN_MEMORY_BYTES allows it more",
        }
        name = self._whose.split("'")[1]
        return PluginError(
            f"{self._whose} {what}", reason=reason, hint=hints.get(reason, f"speaksep plugins check {name} tells more")
        )
