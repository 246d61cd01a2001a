"""What ``speaksep doctor`` and ``speaksep hub config --check`` find wrong with a hub before it is started."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from speaksep_hub.checks import check_settings, doctor_checks
from speaksep_hub.settings import Settings
from speaksep_kernel.cli import main

REACHED = {"url": "https://speech.example.org"}
SIGN_IN = {"provider": "azuread", "client_secret": "5f1e0c9a7b3d2846"}


@pytest.fixture
def bad(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """``bad(hub={…})`` checks these settings; what is bad, by name."""

    def check(**sections: object) -> dict[str, str]:
        values = {"hub": {"folder": str(tmp_path / "hub")}, **sections}
        values["hub"] = {"folder": str(tmp_path / "hub"), **values["hub"]}  # type: ignore[dict-item]
        found = check_settings(Settings.model_validate(values))
        return {each.name: f"{each.found} — {each.hint}" for each in found if not each.ok}

    return check


def test_one_machine_is_in_order(bad: Callable[..., dict[str, str]]) -> None:
    assert bad() == {}


@pytest.mark.parametrize(
    ("sections", "name", "said"),
    [
        pytest.param({"hub": REACHED}, "hub safety", "asks for no password", id="made-up people in the open"),
        pytest.param({"hub": REACHED, "sign_in": SIGN_IN}, "hub safety", "one account", id="one account in the open"),
        pytest.param({"sign_in": {"provider": "pam", "client_secret": "x"}}, "hub sign-in", "no groups", id="PAM"),
        pytest.param({"spawner": {"kind": "kubernetes"}}, "hub spawner", "jupyterhub-kubespawner", id="no KubeSpawner"),
        pytest.param({"hub": {"folder": "/dev/null/hub"}}, "hub folder", "nothing can be written", id="folder"),
        pytest.param(
            {"hub": {"database": "postgresql://hub:hidden-password@127.0.0.1:1/hub"}},
            "hub database",
            "does not answer",
            id="database",
        ),
        pytest.param({"dashboards": {"folder": "/nowhere"}}, "hub dashboards", "no notebooks in", id="dashboards"),
        pytest.param(
            {
                "hub": {"url": "https://127.0.0.1:8443"},
                "tls": {"certificates": "files", "certificate": "/nowhere/a", "key": "/nowhere/b"},
            },
            "hub certificates",
            "/nowhere/a cannot be read",
            id="certificates",
        ),
    ],
)
def test_what_is_wrong_is_named(
    bad: Callable[..., dict[str, str]], sections: dict[str, object], name: str, said: str
) -> None:
    found = bad(**sections)
    assert said in found[name]
    assert "hidden-password" not in str(found)


def test_a_folder_that_others_may_enter(bad: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir(mode=0o755)
    assert "others may enter" in bad()["hub folder"]


def test_the_doctor_looks_at_the_hub(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SPEAKSEP_HUB__HUB__FOLDER", str(tmp_path / "hub"))
    monkeypatch.setenv("SPEAKSEP_HUB__DASHBOARDS__FOLDER", "/nowhere")
    assert main(["doctor", "--json"]) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["hub spawner"]["ok"]
    assert not checks["hub dashboards"]["ok"]
    assert not (tmp_path / "hub").exists()


def test_the_doctor_names_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKSEP_HUB__PORTS__HUB", "no number")
    (check,) = doctor_checks()
    assert not check.ok
    assert "ports.hub" in check.found


def test_the_command_checks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SPEAKSEP_HUB__HUB__FOLDER", str(tmp_path / "hub"))
    assert main(["hub", "config", "--check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 8
    assert all(line.startswith("ok   hub ") for line in lines)
    monkeypatch.setenv("SPEAKSEP_HUB__SPAWNER__KIND", "kubernetes")
    assert main(["hub", "config", "--check", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_the_command_wants_to_be_told_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hub", "config"]) == 2
    assert "--show" in capsys.readouterr().err


def test_nothing_is_started_or_written_by_looking(tmp_path: Path, bad: Callable[..., dict[str, str]]) -> None:
    bad()
    assert list(os.scandir(tmp_path)) == []
