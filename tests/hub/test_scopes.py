"""Scopes and roles as they are written down; a running hub is asked in test_roles.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from jupyterhub.scopes import scope_definitions

from speaksep_hub.scopes import EVERYBODY, PREFIX, ROLES, SCOPES, custom_scopes, expand, load_roles, short_names
from speaksep_hub.tables import with_tables

PAGE = Path(__file__).parents[2] / "docs" / "deployment.md"


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        (
            "researcher",
            {
                *("recordings:read", "recordings:write", "jobs:read", "jobs:submit", "jobs:cancel"),
                *("voices:read", "voices:write", "dashboards:view", "dashboards:share"),
            },
        ),
        ("viewer", {"dashboards:view"}),
        ("batch", {"recordings:read", "recordings:write", "jobs:read", "jobs:submit", "jobs:cancel"}),
        ("admin", {"admin", "metrics:read"}),
    ],
)
def test_a_role_has_these_scopes_and_no_other(role: str, scopes: set[str]) -> None:
    assert expand(ROLES[role].scopes) == scopes


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_has_of_the_hub_exists_and_is_its_own(role: str) -> None:
    for scope in ROLES[role].hub_scopes:
        name, _, limit = scope.partition("!")
        assert name in scope_definitions
        assert limit == "user" or limit.startswith("service=")


@pytest.mark.parametrize(
    ("named", "short"),
    [
        pytest.param([PREFIX + "jobs:read"], {"jobs:read"}, id="ours"),
        pytest.param(["jobs:read", "admin", "self", "admin:users"], set(), id="without the prefix"),
        pytest.param([PREFIX + "jobs:read!user=ann"], set(), id="limited to something"),
        pytest.param([PREFIX + "jobs", PREFIX, "custom:other:jobs:read"], set(), id="unknown"),
    ],
)
def test_only_what_the_hub_says_in_full_counts(named: list[str], short: set[str]) -> None:
    assert short_names(named) == short


def test_what_contains_another_says_so_to_the_hub() -> None:
    told = custom_scopes()
    assert set(told) == {PREFIX + name for name in SCOPES}
    assert told[PREFIX + "recordings:write"]["subscopes"] == [PREFIX + "recordings:read"]


def test_being_signed_in_is_worth_nothing_else() -> None:
    roles = {role["name"]: role for role in load_roles({"viewer": ["v"]}, {"idle-culler": ["list:users"]})}
    assert roles["user"]["scopes"] == list(EVERYBODY)
    assert roles["speaksep-viewer"]["groups"] == ["v"]
    assert roles["speaksep-batch"]["groups"] == []
    assert roles["service-idle-culler"]["services"] == ["idle-culler"]


def test_the_tables_of_the_documentation_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_tables(text) == text, "python -m speaksep_hub.tables docs/deployment.md"
    assert text.count("<!-- table: ") == 3
