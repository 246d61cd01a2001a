"""Fields that hold the name of a plugin: the API's document lists what is installed now."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from speaksep_kernel import plugins

PATIENCE_S = 0.5
"""How long one request waits for packages that just came: one that hangs while it is imported holds up no others."""


def installed(kind: str) -> list[str]:
    """Names of the plugins of a kind that can be used, sorted.

    When packages came or went they are looked at by another thread; until it is through, these are the names as they
    were before.
    """
    return _looks(kind).names()


class _Looks:
    """What was installed when somebody looked last, and who looks now."""

    def __init__(self, kind: str) -> None:
        self._group = plugins.group_of(kind)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"plugins-{kind}")
        self._look: Future[list[str]] | None = None
        self._known: list[str] | None = None

    def names(self) -> list[str]:
        if self._known is None:  # when the service starts
            self._known = self._usable()
            return self._known
        patience_s = 0.0 if self._look else PATIENCE_S
        look = self._look = self._look or self._pool.submit(self._usable)
        if wait([look], patience_s).done:
            self._look = None
            self._known = look.result()
        return self._known

    def _usable(self) -> list[str]:
        found = plugins.available(self._group).items()
        return [name for name, each in found if isinstance(each, plugins.Loaded) and not each.missing]


_looks = cache(_Looks)


@dataclass(frozen=True)
class Plugged:
    """Annotation of a name.

    Attributes
    ----------
    kind
        Such as ``"exporter"``.
    """

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Refuse names that nothing installed has."""
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Made whenever the document is, not when the service starts."""
        return {"type": "string", "enum": installed(self.kind)}

    def _known(self, name: str) -> str:
        names = installed(self.kind)
        if name not in names:
            raise ValueError(f"no {self.kind} is called {name[:100]!r}; there are: {', '.join(names)}")
        return name
