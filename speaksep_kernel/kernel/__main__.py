"""``python -m speaksep_kernel.kernel -f FILE``: a kernel started plainly."""

import os
import sys


def main() -> int:
    """Run a kernel in this process."""
    # Python puts the working folder first; a notebook's own random.py must not be what the kernel imports.
    if sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    from speaksep_kernel.kernel.threads import set_threads

    os.environ.pop("SPEAKSEP_FORKED", None)  # of a kernel that this one is started from
    set_threads(os.environ)  # before anything that reads them is imported
    from speaksep_kernel.kernel.app import run

    parent = int(os.environ.get("JPY_PARENT_PID") or 0)
    return run(sys.argv[1:], watched_pid=parent if parent == os.getppid() else 0)


if __name__ == "__main__":
    sys.exit(main())
