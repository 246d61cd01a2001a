"""Corrections that come over the network: only what a person may say about their own result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from speaksep_hub.service.work.options import Count, Name
from speaksep_kernel.diagnosis.plan import Quality
from speaksep_kernel.errors import InputError
from speaksep_kernel.results.edits import edit_of

MOST = 500
"""Corrections of one request."""
SPAN = "reseparate"


class Span(BaseModel):
    """A span that the network is to hear once more. Options of separators may name files: they are not taken here."""

    model_config = ConfigDict(extra="forbid")

    op: str
    start_s: float = Field(ge=0, allow_inf_nan=False)
    end_s: float = Field(gt=0, allow_inf_nan=False)
    speakers: Count | None = None
    separator: Name | None = None
    quality: Quality | None = None


def checked(edits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Corrections as the notebook takes them.

    Raises
    ------
    InputError
        Reason ``bad-edit``: one that makes no sense, which is named.
    """
    if not 1 <= len(edits) <= MOST:
        raise InputError(f"{len(edits)} edits", reason="bad-edit", hint=f"give 1 to {MOST} of them")
    spans = [edit for edit in edits if edit.get("op") == SPAN]
    if spans and len(edits) > 1:
        raise InputError(
            f"a span is separated again together with {len(edits) - 1} other edits",
            reason="bad-edit",
            hint="send it alone: what the others mean may depend on what is heard",
        )
    return [_span(edit) if edit.get("op") == SPAN else edit_of(edit).model_dump(mode="json") for edit in edits]


def _span(edit: Mapping[str, Any]) -> dict[str, Any]:
    try:
        span = Span.model_validate(edit)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{str(edit)[:120]} is no edit: {first['msg']} ({where})", reason="bad-edit", hint="docs/service.md"
        ) from None
    return span.model_dump(exclude_none=True)
