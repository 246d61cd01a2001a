"""Registered notebooks: what can be a job, and with which parameters."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Security
from pydantic import BaseModel, Field

from speaksep_hub.service.identity import Caller, needs
from speaksep_hub.service.paging import Page
from speaksep_hub.service.work.offers import offer, offered, schema_of, wanted_recordings
from speaksep_kernel.jobs.notebooks import BatchNotebook

router = APIRouter(tags=["notebooks"])

Reader = Annotated[Caller, Security(needs, scopes=["jobs:read"])]


class NotebookAnswer(BaseModel):
    """A notebook that can be a job."""

    name: str
    title: str
    summary: str
    recordings: list[str] = Field(description="Parameters that take the id of a recording.")
    sha256: str = Field(description="Hash of the file: another one may give other results.")


class NotebookDetails(NotebookAnswer):
    """With its parameters."""

    parameters: dict[str, Any] = Field(description="JSON schema of the parameters.")


@router.get("/notebooks")
def notebooks(_caller: Reader) -> Page[NotebookAnswer]:
    """What can be asked for with POST /jobs and POST /batches."""
    return Page(items=[NotebookAnswer(**_told(each)) for each in offered()], next=None)


@router.get("/notebooks/{name}")
def notebook(name: str, _caller: Reader) -> NotebookDetails:
    """One of them, with its typed parameters."""
    found = offer(name)
    return NotebookDetails(**_told(found), parameters=schema_of(found))


def _told(each: BatchNotebook) -> dict[str, Any]:
    kept = {name: getattr(each, name) for name in ("name", "title", "summary", "sha256")}
    return {**kept, "recordings": list(wanted_recordings(each))}
