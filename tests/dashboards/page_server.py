"""Pages of a desk over HTTP, as plain as can be: what the script of a view needs, under the platform's policy."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from speaksep_dashboards.bundle import css, esm
from speaksep_dashboards.page import Page
from speaksep_kernel.errors import SpeakSepError

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
START = """\
import {{ KernellessModel }} from "/kernelless.js";
import view from "/{name}/view.js";
const model = new KernellessModel(await (await fetch("/{name}/data")).json(), {config});
window.end = view.render({{ model, el: document.body }});
window.model = model;
model.follow();
"""
SHELL = """\
<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Page</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="view.css"></head>
<body><script type="module" src="start.js"></script></body></html>
"""


@dataclass
class PageServer:
    """Pages by name, at ``/NAME/``; change `pages` as you like."""

    pages: dict[str, Page] = field(default_factory=dict)

    @cached_property
    def server(self) -> ThreadingHTTPServer:
        """Listening."""
        shown = self.pages

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                name, _, what = url.path.strip("/").partition("/")
                query = parse_qs(url.query)
                try:
                    self._send(*_answer(shown, name, what, query.get("q", ["{}"])[0]))
                except SpeakSepError as error:
                    self._send("application/json", json.dumps(error.to_dict()).encode(), status=400)

            def do_POST(self) -> None:
                name, _, what = self.path.strip("/").partition("/")
                question = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._send(*_answer(shown, name, what, question))

            def _send(self, kind: str, body: bytes, stamp: str = "", status: int = 200) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", POLICY)
                self.send_header("ETag", f'"{stamp}"')
                self.end_headers()
                self.wfile.write(body)

            def handle(self) -> None:
                with suppress(ConnectionError):  # the page was closed meanwhile
                    super().handle()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        return ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def serving(**pages: Page) -> Iterator[PageServer]:
    """A server for as long as the block runs."""
    running = PageServer(dict(pages))
    thread = threading.Thread(target=running.server.serve_forever, daemon=True)
    thread.start()
    yield running
    running.server.shutdown()
    running.server.server_close()
    thread.join()


def _answer(pages: dict[str, Page], name: str, what: str, question: str) -> tuple[str, bytes, str]:
    """Type, body, and the version of the page it is of."""
    if name == "kernelless.js":
        return "text/javascript", (files("speaksep_dashboards") / "static" / name).read_bytes(), ""
    page = pages[name]
    stamp = page.version()
    if what == "ask":
        answer = page.answer(json.loads(question))
        head = json.dumps(answer.content | {"lengths": [len(each) for each in answer.buffers]}).encode()
        return "application/octet-stream", len(head).to_bytes(4, "big") + head + b"".join(answer.buffers), stamp
    if what == "live":
        return "text/event-stream", f"retry: 300\nevent: version\ndata: {stamp}\n\n".encode(), stamp
    config = f"{{stamp: {stamp!r}, writes: {sorted(page.writes)}, base: location.href}}"
    made = {
        "": ("text/html", SHELL),
        "start.js": ("text/javascript", START.format(name=name, config=config)),
        "view.js": ("text/javascript", esm(page.kind)),
        "view.css": ("text/css", css(page.kind)),
        "data": ("application/json", json.dumps(page.data())),
    }
    kind, text = made[what]
    return kind, text.encode(), stamp
