"""The voice networks as they are loaded."""

from __future__ import annotations

import os

import pytest

from speaksep_kernel.voices.weights import PRIMITIVES, load_campplus


@pytest.mark.parametrize(("before", "after"), [(None, "32"), ("7", "7")])
def test_few_primitives_are_kept_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, before: str | None, after: str
) -> None:
    monkeypatch.setenv(PRIMITIVES, "")  # so that it is put back
    if before is None:
        monkeypatch.delenv(PRIMITIVES)
    else:
        monkeypatch.setenv(PRIMITIVES, before)
    load_campplus.__wrapped__()
    assert os.environ[PRIMITIVES] == after
