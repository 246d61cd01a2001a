"""hub/deploy/alertmanager: alerts of the platform reach a mail server and Slack; secrets are in files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

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
