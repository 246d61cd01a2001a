"""``python -m speaksep_kernel.kernel.forkserver SOCKET LOCK``: the server, and every kernel it forks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

IDLE_S = 600.0
"""Without a request and without a kernel for so long (``SPEAKSEP_FORK_IDLE_S``), the server ends."""


def main() -> int:
    """Warm up and serve; a process forked on the way becomes a kernel."""
    socket, lock = Path(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(lock, False)
    from speaksep_kernel.kernel.forkserver.imports import threads, warm_up
    from speaksep_kernel.kernel.forkserver.server import ForkServer

    for missing in warm_up():
        print(f"not installed: {missing}", file=sys.stderr, flush=True)
    if (count := threads()) != 1:
        print(f"cannot fork: the imports started {count - 1} threads", file=sys.stderr, flush=True)
        return 1
    os.write(lock, b"ready")
    forked = ForkServer(socket, lock, idle_s=float(os.environ.get("SPEAKSEP_FORK_IDLE_S", IDLE_S))).serve()
    if forked is None:
        return 0
    from speaksep_kernel.kernel.forkserver.child import become_kernel

    return become_kernel(forked)


if __name__ == "__main__":
    sys.exit(main())
