"""The hub's part of the trail: who signed in and out, was refused, started a server, made or revoked a token.

JupyterHub emits one event of its own (servers started and stopped), which goes into the same chain. The rest is seen
where nothing can pass by: the function that logs every request, the hook after a sign-in, and the table of tokens.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.users import UserTokenAPIHandler
from jupyterhub.handlers.login import LoginHandler, LogoutHandler
from jupyterhub.log import log_request
from jupyterhub.utils import maybe_future
from sqlalchemy import event
from tornado.web import HTTPError, RequestHandler
from traitlets.config import Config

from speaksep_hub.audit.chain import Chain
from speaksep_hub.audit.log import AuditLog, ChainHandler
from speaksep_hub.audit.settings import AuditSettings

_REFUSED = frozenset({401, 403, 413, 429})


class HubHandler(ChainHandler):
    """Takes events of the hub and writes them one after the other, while the hub, which has one thread, goes on.

    Parameters
    ----------
    chain
        Where to.
    """

    def __init__(self, chain: Chain) -> None:
        super().__init__(chain)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="audit")

    def emit(self, record: logging.LogRecord) -> None:
        """Write it soon; JupyterHub's own events get the fields that all others have."""
        fields: dict[str, Any] = record.msg  # type: ignore[assignment]
        record.msg = {"actor": fields.get("username", ""), "service": "hub", **fields}
        self._writer.submit(super().emit, record)


def audit_hub(c: Config, settings: AuditSettings, folder: Path) -> AuditLog:
    """Have a hub write into the trail.

    Parameters
    ----------
    c
        Configuration of the hub. What is already there for requests and sign-ins is kept and called.
    settings
        Of the trail.
    folder
        Where it is, unless the settings say.

    Raises
    ------
    StoreError
        Reason ``audit-failed``: the folder cannot be made.
    """
    chain = Chain(
        settings.folder or folder,
        file_bytes=settings.file_bytes,
        keep_files=settings.keep_files,
        sync=settings.sync,
    )
    handler = HubHandler(chain)
    audit = AuditLog(handler, chain.folder, "hub")
    c.EventLogger.handlers = [handler]
    given = dict(c.JupyterHub).get("tornado_settings", {})
    log = given.get("log_function", log_request) if isinstance(given, dict) else log_request
    c.JupyterHub.tornado_settings = {
        **(given if isinstance(given, dict) else {}),
        "log_function": _watching(log, audit),
    }
    c.Authenticator.post_auth_hook = _noting(dict(c.Authenticator).get("post_auth_hook"), audit)
    event.listen(orm.APIToken, "after_insert", lambda _mapper, _connection, token: _token_made(audit, token))
    return audit


def _watching(log: Callable[[RequestHandler], None], audit: AuditLog) -> Callable[[RequestHandler], None]:
    def watched(handler: RequestHandler) -> None:
        log(handler)
        _note(handler, audit)

    return watched


def _note(handler: RequestHandler, audit: AuditLog) -> None:
    request, status = handler.request, handler.get_status()
    where = {"address": request.remote_ip or ""}
    if isinstance(handler, LogoutHandler):
        name = getattr(handler, "signed_out", "")  # see authentication/sign_out.py
        if name:
            audit.record("sign-out", actor=name, **where)
    elif isinstance(handler, UserTokenAPIHandler) and request.method == "DELETE" and status == 204:
        owner, token = handler.path_args
        audit.record("token-revoked", actor=_actor(handler), token=token, owner=owner, **where)
    elif status in _REFUSED and (_is_callback(handler) or isinstance(handler, LoginHandler)):
        audit.record("sign-in-failed", actor="", reason="not-allowed", **where)
    elif status == 400 and _is_callback(handler):
        audit.record("sign-in-failed", actor="", reason="bad-callback", **where)  # a replayed code, a wrong state
    elif status in _REFUSED:
        method = request.method or ""
        audit.record("refusal", actor=_actor(handler), status=status, method=method, path=request.path, **where)


def _is_callback(handler: RequestHandler) -> bool:
    return isinstance(handler, getattr(handler.settings["authenticator"], "callback_handler", ()))


def _actor(handler: RequestHandler) -> str:
    try:
        user = handler.current_user
    except (HTTPError, RuntimeError):  # refused before it was known who asks
        return ""
    return "" if user is None else str(user.name)


def _noting(hook: Callable[..., Any] | None, audit: AuditLog) -> Callable[..., Any]:
    async def noted(authenticator: Any, handler: Any, model: dict[str, Any]) -> dict[str, Any]:
        if hook is not None:
            model = await maybe_future(hook(authenticator, handler, model))
        address = (handler.request.remote_ip if handler is not None else "") or ""
        admin = bool(model.get("admin"))
        audit.record("sign-in", actor=model["name"], address=address, method=type(authenticator).__name__, admin=admin)
        return model

    return noted


def _token_made(audit: AuditLog, token: orm.APIToken) -> None:
    owner = token.user or token.service
    client = "" if token.client_id == "jupyterhub" else token.client_id
    audit.record(
        "token-made",
        actor=owner.name if owner else "",
        token=token.api_id,
        scopes=list(token.scopes),
        expires=token.expires_at.isoformat(timespec="seconds") + "+00:00" if token.expires_at else None,
        note=token.note,
        client=client,
    )
