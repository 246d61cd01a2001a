"""hub/deploy/alertmanager: alerts of the platform reach a mail server and Slack; secrets are in files."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from speaksep_hub.cli.told import told as told_people
from speaksep_hub.local.folder import Folder
from speaksep_hub.local.up import Platform
from speaksep_hub.metrics.alertmanager import TEXT, config, program, write_config
from speaksep_hub.metrics.prometheus import write_config as write_rules
from speaksep_hub.metrics.settings import AlertSettings
from speaksep_hub.settings import Settings, hidden
from speaksep_kernel.errors import InputError
from tests.hub.receivers import Hook, Mails, eventually, mail_server, web_hook
from tests.hub.service_process import free_port

DEPLOY = Path(__file__).parents[2] / "hub" / "deploy"
FILE = DEPLOY / "alertmanager" / "alertmanager.yml"
AMTOOL, ALERTMANAGER = shutil.which("amtool"), shutil.which("prometheus-alertmanager")
needs_amtool = pytest.mark.skipif(AMTOOL is None, reason="amtool (Debian: prometheus-alertmanager) is not installed")


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def names(matchers: list[str]) -> set[str]:
    return {word.split('"')[1] for word in matchers if word.startswith("alertname")}


def test_it_names_alerts_that_there_are(written: dict[str, Any]) -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    there = {rule["alert"] for group in groups for rule in group["rules"]}
    rules = written["inhibit_rules"]
    named = set().union(*(names(rule["source_matchers"]) | names(rule["target_matchers"]) for rule in rules))
    assert named <= there
    assert {rule["labels"]["severity"] for group in groups for rule in group["rules"]} == {"critical", "warning"}
    assert all({"summary", "action"} <= rule["annotations"].keys() for group in groups for rule in group["rules"])


def test_its_secrets_are_in_files(written: dict[str, Any]) -> None:
    secret = [name for name in written["global"] if "password" in name or "api_url" in name]
    assert len(secret) == 2
    assert all(name.endswith("_file") for name in secret)


@needs_amtool
def test_alertmanager_takes_it() -> None:
    done = subprocess.run([str(AMTOOL), "check-config", str(FILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 receivers" in done.stdout


@pytest.fixture
def told(tmp_path: Path, written: dict[str, Any]) -> Iterator[tuple[str, Mails, Hook]]:
    """A real Alertmanager with the file as it is, but for its addresses and waits."""
    with mail_server() as mails, web_hook() as hook:
        hooked, port = tmp_path / "slack", free_port()
        hooked.write_text(f"http://127.0.0.1:{hook.port}/slack")
        kept = {name: value for name, value in written["global"].items() if not name.startswith("smtp_auth")}
        here = {"smtp_smarthost": f"127.0.0.1:{mails.port}", "smtp_require_tls": False, "smtp_hello": "localhost"}
        there = {**kept, **here, "slack_api_url_file": str(hooked)}
        (critical,) = written["route"]["routes"]
        route = {**written["route"], "group_wait": "0s", "routes": [{**critical, "group_wait": "0s"}]}
        (tmp_path / "am.yml").write_text(yaml.safe_dump({**written, "global": there, "route": route}))
        words = [f"--config.file={tmp_path}/am.yml", f"--storage.path={tmp_path}/data", "--cluster.listen-address="]
        url = f"http://127.0.0.1:{port}"
        with (tmp_path / "log").open("w") as log:
            command = [str(ALERTMANAGER), *words, f"--web.listen-address=127.0.0.1:{port}"]
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            eventually(lambda: ready(url))
            yield url, mails, hook
        finally:
            process.terminate()
            process.wait(10)


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").status_code == 200
    except httpx.TransportError:
        return False


@needs_amtool
def test_a_critical_alert_arrives_at_both(told: tuple[str, Mails, Hook]) -> None:
    url, mails, hook = told
    labels = {"alertname": "SpeakSepFaults", "severity": "critical", "job": "speaksep-service"}
    words = {"summary": "7% of the requests fail", "action": "The log has a trace for each."}
    assert httpx.post(f"{url}/api/v2/alerts", json=[{"labels": labels, "annotations": words}]).status_code == 200
    eventually(lambda: mails.came and hook.came)
    (people, mail), (path, posted) = mails.came[0], hook.came[0]
    assert (people, mail["Subject"]) == (["operators@example.org"], "[firing] SpeakSepFaults (1)")
    body = mail.get_body(("plain",))
    assert body is not None
    assert "What to do: The log has a trace for each." in body.get_content()
    assert (path, posted["channel"]) == ("/slack", "#speaksep")
    assert "7% of the requests fail" in posted["attachments"][0]["text"]


@needs_amtool
@pytest.mark.parametrize(("severity", "receiver"), [("critical", "mail-and-slack"), ("warning", "mail")])
def test_who_is_told(severity: str, receiver: str) -> None:
    words = ["config", "routes", "test", f"--config.file={FILE}", f"severity={severity}", "alertname=SpeakSepFaults"]
    done = subprocess.run([str(AMTOOL), *words], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == (receiver, 0), done.stderr


PASSWORD = "sesame-of-the-mail-server"
SETTINGS = {
    "mail_to": ["operators@example.org"],
    "mail_from": "speaksep@example.org",
    "mail_server": "smtp.example.org:587",
    "mail_user": "speaksep@example.org",
    "mail_password": PASSWORD,
    "slack": "https://hooks.example.org/secret-of-slack",
    "webhook": "https://pager.example.org/secret-of-pager",
}


def settings(folder: Path, **alerts: Any) -> Settings:
    return Settings.model_validate({"hub": {"folder": str(folder)}, "alerts": alerts})


@needs_amtool
@pytest.mark.parametrize("alerts", [pytest.param(SETTINGS, id="everybody"), pytest.param({}, id="nobody")])
def test_alertmanager_takes_what_the_settings_make(tmp_path: Path, alerts: dict[str, Any]) -> None:
    place = write_config(settings(tmp_path, **alerts), Folder.open(tmp_path))
    assert place.stat().st_mode & 0o077 == 0
    done = subprocess.run([str(AMTOOL), "check-config", str(place)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_settings_make_the_routes_that_are_shipped(written: dict[str, Any]) -> None:
    made = config(AlertSettings.model_validate(SETTINGS))
    assert made["inhibit_rules"] == written["inhibit_rules"]
    waits = {"10000ms": "10s", "30000ms": "30s", "300000ms": "5m"}
    names = {"all": "mail", "critical": "mail-and-slack"}
    as_shipped = json.loads(json.dumps(made["route"]), object_hook=lambda found: _named(found, waits | names))
    assert as_shipped == written["route"]
    mail = written["receivers"][0]["email_configs"][0]
    assert {name: made["receivers"][0]["email_configs"][0][name] for name in mail} == mail | {"text": TEXT}
    assert TEXT.split() == mail["text"].split()


def _named(found: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {key: names.get(value, value) if isinstance(value, str) else value for key, value in found.items()}


def test_only_critical_alerts_go_to_slack() -> None:
    everybody, at_once = config(AlertSettings.model_validate(SETTINGS))["receivers"]
    assert set(everybody) == {"name", "email_configs", "webhook_configs"}
    assert set(at_once) == {"name", "email_configs", "webhook_configs", "slack_configs"}


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    shown = str(hidden(settings(tmp_path, **SETTINGS)))
    assert PASSWORD not in shown
    assert "secret-of" not in shown


def test_a_configuration_of_ones_own_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").touch()
    chosen = settings(tmp_path / "hub", alertmanager=str(tmp_path / "mine.yml"), rules=str(tmp_path / "rules.yml"))
    assert write_config(chosen, Folder.open(tmp_path / "hub")) == tmp_path / "mine.yml"
    assert json.loads(write_rules(chosen, Folder.open(tmp_path / "hub")).read_text())["rule_files"] == [
        str(tmp_path / "rules.yml")
    ]


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        pytest.param({"mail_to": ["a@example.org"]}, "alerts.mail_to needs", id="no server"),
        pytest.param({"mail_server": "smtp.example.org"}, "is not HOST:PORT", id="no port"),
        pytest.param({"look_s": 0}, "look_s", id="never"),
    ],
)
def test_settings_that_tell_nobody_are_refused(tmp_path: Path, alerts: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(tmp_path, **alerts)


def test_without_alertmanager_only_who_wants_to_be_told_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speaksep_hub.metrics.alertmanager.NAMES", ("no-alertmanager-is-called-so",))
    assert program(settings(tmp_path)) is None
    assert "alerting" not in json.loads(write_rules(settings(tmp_path), Folder.open(tmp_path)).read_text())
    with pytest.raises(InputError, match="Alertmanager is not installed") as caught:
        program(settings(tmp_path, **SETTINGS))
    assert caught.value.reason == "missing-program"


@pytest.mark.parametrize(
    ("names", "alerts", "says"),
    [
        pytest.param(("true",), SETTINGS, "alerts:   http://127.0.0.1:9093/\n", id="somebody is told"),
        pytest.param(("true",), {}, "http://127.0.0.1:9093/, and nobody is told", id="nobody is told"),
        pytest.param((), {}, "Alertmanager is not installed", id="not installed"),
    ],
)
def test_who_starts_it_reads_where_alerts_go(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    names: tuple[str, ...],
    alerts: dict[str, Any],
    says: str,
) -> None:
    monkeypatch.setattr("speaksep_hub.metrics.alertmanager.NAMES", names)
    platform = Platform(settings(tmp_path, **alerts), Folder.open(tmp_path), {})
    told_people(platform, as_json=False, prometheus=True)
    assert says in capsys.readouterr().out
