"""Every plugin we ship keeps the contract we ask of others."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from speaksep_kernel import plugins
from speaksep_kernel.testing import check_plugin

# The file separator needs a file: test_plugins_file_model.py; Celery a Redis and its workers: test_jobs_executors.py.
OWN = [
    pytest.param(plugins.kind_of(group), point.name, id=f"{plugins.kind_of(group)}-{point.name}")
    for group in plugins.GROUPS
    for point in sorted(entry_points(group=group), key=lambda point: point.name)
    if point.dist is not None and point.dist.name == plugins.OWN_PACKAGE and point.name not in ("file", "celery")
]


@pytest.mark.parametrize(("kind", "name"), OWN)
def test_keeps_the_contract(kind: str, name: str) -> None:
    results = check_plugin(kind, plugins.get(kind, name))
    assert [(result.name, result.detail) for result in results if not result.ok] == []
