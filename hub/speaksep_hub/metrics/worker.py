"""Metrics of a job worker, which has no web server otherwise: ``speaksep jobs work --metrics HOST:PORT``."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from speaksep_hub.metrics.access import KEY, opens
from speaksep_hub.metrics.machine import look_at_machine
from speaksep_hub.metrics.names import exported
from speaksep_hub.metrics.pulse import Pulse
from speaksep_hub.metrics.registry import CONTENT_TYPE, Metrics
from speaksep_hub.metrics.work import Work
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.dispatcher import Glance
from speaksep_kernel.jobs.notebooks import registered
from speaksep_kernel.jobs.states import FINISHED

_LOG = logging.getLogger("speaksep.metrics")


@contextmanager
def monitor(address: str) -> Iterator[Callable[[Glance], None]]:
    """Serve metrics while the block runs.

    Parameters
    ----------
    address
        HOST:PORT.

    Yields
    ------
    What to call with every glance of a dispatcher.

    Raises
    ------
    InputError
        Reason ``bad-address``, ``no-metrics-key`` or ``cannot-listen``.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise InputError(f"{address!r} is not HOST:PORT", reason="bad-address", hint="--metrics 127.0.0.1:8014")
    wanted = os.environ.get(KEY, "")
    if not re.fullmatch("[0-9a-f]{64}", wanted):
        raise InputError(
            f"metrics are for whoever has their token, and {KEY} does not say which that is",
            reason="no-metrics-key",
            hint=f"{KEY}=$(printf %s TOKEN | sha256sum | cut -c-64)",
        )
    metrics = Metrics("worker")
    metrics.look(LOOKED, look_at_machine)
    # Of what appears with its first count, Prometheus does not see that it grew.
    metrics.add("speaksep_job_losses_total", 0)
    for notebook in registered():
        for outcome in FINISHED:
            metrics.add("speaksep_jobs_finished_total", 0, notebook, outcome.value)
    pulse = Pulse(Work(metrics).see)
    try:
        server = _Server((host.strip("[]"), int(port)), _handler(metrics, wanted, pulse))
    except OSError as error:
        raise InputError(
            f"cannot listen at {address}: {error}", reason="cannot-listen", hint="give another port"
        ) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
    thread.start()
    try:
        yield pulse.see
    finally:
        server.shutdown()
        server.server_close()


LOOKED = tuple(
    metric.name
    for metric in exported("worker")
    if metric.name.startswith(("speaksep_gpu", "speaksep_host_", "speaksep_kernels_forked", "speaksep_fork_"))
)
"""What is looked at when it is asked for."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked left, or something is wrong: one line, in the place of a page on the standard error."""
        _LOG.info("an answer was not taken", exc_info=True)


def _handler(metrics: Metrics, wanted: str, pulse: Pulse) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers Prometheus."""

        timeout = 10  # for whoever connects and says nothing
        server_version, sys_version = "speaksep", ""

        def do_GET(self) -> None:
            if self.path in ("/health", "/ready"):
                wrong = pulse.wrong(ready=self.path == "/ready")
                self._answer(503 if wrong else 200, f"{wrong or 'ok'}\n".encode())
            elif self.path != "/metrics":
                self._answer(404, b"there is /metrics\n")
            elif not opens(self.headers.get("Authorization", ""), wanted):
                self._answer(401, b"send Authorization: Bearer and the token of metrics\n")
            else:
                self._answer(200, metrics.text())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE if status == 200 else "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            if status == 401:
                self.send_header("WWW-Authenticate", 'Bearer realm="speaksep"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody needs a line for each."""

    return Handler
