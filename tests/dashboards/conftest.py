"""The desk that the tests of dashboards share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dashboards.stored_results import StoredResults, close, make


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredResults]:
    """Real results of real jobs, for tests that leave them as they are."""
    made = make(tmp_path_factory.mktemp("desk"))
    yield made
    close(made.desk)
