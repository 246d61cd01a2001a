"""Plugins that misbehave are named, and nothing else is harmed: in processes of their own, and on import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from speaksep_kernel import diagnose, plugins, separate
from speaksep_kernel.cli import main
from speaksep_kernel.containment import Bounds, contained, trial
from speaksep_kernel.errors import InputError, PluginError
from speaksep_kernel.testing import conversation
from tests.kernel.toy_plugins import InstallToy, separator

DIAGNOSER = """
import os
from speaksep_kernel.plugins import PluginInfo

class Plugin:
    info = PluginInfo("toy", "1.0", "a toy")

    def start(self, facts): pass

    def feed(self, block, start_s): os.abort()

    def finish(self, context): return []
"""
BODIES = {
    "raises": ("raise ValueError('seven')", "plugin-failed", "failed: ValueError: seven"),
    "ends the process": ("os._exit(7)", "plugin-crashed", "ended its process (exit code 7)"),
    "segfault": ("ctypes.string_at(0)", "plugin-crashed", "ended its process (SIGSEGV)"),
    "infinite loop": ("while True: pass", "plugin-hung", "gave no answer within 5 s"),
    "50 GB at once": ("np.ones(50 * 2**27)", "plugin-memory", "wanted more memory than 2 GB"),
    "wrong shape": ("return [LocalTracks(np.zeros((2, 5), 'f4')) for _ in windows]", "separator-contract", "(2, 5)"),
    "not finite": ("windows = windows * np.nan", "separator-contract", "not finite"),
    "too few answers": ("windows = windows[:0]", "separator-contract", "0 results"),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other people's plugins are to be contained."""
    monkeypatch.setenv("SPEAKSEP_CONTAIN", "third-party")


def windows() -> np.ndarray:
    return np.full((2, 16000), 0.1, np.float32)


@pytest.mark.usefixtures("asked")
def test_contained_plugin_is_as_if_it_were_here(install_toy: InstallToy) -> None:
    install_toy(separator(), "separator")
    here = psutil.Process().children()
    made = plugins.create("separator", "toy")
    first, second = made.separate(windows(), 16000)
    assert np.array_equal(first.tracks.sum(0), windows()[0])
    assert (made.info.max_speakers, made.answer, second.activity) == (2, 42, None)
    assert made.process not in (os.getpid(), *(child.pid for child in here))
    assert not hasattr(made, "question")
    process = psutil.Process(made.process)
    del made
    process.wait(10)


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("fault", BODIES)
def test_separator_that_misbehaves_is_named_and_nothing_is_left(
    install_toy: InstallToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    body, reason, text = BODIES[fault]
    monkeypatch.setenv("SPEAKSEP_CONTAIN_CALL_S", "5")
    install_toy(separator(body), "separator")
    talk = conversation(seconds=4, speakers=2, overlap=0.9, seed=1)
    with pytest.raises(PluginError) as caught:
        separate((talk.audio, talk.rate_hz), tmp_path / "out", separator="toy", speakers=2)
    assert (caught.value.reason, "separator 'toy'" in caught.value.error) == (reason, True)
    assert text in caught.value.error
    assert {path.name for path in tmp_path.iterdir()} <= {"site", "trials.json"}


@pytest.mark.usefixtures("asked")
def test_memory_that_grows_is_seen_where_it_cannot_be_bounded(install_toy: InstallToy) -> None:
    install_toy(separator("kept = []\n        while True: kept.append(bytearray(2**24))"), "separator")
    made = contained("separator", plugins.get("separator", "toy"), Bounds("all", 600_000_000, 60))
    with pytest.raises(PluginError, match=r"took more memory than 0\.6 GB"):
        made(device="cuda").separate(windows(), 16000)


@pytest.mark.usefixtures("asked")
def test_what_crashed_once_is_not_asked_again_and_a_new_one_works(install_toy: InstallToy, tmp_path: Path) -> None:
    once = tmp_path / "once"
    install_toy(separator(f"os.path.exists({str(once)!r}) or (open({str(once)!r}, 'w'), os.abort())"), "separator")
    made = plugins.create("separator", "toy")
    for _ in range(2):
        with pytest.raises(PluginError, match="SIGABRT"):
            made.separate(windows(), 16000)
    assert len(plugins.create("separator", "toy").separate(windows(), 16000)) == 2


@pytest.mark.usefixtures("asked")
def test_diagnoser_that_crashes_costs_its_own_findings(install_toy: InstallToy) -> None:
    install_toy(DIAGNOSER, "diagnoser")
    talk = conversation(seconds=4, speakers=1, overlap=0, seed=1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = diagnose((talk.audio, talk.rate_hz))
    assert found.speakers == 1
    assert any("diagnoser 'toy' ended its process (SIGABRT)" in str(each.message) for each in told)


@pytest.mark.parametrize(
    ("top", "why"),
    [
        pytest.param("import no_such_module", "No module named 'no_such_module'", id="import-error"),
        pytest.param("ctypes.string_at(0)", "ended the process that tried it (SIGSEGV)", id="segfault"),
        pytest.param("os._exit(0)", "ended the process that tried it (exit 0)", id="ends-the-process"),
        pytest.param("np.ones(50 * 2**27)", "wanted more memory than 2 GB", id="50-GB"),
        pytest.param("while True: pass", "had not ended after 3 s", id="infinite-loop"),
    ],
)
def test_import_that_misbehaves_is_listed_with_the_reason(
    install_toy: InstallToy, monkeypatch: pytest.MonkeyPatch, top: str, why: str
) -> None:
    monkeypatch.setattr(trial, "LONGEST_S", 3.0)
    install_toy(separator(top=top), "separator")
    rows = {row["name"]: row for row in plugins.describe("separator")}
    assert (rows["toy"]["status"], rows["speaksep"]["status"]) == ("broken", "ok")
    assert why in rows["toy"]["why"]


def test_import_is_tried_once_per_version(install_toy: InstallToy, monkeypatch: pytest.MonkeyPatch) -> None:
    install_toy(separator(), "separator")
    assert plugins.get("separator", "toy")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("tried again"))
    plugins.refresh()
    assert plugins.get("separator", "toy")


@pytest.mark.parametrize("contain", ["none", "third-party"], ids=["in-this-process", "contained"])
def test_what_a_plugin_prints_is_not_in_the_result(install_toy: InstallToy, tmp_path: Path, contain: str) -> None:
    install_toy(separator("print('loading'); os.write(1, b'from C')"), "separator")
    talk = conversation(seconds=4, speakers=2, overlap=0.9, seed=1)
    soundfile.write(tmp_path / "talk.wav", talk.audio, talk.rate_hz)
    program = [Path(sys.executable).with_name("speaksep"), "separate", "--separator", "toy", "--json", "--quiet"]
    ran = subprocess.run(
        [*program, tmp_path / "talk.wav", "-o", tmp_path / "out"],
        env=os.environ | {"SPEAKSEP_CONTAIN": contain},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["model"]["separator"] == "toy"
    assert ("loading" in ran.stderr, "from C" in ran.stderr) == (True, True)


def test_check_survives_what_it_checks(install_toy: InstallToy, capsys: pytest.CaptureFixture[str]) -> None:
    install_toy(separator("os.abort()"), "separator")
    assert main(["plugins", "check", "toy", "--json"]) == 1
    checks = {each["name"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["info_is_complete"]["ok"]
    assert "ended its process (SIGABRT)" in checks["tracks_fit_the_window"]["detail"]


def test_interrupt_ends_the_process(install_toy: InstallToy) -> None:
    install_toy(separator("time.sleep(600)"), "separator")
    program = (
        "import numpy as np, sys; from speaksep_kernel import plugins;"
        "made = plugins.create('separator', 'toy'); print(made.process, flush=True);"
        "made.separate(np.ones((1, 16000), 'f4'), 16000)"
    )
    ran = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"SPEAKSEP_CONTAIN": "all"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with ran:
        assert ran.stdout is not None
        child = psutil.Process(int(ran.stdout.readline()))
        time.sleep(0.2)
        ran.kill()  # not even told
    child.wait(15)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("SPEAKSEP_CONTAIN", "some", id="whom"),
        pytest.param("SPEAKSEP_CONTAIN_MEMORY_BYTES", "much", id="no-number"),
        pytest.param("SPEAKSEP_CONTAIN_CALL_S", "-1", id="below-nothing"),
        pytest.param("SPEAKSEP_CONTAIN_CALL_S", "inf", id="for-ever"),
    ],
)
def test_bounds_that_are_none_are_refused(name: str, value: str) -> None:
    with pytest.raises(InputError, match=name) as caught:
        Bounds.of({name: value})
    assert caught.value.reason == "bad-setting"


@pytest.mark.parametrize(
    ("whom", "kind", "package", "held"),
    [
        ("none", "separator", "toys", False),
        ("third-party", "separator", "toys", True),
        ("third-party", "separator", "speaksep", False),
        ("all", "separator", "speaksep", True),
        ("all", "executor", "toys", False),
    ],
)
def test_whose_plugins_are_contained(whom: str, kind: str, package: str, held: bool) -> None:
    assert Bounds.of({"SPEAKSEP_CONTAIN": whom}).hold(kind, package) == held
