"""Where somebody goes on from a page: the same view with a kernel or a session behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from speaksep_hub.dashboards.looking import Looked
    from speaksep_hub.service.platform import Platform

_WORDS = {"voila": "Explore in Voila", "panel": "Explore in Panel"}


def doors(platform: Platform, looked: Looked) -> list[tuple[str, str]]:
    """Words and addresses; none where there is no hub, or where nobody is known who could go on."""
    if platform.place.hub is None or looked.visitor.caller is None or looked.token is not None:
        return []
    _, *words = looked.name.split("/")
    query: dict[str, str] = {}
    if looked.share.id:
        query = {"share": looked.share.id} | ({"within": looked.inside} if looked.inside else {})
    elif words:
        query = {"mine": looked.inside or words[1]}
    services = platform.place.prefix.rstrip("/").rpartition("/")[0]
    paths = {"voila": f"voila/render/{looked.page.kind}.ipynb", "panel": looked.page.kind}
    asked = f"?{urlencode(query)}" if query else ""
    return [
        (_WORDS[name], f"{services}/{name}/{paths[name]}{asked}") for name in platform.settings.dashboards.interactive
    ]
