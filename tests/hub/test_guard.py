"""Whoever is killed, nothing is left; whatever dies, is started again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.hub.running import until

# A guard with the parts that its first argument describes.
GUARD = """
import json, os, sys
from speaksep_hub.local.guard import run_guarded
from speaksep_hub.local.part import Part
from speaksep_kernel.errors import SpeakSepError

folder = sys.argv[1]
parts = [
    Part(name, (sys.executable, "-c", program), dict(os.environ), folder, f"{folder}/{name}.log", last=name == "proxy")
    for name, program in json.loads(sys.argv[2]).items()
]
try:
    run_guarded(parts, lambda: print("ready", flush=True))
except SpeakSepError as error:
    print(error.reason, error, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
SLEEP = "import time; time.sleep(600)"
# Starts a process in a session of its own, as the hub does for users, and ends without it.
ORPHAN = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True); "
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {SLEEP}"


class Guarded:
    """A guard, its supervisor, and what runs below."""

    def __init__(self, folder: Path, parts: dict[str, str]) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", GUARD, str(folder), json.dumps(parts)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def read(self) -> str:
        """The next line it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def below(self) -> list[psutil.Process]:
        """All processes but the guard."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def supervisor(self) -> psutil.Process:
        """The guard's one child."""
        return psutil.Process(self.process.pid).children()[0]

    def end(self) -> str:
        """What it said to people, once it has ended."""
        return self.process.communicate(timeout=30)[1]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Callable[..., Guarded]]:
    """``guarded(name="program", …)`` runs parts."""
    made: list[Guarded] = []

    def make(**parts: str) -> Guarded:
        made.append(Guarded(tmp_path, parts))
        return made[-1]

    yield make
    for each in made:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_it_ends_with_all_that_was_started(guarded, number):
    guard = guarded(hub=ORPHAN + SLEEP, proxy=SLEEP)
    assert guard.read() == "ready"
    until(lambda: len(guard.below()) == 4)
    everything = guard.below()
    guard.process.send_signal(number)
    assert guard.read() == "interrupted"
    guard.end()
    assert psutil.wait_procs(everything, timeout=0.1)[1] == []


def test_whoever_does_not_end_is_ended_within_ten_seconds(guarded):
    guard = guarded(hub=STUBBORN, worker=SLEEP)
    assert guard.read() == "ready"
    until(lambda: "deaf" in (guard.folder / "hub.log").read_text())
    everything, begun = guard.below(), time.monotonic()
    guard.process.send_signal(signal.SIGINT)
    assert "hub does not end by itself" in guard.end()
    assert time.monotonic() - begun < 10
    assert psutil.wait_procs(everything, timeout=0.1)[1] == []


def test_asked_twice_it_does_not_wait(guarded):
    guard = guarded(hub=STUBBORN)
    assert guard.read() == "ready"
    until(lambda: "deaf" in (guard.folder / "hub.log").read_text())
    begun = time.monotonic()
    guard.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    guard.process.send_signal(signal.SIGINT)
    guard.end()
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("who", ["guard", "supervisor", "both"])
def test_kill_leaves_nothing(guarded, who):
    guard = guarded(hub=ORPHAN + SLEEP, proxy=SLEEP)
    assert guard.read() == "ready"
    until(lambda: len(guard.below()) == 4)
    everything = guard.below()
    parts = [process for process in everything if process.parent() == guard.supervisor()]
    victims = {
        "guard": [guard.process],
        "supervisor": [guard.supervisor()],
        "both": [guard.process, guard.supervisor()],
    }
    for victim in victims[who]:
        victim.kill()
    # Nobody is left to look for orphans of orphans when both are killed at once; the parts themselves end.
    looked_for = {"both": parts}.get(who, everything)
    assert psutil.wait_procs(looked_for, timeout=10)[1] == []
    for process in everything:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def test_a_killed_supervisor_is_a_fault_that_is_told(guarded):
    guard = guarded(hub=SLEEP)
    assert guard.read() == "ready"
    guard.supervisor().kill()
    assert guard.read().startswith("supervisor-killed the supervisor of the platform ended")


def test_what_dies_is_started_again_and_its_orphans_live(guarded):
    guard = guarded(hub=ORPHAN + SLEEP, proxy=SLEEP)
    assert guard.read() == "ready"
    until(lambda: len(guard.below()) == 4)
    orphan = next(
        process
        for process in guard.below()
        if process.parent() not in (guard.supervisor(), psutil.Process(guard.process.pid))
    )
    hub, supervisor = orphan.parent(), guard.supervisor()
    hub.kill()
    until(lambda: len(guard.below()) == 5)
    assert orphan.parent() == supervisor
    guard.process.send_signal(signal.SIGTERM)
    assert "hub was ended by SIGKILL; it is started again in 0.1 s" in guard.end()
    assert not orphan.is_running()


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("raise SystemExit('no such table')", "it ended with code 1: no such table"),
        ("import os; os.kill(os.getpid(), 9)", "it was ended by SIGKILL"),
    ],
    ids=["raises", "killed"],
)
def test_what_never_works_ends_all_and_says_why(guarded, program, why):
    guard = guarded(hub=program, proxy=SLEEP)
    said = guard.read()
    assert said.startswith("part-failed hub did not start:")
    assert why in said
    guard.end()
