"""Where somebody goes on from a page: to share it, or to the same view with a kernel or a session behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request

from speaksep_hub.dashboards.visitor import OWN
from speaksep_hub.service.place import beside
from speaksep_hub.service.platform import platform_of

if TYPE_CHECKING:
    from speaksep_hub.dashboards.looking import Looked
    from speaksep_hub.service.platform import Platform

WORDS = {"voila": "Explore in Voila", "panel": "Explore in Panel"}


def explorers_of(platform: Platform) -> dict[str, str]:
    """Addresses of what pages can be explored in behind a hub, by name; each may have a query."""
    names = platform.settings.dashboards.interactive if platform.place.hub is not None else ()
    return {name: beside(name) for name in names}


def doors(request: Request, looked: Looked) -> list[tuple[str, str]]:
    """Words and addresses; none where nobody is known who could go on."""
    if looked.visitor.caller is None or looked.token is not None:
        return []
    explorers: Mapping[str, str] = request.app.state.explorers
    found = [(WORDS[name], _explored(name, address, looked)) for name, address in explorers.items()]
    _, *words = looked.name.split("/")
    own = not looked.share.id and words and not looked.inside and looked.visitor.may(OWN)
    if own and platform_of(request).place.hub is not None:
        found.insert(0, ("Share", f"{beside('speaksep')}?{urlencode({'share': '/'.join(words)})}"))
    return found


def _explored(service: str, address: str, looked: Looked) -> str:
    _, *words = looked.name.split("/")
    query: dict[str, str] = {}
    if looked.share.id:
        query = {"share": looked.share.id} | ({"within": looked.inside} if looked.inside else {})
    elif words:
        query = {"mine": looked.inside or words[1]}
    path = {"voila": f"voila/render/{looked.page.kind}.ipynb", "panel": looked.page.kind}[service]
    parts = urlsplit(address)
    return urlunsplit(
        parts._replace(path=parts.path + path, query="&".join(filter(None, (parts.query, urlencode(query)))))
    )
