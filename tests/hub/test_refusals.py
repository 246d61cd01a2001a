"""What is good on one machine alone is refused where others can reach it."""

from __future__ import annotations

from pathlib import Path

import pytest

from speaksep_hub.local.up import prepare
from speaksep_hub.refusals import refuse_unsafe
from speaksep_hub.settings import load
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError

PUBLIC = {"SPEAKSEP_HUB__HUB__URL": "https://speech.example.org"}
REAL_PEOPLE = {
    "SPEAKSEP_HUB__SIGN_IN__PROVIDER": "github",
    "SPEAKSEP_HUB__SIGN_IN__CLIENT_SECRET": "8f1d0c2b7e6a4f3d9b5c",
}
REAL_SERVERS = {"SPEAKSEP_HUB__SPAWNER__KIND": "docker"}
GOOD = {**PUBLIC, **REAL_PEOPLE, **REAL_SERVERS}


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        (PUBLIC, "local-provider-exposed"),
        ({"SPEAKSEP_HUB__HUB__LISTEN": "0.0.0.0:8000"}, "local-provider-exposed"),
        ({"SPEAKSEP_HUB__HUB__LISTEN": ":8000"}, "local-provider-exposed"),
        ({"SPEAKSEP_HUB__HUB__URL": "http://192.0.2.7:8000"}, "local-provider-exposed"),
        ({**PUBLIC, **REAL_PEOPLE}, "shared-account-exposed"),
        ({**GOOD, "SPEAKSEP_HUB__SECRETS__SERVICE": "changeme"}, "weak-secret"),
        ({**GOOD, "SPEAKSEP_HUB__SECRETS__PROXY": "x" * 32}, "weak-secret"),
        ({**GOOD, "SPEAKSEP_HUB__SECRETS__SERVICE": "secret-password-change-me"}, "weak-secret"),
        ({**GOOD, "SPEAKSEP_HUB__SIGN_IN__CLIENT_SECRET": "dev"}, "weak-secret"),
    ],
    ids=[
        "host",
        "every-address",
        "no-host",
        "address",
        "shared-account",
        "placeholder",
        "one-letter",
        "words",
        "client",
    ],
)
def test_refused(environment, reason):
    with pytest.raises(InputError) as caught:
        refuse_unsafe(load(environment=environment))
    assert caught.value.reason == reason
    assert caught.value.hint


@pytest.mark.parametrize(
    "environment",
    [{}, {"SPEAKSEP_HUB__HUB__URL": "http://localhost:9000"}, {"SPEAKSEP_HUB__SECRETS__SERVICE": "dev"}, GOOD],
    ids=["as-it-comes", "localhost", "weak-at-home", "production"],
)
def test_accepted(environment):
    refuse_unsafe(load(environment=environment))


def test_a_refusal_never_shows_the_secret():
    with pytest.raises(InputError) as caught:
        refuse_unsafe(load(environment={**GOOD, "SPEAKSEP_HUB__SECRETS__SERVICE": "hunter2hunter2"}))
    assert "hunter2" not in str(caught.value)


def test_the_command_refuses_before_it_makes_anything(tmp_path, monkeypatch, capsys):
    for name, value in PUBLIC.items():
        monkeypatch.setenv(name, value)
    assert main(["hub", "up", "--folder", str(tmp_path / "hub")]) == 2
    assert "asks for no password" in capsys.readouterr().err
    assert not (tmp_path / "hub").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[hub\n", "settings-unreadable"), ("[hub]\nurl = 3\n", "bad-settings"), ("[hubb]\n", "bad-settings")],
    ids=["no-toml", "value", "section"],
)
def test_bad_settings_are_told(tmp_path, text, reason):
    (tmp_path / "speaksep.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        prepare(config=tmp_path / "speaksep.toml", environment={})
    assert caught.value.reason == reason


def test_ports_that_are_set_stay_and_others_are_free_ones(tmp_path: Path):
    told = {"SPEAKSEP_HUB__PORTS__SERVICE": "18010", "SPEAKSEP_HUB__HUB__URL": "http://127.0.0.1:9999/speech"}
    first, second = (prepare(folder=tmp_path / "hub", port=0, environment=told).settings for _ in range(2))
    assert first.ports.service == second.ports.service == 18010
    assert first.ports.hub not in {8081, first.ports.proxy, first.ports.service, first.ports.provider}
    assert first.hub.base_path == "/speech/"
    assert first.hub.url != "http://127.0.0.1:9999/speech"
