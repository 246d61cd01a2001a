"""A real Prometheus beside a platform that works reaches every part, and finds every metric that anybody asks for."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from speaksep_hub.metrics.boards import BOARDS, board, names, queries
from speaksep_hub.metrics.names import METRICS
from speaksep_hub.metrics.prometheus import RULES, shipped, targets
from speaksep_hub.settings import Settings
from tests.hub.faults import FAULTS, Told, have, possible
from tests.hub.running import until
from tests.hub.watched import FASTER, OPERATORS, Watched, rule_s, watched_platform

FOLDER = shipped(RULES).parent
GRAFANA = FOLDER.with_name("grafana")
JOBS = ("speaksep-hub", "speaksep-service", "speaksep-worker", "speaksep-dashboards")
rules = [rule for group in yaml.safe_load(shipped(RULES).read_text())["groups"] for rule in group["rules"]]
asked = sorted(frozenset().union(*map(names, queries()), *(names(rule["expr"]) for rule in rules)))

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="needs Prometheus: apt-get install --no-install-recommends prometheus",
)
needs_alertmanager = pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None and shutil.which("alertmanager") is None,
    reason="needs Alertmanager: apt-get install --no-install-recommends prometheus-alertmanager",
)
LONGEST_S = 90 + 3600 / FASTER
"""Longer than any rule and Alertmanager's own waits take, on a machine that others use."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, talk: Path) -> Iterator[Watched]:
    """It has done a separation, and was looked at a few times since."""
    with watched_platform(tmp_path_factory.mktemp("watched"), tmp_path_factory.mktemp("r"), talk) as watched:
        yield watched


@needs_prometheus
def test_every_part_is_reached_with_the_token(watched: Watched) -> None:
    def seen() -> set[tuple[str, str, str]]:
        found = watched.api.get("targets").json()["data"]["activeTargets"]
        return {(each["labels"]["job"], each["health"], each["lastError"]) for each in found}

    # A look that took too long on a busy machine is followed by another one.
    until(lambda: seen() == {(job, "up", "") for job in JOBS}, 60)
    config = (watched.hub.folder / "run" / "prometheus.yml").read_text()
    assert (watched.hub.folder / "secrets" / "metrics").read_text() not in config


@needs_prometheus
@pytest.mark.parametrize("name", asked)
def test_what_is_asked_for_is_there(watched: Watched, name: str) -> None:
    until(lambda: watched.ask(name), 60)


@needs_prometheus
@pytest.mark.parametrize("query", sorted(set(queries())))
def test_a_panel_has_something_to_draw(watched: Watched, query: str) -> None:
    until(lambda: watched.ask(query.replace("$__rate_interval", "1m")), 60)


@needs_prometheus
def test_what_was_done_is_told(watched: Watched) -> None:
    until(lambda: [each["value"][1] for each in watched.ask("speaksep_speakers_separated_total")] == ["2"], 60)
    until(lambda: [each["value"][1] for each in watched.ask("speaksep_redis_up")] == ["1", "1"], 60)
    told = json.dumps([watched.ask(f'{{job="{job}"}}') for job in JOBS[1:]])
    assert "rita" not in told
    assert "talk" not in told


@needs_prometheus
def test_a_worker_that_stands_still_is_noticed_and_comes_back(watched: Watched) -> None:
    worker = psutil.Process(watched.hub.part("worker").pid)
    worker.send_signal(signal.SIGSTOP)
    try:
        until(lambda: watched.ask('ALERTS{alertname="SpeakSepPartDown", job="speaksep-worker"}'), LONGEST_S)
    finally:
        worker.send_signal(signal.SIGCONT)
    until(lambda: watched.ask('up{job="speaksep-worker"} == 1'), LONGEST_S)
    until(lambda: not watched.ask('ALERTS{alertname="SpeakSepPartDown"}'), LONGEST_S)


@pytest.fixture(scope="module")
def told(watched: Watched) -> Iterator[Told]:
    """Everything breaks at once and is repaired, and when somebody was told of it; the handbook is gone through."""
    found = have(watched, possible(watched), LONGEST_S, lambda: handbook(watched))
    for alert, fired_s in found.firing_s.items():
        print(f"{alert}: told after {fired_s:.1f} s, its end after {found.resolved_s[alert]:.1f} s")
    assert found.meanwhile is not None
    with found.meanwhile:
        yield found


def handbook(watched: Watched) -> subprocess.Popen[str]:
    """The commands of the operator's handbook, one after the other, in the folder of the platform."""
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    blocks = re.findall(rf"<!-- run by: \S*{Path(__file__).name} -->\n\n```sh\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == page.count("```sh")
    script = f"set -e\nPATH={Path(sys.executable).parent}:$PATH\n{''.join(blocks)}"
    return subprocess.Popen(
        ["bash", "-c", script],
        cwd=watched.hub.folder,
        env={**watched.hub.environment, "SPEAKSEP_HUB__HUB__FOLDER": str(watched.hub.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@needs_alertmanager
@pytest.mark.parametrize("alert", [fault.alert for fault in FAULTS])
def test_operators_are_told_of_a_fault_and_of_its_end(watched: Watched, told: Told, alert: str) -> None:
    (rule,) = (rule for rule in rules if rule["alert"] == alert)
    fired_s = told.firing_s.get(alert) or pytest.skip("nobody may mount a disk here")
    assert fired_s >= rule_s(rule)  # and soon after: they were waited for
    for status in ("firing", "resolved"):
        (said, *_) = watched.heard(alert, status)
        assert said["labels"]["severity"] == rule["labels"]["severity"]
        assert said["annotations"]["action"] == rule["annotations"]["action"]
        subjects = [str(mail["Subject"]) for people, mail in watched.mails.came if people == [OPERATORS]]
        assert any(subject.startswith(f"[{status}] {alert} ") for subject in subjects)
    (mail, *_) = (mail for _, mail in watched.mails.came if f" {alert} " in str(mail["Subject"]))
    body = mail.get_body(("plain",))
    assert body is not None
    assert rule["annotations"]["runbook"] in body.get_content()


@needs_alertmanager
def test_the_commands_of_the_handbook_work(told: Told) -> None:
    assert told.meanwhile is not None
    said, _ = told.meanwhile.communicate(timeout=300)
    assert told.meanwhile.returncode == 0, said
    assert "quota-bytes" in said


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
    assert set(rule["annotations"]) == {"summary", "action", "runbook"}
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
