"""One file and the environment become the settings; what is wrong is refused with its place."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from speaksep_hub.settings import Settings, hidden, load
from speaksep_hub.settings.toml import as_toml
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError

PRODUCTION = """
[hub]
url = "https://speech.example.org"
database = "postgresql://hub:pass-of-the-database@db.example.org/hub"
named_servers = 2

[tls]
certificates = "automatic"
email = "admin@example.org"

[sign_in]
provider = "generic-oauth"
client_id = "speech"
client_secret = "the-secret-of-the-client-1"
authorize_url = "https://id.example.org/authorize"
token_url = "https://id.example.org/token"
userinfo_url = "https://id.example.org/userinfo"
options = { validate_server_cert = true, api_token = "a-token-in-options" }

[groups]
researcher = ["lab", "guests"]

[spawner]
kind = "docker"

[[spawner.profiles]]
name = "small"
memory_bytes = "2 GiB"

[[spawner.profiles]]
name = "gpu"
device = "gpu"
memory_bytes = "16 GiB"
cores = 8
gpus = 1
"""
SECRETS = ("pass-of-the-database", "the-secret-of-the-client-1", "a-token-in-options")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "hub.toml"
        path.write_text(text)
        return path

    return write


def test_without_anything_it_is_one_machine() -> None:
    settings = load(environment={})
    assert settings.hub.on_loopback
    assert settings.sign_in.provider == "local"
    assert settings.spawner.kind == "simple"
    assert settings.hub.listening == ("127.0.0.1", 8000)


def test_a_file(write: Callable[[str], Path]) -> None:
    settings = load(write(PRODUCTION), {})
    assert settings.hub.listening == ("", 443)
    assert settings.hub.https
    assert not settings.hub.on_loopback
    assert [profile.shown for profile in settings.spawner.profiles] == [
        "small (2 GiB, 2 cores, no GPU)",
        "gpu (16 GiB, 8 cores, 1 GPU)",
    ]
    assert settings.groups.by_role["researcher"] == ("lab", "guests")
    assert settings.groups.by_role["viewer"] == ("speaksep-viewers",)


def test_the_environment_wins(write: Callable[[str], Path]) -> None:
    environment = {
        "SPEAKSEP_HUB_CONFIG": str(write(PRODUCTION)),
        "SPEAKSEP_HUB__HUB__NAMED_SERVERS": "5",
        "SPEAKSEP_HUB__GROUPS__VIEWER": '["public", "press"]',
        "SPEAKSEP_HUB__SIGN_IN__AUTOMATIC": "true",
        "HOME": "/nowhere",
    }
    settings = load(environment=environment)
    assert settings.hub.named_servers == 5
    assert settings.groups.viewer == ("public", "press")
    assert settings.sign_in.automatic
    assert settings.spawner.kind == "docker"


def test_a_secret_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    settings = load(environment={"SPEAKSEP_HUB__SECRETS__PROXY": f"file:{tmp_path / 'secret'}"})
    assert settings.secrets.proxy is not None
    assert settings.secrets.proxy.get_secret_value() == "from-a-file"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[hub]\nurll = 'http://x'", "setting hub.urll", id="unknown name"),
        pytest.param("[hubb]\n", "setting hubb", id="unknown section"),
        pytest.param("[hub]\nurl = 'speech.example.org'", "is not an address such as", id="no scheme"),
        pytest.param("[hub]\nlisten = '0.0.0.0'", "is not HOST:PORT", id="no port"),
        pytest.param("[hub]\nnamed_servers = -1", "hub.named_servers = -1", id="negative"),
        pytest.param("[ports]\nhub = 70000", "ports.hub = 70000", id="port too large"),
        pytest.param("[groups]\nviewer = ['']", "a group without a name", id="group of everybody"),
        pytest.param("[spawner]\nkind = 'magic'", "spawner.kind = 'magic'", id="unknown spawner"),
        pytest.param("[[spawner.profiles]]\nname = '../x'", "spawner.profiles.0.name", id="profile name"),
        pytest.param("[[spawner.profiles]]\nname = 'a'\ngpus = 1", "gpus = 1 and device = 'cpu'", id="GPU of a CPU"),
        pytest.param(
            "[[spawner.profiles]]\nname='a'\n[[spawner.profiles]]\nname='a'", "two profiles are called 'a'", id="twice"
        ),
        pytest.param("[spawner]\nprofiles = []", "spawner.profiles", id="no profile"),
        pytest.param("[[spawner.profiles]]\nname = 'a'\nmemory_bytes = '1 MB'", "memory_bytes", id="too small"),
        pytest.param("[tls]\ncertificates = 'automatic'", "needs a hub.url with https", id="certificates of http"),
        pytest.param(
            "[hub]\nurl='https://x.org'\n[tls]\ncertificates = 'files'", "needs tls.certificate and", id="no files"
        ),
        pytest.param(
            "[hub]\nurl='https://10.0.0.1'\n[tls]\ncertificates = 'automatic'\nemail='a@b.org'",
            "10.0.0.1 is a number",
            id="certificate of a number",
        ),
        pytest.param("[hub]\nsubdomains = true", "has none below it", id="subdomains of a number"),
        pytest.param("[hub]\nnamed_servers=1\n[spawner]\nkind='systemd'", "one server per person", id="units"),
        pytest.param("[sign_in]\nprovider = 'github'", "needs client_secret", id="no client secret"),
        pytest.param(
            "[sign_in]\nprovider = 'generic-oauth'\nclient_secret='x'", "needs authorize_url", id="no addresses"
        ),
        pytest.param("[secrets]\ncookie = 'file:/nowhere/at/all'", "cannot be read", id="secret file missing"),
        pytest.param("[hub]\nurl = ", "cannot be read", id="not TOML"),
    ],
)
def test_what_is_wrong_is_refused(write: Callable[[str], Path], text: str, said: str) -> None:
    with pytest.raises(InputError, match=r"hub\.toml") as caught:
        load(write(text), {})
    assert said in caught.value.error
    assert caught.value.reason in ("bad-settings", "settings-unreadable")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param("SPEAKSEP_HUB__HUB", "x", "setting hub = 'x'", id="a section"),
        pytest.param("SPEAKSEP_HUB__HUB__URL__X", "y", "hub.url", id="too deep"),
        pytest.param("SPEAKSEP_HUB__GROUPS__VIEWER", "[oops", "is not JSON", id="a list"),
    ],
)
def test_wrong_variables_are_refused(name: str, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load(environment={name: text})
    assert said in caught.value.error


def test_no_secret_is_shown(write: Callable[[str], Path]) -> None:
    settings = load(write(PRODUCTION), {"SPEAKSEP_HUB__STORE__URL": "s3://key:of-the-store@bucket/x"})
    shown = as_toml(hidden(settings)) + repr(settings.secrets) + repr(settings.sign_in.client_secret)
    assert [secret for secret in (*SECRETS, "of-the-store") if secret in shown] == []
    assert "https://speech.example.org" in shown


def test_a_wrong_secret_is_not_shown(write: Callable[[str], Path]) -> None:
    with pytest.raises(InputError) as caught:
        load(write("[sign_in]\nclient_secret = 12345678901"), {})
    assert "12345678901" not in str(caught.value)


def test_what_is_shown_can_be_read_again(write: Callable[[str], Path]) -> None:
    settings = load(write(PRODUCTION), {})
    again = Settings.model_validate(tomllib.loads(as_toml(hidden(settings))))
    assert hidden(again) == hidden(settings)


def test_the_command_shows_what_is_in_force(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPEAKSEP_HUB_CONFIG", str(write(PRODUCTION)))
    monkeypatch.setenv("SPEAKSEP_HUB__CULLING__IDLE_S", "77")
    assert main(["hub", "config", "--show"]) == 0
    shown = capsys.readouterr().out
    assert tomllib.loads(shown)["culling"]["idle_s"] == 77
    assert [secret for secret in SECRETS if secret in shown] == []
