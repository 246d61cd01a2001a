"""Which rate a request counts against."""

from __future__ import annotations

from pathlib import Path

import pytest

from speaksep_hub.audit.settings import AuditSettings
from speaksep_hub.protection.groups import GROUPS, Group, group_of
from speaksep_hub.protection.settings import ProtectionSettings

DOCS = Path(__file__).parents[2] / "docs" / "protection.md"


@pytest.mark.parametrize(
    ("method", "path", "group"),
    [
        ("GET", "/api/v1/jobs", "read"),
        ("GET", "/services/speaksep/api/v1/jobs/17", "read"),
        ("HEAD", "/api/v1/results/17/tracks/ann", "read"),
        ("GET", "/", "read"),
        ("GET", "/api/v1/jobs/17/events", "stream"),
        ("GET", "/api/v1/events", "stream"),
        ("GET", "/api/v1/jobs/17/events/ws", "stream"),
        ("GET", "/services/speaksep/api/v1/events/ws", "stream"),
        ("POST", "/api/v1/recordings", "upload"),
        ("POST", "/api/v1/uploads", "upload"),
        ("PATCH", "/api/v1/uploads/1f", "upload"),
        ("DELETE", "/api/v1/uploads/1f", "upload"),
        ("HEAD", "/api/v1/uploads/1f", "read"),
        ("POST", "/api/v1/recordings/1f/diagnosis", "job"),
        ("POST", "/api/v1/recordings/1f/separations", "job"),
        ("POST", "/api/v1/recordings/1f/plan", "write"),
        ("POST", "/api/v1/jobs", "job"),
        ("POST", "/api/v1/jobs/", "job"),
        ("POST", "/api/v1/jobs/17/retry", "job"),
        ("POST", "/api/v1/jobs/17/cancel", "write"),
        ("POST", "/api/v1/batches", "job"),
        ("POST", "/api/v1/results/17/edits", "job"),
        ("POST", "/api/v1/results/17/edits/undo", "job"),
        ("POST", "/api/v1/results/17/identify", "job"),
        ("POST", "/api/v1/voices", "job"),
        ("DELETE", "/api/v1/voices/ann", "write"),
        ("DELETE", "/api/v1/recordings/1f", "write"),
        ("POST", "/api/v1/token", "token"),
        ("POST", "/api/v1/tokens", "token"),
        ("DELETE", "/api/v1/tokens/a1", "token"),
        ("GET", "/api/v1/tokens", "read"),
        ("BREW", "/api/v1/jobs\n", "read"),
    ],
)
def test_a_request_counts_in_its_group(method: str, path: str, group: str) -> None:
    assert group_of(method, path) == group


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_group_is_documented_with_its_rate(group: Group) -> None:
    rate = ProtectionSettings.model_fields[group.name].default
    assert f"| `{group.name}` | {group.covers} | {rate} |" in DOCS.read_text().splitlines()


@pytest.mark.parametrize("name", [*ProtectionSettings.model_fields, *AuditSettings.model_fields])
def test_every_setting_is_documented(name: str) -> None:
    assert (
        f"`{name}`" in DOCS.read_text() or f"`[audit] {name}`" in DOCS.read_text() or f"`{name} =" in DOCS.read_text()
    )


def test_every_group_has_a_rate_that_can_be_set() -> None:
    assert {group.name for group in GROUPS} <= set(ProtectionSettings.model_fields)
