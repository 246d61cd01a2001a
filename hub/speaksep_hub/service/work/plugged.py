"""Fields that hold the name of a plugin: the API's document lists what is installed now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from speaksep_kernel import plugins


def installed(kind: str) -> list[str]:
    """Names of the plugins of a kind that can be used, sorted."""
    found = plugins.available(plugins.group_of(kind)).items()
    return [name for name, each in found if isinstance(each, plugins.Loaded) and not each.missing]


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
