"""Executed notebooks as their owner may have them: as they are, or as a page on which nothing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.responses import Response

from speaksep_hub.service.errors import NotFound
from speaksep_hub.service.work.places import plain
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.jobs.job import Job

if TYPE_CHECKING:
    from speaksep_hub.service.platform import Platform

_STYLE = """\
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
pre { overflow-x: auto; padding: .5rem .75rem; background: #f4f4f5; border-radius: 4px; font-size: 13px; }
img { max-width: 100%; } table { border-collapse: collapse; } td, th { padding: .15rem .6rem; text-align: left; }
.jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none; }
"""


def report_of(platform: Platform, job: Job) -> str:
    """The executed notebook of a job, as JSON.

    Raises
    ------
    NotFound
        Reason ``unknown-file``: it has not written any (yet).
    """
    try:
        path = platform.store.local(platform.store.key_of(job.report or ""))
        return plain(platform, path.read_text(encoding="utf-8"))
    except SpeakSepError as error:
        if error.reason not in ("not-stored", "bad-key"):
            raise
        raise NotFound(
            f"job {job.id} has no report", reason="unknown-file", hint="there is one once its notebook has run"
        ) from error


def as_notebook(job: Job, notebook: str) -> Response:
    """To be opened in Jupyter."""
    name = f"{job.notebook}-{job.id}.ipynb"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
    return Response(notebook, media_type="application/x-ipynb+json", headers=headers)


def as_page(notebook: str) -> str:
    """To be read in a browser."""
    import nbformat
    from nbconvert.exporters import HTMLExporter

    exporter: Any = HTMLExporter  # neither of the two has types
    read: Any = nbformat.reads
    # The plain template: no script, and nothing from any network.
    body, _ = exporter(template_name="basic").from_notebook_node(read(notebook, 4))
    head = f"<meta charset=utf-8><title>Report</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>"
