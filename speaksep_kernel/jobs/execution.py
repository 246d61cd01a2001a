"""papermill with our client: progress as it happens, and a kernel that can be interrupted or ended from a thread."""

from __future__ import annotations

import ast
import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient.client import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from papermill import execute_notebook
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from speaksep_kernel.jobs.kernels import kernel_manager, kernel_name
from speaksep_kernel.jobs.ticket import PROGRESS

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())  # what goes wrong is told as the outcome, not on the terminal of a batch

START_S = 60
"""A kernel that takes longer to answer counts as dead."""


class Stopped(Exception):
    """Raised between two cells when the notebook is to stop."""


@dataclass(frozen=True)
class Progress:
    """How far a notebook is: ``fraction`` 0 to 1, what it does, and that in words."""

    fraction: float
    stage: str
    message: str


class Execution:
    """One notebook in one kernel.

    Parameters
    ----------
    on_progress
        Told in the thread that executes.

    Attributes
    ----------
    kernel
        Its process, once it was started.
    device
        What the kernel got, in words; empty where nobody leases.
    cpu_s
        What processors spent on the cells that are over, by the kernel and whom it started and waited for.
    kernel_start_s
        Until the kernel answered, waiting for a GPU included; 0 before.
    fault
        If a cell raised an error of SpeakSep: as `speaksep_kernel.errors.SpeakSepError.to_dict`.
    """

    def __init__(self, on_progress: Callable[[Progress], None]) -> None:
        self._on_progress = on_progress
        self._stop = threading.Event()
        self.kernel: psutil.Process | None = None
        self.device = ""
        self.cpu_s = self.kernel_start_s = 0.0
        self.fault: dict[str, Any] | None = None

    def run(self, source: Path, report: Path, parameters: Mapping[str, Any], *, env: Mapping[str, str]) -> None:
        """Execute ``source`` in the directory of ``report``, which is written after every cell.

        Raises
        ------
        PapermillExecutionError
            A cell failed.
        DeadKernelError
            The kernel ended.
        Stopped
            `interrupt` was called between two cells.
        RuntimeError
            The kernel did not start.
        """
        execute_notebook(
            _literal(source),
            _literal(report),
            parameters=dict(parameters),
            engine_name=_Engine.name,
            kernel_name=kernel_name(),
            progress_bar=False,
            start_timeout=START_S,
            execution=self,
            start={"cwd": str(report.parent), "env": dict(env)},
        )
        self.check()  # a notebook may have caught the interrupt and ended well, but not with all of its work

    def interrupt(self) -> None:
        """Stop: what Ctrl-C does, and nothing more is begun. May be called again."""
        self._stop.set()
        kernel = self.kernel
        if kernel is not None:
            with suppress(psutil.Error):
                kernel.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the kernel and whatever it started, now."""
        self._stop.set()
        kernel = self.kernel
        if kernel is None:
            return
        with suppress(psutil.Error):
            family = [*kernel.children(recursive=True), kernel]
            for process in family:
                with suppress(psutil.Error):
                    process.kill()

    def memory_bytes(self) -> int:
        """Memory that would be free without the kernel and its children: what they share with others does not count."""
        kernel = self.kernel
        if kernel is None:
            return 0
        total = 0
        with suppress(psutil.Error):
            for process in [kernel, *kernel.children(recursive=True)]:
                with suppress(psutil.Error):
                    total += process.memory_full_info().uss
        return total

    def spent(self) -> None:
        """Note what processors have spent."""
        with suppress(psutil.Error):
            if self.kernel is not None:
                self.cpu_s = round(sum(self.kernel.cpu_times()[:4]), 2)

    def check(self) -> None:
        """Raise `Stopped` if it is to stop."""
        if self._stop.is_set():
            raise Stopped

    def tell(self, fraction: float, stage: str, message: str) -> None:
        """Pass progress on."""
        self._on_progress(Progress(fraction, stage, message))


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # no types
    """papermill's client, which tells what happens and stops between cells."""

    def __init__(self, nb_man: NotebookExecutionManager, execution: Execution, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._execution = execution
        self._cells = max(1, sum(cell.cell_type == "code" for cell in self.nb.cells))
        self._done = 0
        self._inside = 0.0
        self._bars: dict[str, dict[str, Any]] = {}

    def create_kernel_manager(self) -> AsyncKernelManager:
        """See `speaksep_kernel.jobs.kernels`."""
        self._begun_s = time.monotonic()
        self.km = kernel_manager()
        return self.km

    def start_new_kernel_client(self, **_options: Any) -> Any:
        """Note the process as soon as there is one."""
        pid: int | None = getattr(self.km.provisioner, "pid", None)
        with suppress(psutil.Error):
            self._execution.kernel = psutil.Process(pid) if pid else None
        self._connect()
        self._execution.kernel_start_s = round(time.monotonic() - self._begun_s, 3)
        self._execution.device = self._ask("__import__('os').environ.get('SPEAKSEP_DEVICE_REASON', '')") or ""
        return self.kc

    async def _connected(self) -> None:
        self.kc = self.km.client()
        self.kc.start_channels()
        self.kc.allow_stdin = False
        try:
            await self._heard()
        except BaseException:
            await self._async_cleanup_kernel()
            raise

    async def _heard(self) -> None:
        """Wait until what the kernel says arrives. Jupyter's own way then listens for a fifth of a second in vain."""
        end_s = time.monotonic() + START_S
        while time.monotonic() < end_s:
            self._execution.check()
            asked = self.kc.kernel_info()
            with suppress(Empty):
                await self.kc.get_shell_msg(timeout=1.0)
                # Published only to those who have subscribed: once it comes, all does.
                while (await self.kc.get_iopub_msg(timeout=0.1))["parent_header"].get("msg_id") != asked:
                    pass
                return
            if not await self.km.is_alive():
                raise DeadKernelError("Kernel died")
        raise DeadKernelError(f"the kernel did not answer for {START_S} s")

    _connect = run_sync(_connected)

    def execute_cell(self, cell: NotebookNode, cell_index: int, **options: Any) -> NotebookNode:
        """Tell which cell it is; stop instead, if that is wanted."""
        try:
            self._execution.check()
            if cell.cell_type == "code":
                self._inside = 0.0
                self._bars.clear()
                self._tell("cell", f"cell {self._done + 1} of {self._cells}")
            made = NotebookClient.execute_cell(self, cell, cell_index, **options)
        except CellExecutionError:
            self._execution.fault = self._ask("__import__('sys').last_value.to_dict()")
            raise
        except BaseException:  # papermill would mark this cell, and all that were not run, as completed
            self.nb_man.cell_exception(cell, cell_index=cell_index)
            raise
        self._done += cell.cell_type == "code"
        self._execution.spent()
        return made

    def _ask(self, expression: str) -> Any:
        """Value of an expression in the kernel, if it has one that is a literal."""
        asked = self.kc.execute("", silent=True, user_expressions={"answer": expression})
        with suppress(Exception):  # whatever a kernel says that is about to end
            reply = self.wait_for_reply(asked)
            return ast.literal_eval(reply["content"]["user_expressions"]["answer"]["data"]["text/plain"])
        return None

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Look for progress in what the kernel sends."""
        content = msg["content"]
        if msg["msg_type"] in ("comm_open", "comm_msg"):
            self._widget(content.get("comm_id", ""), content.get("data", {}).get("state", {}))
        elif PROGRESS in content.get("data", {}):
            said = content["data"][PROGRESS]
            self._inside = max(self._inside, min(1.0, float(said["fraction"])))
            self._tell(str(said["stage"])[:100], str(said["message"])[:200])
        return super().process_message(msg, cell, cell_index)

    def _widget(self, name: str, state: Mapping[str, Any]) -> None:
        """An ordinary progress bar: of ipywidgets, or tqdm's."""
        bar = self._bars.setdefault(name, {})
        bar.update({key: state[key] for key in ("_model_name", "value", "min", "max", "description") if key in state})
        if "value" not in state or bar.get("_model_name") not in ("IntProgressModel", "FloatProgressModel"):
            return
        low, high = float(bar.get("min", 0)), float(bar.get("max", 100))
        part = (float(bar["value"]) - low) / (high - low) if high > low else 0.0
        self._inside = max(self._inside, min(1.0, part))
        self._tell(str(bar.get("description") or "cell")[:100], f"{part:.0%} of cell {self._done + 1} of {self._cells}")

    def _tell(self, stage: str, message: str) -> None:
        self._execution.tell(min(1.0, (self._done + self._inside) / self._cells), stage, message)


class _Engine(Engine):  # type: ignore[misc]  # no types
    name = "speaksep"

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        execution: Execution,
        start: Mapping[str, Any],
        start_timeout: int,
        **_options: Any,
    ) -> None:
        client = _Client(
            nb_man,
            execution,
            kernel_name=kernel_name,
            log=log,
            startup_timeout=start_timeout,
            timeout=None,
            shutdown_kernel="immediate",
        )
        client.execute(**start)


papermill_engines.register(_Engine.name, _Engine)


def _literal(path: Path) -> str:
    """As papermill takes it: it fills in what stands in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")
