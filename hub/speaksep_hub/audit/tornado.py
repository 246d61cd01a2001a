"""What a Tornado server other than the hub writes into the trail: pages that were looked at, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado.web import RequestHandler

from speaksep_hub.audit.log import AuditLog

_REFUSED = frozenset({401, 403})


def audited(
    audit: AuditLog, pages: str, log: Callable[[RequestHandler], None] | None = None
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
    """

    def watched(handler: RequestHandler) -> None:
        if log is not None:
            log(handler)
        request, status = handler.request, handler.get_status()
        actor, address = _name(handler.current_user), request.remote_ip or ""
        if status == 200 and request.method == "GET" and request.path.startswith(pages):
            audit.record("view", actor=actor, address=address, page=request.path.removeprefix(pages))
        elif status in _REFUSED:
            method = request.method or ""
            audit.record("refusal", actor=actor, address=address, status=status, method=method, path=request.path)

    return watched


def _name(user: Any) -> str:
    """Of what handlers know their user as: JupyterHub's dictionary, Jupyter's object, or nobody."""
    if isinstance(user, dict):
        return str(user.get("name", ""))
    return str(getattr(user, "username", "") or "")
