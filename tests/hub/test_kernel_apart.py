"""A real kernel of another user of the machine tries what is not its own: the database, recordings, tokens, secrets."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from speaksep_kernel.testing.audio_files import encode
from tests.hub.service_process import ServiceProcess

NOBODY = pwd.getpwnam("nobody")
BECOME = """
import codecs, json, os, sqlite3, sys
sys.modules["debugpy"] = None
from ipykernel.kernelapp import IPKernelApp
for name in ("ascii", "latin-1", "utf-8", "idna"):
    codecs.lookup(name)
user, group, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
app = IPKernelApp.instance()
app.initialize(["-f", file, "--HistoryManager.enabled=False"])
# Only now, since another user may not even be allowed to read this Python.
os.setgroups([]); os.setgid(group); os.setuid(user)
app.start()
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a kernel as another user")

TRY = """
import json, os, sqlite3
def tried(what):
    try:
        what()
    except Exception as error:
        return type(error).__name__
    return "it worked"
answers = {}
for path in FILES:
    answers[f"read {path}"] = tried(lambda: open(path, "rb").read(1))
    answers[f"write {path}"] = tried(lambda: open(path, "ab"))
for path in FOLDERS:
    answers[f"list {path}"] = tried(lambda: os.listdir(path))
    answers[f"add to {path}"] = tried(lambda: open(f"{path}/planted", "w"))
answers["jobs"] = tried(lambda: sqlite3.connect(DATABASE).execute("select * from jobs").fetchall())
answers["environment of the service"] = tried(lambda: open(f"/proc/{PID}/environ", "rb").read(1))
answers["memory of the service"] = tried(lambda: open(f"/proc/{PID}/mem", "rb"))
answers["end the service"] = tried(lambda: os.kill(PID, 9))
print(os.getuid(), json.dumps(answers))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that anybody may pass: only what the platform itself closes is closed."""
    folder = Path(tempfile.mkdtemp(prefix="apart"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def service(place: Path) -> Iterator[ServiceProcess]:
    service = ServiceProcess(place / "platform").start()
    yield service
    service.stop()


@pytest.fixture
def run(place: Path) -> Iterator[Callable[[str], str]]:
    """Execute code in a kernel of nobody's; what it prints."""
    home = place / "home"
    home.mkdir()
    os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    file, _ = write_connection_file(str(home / "kernel.json"), transport="ipc", ip=str(home / "kernel"))
    os.chown(file, NOBODY.pw_uid, NOBODY.pw_gid)
    words = [sys.executable, "-c", BECOME, str(NOBODY.pw_uid), str(NOBODY.pw_gid), file]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    client = BlockingKernelClient()
    client.load_connection_file(file)
    with (place / "kernel.log").open("wb") as log:
        kernel = subprocess.Popen(words, cwd=home, env=environment, stdout=log, stderr=log)
    try:
        while b"--existing" not in (place / "kernel.log").read_bytes():  # before, its heart does not beat
            assert kernel.poll() is None, (place / "kernel.log").read_text()
            time.sleep(0.1)
        client.start_channels()
        client.wait_for_ready(timeout=60)
        yield lambda code: printed_by(client, code)
    finally:
        client.stop_channels()
        client.context.destroy()
        kernel.kill()
        kernel.wait()


def printed_by(client: BlockingKernelClient, code: str) -> str:
    """What some code prints in a kernel."""
    printed: list[str] = []
    client.execute_interactive(
        code, timeout=60, output_hook=lambda said: printed.append(said["content"].get("text", ""))
    )
    return "".join(printed)


def test_a_kernel_reaches_nothing_of_the_platform(
    service: ServiceProcess, place: Path, run: Callable[[str], str]
) -> None:
    with service.client("ann") as ann:
        recording = ann.post("recordings", content=encode([0.1, 0.2, 0.1] * 9000, 16000, "wav")).json()
    others = place / "homes" / "bob"
    others.mkdir(mode=0o700, parents=True)
    (others / "thesis.wav").write_text("mine")
    everything = [path for root in (service.folder, others) for path in root.rglob("*")]
    files = [str(path) for path in everything if path.is_file() and path.name != "log.txt"]  # the log is the fixture's
    folders = [str(path) for path in everything if path.is_dir()]
    assert {"jobs.sqlite3", "tokens.toml", recording["sha256"], "thesis.wav"} <= {Path(path).name for path in files}
    assert service.process is not None
    given = {
        "FILES": files,
        "FOLDERS": folders,
        "DATABASE": str(service.folder / "jobs.sqlite3"),
        "PID": service.process.pid,
    }
    said = run("\n".join(f"{name} = {value!r}" for name, value in given.items()) + TRY)
    user, _, answers = said.partition(" ")
    assert int(user) == NOBODY.pw_uid
    tried = json.loads(answers)
    assert len(tried) == 2 * len(files) + 2 * len(folders) + 4
    assert {what for what, came in tried.items() if came not in ("PermissionError", "OperationalError")} == set()
    assert service.process.poll() is None
    with service.client("ann") as ann:
        assert ann.get(f"recordings/{recording['id']}").status_code == 200
