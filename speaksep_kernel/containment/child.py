"""The other side: ``python -m speaksep_kernel.containment.child FD`` makes plugins and answers calls to them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from speaksep_kernel.errors import SpeakSepError

ORPHAN_S = 1.0


def main() -> None:
    """Answer until the other end is closed."""
    os.dup2(2, 1)  # what a plugin prints is not part of anybody's result
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to act on
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    connection = Connection(int(sys.argv[1]))
    made: dict[int, Any] = {}
    while True:
        try:
            what, which, *rest = connection.recv()
        except EOFError:
            return
        try:
            answer: Any = None
            if what == "drop":
                made.pop(which, None)
                continue
            if what == "make":
                made[which] = _make(*rest)
            elif what == "peak":
                answer = _peak_bytes()
            elif what == "get":
                answer = (hasattr(made[which], rest[0]), getattr(made[which], rest[0], None))
            else:
                name, words, options = rest
                answer = getattr(made[which], name)(*words, **options)
            connection.send((True, answer))
        except SpeakSepError as fault:
            connection.send((False, fault))
        except MemoryError:
            connection.send((False, "memory"))
        except Exception as fault:  # a stranger's code may raise anything
            connection.send((False, f"{type(fault).__name__}: {fault}"))


def _make(path: list[str], module: str, name: str, memory_bytes: int, options: dict[str, Any]) -> Any:
    sys.path[:] = path
    if memory_bytes and sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    made: Any = import_module(module)
    for part in name.split("."):
        made = getattr(made, part)
    return made(**options)


def _peak_bytes() -> int:
    """Most memory that was in use at once."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(ORPHAN_S)
    os._exit(1)


if __name__ == "__main__":
    main()
