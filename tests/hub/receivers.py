"""Where notices arrive: an SMTP server and a web server of this machine."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mails:
    """An SMTP server, and what came."""

    port: int = 0
    came: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """One message."""
        message = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
        self.came.append((list(envelope.rcpt_tos), message))
        return "250 taken"


class _Controller(Controller):
    """On a port that is free: it asks the socket which."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server() -> Iterator[Mails]:
    """An SMTP server while the block runs."""
    mails = Mails()
    controller = _Controller(mails, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        mails.port = controller.port
        yield mails
    finally:
        controller.stop()


@dataclass
class Hook:
    """A web server that takes what is posted, and what came: path and body."""

    port: int = 0
    status: int = 200
    moved_to: str = ""
    came: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """As Apprise writes it."""
        return f"json://127.0.0.1:{self.port}/hook/of-ann"


@contextmanager
def web_hook() -> Iterator[Hook]:
    """A web server while the block runs."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.came.append((self.path, json.loads(body)))
            self.send_response(hook.status)
            self.send_header("Location", hook.moved_to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _serving(Handler) as port:
        hook.port = port
        yield hook


@contextmanager
def sentry() -> Iterator[Hook]:
    """A web server that takes reports of faults while the block runs: the raw text of each comes."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.came.append((self.path, gzip.decompress(body).decode()))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with _serving(Handler) as port:
        hook.port = port
        yield hook


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def eventually(look: Callable[[], object], within_s: float = 30.0) -> None:
    """Wait until something is so."""
    end_s = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < end_s, f"not within {within_s} s"
        time.sleep(0.05)
