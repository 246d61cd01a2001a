"""A kernel on a connection file of its own, talked to as a notebook does."""

import ast
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

WAIT_S = 120


def connection_file(folder: Path) -> Path:
    """Sockets in the folder, which must have a short name."""
    path = folder / "kernel.json"
    ports = dict(zip(("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port"), range(1, 6), strict=True))
    write_connection_file(str(path), transport="ipc", ip=str(folder / "ipc"), key=b"secret", **ports)
    return path


@contextmanager
def talking(path: Path) -> Iterator["Talk"]:
    """A client that is connected while the block runs."""
    client = BlockingKernelClient(connection_file=str(path))
    client.load_connection_file()
    client.start_channels()
    try:
        assert soon(lambda: _ready(client), WAIT_S)
        yield Talk(client)
    finally:
        client.stop_channels()
        client.context.term()


def _ready(client: BlockingKernelClient) -> bool:
    try:
        client.wait_for_ready(timeout=WAIT_S)
    except RuntimeError:  # a kernel without a manager is taken for dead when a heartbeat is late on a busy machine
        return False
    return True


class Talk:
    """What a notebook asks."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client

    def value(self, expression: str, code: str = "") -> Any:
        """Run a cell, then say what an expression is."""
        reply = self.client.execute(code, user_expressions={"asked": expression}, reply=True, timeout=WAIT_S)
        answer = reply["content"]["user_expressions"]["asked"]
        assert answer["status"] == "ok", answer
        return ast.literal_eval(answer["data"]["text/plain"])

    def cell(self, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Run a cell; its reply, and everything it showed."""
        shown: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(
            code, timeout=WAIT_S, output_hook=lambda message: shown.append(message["content"])
        )
        return reply["content"], shown


def soon(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something becomes true."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return found
