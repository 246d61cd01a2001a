"""Real batches for the tests of faults: a small notebook, its command in processes of their own, and what must hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from speaksep_kernel.jobs.batch.folder import read_batch
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State

PARAMETERS = 'n: int = 0  # Which\nseconds: float = 0.2  # How long it sleeps\nhow: str = "well"  # How it ends'
BODY = """\
import os, signal, time
from pathlib import Path

before = sorted(os.listdir())  # nobody wrote here before
time.sleep(seconds)
if how == "raises":
    raise ValueError(f"no {n}")
if how == "hangs":
    time.sleep(600)
if how == "eats":
    eaten = bytearray(os.urandom(1 << 20)) * 600
    time.sleep(600)
if how == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
Path("made.txt").write_text(f"{n} {before}")"""
LEASE_S = 20.0
"""Long enough for a busy machine: that a process here has ended is known at once."""


def write_notebook(path: Path, parameters: str = PARAMETERS, body: str = BODY) -> None:
    """A batch notebook of two cells."""
    cells = [
        {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "source": parameters},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": body},
    ]
    for cell in cells:
        cell |= {"execution_count": None, "outputs": []}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))


@dataclass
class Scene:
    """A folder, a job table, a notebook, and all processes that belong to them."""

    folder: Path
    runtime: Path
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        notebooks = self.folder / "notebooks"
        notebooks.mkdir()
        write_notebook(notebooks / "nap.ipynb")
        self.environment = {
            **os.environ,
            "SPEAKSEP_NOTEBOOKS": str(notebooks),
            "SPEAKSEP_JOBS": str(self.folder / "jobs.sqlite3"),
            "SPEAKSEP_JOB_LEASE_S": str(LEASE_S),
            "SPEAKSEP_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_RUNTIME_DIR": str(self.runtime / "jupyter"),
            "IPYTHONDIR": str(self.folder / "ipython"),
            "OMP_NUM_THREADS": "1",
            **self.more,
        }

    def table(self, rows: list[dict[str, Any]], name: str = "rows.jsonl") -> Path:
        """Write a parameter table."""
        path = self.folder / name
        path.write_text("\n".join(json.dumps(row) for row in rows))
        return path

    def begin(self, *words: str | Path, out: str = "out") -> subprocess.Popen[str]:
        """``speaksep batch …``, in a session of its own as in a terminal of its own."""
        return self.start(Path(sys.executable).with_name("speaksep"), "batch", *words, "-o", self.folder / out)

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Any program, in the scene."""
        with (self.folder / "log.txt").open("a") as log:
            return subprocess.Popen(
                [str(word) for word in words],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def end(self, process: subprocess.Popen[str], timeout_s: float = 600.0) -> int:
        """How it ended."""
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end; its log:\n{self.log()[-3000:]}") from None

    def log(self) -> str:
        """What everything said."""
        return (self.folder / "log.txt").read_text(errors="replace")

    @contextmanager
    def jobs(self) -> Iterator[JobTable]:
        """The job table."""
        with JobTable.open(self.environment["SPEAKSEP_JOBS"]) as table:
            yield table

    def wait_for(self, what: Callable[[Counter[State]], bool], timeout_s: float = 300.0) -> None:
        """Until the counts of the table are so."""
        end = time.monotonic() + timeout_s
        with self.jobs() as table:
            while not what(Counter(table.counts())):
                assert time.monotonic() < end, f"{table.counts()}\n{self.log()[-3000:]}"
                time.sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs in the scene, but the fork server, which ends by itself when it is idle."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                # Forked kernels show the environment of their server, which is started once for all scenes.
                mine = process.environ().get("SPEAKSEP_RUNTIME_DIR") == str(self.runtime)
                if mine and process.status() != psutil.STATUS_ZOMBIE and not is_fork_server(process):
                    found.append(process)
        return found

    def workers(self, batch: subprocess.Popen[str]) -> list[psutil.Process]:
        """The processes of the local executor."""
        with suppress(psutil.Error):
            children = psutil.Process(batch.pid).children()
            return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        return []

    def audit(self, count: int, out: str = "out") -> None:
        """Every job was done, none twice in effect, and nothing is left lying about."""
        place = self.folder / out
        with self.jobs() as table:
            jobs = table.jobs(batch=read_batch(place).id)
            ends = Counter(event.job_id for event in _events(table) if event.state is State.SUCCEEDED)
        assert [job.state for job in jobs] == [State.SUCCEEDED] * count
        assert {job.id: ends[job.id] for job in jobs} == {job.id: 1 for job in jobs}
        for job in jobs:
            told = json.loads((Path(job.output) / "job.json").read_text())
            assert (told["job"], told["attempt"]) == (job.id, job.attempt) or told["attempt"] < job.attempt
            assert (Path(job.output) / "made.txt").read_text() == f"{job.parameters['n']} ['nap.ipynb']"
        # A command that is killed in the instant in which it writes its tables leaves a scratch file.
        names = {path.name for path in place.iterdir() if not path.name.startswith((".batch.json.", ".results."))}
        assert names - {Path(job.output).name for job in jobs} <= {
            "batch.json",
            "results.csv",
            "results.parquet",
            "summary.ipynb",
            "report.html",
        }
        assert list(pd.read_csv(place / "results.csv").state) == ["succeeded"] * count

    def nothing_runs(self, timeout_s: float = 40.0) -> None:
        """Everything of the scene ends by itself."""
        end = time.monotonic() + timeout_s
        while left := self.processes():
            assert time.monotonic() < end, [_words(process) for process in left]
            time.sleep(0.2)

    def close(self) -> None:
        """End everything."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()


def end_fork_servers(runtime: Path) -> None:
    """End what hands out kernels in a runtime folder."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("SPEAKSEP_RUNTIME_DIR") == str(runtime):
                process.kill()


def is_fork_server(process: psutil.Process) -> bool:
    """Whether it hands out kernels; those look the same, but are its children."""
    words = "forkserver"
    return words in " ".join(process.cmdline()) and words not in " ".join(process.parent().cmdline())


def _events(table: JobTable) -> Iterator[Any]:
    after = 0
    while events := table.events(after):
        yield from events
        after = events[-1].seq


def _words(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return f"{process.pid} {' '.join(process.cmdline())[-150:]}"
    return str(process.pid)
