"""What may be shown of the settings: everything but secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from speaksep_hub.section import Section

HIDDEN = "********"
_SECRET_NAMES = re.compile(r"secret|password|token|passwd|credential|api_?key|private", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


def hidden(settings: Section) -> dict[str, Any]:
    """The settings as plain values; secrets, and what looks like one in free options, are asterisks.

    Parameters
    ----------
    settings
        All, or a section.
    """
    return {name: _shown(name, value) for name, value in settings}


def _shown(name: str, value: Any) -> Any:
    match value:
        case SecretStr():
            return HIDDEN
        case Section():
            return hidden(value)
        case Mapping():
            free = {str(key): _shown(str(key), each) for key, each in value.items()}
            return {key: HIDDEN if _SECRET_NAMES.search(key) and free[key] else free[key] for key in free}
        case list() | tuple() | set() | frozenset():
            return [_shown(name, each) for each in value]
        case str():
            return _PASSWORD.sub(rf"\1:{HIDDEN}@", value)
        case bool() | int() | float() | None:
            return value
        case _:
            return str(value)
