"""Random starts, restarts and deaths of kernels and of those who start them; after each, slots are exactly what lives.

``SPEAKSEP_TEST_KILLS`` sets how many steps there are and ``SPEAKSEP_TEST_SEED`` which; 25 and 6 by default.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.lease_machine import Machine, eventually, machine_in

STEPS = int(os.environ.get("SPEAKSEP_TEST_KILLS", "25"))
SEED = int(os.environ.get("SPEAKSEP_TEST_SEED", "6"))

# Stands for a Jupyter server: Jupyter's manager of kernels, told over a pipe what to do. The kernels sleep until their
# parent is another one, as ipykernel does: what is tested is who holds which slot, hundreds of times.
OFFICE = """
import json, sys
from jupyter_client.manager import KernelManager
kernels = {}
for line in sys.stdin:
    verb, name = json.loads(line)
    if verb == "start":
        kernels[name] = KernelManager(kernel_name="sleeper")
        kernels[name].start_kernel()
    elif verb == "restart":
        kernels[name].restart_kernel(now=True)
    elif verb == "end":
        kernels.pop(name).shutdown_kernel(now=True)
    print(json.dumps({name: kernel.provisioner.pid for name, kernel in kernels.items()}), flush=True)
"""
SLEEPER = "import os, time\nwhile os.getppid() == int(os.environ['JPY_PARENT_PID']): time.sleep(0.05)"


class Office:
    """A process that starts kernels."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", OFFICE], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL)
        self.kernels: dict[str, int] = {}

    def ask(self, verb: str, name: str) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([verb, name]).encode() + b"\n")
        self.process.stdin.flush()
        self.kernels = json.loads(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with machine_in(tmp_path, monkeypatch) as made:
        made.spec("sleeper", [sys.executable, "-S", "-c", SLEEPER])
        yield made


class Scenario:
    """Offices, their kernels, and which of those must have a slot."""

    def __init__(self, chance: random.Random, slots: int) -> None:
        self._chance = chance
        self._slots = slots
        self._started = 0
        self.offices = [Office(), Office()]
        self.leased: set[str] = set()
        self._alive: set[str] = set()

    def expected(self) -> set[int]:
        return {pid for office in self.offices for name, pid in office.kernels.items() if name in self.leased}

    def step(self) -> str:
        office = self._chance.choice(self.offices)
        acts = [self.start, self.start, self.restart, self.restart, self.kill, self.end]
        act = self._chance.choice([*acts, self.kill_office])
        names = sorted(office.kernels)
        act(office, self._chance.choice(names) if names else "")
        return act.__name__

    def start(self, office: Office, _: str) -> None:
        self._started += 1
        self.restart(office, f"k{self._started}", "start")

    def restart(self, office: Office, name: str, verb: str = "restart") -> None:
        if name:
            office.ask(verb, name)
            self._alive.add(name)
            self.leased |= {name} if len(self.leased) < self._slots else set()

    def end(self, office: Office, name: str) -> None:
        if name:
            office.ask("end", name)
            self.leased.discard(name)

    def kill(self, office: Office, name: str) -> None:
        if name in self._alive:
            os.kill(office.kernels[name], signal.SIGKILL)
            self._alive.discard(name)
            self.leased.discard(name)

    def kill_office(self, office: Office, _: str) -> None:
        office.kill()
        self.leased -= office.kernels.keys()
        self.offices[self.offices.index(office)] = Office()


@pytest.mark.timeout(120 + 10 * STEPS)
def test_slots_are_exactly_those_of_living_kernels(machine: Machine) -> None:
    scenario = Scenario(random.Random(SEED), slots=4)
    done: list[str] = []
    try:
        for number in range(STEPS):
            done.append(scenario.step())
            right = eventually(lambda: machine.pids() == scenario.expected(), 20)
            assert right, f"seed {SEED}, step {number}: {done[-8:]}: {machine.pids()}, not {scenario.expected()}"
    finally:
        for office in scenario.offices:
            office.kill()
    assert eventually(lambda: machine.holders() == [], 20)
