"""What a notebook finds in our kernel, here started plainly: magics, status, threads, nothing that reports home."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import speaksep_kernel.testing
from speaksep_kernel.cli.app import main
from speaksep_kernel.kernel import threads
from speaksep_kernel.kernel.install import SPEC
from tests.kernel.kernel_talk import Talk, connection_file, talking

VOICE = Path(speaksep_kernel.testing.__file__).with_name("clips") / "allison_1.opus"
SETTINGS = json.loads((SPEC / "kernel.json").read_text())


@pytest.fixture(scope="module")
def kernel():
    """A kernel started as the kernelspec says, in a folder that holds a trap."""
    folder = Path(tempfile.mkdtemp(prefix="speaksep-"))
    (folder / "random.py").write_text("raise RuntimeError('a file of the notebook was imported by the kernel')")
    path = connection_file(folder)
    command = [sys.executable, *SETTINGS["argv"][1:-1], str(path)]
    env = {**os.environ, **SETTINGS["env"], "SPEAKSEP_GPUS": "none", "SPEAKSEP_RUNTIME_DIR": str(folder / "run")}
    env |= {
        "OMP_NUM_THREADS": "3",
        "IPYTHONDIR": str(folder / "ipython"),
        "SPEAKSEP_BOOK": str(folder / "book.json"),
        "JPY_PARENT_PID": str(os.getpid()),
    }
    with subprocess.Popen(command, env=env, cwd=folder, start_new_session=True) as process:
        try:
            with talking(path) as talk:
                (folder / "random.py").unlink()
                yield talk
        finally:
            process.kill()
    shutil.rmtree(folder)


def printed(shown: list[dict], kind: str = "text/plain") -> str:
    """What a cell showed as its result."""
    return next(content["data"][kind] for content in reversed(shown) if kind in content.get("data", {}))


def test_diagnose_gives_the_diagnosis(kernel: Talk):
    kernel.cell("import numpy; silence = (numpy.zeros(16000, numpy.float32), 16000)")
    reply, _ = kernel.cell("found = %diagnose silence --max-speakers 3")
    assert reply["status"] == "ok", reply
    assert kernel.value("(found.speakers, type(found).__name__)") == (0, "Diagnosis")


def test_separate_gives_tracks_and_shows_progress(kernel: Talk, tmp_path):
    reply, shown = kernel.cell(f"made = %separate '{VOICE}' -o '{tmp_path / 'the tracks'}' --quality fast")
    assert reply["status"] == "ok", reply
    assert kernel.value("str(made.directory)") == str(tmp_path / "the tracks")
    assert (tmp_path / "the tracks" / "manifest.json").is_file()
    assert any("<progress" in content.get("data", {}).get("text/html", "") for content in shown)


def test_a_cell_of_commands_runs_them_until_one_fails(kernel: Talk):
    reply, shown = kernel.cell("%%speaksep\nplugins list  # a comment\n\nrender nowhere -o here\nplugins list --json")
    said = "".join(content.get("text", "") for content in shown)
    assert reply["status"] == "error"
    assert reply["ename"] == "UsageError"
    assert "nowhere" in reply["evalue"]
    assert "separator" in said
    assert '"plugins"' not in said


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%diagnose", "source"),
        ("%diagnose nowhere.wav", "nowhere.wav"),
        ("%diagnose silence --known Ada", "nobody is enrolled"),
        ("%diagnose 'silence", "quotation"),
        ("%diagnose silence --speakers many", "many"),
        ("%separate silence --quality perfect", "perfect"),
        ("%speaksep dance", "dance"),
        ("%speaksep diagnose 'unclosed", "quotation"),
    ],
)
def test_bad_input_is_one_line(kernel: Talk, cell, says):
    kernel.cell("import numpy; silence = (numpy.zeros(16000, numpy.float32), 16000)")
    reply, shown = kernel.cell(cell)
    assert reply["status"] == "error"
    assert reply["ename"] == "UsageError"
    assert says in reply["evalue"] + "".join(content.get("text", "") for content in shown)


def test_status_says_device_memory_and_queue(kernel: Talk):
    _, shown = kernel.cell("%speaksep")
    rows = dict(line.split(maxsplit=1) for line in printed(shown).splitlines())
    assert rows["device"].startswith("cpu: ")
    assert rows["memory"].endswith("MB, 3 threads, plain start")
    assert rows["queue"] == "nobody waits for a GPU"
    assert 'aria-label="Status of this kernel"' in printed(shown, "text/html")


def test_settings_of_the_kernelspec_reach_the_kernel(kernel: Talk):
    names = "('PYANNOTE_METRICS_ENABLED', 'HF_HUB_DISABLE_TELEMETRY', 'DO_NOT_TRACK')"
    assert kernel.value(f"[os.environ[name] for name in {names}]", "import os") == ["false", "1", "1"]


def test_threads_follow_the_environment_and_the_libraries_follow_them(kernel: Talk):
    assert kernel.value("torch.get_num_threads()", "import torch") == 3


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("150000 100000", 2), ("max 100000", 8), ("10000 100000", 1), ("9900000 100000", 8), ("nonsense", 8)],
)
def test_a_share_of_a_machine_is_not_taken_for_all_of_it(monkeypatch, tmp_path, quota, cores):
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(threads, "_QUOTAS", (str(tmp_path / "cpu.max"), str(tmp_path / "none")))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert threads.usable_cores() == cores
    assert threads.thread_count({"OMP_NUM_THREADS": "5,2"}) == 5
    assert threads.thread_count({"OMP_NUM_THREADS": "many"}) == cores


def test_install_puts_a_kernelspec_that_starts_this_python(tmp_path, capsys):
    assert main(["kernel", "install", "--prefix", str(tmp_path), "--json"]) == 0
    place = Path(json.loads(capsys.readouterr().out)["kernelspec"])
    assert place == tmp_path / "share" / "jupyter" / "kernels" / "speaksep"
    assert sorted(path.name for path in place.iterdir()) == sorted(path.name for path in SPEC.iterdir())
    described = json.loads((place / "kernel.json").read_text())
    assert described["argv"][0] == sys.executable
    assert described | {"argv": SETTINGS["argv"]} == SETTINGS


def test_install_where_nobody_may_write_says_so(capsys):
    assert main(["kernel", "install", "--prefix", "/proc"]) == 2
    assert "--prefix DIR" in capsys.readouterr().err


def test_two_places_are_refused(capsys):
    assert main(["kernel", "install", "--user", "--prefix", "x"]) == 2
    assert "--user and --prefix" in capsys.readouterr().err


def test_status_and_stop_where_nothing_runs(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SPEAKSEP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("SPEAKSEP_GPUS", "none")
    assert main(["kernel", "status", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["servers"], report["queue"]) == ([], [])
    assert "CUDA_VISIBLE_DEVICES" in report["gpu_problem"]
    assert main(["kernel", "stop"]) == 0
    assert "no fork server runs" in capsys.readouterr().out
