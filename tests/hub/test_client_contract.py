"""The Python client and the OpenAPI document say the same."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest

import speaksep_hub.client
from speaksep_hub.client import values
from tests.hub.service_process import ServiceProcess

FOLDER = Path(speaksep_hub.client.__file__).parent
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
NOT_FOR_THE_CLIENT = {
    ("GET", "/keys"),  # for those who check tokens, not for those who have one
    ("OPTIONS", "/uploads"),  # tus: what the service can; the client needs the core only
    ("DELETE", "/uploads/{}"),  # unfinished uploads expire
}


def plain(path: str) -> str:
    """A path without what its parts are called: that is nobody's business but the document's."""
    return re.sub(r"{[^}]*}", "{}", path)


def calls_of_the_client() -> set[tuple[str, str]]:
    """Every method and path that its source names."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.py"))]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    words = [[word.value for word in call.args if isinstance(word, ast.Constant)] for call in calls]
    found = set()
    for texts in words:
        paths = [text for text in texts if isinstance(text, str) and text.startswith("/") and len(text) > 1]
        method = next((text for text in texts if text in METHODS), "GET")
        found |= {(method, plain(path)) for path in paths}
    return found


@pytest.fixture(scope="module")
def document(service_process: ServiceProcess) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{service_process.url}openapi.json").json()
    return document


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (method.upper(), plain(path.removeprefix("/api/v1")))
        for path, methods in document["paths"].items()
        for method in methods
        if path.startswith("/api/v1/")
    }


def test_the_client_calls_what_there_is(document: dict[str, Any]) -> None:
    assert calls_of_the_client() - operations(document) == set()


def test_what_there_is_the_client_can_call(document: dict[str, Any]) -> None:
    assert operations(document) - calls_of_the_client() - NOT_FOR_THE_CLIENT == set()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/recordings/{}", values.Recording),
        ("/jobs/{}", values.Job),
        ("/batches/{}", values.Batch),
        ("/shares/{}", values.Share),
    ],
    ids=["recording", "job", "batch", "share"],
)
def test_values_have_the_fields_of_the_document(document: dict[str, Any], path: str, kind: type) -> None:
    paths = {plain(name.removeprefix("/api/v1")): methods for name, methods in document["paths"].items()}
    answer = paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    schema = document["components"]["schemas"][answer["$ref"].rpartition("/")[2]]
    assert set(get_type_hints(kind)) == set(schema["properties"])


def test_it_needs_httpx_and_nothing_else_of_the_platform() -> None:
    look = "import sys, speaksep_hub.client; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True).stdout.split()
    strangers = {"torch", "numpy", "fastapi", "jupyterhub", "sqlalchemy", "pydantic", "tornado", "traitlets"}
    assert strangers & set(loaded) == set()
