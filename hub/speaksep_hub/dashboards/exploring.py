"""Where somebody goes on from a page: to share it, or to the same view with a kernel or a session behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from speaksep_hub.dashboards.visitor import OWN
from speaksep_hub.service.place import beside

if TYPE_CHECKING:
    from speaksep_hub.dashboards.looking import Looked
    from speaksep_hub.service.platform import Platform

_WORDS = {"voila": "Explore in Voila", "panel": "Explore in Panel"}


def doors(platform: Platform, looked: Looked) -> list[tuple[str, str]]:
    """Words and addresses; none where there is no hub, or where nobody is known who could go on."""
    if platform.place.hub is None or looked.visitor.caller is None or looked.token is not None:
        return []
    found = [(_WORDS[name], _explored(name, looked)) for name in platform.settings.dashboards.interactive]
    _, *words = looked.name.split("/")
    if not looked.share.id and words and not looked.inside and looked.visitor.may(OWN):
        found.insert(0, ("Share", f"{beside('speaksep')}?{urlencode({'share': '/'.join(words)})}"))
    return found


def _explored(service: str, looked: Looked) -> str:
    _, *words = looked.name.split("/")
    query: dict[str, str] = {}
    if looked.share.id:
        query = {"share": looked.share.id} | ({"within": looked.inside} if looked.inside else {})
    elif words:
        query = {"mine": looked.inside or words[1]}
    path = {"voila": f"voila/render/{looked.page.kind}.ipynb", "panel": looked.page.kind}[service]
    return f"{beside(service)}{path}{'?' if query else ''}{urlencode(query)}"
