"""What docs/service.md says of the service is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from speaksep_hub.service.document import openapi
from speaksep_hub.tables import with_tables

PAGE = Path(__file__).parents[2] / "docs" / "service.md"
OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method} {path}")
    for path, operations in openapi()["paths"].items()
    for method, operation in operations.items()
]
OPEN = {"/health", "/ready", "/api/v1/keys", "/api/v1/uploads"}
"""Addresses, some of whose methods need nobody to be known."""


def test_its_table_is_that_of_the_document() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("<!-- table: ") == 1
    assert with_tables(text) == text, "python -m speaksep_hub.tables docs/service.md"


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_is_described_and_says_who_may(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["description"].strip()
    assert operation.get("tags") or path in OPEN
    assert operation.get("security") or path in OPEN
    assert {"401", "403", "422", "429"} <= set(operation["responses"])


def test_names_of_operations_are_all_different() -> None:
    names = [each.values[2]["operationId"] for each in OPERATIONS]  # type: ignore[index]
    assert len(set(names)) == len(names)


def test_bodies_have_examples() -> None:
    schemas = openapi()["components"]["schemas"]
    without = [
        name
        for name in ("BatchWanted", "JobWanted", "NewName", "SeparationOptions", "DiagnosisOptions", "VoiceWanted")
        if not schemas[name].get("examples")
    ]
    assert without == []
