"""What the provider says of somebody's groups, and what of it the hub keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GroupClaim:
    """Reads groups from what the provider said, and forgets all that have no role here.

    The provider may know a person's hundred other groups: they are nobody's business here, and a group that some other
    part of the hub's configuration gives rights to must not come from outside by its name.

    Parameters
    ----------
    path
        Keys from the outside in; a list on the way is looked into, one by one.
    known
        Groups that have a role.
    joined
        For groups that are objects: their keys, joined with ``:``, are the name.
    """

    path: tuple[str, ...]
    known: frozenset[str]
    joined: tuple[tuple[str, ...], ...] = ()

    def __call__(self, auth_state: Mapping[str, Any]) -> set[str]:
        """Names of groups; none where the claim is missing or something else than names."""
        return {name for name in self._names(_at(auth_state, self.path)) if name in self.known}

    def _names(self, found: Any) -> Iterable[str]:
        for each in [found] if isinstance(found, str) else found if isinstance(found, list | tuple | set) else ():
            if isinstance(each, str):
                yield each
            elif self.joined and isinstance(each, Mapping):
                parts = [_at(each, keys) for keys in self.joined]
                if all(isinstance(part, str) for part in parts):
                    yield ":".join(parts)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
