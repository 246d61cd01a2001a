"""Starts the parts, starts again what dies, and ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speaksep_hub.local.children import end_descendants, end_with, reaped
from speaksep_hub.local.part import Part
from speaksep_hub.logs.book import Logbook
from speaksep_hub.logs.lines import words_of
from speaksep_kernel.errors import SpeakSepError

ASKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_S, LAST_STOP_S, SWEEP_S = 6.0, 1.0, 1.0
"""How long parts, those that others need, and what they left behind may take to end: together less than ten seconds."""
START_S = 120.0
"""How long parts may take to be ready for the first time."""
TRIES = 3
"""How often a part may end before it was ready for the first time."""
SETTLED_S = 1.0
"""A part without an address works when it has run for so long."""
LONGEST_WAIT_S = 10.0
STEADY_S = 30.0
"""A part that ran for so long has recovered: its next start is not delayed."""


class _StayHere(urllib.request.HTTPRedirectHandler):
    """A part that sends people on to sign in works; who answers there is another question."""

    def redirect_request(self, *_: Any) -> None:
        """Do not follow."""


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _StayHere)


@dataclass
class _Running:
    """A part and what has become of it."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    due: float = 0.0
    ends: int = 0
    ready: bool = False
    ever_ready: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0


@dataclass
class Supervisor:
    """Keeps parts running until it is asked to end.

    Parameters
    ----------
    parts
        What to run; all are started at once that need not wait for another.
    say
        Gets one line for whatever people should know.
    ready
        Called once, when every part that is waited for has become ready.
    """

    parts: Sequence[Part]
    say: Callable[[str], None]
    ready: Callable[[], None]
    _all: list[_Running] = field(default_factory=list, init=False)
    _began: float = field(default_factory=time.monotonic, init=False)
    _told: bool = field(default=False, init=False)
    _book: Logbook = field(init=False)

    def __post_init__(self) -> None:
        self._book = Logbook(self.say)

    def run(self) -> None:
        """Start them and watch over them until SIGINT, SIGTERM or SIGHUP; nothing is left when this returns.

        Raises
        ------
        SpeakSepError
            Reason ``part-failed``: one did not become ready in the beginning.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, {*ASKED, signal.SIGCHLD})
        try:
            self._all = [_Running(part) for part in self.parts]
            while not self._asked_within(0.0 if self._begin_due() else 0.2):
                self._look()
            self.say("ending all of it; asked again it does not wait")
        finally:
            self._stop()
            self._book.close()

    def _asked_within(self, seconds: float) -> bool:
        self._book.read()
        found = signal.sigtimedwait({*ASKED, signal.SIGCHLD}, seconds)
        return found is not None and found.si_signo in ASKED

    def _begin_due(self) -> bool:
        now = time.monotonic()
        ready = {"", *(each.part.name for each in self._all if each.ever_ready)}
        due = [each for each in self._all if each.process is None and each.due <= now and each.part.after in ready]
        for each in due:
            each.process = _start(each.part, self._book.page(each.part.name, Path(each.part.log)))
            each.since, each.ready = now, False
        return bool(due)

    def _look(self) -> None:
        ended = dict(reaped())  # servers of users, adopted from a hub that was killed, are among them
        for each in self._all:
            if each.pid in ended:
                self._after(each, ended[each.pid])
            elif each.process is not None and not each.ready and _works(each):
                each.ready = each.ever_ready = True
                if self._told:
                    self.say(f"{each.part.name} is ready again")
        if not self._told and all(each.ready for each in self._all if each.part.awaited):
            self._told = True
            self.ready()
        late = [each for each in self._all if each.part.awaited and not each.ever_ready]
        if late and time.monotonic() - self._began > START_S:
            raise self._failed(late[0].part, f"is not ready after {START_S:.0f} s")

    def _after(self, each: _Running, code: int) -> None:
        assert each.process is not None
        each.process.returncode = code  # Popen did not see it itself
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        now = time.monotonic()
        each.process, each.ready = None, False
        each.ends = 1 if each.ever_ready and now - each.since > STEADY_S else each.ends + 1
        if each.part.awaited and not each.ever_ready and each.ends >= TRIES:
            raise self._failed(each.part, how)
        wait_s = min(LONGEST_WAIT_S, 0.1 * 2.0 ** (each.ends - 1))
        each.due = now + wait_s
        self.say(f"{each.part.name} {how}; it is started again in {wait_s:.1f} s")

    def _failed(self, part: Part, how: str) -> SpeakSepError:
        self._book.read()
        try:
            lines = Path(part.log).read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        said = f": {words_of(lines[-1])[:300]}" if lines else ""
        return SpeakSepError(
            f"{part.name} did not start: it {how}{said}", reason="part-failed", hint=f"{part.log} says more"
        )

    def _stop(self) -> None:
        hurry = False
        for last, patience_s in ((False, STOP_S), (True, LAST_STOP_S)):
            living = [each for each in self._all if each.process is not None and each.part.last is last]
            for each in living:
                os.kill(each.pid, signal.SIGTERM)  # Popen would look after the child itself, and reaped() not see it
            deadline = time.monotonic() + patience_s
            while living and not hurry and time.monotonic() < deadline:
                hurry = self._asked_within(0.1)  # asked a second time: now
                ended = dict(reaped())
                for each in living:
                    if each.process is not None and each.pid in ended:
                        each.process.returncode, each.process = ended[each.pid], None
                living = [each for each in living if each.process is not None]
        for each in self._all:
            if each.process is not None:
                self.say(f"{each.part.name} does not end by itself and is ended")
                each.process.returncode = -signal.SIGKILL
        end_descendants(0.0 if hurry else SWEEP_S)


def _start(part: Part, output: int) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def begin() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.nice(part.nice)
        end_with(parent)

    return subprocess.Popen(
        part.command,
        env=dict(part.environment),
        cwd=part.folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C in the terminal is for the supervisor
        preexec_fn=begin,
    )


def _works(each: _Running) -> bool:
    if not each.part.url:
        return time.monotonic() - each.since > SETTLED_S
    try:
        with _direct.open(each.part.url, timeout=1.0):
            return True
    except urllib.error.HTTPError as error:
        return error.code != 404 and error.code < 500  # to sign-in, or not without one; the proxy does not know it: 404
    except OSError:
        return False
