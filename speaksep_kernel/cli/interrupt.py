"""Ctrl-C within a second, even while a network or a codec does not return to Python."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
PATIENCE_S = 0.5
"""How long an interrupted program may take to unwind by itself before it is ended."""


@contextmanager
def watch_interrupts(patience_s: float = PATIENCE_S) -> Iterator[None]:
    """While the block runs, SIGINT and SIGTERM raise `KeyboardInterrupt`; unwinding too slowly ends the process.

    Python raises only between two of its instructions, and a batch of windows in the network may take many seconds.
    So a thread is woken by the signal itself, waits, clears unfinished output away and ends the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asleep, wake = socket.socketpair()
    wake.setblocking(False)
    finished = threading.Event()

    def end_if_slow() -> None:
        asleep.recv(1)
        if not finished.wait(patience_s):
            from speaksep_kernel.results.directory import discard_unfinished

            discard_unfinished()
            print("\nspeaksep: interrupted; nothing was left behind", file=sys.stderr, flush=True)
            os._exit(INTERRUPTED)

    terminate = signal.signal(signal.SIGTERM, signal.default_int_handler)
    previous = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=end_if_slow, name="interrupt", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        signal.set_wakeup_fd(previous)
        signal.signal(signal.SIGTERM, terminate)
        wake.send(b"\0")
        watcher.join()
        asleep.close()
        wake.close()


@contextmanager
def first_asks(stop: threading.Event) -> Iterator[None]:
    """While the block runs, the first SIGINT or SIGTERM sets an event, for work that has to be put down with care.

    A second one ends the process at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            os._exit(INTERRUPTED)
        stop.set()

    watcher = signal.set_wakeup_fd(-1)  # see watch_interrupts: half a second is not enough here
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(watcher, warn_on_full_buffer=False)
