"""Which batch notebooks may be asked for over the service, and their parameters as people see them there."""

from __future__ import annotations

from typing import Any

from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.work.plugged import installed
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs import notebooks
from speaksep_kernel.jobs.notebooks import BatchNotebook
from speaksep_kernel.jobs.parameters import model_of

RECORDING_ID = {"type": "string", "description": "Id of one of your recordings.", "x-recording": True}


def offered() -> list[BatchNotebook]:
    """Every notebook that may be asked for; one that cannot be used is left out, and refused when it is named."""
    found = []
    for name in notebooks.registered():
        try:
            notebook = notebooks.get(name)
        except InputError:
            continue
        if notebook.remote:
            found.append(notebook)
    return found


def offer(name: str) -> BatchNotebook:
    """One of them.

    Raises
    ------
    NotFound
        Reason ``unknown-notebook``: there is none, or it is not for people who do not see the machine.
    InputError
        Reason ``bad-notebook``.
    """
    notebook = notebooks.get(name) if name in notebooks.registered() else None
    if notebook is None or not notebook.remote:
        known = ", ".join(each.name for each in offered())
        raise NotFound(f"no notebook {name!r} here", reason="unknown-notebook", hint=f"there are: {known}")
    return notebook


def wanted_recordings(notebook: BatchNotebook) -> tuple[str, ...]:
    """Parameters that take the id of a recording."""
    return tuple(name for name in notebook.inputs if name not in notebook.given)


def schema_of(notebook: BatchNotebook) -> dict[str, Any]:
    """JSON schema (2020-12) of the parameters, with ids where the notebook itself has paths."""
    schema = model_of(notebook).model_json_schema(by_alias=True)
    properties: dict[str, Any] = schema["properties"]
    hidden = {*notebook.given, notebook.output} - {""}
    for name in wanted_recordings(notebook):
        properties[name] = RECORDING_ID | {"title": name}
    if properties.get("separator", {}).get("type") == "string":
        properties["separator"]["enum"] = installed("separator")
    return {
        "type": "object",
        "title": notebook.name,
        "properties": {name: each for name, each in properties.items() if name not in hidden},
        "required": [name for name in schema.get("required", ()) if name not in hidden],
        "additionalProperties": False,
        **({"$defs": schema["$defs"]} if "$defs" in schema else {}),
    }
