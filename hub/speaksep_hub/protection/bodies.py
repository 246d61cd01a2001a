"""Bodies of requests that are too large, or that hardly arrive."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speaksep_hub.protection.groups import group_of
from speaksep_hub.protection.settings import ProtectionSettings
from speaksep_kernel.errors import CapacityError, InputError

GRACE_S = 30.0
"""Seconds before the rate of an upload is looked at."""


class TooLarge(CapacityError):
    """A body of more bytes than are allowed."""

    status: ClassVar[int] = 413


class TooSlow(InputError):
    """A body that does not come."""

    status: ClassVar[int] = 408


class BodyGuard:
    """Layer of an ASGI application that stops reading a body at its limit, and waiting for one that does not come.

    What is inside sees a client that went away, and cleans up as it does then; the client gets the reason, and the
    connection is closed.

    Parameters
    ----------
    app
        What is inside.
    settings
        Limits.
    upload_bytes
        Largest body of an upload.
    """

    def __init__(self, app: ASGIApp, settings: ProtectionSettings, upload_bytes: int) -> None:
        self._app, self._settings, self._upload_bytes = app, settings, upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Guard a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = group_of(scope["method"], scope["path"]) == "upload"
        body = _Body(receive, send, self._settings, self._upload_bytes if upload else self._settings.body_bytes)
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > body.limit_bytes:
            await body.refuse(body.too_large(int(declared)), scope)
            return
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            if body.fault is None:
                raise
        if body.fault is not None and not body.answered:
            await body.refuse(body.fault, scope)


class _Body:
    """The body of one request, and the answer as long as it is not begun."""

    def __init__(self, receive: Receive, send: Send, settings: ProtectionSettings, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.fault: TooLarge | TooSlow | None = None
        self.answered = False
        self._receive, self._send, self._settings = receive, send, settings
        self._began_s, self._bytes, self._whole = 0.0, 0, False

    async def receive(self) -> Message:
        if self._whole and self.fault is None:  # from now on, only whether the client goes away
            return await self._receive()
        self._began_s = self._began_s or time.monotonic()
        if self.fault is None:
            try:
                message = await asyncio.wait_for(self._receive(), self._settings.body_idle_s)
            except TimeoutError:
                self.fault = self._too_slow(f"nothing came for {self._settings.body_idle_s:.0f} s")
            else:
                self._whole = message["type"] != "http.request" or not message.get("more_body", False)
                self._bytes += len(message.get("body", b""))
                self.fault = self._fault()
                if self.fault is None:
                    return message
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.fault is None or self.answered:
            self.answered = True
            await self._send(message)

    async def refuse(self, fault: TooLarge | TooSlow, scope: Scope) -> None:
        self.answered = True
        await _note(fault, scope)
        # Whatever still comes is not read, so nothing else can follow on this connection.
        answer = JSONResponse(fault.to_dict(), fault.status, {"Connection": "close"})
        await answer(scope, self._receive, self._send)

    def too_large(self, count: int) -> TooLarge:
        return TooLarge(
            f"a body of {count} bytes",
            reason="too-large",
            hint=f"at most {self.limit_bytes} bytes here; recordings go to /recordings or, in pieces, /uploads",
        )

    def _too_slow(self, what: str) -> TooSlow:
        return TooSlow(
            f"the body stopped after {self._bytes} bytes: {what}",
            reason="too-slow",
            hint="send it again; /uploads takes up where it was cut",
        )

    def _fault(self) -> TooLarge | TooSlow | None:
        if self._bytes > self.limit_bytes:
            return self.too_large(self._bytes)
        took_s = time.monotonic() - self._began_s
        if not self._whole and took_s > GRACE_S and self._bytes < took_s * self._settings.body_bytes_per_s:
            return self._too_slow(f"{self._bytes / took_s:.0f} bytes a second are too few")
        return None


async def _note(fault: TooLarge | TooSlow, scope: Scope) -> None:
    """Write it into the trail, where there is one."""
    platform = getattr(getattr(scope.get("app"), "state", None), "platform", None)
    if platform is None:
        return
    state, client = scope.get("state", {}), scope.get("client")
    caller = state.get("caller")
    await platform.audit.arecord(
        "refusal",
        actor=caller.name if caller else "",
        request_id=state.get("request_id", ""),
        address=client[0] if client else "",
        status=fault.status,
        method=scope["method"],
        path=scope["path"],
        reason=fault.reason,
    )
