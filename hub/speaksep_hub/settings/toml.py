"""Settings as the file would say them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def as_toml(values: Mapping[str, Any]) -> str:
    """A document of sections; what has no value is a comment.

    Parameters
    ----------
    values
        Section to its values, as `speaksep_hub.settings.hidden` gives them.

    Examples
    --------
    >>> print(as_toml({"hub": {"servers": 0, "database": None}}))
    [hub]
    servers = 0
    # database is not set
    """
    return "\n\n".join("\n".join(_table(name, section)) for name, section in values.items())


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    tables = {key: value for key, value in values.items() if _is_tables(value)}
    lines = [f"[{name}]", *(_line(key, value) for key, value in values.items() if key not in tables)]
    for key, each in tables.items():
        for table in each:
            lines += ["", f"[[{name}.{key}]]", *(_line(inner, value) for inner, value in table.items())]
    return lines


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _line(key: str, value: Any) -> str:
    return f"# {key} is not set" if value is None else f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }" if value else "{}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # strings, numbers and truth are written alike


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)
