"""The operator's handbook has a section for every alert, and says of it what the rule says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from speaksep_hub.metrics.prometheus import RULES, shipped
from tests.hub.watched import faster

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
rules = [rule for group in yaml.safe_load(shipped(RULES).read_text())["groups"] for rule in group["rules"]]
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
UNITS = {"m": "minute", "h": "hour"}


def after(rule: dict[str, Any]) -> str:
    """How the handbook says when a rule fires."""
    number, unit = rule.get("for", "0m")[:-1], rule.get("for", "0m")[-1]
    return "at once" if number == "0" else f"after {number} {UNITS[unit]}{'s' * (number != '1')}"


def test_there_is_a_section_for_every_alert_and_for_none_besides() -> None:
    assert set(SECTIONS) == {rule["alert"] for rule in rules}


@pytest.mark.parametrize("rule", rules, ids=[rule["alert"] for rule in rules])
def test_a_section_says_what_to_do(rule: dict[str, Any]) -> None:
    section = SECTIONS[rule["alert"]]
    assert section.strip().startswith(f"{rule['labels']['severity'].capitalize()}, {after(rule)}.")
    said = re.findall(r"\*\*(Means|See|Do|Over)\*\*", section)
    assert said == ["Means", "See", "Do", "Over"]


@pytest.mark.parametrize("rule", rules, ids=[rule["alert"] for rule in rules])
def test_an_alert_points_there(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert (ROOT / page).read_text() == PAGE
    assert anchor == rule["alert"].lower()


@pytest.mark.parametrize("rule", rules, ids=[rule["alert"] for rule in rules])
def test_the_table_of_alerts_says_the_same(rule: dict[str, Any]) -> None:
    short = {"m": "min", "h": "h"}
    wait = rule.get("for", "")
    when = f"{wait[:-1]} {short[wait[-1:]]}" if wait else "at once"
    row = f"| [`{rule['alert']}`](operations.md#{rule['alert'].lower()}) | {rule['labels']['severity']} | {when} |"
    assert row in (ROOT / "docs" / "metrics.md").read_text()


def test_rules_can_be_made_faster_for_a_trial() -> None:
    made = faster("for: 1m\nexpr: rate(x[30m]) > 3600\nfor: 1h", 60)
    assert made == "for: 1s\nexpr: rate(x[30s]) > 3600\nfor: 60s"
    assert faster(shipped(RULES).read_text(), 1).count("for: 60s") == shipped(RULES).read_text().count("for: 1m")
