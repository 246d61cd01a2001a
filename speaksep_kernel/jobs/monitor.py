"""Watches over a worker's jobs by packages that this one must not import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from speaksep_kernel.errors import PluginError

if TYPE_CHECKING:
    from speaksep_kernel.jobs.dispatcher import Glance

GROUP = "speaksep.monitors"
"""Entry points: a context manager that takes HOST:PORT and gives what is called with every glance."""


@contextmanager
def metrics_at(address: str | None) -> Iterator[Callable[[Glance], None]]:
    """Serve metrics at an address while the block runs; nothing where there is none.

    Parameters
    ----------
    address
        HOST:PORT.

    Raises
    ------
    PluginError
        Reason ``no-monitor``: nothing that is installed can.
    """
    if address is None:
        yield lambda glance: None
        return
    found = next(iter(entry_points(group=GROUP, name="metrics")), None)
    if found is None:
        raise PluginError("nothing here can serve metrics", reason="no-monitor", hint="pip install 'speaksep[hub]'")
    with found.load()(address) as watch:
        yield watch
