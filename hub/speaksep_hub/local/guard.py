"""The process that people start and the one that supervises: each ends what the other leaves.

Whoever kills one of the two with ``kill -9`` ends the platform in order all the same: the supervisor is told by the
operating system that its guard has ended, and the guard adopts and ends all that a killed supervisor leaves.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from speaksep_hub.local.children import adopt_orphans, end_descendants, end_with
from speaksep_hub.local.part import Part
from speaksep_hub.local.supervisor import ASKED, Supervisor
from speaksep_kernel.errors import SpeakSepError

LEFT_S = 3.0
"""What a killed supervisor leaves has been told to end, and may take so long."""


def run_guarded(parts: Sequence[Part], ready: Callable[[], None]) -> None:
    """Run a supervisor of these parts until this process is asked to end.

    Parameters
    ----------
    parts
        What to run.
    ready
        Called when all of them are.

    Raises
    ------
    SpeakSepError
        Reason ``part-failed``: as the supervisor says; ``supervisor-killed``.
    KeyboardInterrupt
        It was asked to end (SIGINT, SIGTERM, SIGHUP), and has.
    """
    adopt_orphans()
    guard = os.getpid()

    def begin() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, ASKED)  # whoever asks while it is still loading is heard later
        end_with(guard)

    supervisor = subprocess.Popen(
        [sys.executable, "-m", "speaksep_hub.local.guard"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,  # Ctrl-C in the terminal comes to the guard alone, which hands it on
        preexec_fn=begin,
    )
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    asked = threading.Event()

    def hand_on(number: int, frame: FrameType | None) -> None:
        asked.set()
        if supervisor.poll() is None:
            supervisor.send_signal(number)

    wakeup = signal.set_wakeup_fd(-1)  # half a second, which other commands have to end, is not enough here
    before = {number: signal.signal(number, hand_on) for number in ASKED}
    failure: SpeakSepError | None = None
    try:
        with supervisor.stdin as pipe:  # what it is told has secrets in it: not an argument, which all can see
            pipe.write(json.dumps([part.to_dict() for part in parts]).encode())
        for line in supervisor.stdout:
            told: dict[str, Any] = json.loads(line)
            if told.get("ready"):
                ready()
            elif not asked.is_set():
                failure = SpeakSepError(told["error"], reason=told["reason"], hint=told["hint"])
        code = supervisor.wait()
    finally:
        supervisor.stdout.close()
        end_descendants(LEFT_S)
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    if failure is not None:
        raise failure
    if asked.is_set():
        raise KeyboardInterrupt
    raise SpeakSepError(
        f"the supervisor of the platform ended with code {code}; all of it was ended",
        reason="supervisor-killed",
        hint="start it again; nothing that was stored is lost",
    )


def main() -> int:
    """The supervisor's process: parts on stdin, what has become of them on stdout, words for people on stderr."""
    adopt_orphans()
    parts = [Part.of(values) for values in json.load(sys.stdin)]

    def tell(**values: object) -> None:
        print(json.dumps(values), flush=True)

    def say(line: str) -> None:
        print(f"speaksep hub: {line}", file=sys.stderr, flush=True)

    try:
        Supervisor(parts, say=say, ready=lambda: tell(ready=True)).run()
    except SpeakSepError as error:
        tell(**error.to_dict())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
