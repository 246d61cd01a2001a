"""The desk that the tests of dashboards share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.dashboards.stored_results import StoredResults, made_once


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredResults]:
    """Real results of real jobs, for tests that leave them as they are; the same for all processes of a run."""
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    results = made_once(place / "stored-results")
    yield results
    results.desk.close()
