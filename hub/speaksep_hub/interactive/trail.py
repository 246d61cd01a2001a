"""What is refused here is written down: who tried, from where, and what."""

from __future__ import annotations

from typing import Any

from speaksep_hub.audit.log import AuditLog
from speaksep_hub.audit.tornado import name_of

REFUSED = frozenset({400, 401, 403, 404, 405, 410})
"""Nobody who follows links comes to one of these."""
SETTING = "speaksep_audit"
"""Of the Tornado application: the trail."""


def refused(handler: Any, why: str) -> None:
    """Write down what a request tried on a connection that goes on.

    Parameters
    ----------
    handler
        Of the connection.
    why
        What was refused.
    """
    request = handler.request
    _record(handler, "refusal", method=request.method or "", path=request.path, reason=why)


def share_refused(handler: Any, share: str, reason: str) -> None:
    """Write down that somebody asked in vain to see something.

    Parameters
    ----------
    handler
        Of the request.
    share
        Id of the share, or what of their own.
    reason
        Of the error.
    """
    _record(handler, "share-refused", share=share[:40], reason=reason)


def _record(handler: Any, event: str, **fields: Any) -> None:
    audit: AuditLog = handler.settings[SETTING]
    audit.record(event, actor=name_of(handler.current_user), address=handler.request.remote_ip or "", **fields)
