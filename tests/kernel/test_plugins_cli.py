"""``speaksep plugins``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from speaksep_kernel.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = main(["plugins", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_list_shows_every_kind_and_state(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    assert out.splitlines()[0].split() == ["KIND", "NAME", "VERSION", "STATUS", "PACKAGE", "SUMMARY"]
    assert ["separator", "file", "1.0", "ok", "speaksep"] in [line.split()[:5] for line in out.splitlines()]


def test_list_as_json_of_one_kind(run: Run) -> None:
    code, out, _ = run("list", "--json", "--group", "exporter")
    rows = json.loads(out)["plugins"]
    assert code == 0
    assert {row["name"] for row in rows} >= {"flac", "wav", "mp3", "m4a", "ogg", "opus"}
    assert {row["kind"] for row in rows} == {"exporter"}


def test_check_passes_a_built_in(run: Run) -> None:
    code, out, _ = run("check", "flac")
    assert code == 0
    assert "ok      lossless_means_lossless" in out


def test_check_fails_where_the_contract_is_broken(run: Run) -> None:
    code, out, _ = run("check", "file", "--json")
    result = json.loads(out)
    assert (code, result["ok"], result["kind"]) == (1, False, "separator")
    assert "got no file" in next(check["detail"] for check in result["checks"] if not check["ok"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(["list", "--group", "seperator"], "unknown-kind", id="unknown-kind"),
        pytest.param(["check", "nonsense"], "unknown-plugin", id="unknown-plugin"),
        pytest.param(["check", "nonsense", "--group", "separator"], "unknown-separator", id="unknown-separator"),
        pytest.param(["check", "file", "--option", "path"], "bad-option", id="option-without-value"),
        pytest.param(["check", "file", "--option", "rate_hz=x"], "bad-option", id="option-no-number"),
        pytest.param(["check", "file", "--option", "depth=1"], "unknown-option", id="unknown-option"),
    ],
)
def test_mistakes_end_in_one_line_and_code_2(run: Run, words: list[str], reason: str) -> None:
    code, out, err = run(*words, "--json")
    assert (code, json.loads(out)["reason"], err.count("\n")) == (2, reason, 1)


def test_new_writes_a_package(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("new", "encoder", "my-own", "--into", str(tmp_path))
    assert code == 0
    assert "pip install -e" in out
    assert (tmp_path / "speaksep-my-own" / "speaksep_my_own.py").is_file()
