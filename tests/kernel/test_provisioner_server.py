"""A real Jupyter server that is killed, and kernels of it that are: slots are kept, had again or free, never lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.kernel.lease_machine import Machine, eventually, machine_in, told


class Server:
    """What a browser would ask of it."""

    def __init__(self, process: subprocess.Popen[bytes], runtime: Path) -> None:
        self.process = process
        assert eventually(lambda: [path for path in runtime.glob("jpserver-*.json") if path.stat().st_size], 120)
        info = json.loads(next(runtime.glob("jpserver-*.json")).read_text())
        self._url, self._token = info["url"], info["token"]
        assert eventually(self._listens, 120)

    def _listens(self) -> bool:
        with suppress(urllib.error.URLError), urllib.request.urlopen(self._url + "api"):
            return True
        return False

    def post(self, route: str, /, **body: Any) -> Any:
        data = json.dumps(body).encode()
        headers = {"Authorization": f"token {self._token}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self._url + route, data, headers)) as answer:
            return json.load(answer)


@contextmanager
def _server(machine: Machine) -> Iterator[Server]:
    runtime = Path(machine.environ["JUPYTER_RUNTIME_DIR"])
    command = ["-m", "jupyter_server", "--no-browser", "--allow-root", f"--ServerApp.root_dir={machine.folder}"]
    with (machine.folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--ServerApp.port=0", "--KernelRestarter.time_to_dead=0.5"],
            env=os.environ | {"JUPYTER_NO_CONFIG": "1", "JUPYTER_CONFIG_DIR": str(machine.folder)},
            stdout=log,
            stderr=log,
        )
    try:
        yield Server(process, runtime)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with machine_in(tmp_path, monkeypatch, SPEAKSEP_GPUS="pretend:0") as made:
        yield made


def test_server_and_its_kernels_are_killed(machine: Machine) -> None:
    machine.spec("must", ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"], device="gpu")
    with _server(machine) as server:
        first, second = (server.post("api/kernels", name="leased")["id"] for _ in range(2))
        assert {holder.kernel for holder in machine.holders()} == {first, second}

        with pytest.raises(urllib.error.HTTPError) as refused:
            server.post("api/sessions", kernel={"name": "must"}, name="n", path="n.ipynb", type="notebook")
        assert "no GPU for this kernel: 2 of 2 slots are taken, by " in json.load(refused.value)["message"]

        before = machine.pids()
        server.post(f"api/kernels/{first}/restart")
        assert {holder.kernel for holder in machine.holders()} == {first, second}
        assert len(machine.pids() & before) == 1

        (killed,) = (holder for holder in machine.holders() if holder.kernel == second)
        os.kill(killed.pid, signal.SIGKILL)  # the server starts it again by itself
        starting = {killed.pid, server.process.pid}  # a slot is the server's until the kernel has its open file
        assert eventually(lambda: len(machine.pids() - starting) == 2)
        assert {holder.kernel for holder in machine.holders()} == {first, second}

        kernels = machine.pids()
        assert [told(pid)["SPEAKSEP_DEVICE_GIVEN"] for pid in kernels] == ["cuda"] * 2
        server.process.kill()
        assert eventually(lambda: machine.holders() == [])
        assert eventually(lambda: not any(psutil.pid_exists(pid) for pid in kernels))
