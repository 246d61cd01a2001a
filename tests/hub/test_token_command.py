"""``speaksep token``: at a running service, and in a token file."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import httpx
import pytest

from speaksep_kernel.cli import main
from tests.hub.service_process import ServiceProcess


@pytest.fixture
def kept(service_process: ServiceProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a token that may manage tokens, and the service's address in the environment."""
    monkeypatch.setenv("SPEAKSEP_URL", service_process.url)
    with service_process.client("ann") as ann:
        made = ann.post("tokens", json={"note": "mine", "scopes": ["jobs:submit", "tokens"], "expires_in": 600}).json()
    path = tmp_path / "token"
    path.write_text(made["token"] + "\n")
    path.chmod(0o600)
    return path


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["token", *words]) == 0
    return capsys.readouterr().out.strip()


def me(service: ServiceProcess, token: str) -> httpx.Response:
    return httpx.get(f"{service.api}/me", headers={"Authorization": f"Bearer {token}"})


def test_tokens_at_a_service(service_process: ServiceProcess, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by = f"--token-in={kept}"
    token = printed(capsys, "make", "--scope", "jobs:read", "--note", "reader", "--days", "0.001", by)
    found = me(service_process, token).json()
    assert found["scopes"] == ["jobs:read"]
    listed = printed(capsys, "list", by)
    assert f"{found['token_id']}  until " in listed
    assert "reader  jobs:read" in listed
    printed(capsys, "revoke", found["token_id"], by)
    assert me(service_process, token).status_code == 401


def test_a_rotated_token_replaces_the_old_one_in_its_file(
    service_process: ServiceProcess, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = kept.read_text().strip()
    told = json.loads(printed(capsys, "rotate", f"--token-in={kept}", "--json"))
    new = kept.read_text().strip()
    assert "token" not in told
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert me(service_process, old).status_code == 401
    found = me(service_process, new).json()
    assert (found["token_id"], found["scopes"]) == (told["id"], ["jobs:read", "jobs:submit", "tokens"])
    assert told["note"] == "mine"
    assert 590 <= told["expires_at"] - told["made_at"] <= 600


def test_a_rotated_token_without_a_file_is_printed(
    service_process: ServiceProcess, kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEAKSEP_TOKEN", kept.read_text().strip())
    assert me(service_process, printed(capsys, "rotate")).status_code == 200


def test_a_file_that_cannot_be_written_keeps_its_token(
    service_process: ServiceProcess, kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = kept.read_text().strip()
    monkeypatch.setattr(Path, "replace", _no_space)
    assert main(["token", "rotate", f"--token-in={kept}"]) == 2
    assert "the old one still works" in capsys.readouterr().err
    assert kept.read_text().strip() == old
    assert me(service_process, old).status_code == 200
    assert [path.name for path in kept.parent.iterdir()] == ["token"]
    with service_process.client("ann") as ann:
        assert [each["note"] for each in ann.get("tokens").json()["items"]].count("mine") == len(
            {each["id"] for each in ann.get("tokens").json()["items"] if each["note"] == "mine"}
        )


def _no_space(self: Path, target: Path) -> Path:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(["make"], "bad-token", id="nothing wanted"),
        pytest.param(["make", "--role", "admin"], "bad-token", id="a role at a service"),
        pytest.param(["make", "--scope", "admin"], "missing-scope", id="more than one has"),
        pytest.param(["make", "--scope", "fly"], "unknown-scope", id="no scope"),
        pytest.param(["revoke", "none"], "unknown-token", id="no token"),
        pytest.param(["list", "--token-in", "/no/such/file"], "no-token", id="no file"),
        pytest.param(["list", "--url", "http://127.0.0.1:9"], "service-unreachable", id="no service"),
    ],
)
def test_what_cannot_be_done_is_said(
    kept: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    reason: str,
) -> None:
    monkeypatch.setenv("SPEAKSEP_TOKEN", kept.read_text().strip())
    assert main(["token", *words, "--json"]) in (1, 2)
    assert json.loads(capsys.readouterr().out)["reason"] == reason


def test_tokens_in_a_file(service_process: ServiceProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_ = f"--file={tmp_path / 'tokens.toml'}"
    token = printed(capsys, "make", in_, "--name", "ann", "--role", "researcher", "--note", 'a "note"')
    assert token.startswith("speaksep_")
    assert token not in (tmp_path / "tokens.toml").read_text()
    printed(capsys, "make", in_, "--name", "bob", "--scope", "jobs:submit", "--scope", "tokens")
    ann, bob = json.loads(printed(capsys, "list", in_, "--json"))["tokens"]
    assert (ann["name"], ann["note"]) == ("ann", 'a "note"')
    assert bob["scopes"] == ["jobs:read", "jobs:submit", "tokens"]
    printed(capsys, "revoke", in_, ann["id"][:6])
    assert [each["name"] for each in json.loads(printed(capsys, "list", in_, "--json"))["tokens"]] == ["bob"]


def test_keys_are_shown_and_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEAKSEP_HUB__SERVICE__SIGNING", str(tmp_path / "keys"))
    assert "0 keys" in printed(capsys, "keys")
    first = json.loads(printed(capsys, "keys", "--rotate", "--json"))["keys"]
    both = json.loads(printed(capsys, "keys", "--rotate", "--json"))["keys"]
    assert both[:1] == first
    assert "1 key in" in printed(capsys, "keys", "--rotate", "--forget")
    assert main(["token", "keys", "--forget"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--name", "ann"], id="neither role nor scopes"),
        pytest.param(["--name", "ann", "--role", "researcher", "--scope", "jobs:read"], id="both"),
        pytest.param(["--role", "researcher"], id="nobody"),
        pytest.param(["--name", "../ann", "--role", "researcher"], id="a path for a name"),
        pytest.param(["--name", "ann", "--role", "boss"], id="no such role"),
    ],
)
def test_a_token_that_cannot_be_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    path = tmp_path / "tokens.toml"
    assert main(["token", "make", f"--file={path}", *words]) == 2
    assert "token" in capsys.readouterr().err
    assert not path.exists()
