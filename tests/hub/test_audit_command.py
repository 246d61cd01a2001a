"""``speaksep audit``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from speaksep_hub.audit.log import AuditLog
from speaksep_kernel.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    audit = AuditLog.open(tmp_path / "audit", service="speaksep", sync=False)
    audit.record("sign-in", actor="ann", method="hub-token")
    audit.record("upload", actor="bob", recording="r1", bytes=10, name="a b\x1b[2J.wav")
    audit.record("sign-out", actor="ann")
    assert audit.folder is not None
    return audit.folder


def test_verify_tells_the_head_to_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--folder", str(folder)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 entries in 1 files are as they were written\n")
    head = said.split()[-1]
    assert main(["audit", "verify", "--folder", str(folder), "--head", head, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "files": 1, "entries": 3, "first": 1, "head": head}


def test_verify_says_where_it_is_broken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"bob"', b'"eve"'))
    assert main(["audit", "verify", "--folder", str(folder), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["reason"] == "audit-broken"
    assert "audit.jsonl, line 2" in told["error"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["verify", "--head", "3"], "bad-head"),
        (["verify", "--head", "3:xyz"], "bad-head"),
        (["tail", "--event", "party"], "unknown-event"),
        (["tail", "--folder", "/nonexistent"], "no-audit-trail"),
    ],
    ids=["no-hash", "no-hexadecimal", "no-event", "no-trail"],
)
def test_bad_input_is_named(folder: Path, words: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", words[0], "--folder", str(folder), *words[1:], "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["reason"] == reason


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ([], [1, 2, 3]),
        (["-n", "1"], [3]),
        (["-n", "0"], []),
        (["--actor", "ann"], [1, 3]),
        (["--event", "upload", "--event", "sign-out"], [2, 3]),
    ],
    ids=["all", "last", "none", "actor", "events"],
)
def test_tail_chooses(folder: Path, words: list[str], numbers: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "tail", "--folder", str(folder), *words, "--json"]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == numbers


def test_tail_is_for_people_and_moves_no_cursor(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "tail", "--folder", str(folder)]) == 0
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first.split()[2:] == ["sign-in", "ann", "service=speaksep", "method=hub-token"]
    assert '"a b\\u001b[2J.wav"' in second
    assert "\x1b" not in second


def test_tail_follows_into_the_next_file(folder: Path) -> None:
    command = [sys.executable, "-m", "speaksep_kernel.cli", "audit", "tail", "-f", "-n", "1", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "sign-out" in process.stdout.readline()
        audit = AuditLog.open(folder, service="speaksep", file_bytes=4096, sync=False)
        for number in range(12):
            audit.record("job-submitted", actor="cid", job=str(number), notebook="n" * 500)
            time.sleep(0.1)
        found = [process.stdout.readline().split()[-2] for _ in range(12)]
        process.terminate()
    assert found == [f"job={number}" for number in range(12)]
