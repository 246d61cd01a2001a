"""Kernels forked from a server that has everything imported: their own masters, and nobody else's."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from speaksep_kernel.errors import StoreError
from speaksep_kernel.kernel import forkserver
from speaksep_kernel.kernel.forkserver import ForkUnavailable, place, wire
from speaksep_kernel.kernel.forkserver.client import LOST, ask
from speaksep_kernel.kernel.forkserver.imports import Sources
from speaksep_kernel.kernel.status import memory_bytes
from tests.kernel.kernel_talk import connection_file, soon, talking

READY = "import speaksep_kernel, torch, librosa, sklearn.cluster; from speaksep_kernel import diagnose"
FURTHER_KERNEL_BYTES = 120e6


@pytest.fixture(scope="module")
def runtime():
    """A runtime folder with a short name, in which one server serves all tests."""
    folder = Path(tempfile.mkdtemp(prefix="speaksep-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPEAKSEP_RUNTIME_DIR", str(folder))
        patch.setenv("SPEAKSEP_FORK_IDLE_S", "20")
        patch.setenv("SPEAKSEP_GPUS", "none")
        patch.setenv("OMP_NUM_THREADS", "1")
        yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder():
    """Short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="speaksep-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fork(runtime, folder):
    """Starts kernels as a provisioner does; none of them outlives the test."""
    kernels = []

    def start(name="a", **options):
        (folder / name).mkdir()
        path = connection_file(folder / name)
        forkserver.warm(env=options.get("env"), wait_s=240)
        command = [sys.executable, "-m", "speaksep_kernel.kernel", "-f", str(path)]
        kernels.append(forkserver.start(command, stdout=subprocess.DEVNULL, **options))
        return kernels[-1], path

    yield start
    for kernel in kernels:
        kernel.kill()
        kernel.wait(30)


def served_at() -> place.Place:
    """Of the kernels that nothing was chosen for; the smaller server of one test may still be there, too."""
    return place.place_for(sys.executable, os.environ)


def server() -> int:
    """Process of the fork server that serves now."""
    return ask(served_at(), "status")["pid"]


def test_forked_kernel_has_what_a_process_of_its_own_would_have(fork, folder):
    env = {**os.environ, "GIVEN": "to it", "OMP_NUM_THREADS": "3", "TZ": "Asia/Kolkata"}
    kernel, path = fork(env=env, cwd=folder)
    with talking(path) as talk:
        code = f"{READY}; import os, sys, time, tempfile"
        expression = (
            "(os.getpid(), os.getsid(0), os.getcwd(), os.environ['GIVEN'], torch.get_num_threads(), time.timezone,"
            " os.path.samefile('/proc/self/fd/0', '/dev/null'), torch.cuda.is_initialized())"
        )
        assert talk.value(expression, code) == (
            kernel.pid, kernel.pid, str(folder), "to it", 3, -19800, True, False
        )  # fmt: skip
    assert kernel.poll() is None


def test_a_smaller_server_has_what_was_chosen_and_no_network(fork, folder):
    env = {**os.environ, "SPEAKSEP_FORK_IMPORTS": "colorsys,speaksep_kernel.jobs.queue"}
    kernel, path = fork("small", env=env)
    assert kernel.poll() is None
    with talking(path) as talk:
        wanted = "[name in sys.modules for name in ('colorsys', 'speaksep_kernel.jobs.queue', 'torch', 'librosa')]"
        assert talk.value(wanted, "import sys") == [True, True, False, False]
        assert memory_bytes(kernel.pid) < FURTHER_KERNEL_BYTES


def test_everything_is_imported_already(fork):
    _, path = fork()
    with talking(path) as talk:
        code = f"import sys; before = set(sys.modules)\n{READY}"
        assert talk.value("sorted(set(sys.modules) - before)", code) == []


def test_kernels_draw_different_numbers(fork):
    drawn = "(random.random(), numpy.random.random(), torch.rand(1).item())"
    code = "import random, numpy, torch"
    (_, first), (_, second) = fork("a"), fork("b")
    with talking(first) as one, talking(second) as other:
        numbers = {*one.value(drawn, code), *other.value(drawn, code)}
    assert len(numbers) == 6


def test_files_come_under_their_numbers(fork, folder):
    (folder / "kept").write_text("held")
    with (folder / "kept").open() as kept:
        _, path = fork(pass_fds=(kept.fileno(),))
        number = kept.fileno()
    with talking(path) as talk:
        assert talk.value(f"os.read({number}, 9)", "import os") == b"held"
    assert all("kept" not in each.path for each in psutil.Process(server()).open_files())


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("import os; os._exit(7)", 7), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9)],
    ids=["exit", "killed"],
)
def test_how_a_kernel_ended_is_told(fork, code, exit_code):
    kernel, path = fork()
    with talking(path) as talk:
        talk.client.execute(code)
        assert kernel.wait(30) == exit_code
    assert kernel.poll() == exit_code
    kernel.send_signal(signal.SIGINT)  # to nobody


def test_shutdown_ends_it_in_peace(fork):
    kernel, path = fork()
    with talking(path) as talk:
        talk.client.shutdown()
        assert kernel.wait(60) == 0


def test_interrupt_reaches_the_cell(fork):
    kernel, path = fork()
    with talking(path) as talk:
        asked = talk.client.execute("import time; started = True; time.sleep(60)")
        talk.client.get_iopub_msg(timeout=30)
        assert soon(lambda: psutil.Process(kernel.pid).status() == "sleeping")
        os.killpg(kernel.pid, signal.SIGINT)
        reply = talk.client._recv_reply(asked, timeout=30)
    assert reply["content"]["ename"] == "KeyboardInterrupt"


def test_what_a_killed_kernel_started_is_gone_too(fork):
    kernel, path = fork()
    with talking(path) as talk:
        left = talk.value("child.pid", "import subprocess; child = subprocess.Popen(['sleep', '600'])")
        kernel.kill()
        assert kernel.wait(30) == -9
    assert soon(lambda: not psutil.pid_exists(left))


ASKS = """
import sys, time
from speaksep_kernel.kernel import forkserver
forkserver.warm(wait_s=240)
kernel = forkserver.start([sys.executable, "-m", "speaksep_kernel.kernel", "-f", sys.argv[1]])
print(kernel.pid, flush=True)
time.sleep(600)
"""


def test_kernel_and_its_files_go_with_a_killed_jupyter_server(fork, runtime, folder):
    path = connection_file(folder)
    with subprocess.Popen([sys.executable, "-c", ASKS, str(path)], stdout=subprocess.PIPE, text=True) as jupyter:
        pid = int(jupyter.stdout.readline())
        with talking(path) as talk:
            talk.value("1")
            jupyter.kill()
    assert soon(lambda: not psutil.pid_exists(pid))
    assert list(folder.iterdir()) == []


def test_kernels_outlive_a_killed_fork_server_and_another_takes_its_place(fork):
    kernel, path = fork()
    first = server()
    with talking(path) as talk:
        os.kill(first, signal.SIGKILL)
        assert soon(lambda: not psutil.pid_exists(first) or psutil.Process(first).status() == "zombie")
        assert talk.value("6 * 7") == 42
        assert kernel.poll() is None
        with pytest.raises(ForkUnavailable, match="starting"):
            forkserver.start([sys.executable, "-m", "speaksep_kernel.kernel", "-f", str(path)])
    kernel.kill()
    assert kernel.wait(30) == LOST
    _, again = fork("again")
    with talking(again) as talk:
        assert talk.value("1 + 1") == 2
    assert server() != first


def test_nobody_waits_for_a_server_that_hangs(fork, folder, monkeypatch):
    forkserver.warm(wait_s=240)
    monkeypatch.setattr(forkserver.client, "PATIENCE_S", 0.3)
    hung, path = server(), connection_file(folder)
    os.kill(hung, signal.SIGSTOP)
    try:
        with pytest.raises(ForkUnavailable) as caught:
            forkserver.start([sys.executable, "-m", "speaksep_kernel.kernel", "-f", str(path)])
    finally:
        os.kill(hung, signal.SIGCONT)
    assert caught.value.reason == "failed"
    # It was forked all the same, found that nobody waits, and went: a plain kernel may have the connection file.
    assert soon(lambda: ask(served_at(), "status")["kernels"] == [])
    assert [each.name for each in folder.iterdir()] == ["kernel.json"]


def test_memory_of_a_further_kernel(fork):
    kernels = [fork("a")[0]]

    def total() -> int:
        return sum(memory_bytes(pid) for pid in (server(), *(kernel.pid for kernel in kernels)))

    def settle(path):
        with talking(path) as talk:
            talk.value("1")

    settle(Path(fork("b")[1]))
    kernels[0].poll()
    before = total()
    for name in "cde":
        kernel, path = fork(name)
        settle(path)
        kernels.append(kernel)
    assert (total() - before) / 3 < FURTHER_KERNEL_BYTES


STRANGER = """
import os, socket, sys
os.setuid(65534)
with socket.socket(socket.AF_UNIX) as asking:
    asking.connect(sys.argv[1])
    try:
        asking.sendall(b'\\0\\0\\0\\x11{"ask": "status"}')
        print(asking.recv(9) or "hung up")
    except ConnectionError:
        print("hung up")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_gets_no_word(fork, runtime):
    forkserver.warm(wait_s=240)
    path = served_at().socket
    runtime.chmod(0o711)
    path.chmod(0o666)
    try:
        done = subprocess.run([sys.executable, "-c", STRANGER, str(path)], capture_output=True, text=True)
    finally:
        path.chmod(0o600)
        runtime.chmod(0o700)
    assert done.stdout.strip() == "hung up", done.stderr


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.mkdir(mode=0o755) or path.chmod(0o755), "others may enter it (mode 0755)"),
        (lambda path: path.symlink_to("/tmp"), "not a folder"),
        (lambda path: path.touch(), "File exists"),
    ],
    ids=["open to others", "link", "file"],
)
def test_a_folder_that_somebody_else_may_have_made_is_not_used(folder, monkeypatch, spoil, why):
    spoil(folder / "run")
    monkeypatch.setenv("SPEAKSEP_RUNTIME_DIR", str(folder / "run"))
    with pytest.raises(StoreError, match="cannot be used") as caught:
        place.runtime_dir()
    assert why in caught.value.error
    with pytest.raises(ForkUnavailable) as refused:
        forkserver.start([sys.executable, "-m", "speaksep_kernel.kernel", "-f", "kernel.json"])
    assert refused.value.reason == "unsafe-runtime-dir"


@pytest.mark.parametrize(
    ("command", "options", "why"),
    [
        ([sys.executable, "-m", "ipykernel_launcher"], {}, "not a command that can be forked"),
        (["python", "-m", "speaksep_kernel.kernel"], {}, "not a command that can be forked"),
        ([sys.executable, "-m", "speaksep_kernel.kernel"], {"stdout": subprocess.PIPE}, "pipes are not supported"),
        ([sys.executable, "-m", "speaksep_kernel.kernel"], {"env": {"SPEAKSEP_FORK": "0"}}, "SPEAKSEP_FORK=0"),
    ],
    ids=["other kernel", "interpreter without a path", "pipe", "switched off"],
)
def test_what_cannot_be_forked_is_left_to_a_plain_start(runtime, command, options, why):
    with pytest.raises(ForkUnavailable, match=why) as caught:
        forkserver.start(command, **options)
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("name", ["PYTHONPATH", "LD_PRELOAD", "NUMBA_CACHE_DIR", "MPLBACKEND"])
def test_what_imports_read_decides_which_server_serves(runtime, name):
    mine = place.place_for(sys.executable, os.environ)
    assert place.place_for(sys.executable, {**os.environ, name: "other"}).key != mine.key
    assert place.place_for(sys.executable, {**os.environ, "OMP_NUM_THREADS": "5", "ANY": "thing"}).key == mine.key


def test_changed_source_is_noticed(folder, monkeypatch):
    (folder / "speaksep_watched_module.py").write_text("value = 1")
    monkeypatch.syspath_prepend(folder)
    __import__("speaksep_watched_module")
    sources = Sources()
    assert sources.changed() == ""
    os.utime(folder / "speaksep_watched_module.py", (1, 1))
    assert sources.changed().endswith("speaksep_watched_module.py")


IDLE = """
import sys
from pathlib import Path
from speaksep_kernel.kernel.forkserver import server
server.LOOK_S = 0.05
print(server.ForkServer(Path(sys.argv[1]), 0, idle_s=float(sys.argv[2])).serve())
"""


def test_a_server_without_work_ends(folder):
    done = subprocess.run(
        [sys.executable, "-c", IDLE, str(folder / "sock"), "0.3"], stdin=subprocess.DEVNULL, timeout=60
    )
    assert done.returncode == 0
    assert list(folder.iterdir()) == []


def test_a_server_that_nobody_can_find_ends(folder):
    with subprocess.Popen([sys.executable, "-c", IDLE, str(folder / "sock"), "600"], stdin=subprocess.PIPE) as lost:
        assert soon((folder / "sock").exists)
        (folder / "sock").unlink()
        assert lost.wait(30) == 0


def test_a_failed_server_is_not_tried_at_once_again(folder, monkeypatch):
    monkeypatch.setenv("SPEAKSEP_RUNTIME_DIR", str(folder / "run"))
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # no Python can start there
    with pytest.raises(ForkUnavailable) as caught:
        forkserver.warm(wait_s=60)
    assert caught.value.reason == "failed"
    log = next((folder / "run").glob("*.log"))
    assert str(log) in caught.value.error
    assert "encodings" in log.read_text()


def test_messages_are_bounded():
    here, there = socket.socketpair()
    with here, there:
        here.sendall((1 << 30).to_bytes(4, "big"))
        with pytest.raises(ValueError, match="1073741824 bytes"):
            wire.receive(there)


WARM = """
import json, sys
asked = []
calls = {"socket.connect", "socket.getaddrinfo"}
sys.addaudithook(lambda event, arguments: asked.append(event) if event in calls else None)
from speaksep_kernel.kernel.forkserver.imports import threads, warm_up
missing = warm_up()
import torch
print(json.dumps([asked, missing, threads(), torch.cuda.is_initialized()]))
"""


def test_warming_up_asks_nobody_and_starts_no_thread(runtime):
    env = place.imports_environment(os.environ) | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-P", "-c", WARM], env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [[], [], 1, False]
