"""What is installed: separators, cleaners, formats and more, those of other packages beside our own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Security
from pydantic import BaseModel, Field

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.paging import Page
from speaksep_kernel import plugins

router = APIRouter(tags=["plugins"])

Reader = Annotated[Caller, Security(needs, scopes=["jobs:read"])]


class PluginAnswer(BaseModel):
    """One that can be used."""

    kind: str
    name: str
    version: str
    summary: str
    licence: str
    package: str = Field(description="The Python package that brought it.")
    devices: list[str]
    options: dict[str, Any] = Field(description="Its options, each as a JSON schema.")


@router.get("/plugins")
def plugins_installed(
    _caller: Reader,
    kind: Annotated[str | None, Query(max_length=30, description="One kind only, such as `separator`.")] = None,
) -> Page[PluginAnswer]:
    """What recordings can be separated, cleaned and written with."""
    rows = [row for row in plugins.describe(kind) if row["status"] == "ok"]
    fields = set(PluginAnswer.model_fields)
    return Page(items=[PluginAnswer(**{key: row[key] for key in fields}) for row in rows], next=None)
