"""Tables of the documentation, made from the code: ``python -m speaksep_hub.tables docs/*.md``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ByteSize
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from speaksep_hub.metrics.names import METRICS
from speaksep_hub.scopes import EVERYBODY, PREFIX, ROLES, SCOPES, expand
from speaksep_hub.section import Section
from speaksep_hub.service.document import routes_table
from speaksep_hub.settings import Settings
from speaksep_hub.settings.toml import as_toml

_BLOCK = re.compile(r"(?<=<!-- table: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """A page with its tables made again: what is between ``<!-- table: NAME -->`` and ``<!-- end -->``."""
    made = {
        "scopes": scopes_table,
        "roles": roles_table,
        "settings": settings_table,
        "routes": routes_table,
        "metrics": metrics_table,
    }
    return _BLOCK.sub(lambda found: f"{found[1]}{found[2]}\n{made[found[1]]()}\n", text)


def scopes_table() -> str:
    """Every scope, what it allows and what it contains."""
    rows = [
        (f"`{PREFIX}{scope.name}`", scope.description, ", ".join(f"`{name}`" for name in scope.contains))
        for scope in SCOPES.values()
    ]
    return _table(("scope", "allows", "contains"), rows)


def roles_table() -> str:
    """Every role with all its scopes, those within others included."""
    rows = [("everybody signed in", "", ", ".join(f"`{name}`" for name in EVERYBODY))]
    for role in ROLES.values():
        own = ", ".join(f"`{name}`" for name in role.hub_scopes)
        hub = ", ".join(part for part in (own, "the hub's own `admin` role" if role.hub_admin else "") if part)
        rows.append((f"**{role.name}**", ", ".join(f"`{name}`" for name in sorted(expand(role.scopes))), hub))
    return _table(("role", f"scopes of the platform (`{PREFIX}…`)", "scopes of the hub"), rows)


def settings_table() -> str:
    """Every setting with its default."""
    rows = [
        (f"`{place}`", _default(field), (field.description or "").replace("|", "\\|"))
        for place, field in _fields(Settings, "")
    ]
    return _table(("setting", "as it comes", "means"), rows)


def metrics_table() -> str:
    """Every metric of ours."""
    rows = [
        (
            f"`{metric.name}`",
            metric.kind,
            ", ".join(f"`{label}`" for label in metric.labels),
            _WHERE[metric.where],
            metric.about,
        )
        for metric in METRICS.values()
    ]
    return _table(("metric", "kind", "told apart by", "told by", "is"), rows)


_WHERE = {"web": "service, dashboards", "service": "service", "worker": "workers"}


def _fields(section: type[Section], before: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from _fields(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}", field
            for each in getattr(inner, "__args__", ()):
                if isinstance(each, type) and issubclass(each, Section):
                    yield from _fields(each, f"{before}{name}[].")


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined:
        return "*needed*" if field.is_required() else ""
    if isinstance(value, ByteSize):
        return f"`{value.human_readable()}`"
    if value is None or value in ("", ()):
        return ""
    if isinstance(value, tuple) and isinstance(value[0], Section):
        return "one, `cpu`"
    return f"`{as_toml({'x': {'x': list(value) if isinstance(value, tuple) else value}}).partition(' = ')[2]}`"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
