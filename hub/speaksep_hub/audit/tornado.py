"""What a Tornado server other than the hub writes into the trail: pages that were looked at, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tornado.web import RequestHandler

from speaksep_hub.audit.log import AuditLog

REFUSED = frozenset({401, 403})
"""Statuses that say that somebody may not."""


def audited(
    audit: AuditLog,
    pages: str,
    log: Callable[[RequestHandler], None] | None = None,
    refused: Collection[int] = REFUSED,
) -> Callable[[RequestHandler], None]:
    """A ``log_function`` for the settings of a Tornado application.

    Parameters
    ----------
    audit
        Where to write.
    pages
        Path that begins the addresses of pages whose views are written, e.g. ``"/services/dashboards/voila/render/"``.
    log
        What logs requests besides.
    refused
        Statuses that are written as refusals.
    """

    def watched(handler: RequestHandler) -> None:
        if log is not None:
            log(handler)
        request, status = handler.request, handler.get_status()
        actor, address = name_of(handler.current_user), request.remote_ip or ""
        if status == 200 and request.method == "GET" and request.path.startswith(pages):
            audit.record(
                "view",
                actor=actor,
                address=address,
                page=getattr(handler, "audited_as", request.path.removeprefix(pages)),
            )
        elif status in refused:
            method = request.method or ""
            audit.record("refusal", actor=actor, address=address, status=status, method=method, path=request.path)

    return watched


def name_of(user: Any) -> str:
    """Of what handlers know their user as: JupyterHub's dictionary, Jupyter's object, or nobody."""
    if isinstance(user, dict):
        return str(user.get("name", ""))
    return str(getattr(user, "username", "") or "")
