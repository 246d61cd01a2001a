"""The browser tests run under the platform's content security policies, and would notice what these refuse."""

from __future__ import annotations

import urllib.request

import pytest

from speaksep_hub.protection.headers import content_security_policy
from tests.e2e.conftest import TOKEN


@pytest.mark.parametrize(("server", "part"), [("lab", "single-user"), ("voila", "interactive")])
def test_pages_of_these_tests_have_the_policy_of_the_platform(
    server: str, part: str, request: pytest.FixtureRequest
) -> None:
    base = request.getfixturevalue(server)
    path = {"lab": f"/lab?token={TOKEN}", "voila": "/"}[server]
    with urllib.request.urlopen(base + path, timeout=60) as answer:
        assert answer.headers["Content-Security-Policy"] == content_security_policy(part)
