"""A real Prometheus beside a platform that works reaches every part, and finds every metric that anybody asks for."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from speaksep_hub.metrics.boards import BOARDS, board, names, queries
from speaksep_hub.metrics.names import METRICS
from speaksep_hub.metrics.prometheus import RULES, shipped, targets
from speaksep_hub.settings import Settings
from tests.hub.redis_server import RedisServer
from tests.hub.running import RunningHub, running_hub, until

FOLDER = shipped(RULES).parent
GRAFANA = FOLDER.with_name("grafana")
JOBS = ("speaksep-hub", "speaksep-service", "speaksep-worker", "speaksep-dashboards")
ELSEWHERE = {"speaksep_certificate_expiry_timestamp_seconds"}
"""Without TLS there is no certificate; test_metrics_certificates.py has some."""
rules = [rule for group in yaml.safe_load(shipped(RULES).read_text())["groups"] for rule in group["rules"]]
asked = sorted(frozenset().union(*map(names, queries()), *(names(rule["expr"]) for rule in rules)))

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="needs Prometheus: apt-get install --no-install-recommends prometheus",
)


class Watched:
    """A platform with its Prometheus."""

    def __init__(self, hub: RunningHub, port: int) -> None:
        self.hub = hub
        self.api = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/", timeout=30, trust_env=False)

    def ask(self, query: str) -> list[dict[str, Any]]:
        """What Prometheus answers to a query."""
        answer = self.api.get("query", params={"query": query})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, talk: Path) -> Iterator[Watched]:
    """It has done a separation, and was looked at a few times since."""
    folder = tmp_path_factory.mktemp("watched")
    redis = RedisServer(tmp_path_factory.mktemp("r"))
    redis.start()
    variables = {
        "SPEAKSEP_HUB__PROTECTION__STORAGE": redis.url,
        "SPEAKSEP_GPUS": "pretend:0",
        "SPEAKSEP_LEASES": str(folder),
        "SPEAKSEP_CACHE": str(folder / "cache"),
    }
    try:
        with running_hub(folder / "hub", "--workers=1", "--prometheus", **variables) as hub:
            listen = next(word for word in hub.part("prometheus").cmdline() if "listen-address" in word)
            watched = Watched(hub, int(listen.rpartition(":")[2]))
            with closing(hub.sign_in("rita", "researcher")) as browser:
                signed = {"Authorization": f"Bearer {hub.token(browser, 'rita')}"}
            with httpx.Client(base_url=f"{hub.service_url}api/v1/", headers=signed, timeout=60) as rita:
                made = rita.post("recordings", files={"file": ("talk.wav", talk.read_bytes())}).json()["items"][0]
                job = rita.post(f"recordings/{made['id']}/separations", json={"speakers": 2}).json()
                until(lambda: rita.get(f"jobs/{job['id']}").json()["state"] == "succeeded", 240)
            until(lambda: watched.ask('speaksep_jobs_finished_total{outcome="succeeded"}'), 60)
            time.sleep(6)  # rates need a second look
            yield watched
            watched.api.close()
    finally:
        redis.stop()


@needs_prometheus
def test_every_part_is_reached_with_the_token(watched: Watched) -> None:
    found = watched.api.get("targets").json()["data"]["activeTargets"]
    assert {(each["labels"]["job"], each["health"], each["lastError"]) for each in found} == {
        (job, "up", "") for job in JOBS
    }
    config = (watched.hub.folder / "run" / "prometheus.yml").read_text()
    assert (watched.hub.folder / "secrets" / "metrics").read_text() not in config


@needs_prometheus
@pytest.mark.parametrize("name", [name for name in asked if name not in ELSEWHERE])
def test_what_is_asked_for_is_there(watched: Watched, name: str) -> None:
    assert watched.ask(name), f"{name} has no data"


@needs_prometheus
@pytest.mark.parametrize("query", sorted(set(queries())))
def test_a_panel_has_something_to_draw(watched: Watched, query: str) -> None:
    found = watched.ask(query.replace("$__rate_interval", "1m"))
    assert found or names(query) & ELSEWHERE or "[45].." in query  # nothing was refused, perhaps


@needs_prometheus
def test_what_was_done_is_told(watched: Watched) -> None:
    assert [each["value"][1] for each in watched.ask("speaksep_speakers_separated_total")] == ["2"]
    assert [each["value"][1] for each in watched.ask("speaksep_redis_up")] == ["1", "1"]
    told = json.dumps([watched.ask(f'{{job="{job}"}}') for job in JOBS[1:]])
    assert "rita" not in told
    assert "talk" not in told


@needs_prometheus
def test_a_worker_that_stands_still_is_noticed_and_comes_back(watched: Watched) -> None:
    worker = psutil.Process(watched.hub.part("worker").pid)
    worker.send_signal(signal.SIGSTOP)
    try:
        until(lambda: watched.ask('ALERTS{alertname="SpeakSepPartDown", job="speaksep-worker"}'), 45)
    finally:
        worker.send_signal(signal.SIGCONT)
    until(lambda: watched.ask('up{job="speaksep-worker"} == 1'), 45)
    until(lambda: not watched.ask('ALERTS{alertname="SpeakSepPartDown"}'), 45)


@needs_prometheus
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("check", "rules", "alerts.yml"), id="rules"),
        pytest.param(("test", "rules", "alerts_test.yml"), id="cases"),
        pytest.param(("check", "config", "--syntax-only", "prometheus.yml"), id="configuration"),
    ],
)
def test_promtool_agrees(words: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", asked)
def test_nobody_asks_for_what_is_not_exported(name: str) -> None:
    ours = {series for metric in METRICS.values() for series in metric.series}
    assert name in ours or not name.startswith("speaksep_")


def test_every_metric_is_looked_at_by_somebody() -> None:
    unseen = {name for name, metric in METRICS.items() if not set(metric.series) & set(asked)}
    assert unseen == set()


@pytest.mark.parametrize("rule", rules, ids=[rule["alert"] for rule in rules])
def test_an_alert_says_how_bad_it_is_and_what_to_do_and_has_a_case(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "action"}
    assert rule["alert"] in (FOLDER / "alerts_test.yml").read_text()
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    assert f"`{rule['alert']}`" in page


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_is_as_its_panels_say(name: str) -> None:
    written = json.loads((GRAFANA / "dashboards" / f"{name}.json").read_text())
    assert written == board(name), "python -m speaksep_hub.metrics.boards hub/deploy/grafana/dashboards"
    titles = [panel["title"] for panel in written["panels"]]
    assert len(set(titles)) == len(titles)


def test_the_configuration_for_containers_asks_the_same_addresses() -> None:
    told = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    found = {
        each["job_name"]: f"http://{each['static_configs'][0]['targets'][0]}{each['metrics_path']}" for each in told
    }
    assert found == targets(Settings())
    assert re.fullmatch("/run/secrets/.+", told[0]["authorization"]["credentials_file"])
