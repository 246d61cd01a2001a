"""Servers that are processes of this machine: found again after the hub was away, and never mistaken for another."""

from __future__ import annotations

from typing import Any

import psutil

BEGAN = "began"


def sure_of_its_process(kind: type[Any]) -> type[Any]:
    """The same spawner, which remembers when its process began.

    JupyterHub remembers the number of a process alone. After a restart of the machine, or of all of the platform, that
    number may be anybody's, and a server that does not answer is ended by signals to it.

    Parameters
    ----------
    kind
        ``LocalProcessSpawner`` or a class made of it.
    """
    spawner: Any = kind

    class Process(spawner):  # type: ignore[misc]  # which class it is, only the settings know
        pid: int

        def get_state(self) -> dict[str, Any]:
            state: dict[str, Any] = super().get_state()
            began = _began(self.pid)
            return state if began is None else {**state, BEGAN: began}

        def load_state(self, state: dict[str, Any]) -> None:
            super().load_state(state)
            if self.pid and state.get(BEGAN) != _began(self.pid):
                self.pid = 0

    return type(kind.__name__, (Process,), {"__doc__": kind.__doc__, "__module__": kind.__module__})


def _began(pid: int) -> float | None:
    """When a process began, as the system says it; ``None`` if there is none."""
    try:
        return psutil.Process(pid).create_time() if pid else None
    except psutil.NoSuchProcess:
        return None
