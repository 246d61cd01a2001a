"""At home in JupyterLab: what the Jupyter server answers to the extension ``speaksep`` of its pages.

The server itself computes nothing: it checks who asks, and hands each question to one process beside it, the clerk
(`speaksep_hub.lab.clerk`), which reads recordings, jobs and voices.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """What Jupyter servers look for."""
    return [{"module": "speaksep_hub.lab"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Called by a Jupyter server that begins."""
    from speaksep_hub.lab.routes import add_routes

    add_routes(server.web_app, server.root_dir)
