"""Processes that have everything imported: ``speaksep`` and ``python`` for pages, at a tenth of their price.

``python -m tests.docs.warm FOLDER`` serves a socket in the folder and lies programs beside it, to be put into ``PATH``.
Each call is a process of its own, forked with arguments, environment, folder and streams of who called.
"""

from __future__ import annotations

import array
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from types import ModuleType

LOADED = (
    "torch",
    "matplotlib.figure",
    "papermill",
    "sklearn.cluster",
    "speaksep_hub.cli.share",
    "speaksep_hub.cli.token",
    "speaksep_hub.client",
    "speaksep_kernel.cli.app",
    "speaksep_kernel.jobs.queue",
    "speaksep_kernel.pipeline",
    "speaksep_kernel.testing",
    "speaksep_kernel.voices.encoders",
)
NAMES = ("speaksep", "python", "python3")
CALLER = """\
#!{python} -ISB
import array, json, os, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect({address!r})
said = json.dumps([{name!r}, sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
streams = array.array("i", [0, 1, 2])
asked.sendmsg([len(said).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
asked.sendall(said)
sys.exit(int(asked.recv(8) or b"70"))
"""


def serve(folder: Path) -> None:
    """Answer calls until ended."""
    for module in LOADED:
        importlib.import_module(module)
    address = str(folder / "socket")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(16)
    for name in NAMES:
        program = folder / name
        program.write_text(CALLER.format(python=sys.executable, address=address, name=name))
        program.chmod(0o755)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        call, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            os._exit(_answer(call))
        call.close()


def _answer(call: socket.socket) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, rights, _, _ = call.recvmsg(4, socket.CMSG_LEN(3 * 4))
    streams = array.array("i", rights[0][2])
    said = b""
    while len(said) < int.from_bytes(size, "big"):
        said += call.recv(65536)
    worker = os.fork()
    if worker == 0:
        call.close()
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        code = 70
        try:
            code = _run(*json.loads(said))
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    ended = os.pidfd_open(worker)
    if call in select.select([call, ended], [], [])[0]:  # nobody waits for it any more
        os.killpg(worker, signal.SIGKILL)
        return 1
    _, status = os.waitpid(worker, 0)
    call.sendall(str(os.waitstatus_to_exitcode(status) % 256).encode())
    return 0


def _run(name: str, words: list[str], folder: str, environment: dict[str, str]) -> int:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    main = sys.modules["__main__"] = ModuleType("__main__")  # nothing that a process of a pool would import again
    if name == "speaksep":
        sys.argv = [name, *words]
        from speaksep_kernel.cli import main as speaksep

        return speaksep(words)
    code = sys.stdin.read() if words[:1] == ["-"] else words[words.index("-c") + 1]
    exec(compile(code, "page", "exec"), vars(main))
    return 0


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
