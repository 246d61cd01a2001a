"""The addresses of the service as a table, made from its OpenAPI document."""

from __future__ import annotations

from typing import Any

from speaksep_hub.service.app import API, create_app
from speaksep_hub.service.place import Place
from speaksep_hub.settings import Settings


def openapi() -> dict[str, Any]:
    """The document that ``/openapi.json`` gives, without a service that runs."""
    return create_app(Settings(), Place()).openapi()


def routes_table() -> str:
    """Every address: what it does, and the scopes that a token needs for it."""
    rows = ["| | below `/api/v1` | does | needs |", "|---|---|---|---|"]
    for path, operations in openapi()["paths"].items():
        shown = path.removeprefix(API) if path.startswith(API) else f"{path} (not below)"
        for method, operation in operations.items():
            does = operation["description"].split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
            ways = operation.get("security", [{}])
            scopes = ", ".join(f"`{scope}`" for scope in next(iter(ways[0].values()), []))
            needs = scopes or ("a token" if any(ways) else "nothing")
            rows.append(f"| {method.upper()} | `{shown}` | {does} | {needs} |")
    return "\n".join(rows) + "\n"
